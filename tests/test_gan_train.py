"""Training of the GAN: a run, its data and its validation."""

import functools
import json
import math
import os
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from safetensors.numpy import load_file

import reference
from quiet import LOSSES, QUIET, STATE
from synth2real.errors import InputError
from synth2real.gan import train, trunk
from synth2real.gan.config import load_gan_config
from synth2real.gan.joint import make_joint_step, memorised
from synth2real.gan.networks import signed_pixels
from synth2real.gan.state import Gan, init_state, make_gan
from synth2real.gan.step import GanData, make_train_step
from synth2real.gan.train import STEPS, load_gan_data, make_validate
from synth2real.io.checkpoints import CheckpointError
from synth2real.io.weights import read_about
from synth2real.spec import load_spec
from synth2real.splits import Size, read_split, write_split
from synth2real.training import Images, TrainingError
from tiny import (
    DIGITS,
    blank_generator,
    merged,
    numbered_images,
    random_gan_state,
    random_images,
    run_training,
    tiny_gan,
)

KEY = jax.random.key(0)

RUN = tiny_gan(samples=423)  # 105 steps of 4 samples, and 3 samples too few for another


def run(folder: Path, gan: Gan = RUN, seed: int = 0, stop: bool = False) -> tuple[Path, Path]:
    """Trains on nine synthetic images and a single real one; `stop` stops it after a chunk."""
    train = GanData(random_images(9), random_images(1, seed=1))
    validation = GanData(random_images(3, seed=2), random_images(4, seed=3))
    return run_training(folder, gan, train, validation, seed=seed, stop=stop)


@pytest.fixture(scope="module", autouse=True)
def compiled_once() -> Iterator[None]:
    """All runs here share the program of a GAN's step, which takes most of their time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(STEPS, "pixelda", functools.cache(make_train_step))
        yield


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return run(tmp_path_factory.mktemp("gan"))


def test_metrics_are_lines_of_json_up_to_the_budget(trained: tuple[Path, Path]) -> None:
    records = [json.loads(line) for line in trained[1].read_text().splitlines()]
    rates = ["accuracy_real", "accuracy_converted"]
    for record in records:
        assert sorted(record) == sorted(["samples", *LOSSES, *rates, "arithmetic"])
        assert all(math.isfinite(record[name]) for name in LOSSES)
        assert record["arithmetic"].startswith("cpu ")
        assert record["accuracy_real"] in (0, 0.25, 0.5, 0.75, 1)
    assert [record["samples"] for record in records] == [400, 420]


def test_the_file_holds_parameters_and_statistics_of_all_networks(
    trained: tuple[Path, Path],
) -> None:
    shapes = jax.eval_shape(lambda: init_state(RUN.config, RUN.spec, KEY))
    arrays = load_file(trained[0])
    sizes = {name: array.shape for name, array in arrays.items()}
    assert not np.allclose(arrays["generator/stats/noise_bn/var/value"], 1)
    assert {name.split("/")[0] for name in sizes} == {"generator", "discriminator", "task"}
    about = read_about(trained[0], "GAN")
    assert make_gan(load_gan_config(about["config"]), load_spec(about["spec"])) == RUN
    assert about["memorised"] is None  # by PixelDA's step
    assert sizes["generator/params/conv_in/kernel/value"] == (3, 3, 2, 2)
    assert sizes["discriminator/stats/bns/2/mean/value"] == (16,)
    assert len(sizes) == len(jax.tree.leaves(shapes.weights))


@pytest.mark.slow
def test_the_same_seed_trains_the_same_bits(trained: tuple[Path, Path], tmp_path: Path) -> None:
    again = run(tmp_path)
    assert again[0].read_bytes() == trained[0].read_bytes()


@pytest.mark.slow
def test_a_stopped_run_goes_on_to_the_same_bits(trained: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="after 100 steps"):
        run(tmp_path, stop=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".checkpoints.lock", "checkpoints"]
    again = run(tmp_path)
    for whole, resumed in zip(trained, again, strict=True):
        assert resumed.read_bytes() == whole.read_bytes()
    # For Snakemake a job that has ended may have failed.
    assert (tmp_path / "checkpoints").exists()


@pytest.mark.slow
def test_features_are_learnt_once_and_kept_by_checkpoints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trunk, "STEPS", 20)
    monkeypatch.setitem(STEPS, "joint", functools.cache(make_joint_step))
    gan = tiny_gan("synth2real", samples=2 * 4 * 110, generator_blocks=1)
    (tmp_path / "whole").mkdir()
    whole = run(tmp_path / "whole", gan)

    def stopped_while_learning(*arguments: Any) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        trunk.learn_trunk(*arguments)

    monkeypatch.setattr(train, "learn_trunk", stopped_while_learning)
    with pytest.raises(CheckpointError, match="SIGTERM; the next run begins it anew"):
        run(tmp_path, gan)
    monkeypatch.setattr(train, "learn_trunk", trunk.learn_trunk)
    with pytest.raises(CheckpointError, match="after 100 steps"):
        run(tmp_path, gan, stop=True)
    monkeypatch.setattr(train, "learn_trunk", None)  # what has learnt does so no more
    for one, other in zip(whole, run(tmp_path, gan), strict=True):
        assert one.read_bytes() == other.read_bytes()


@pytest.mark.slow
def test_another_seed_trains_another_gan(trained: tuple[Path, Path], tmp_path: Path) -> None:
    other = run(tmp_path, seed=1)
    one, two = load_file(trained[0]), load_file(other[0])
    kernels = [name for name in one if "kernel" in name]
    assert kernels and not any(np.array_equal(one[name], two[name]) for name in kernels)


@pytest.mark.slow
def test_a_run_that_diverges_names_the_loss_and_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(
        TrainingError, match=r"^training diverged by step 5: .*task_synthetic = nan"
    ):
        run(tmp_path, tiny_gan(samples=20, learning_rate=1e30))
    assert sorted(path.name for path in tmp_path.iterdir()) == [".checkpoints.lock", "checkpoints"]


# --- data and validation ----------------------------------------------------------------------


def split_in_half(total: int, real: Path, synthetic: Path, path: Path) -> None:
    size = Size("ratio", "0.5")
    pools = {"real_path": real, "synthetic_path": synthetic}
    write_split(size, total, seed=0, spec=DIGITS, stratify=False, **pools, path=path)


def test_training_and_validation_images_are_the_splits(tmp_path: Path) -> None:
    paths = {name: tmp_path / f"{name}.npz" for name in ("real", "synthetic", "split")}
    numbered_images(paths["real"], 40)
    _, synthetic_labels = numbered_images(paths["synthetic"], 60, start=100)
    split_in_half(60, paths["real"], paths["synthetic"], paths["split"])
    split = read_split(paths["split"])
    train, validation = load_gan_data(
        QUIET.config, paths["split"], paths["real"], paths["synthetic"]
    )
    assert train.real.images.shape == (27, 28, 28, 1)
    assert train.real.images[:, 0, 0, 0].tolist() == split.real_train.tolist()
    assert validation.real.images[:, 5, 7, 0].tolist() == split.real_validation.tolist()
    assert train.synthetic.images[:, 0, 0, 0].tolist() == (100 + split.synthetic_train).tolist()
    assert (
        validation.synthetic.images[:, 9, 0, 0].tolist()
        == (100 + split.synthetic_validation).tolist()
    )
    assert train.synthetic.labels.tolist() == synthetic_labels[split.synthetic_train].tolist()


def test_a_damaged_image_file_is_refused_by_name(tmp_path: Path) -> None:
    numbered_images(tmp_path / "images.npz", 20)
    images = tmp_path / "images.npz"
    split_in_half(20, images, images, tmp_path / "split.npz")
    (tmp_path / "synthetic.npz").write_bytes(images.read_bytes()[:2000])
    with pytest.raises(InputError, match=r"synthetic\.npz: cannot be read"):
        load_gan_data(QUIET.config, tmp_path / "split.npz", images, tmp_path / "synthetic.npz")


def test_validation_accuracies_are_the_task_classifiers() -> None:
    state = STATE._replace(generator=blank_generator(STATE, 0.4))
    # 520 synthetic images, of which the first 500 count.
    validation = GanData(random_images(520, seed=3), random_images(30, seed=4))
    module = merged(QUIET.task, STATE.task)
    read = partial(reference.task_classifier, module, stem="real")
    real = read(np.asarray(validation.real.images) / 127.5 - 1).argmax(axis=1)
    grey = read(np.full((1, 28, 28, 1), np.tanh(0.4))).argmax()
    accuracies = make_validate(QUIET, validation, validation)(state, KEY)
    right = np.mean(real == np.asarray(validation.real.labels))
    assert 0 < right < 1
    assert accuracies["accuracy_real"] == pytest.approx(right)
    share = np.mean(np.asarray(validation.synthetic.labels[:500]) == grey)
    assert share != np.mean(np.asarray(validation.synthetic.labels) == grey)
    assert accuracies["accuracy_converted"] == pytest.approx(share)


@pytest.mark.parametrize("n_synthetic, n_real", [(3, 0), (0, 3), (0, 0)])
def test_accuracy_is_none_where_no_image_is_held_out(n_synthetic: int, n_real: int) -> None:
    # Fewer than ten images of a kind leave none to validate on.
    held_out = GanData(random_images(n_synthetic), random_images(n_real))
    validate = make_validate(QUIET, GanData(random_images(3), random_images(3)), held_out)
    accuracies = validate(STATE, KEY)
    assert (accuracies["accuracy_converted"] is None) == (n_synthetic == 0)
    assert (accuracies["accuracy_real"] is None) == (n_real == 0)


@pytest.mark.parametrize("n_real", [0, 3])
def test_joint_steps_also_say_what_is_memorised(n_real: int) -> None:
    gan = tiny_gan("synth2real", generator_blocks=1)
    train = GanData(random_images(3), random_images(3, seed=1))
    held_out = GanData(random_images(3, seed=2), random_images(n_real, seed=3))
    metrics = make_validate(gan, train, held_out)(random_gan_state(gan, spread=0.3), KEY)
    assert (metrics["memorised"] is None) == (n_real == 0)
    # The same images under the same maps.
    same = make_validate(gan, held_out, held_out)(random_gan_state(gan, spread=0.3), KEY)
    assert same["memorised"] == (0 if n_real else None)


def test_what_is_memorised_of_images_without_labels_is_measured_on_them() -> None:
    """The discriminator learns from them; the labelled ones it leaves after a quarter."""
    gan = tiny_gan("synth2real", generator_blocks=1)
    state = random_gan_state(gan, spread=0.3)
    others, held_out = random_images(700, seed=4).images, random_images(3, seed=3)
    validation = GanData(random_images(3, seed=2), held_out)
    values = []
    for labelled in (random_images(3, seed=1), random_images(3, seed=5)):
        train = GanData(random_images(3), labelled, others)
        values.append(make_validate(gan, train, validation)(state, KEY)["memorised"])
    task, discriminator = (
        network._replace(params=network.trained) for network in (state.task, state.discriminator)
    )
    task = merged(gan.task, task)
    seen, apart = (
        Images(images, task.from_real(signed_pixels(images)).argmax(-1))
        for images in (others[::2], held_out.images)
    )
    right = memorised(gan, discriminator, seen, apart, KEY)
    assert values == [pytest.approx(float(right), abs=1e-4)] * 2 and abs(values[0]) > 1e-3
