"""The command line: conversions and predictions of files, and what it says of wrong ones."""

import csv
import importlib.metadata
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import jax
import jax.numpy as jnp
import numpy as np
import onnxruntime
import pytest
import yaml
from flax import nnx
from PIL import Image
from safetensors.numpy import load_file, save_file

from synth2real.classify.network import Classifier
from synth2real.classify.state import about
from synth2real.cli import main
from synth2real.convert import files
from synth2real.convert.convert import CONVERT, convert_images
from synth2real.gan.state import GanState
from synth2real.io.files import hold_lock
from synth2real.io.weights import read_about, save_weights
from synth2real.nn import convolution
from synth2real.nn.config import ComputeConfig
from synth2real.sources import open_source
from synth2real.sources.folder import Folder
from synth2real.sources.idx import read_idx, write_idx
from synth2real.spec import FITS, ImageSpec
from synth2real.training import Images
from tiny import DIGITS, random_gan_state, random_pixels, tiny_classifier, tiny_gan

GAN = tiny_gan("synth2real", generator_blocks=1)
STATE = random_gan_state(GAN, spread=0.3)
LABELS = np.array([3, 3, 7, 1, 7], np.int32)
PIXELS = random_pixels(5)


@pytest.fixture(autouse=True)
def environment_stays() -> Iterator[None]:
    """Commands clean their process' variables, which other tests need as they are."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def gan(tmp_path: Path) -> Path:
    """A folder as the GAN stage leaves it."""
    (tmp_path / "seed0").mkdir()
    path = tmp_path / "seed0/networks.safetensors"
    save_weights(path, STATE.weights, GAN.about | {"memorised": 1.2})
    return path.parent


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Pictures in sub-folders of their classes: 1/d.png, 3/a.png, 3/sub/b.png, 7/c.jpg, 7/e.png."""
    names = ["3/a.png", "3/sub/b.png", "7/c.jpg", "1/d.png", "7/e.png"]
    for name, pixels in zip(names, PIXELS, strict=True):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels[..., 0]).save(path)
    return tmp_path / "in"


def files_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def right(state: GanState, copy: int) -> np.ndarray:
    key = jax.random.fold_in(jax.random.key(5), CONVERT)
    key = jax.random.fold_in(jax.random.fold_in(key, copy), 0)
    data = Images(jnp.asarray(PIXELS), jnp.asarray(LABELS))
    return convert_images(GAN, state.generator, data, key, 0.4)


def test_an_npz_file_becomes_one_of_conversions(gan: Path, tmp_path: Path, capsys) -> None:
    np.savez(tmp_path / "in.npz", images=PIXELS, labels=LABELS)
    paths = [str(tmp_path / name) for name in ("in.npz", "out.npz")]
    assert (
        main(["convert", "--json", "--gan", str(gan), *paths, "--copies", "2", "--seed", "5"]) == 0
    )
    said = json.loads(capsys.readouterr().out)
    assert said == {"images": 10, "out": paths[1], "least_strength": 0.4}
    with np.load(paths[1]) as out:
        assert out["labels"].tolist() == [*LABELS, *LABELS]
        np.testing.assert_array_equal(out["images"], [*right(STATE, 0), *right(STATE, 1)])
    made = lines(tmp_path / "out.npz.metadata.jsonl")
    assert [(m["image"], m["copy"], m["label"]) for m in made[4:6]] == [(4, 0, "7"), (5, 1, "3")]
    task = nnx.merge(GAN.task, STATE.task.trained, STATE.task.stats)
    logits = task.from_real(jnp.asarray(right(STATE, 0) / 127.5 - 1, jnp.float32))
    shares = np.asarray(jax.nn.softmax(logits))[np.arange(5), LABELS]
    assert [m["probability"] for m in made[:5]] == pytest.approx(shares.tolist(), abs=1e-4)


def test_a_folder_keeps_its_tree_names_and_formats(
    gan: Path, pictures: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert main(["convert", "--gan", str(gan), str(pictures), str(out), "--copies", "2"]) == 0
    names = files_below(pictures)
    copies = {name.replace(".", ".copy1.") for name in names}
    assert files_below(out) == names | copies | {"metadata.jsonl"}
    made = lines(out / "metadata.jsonl")
    assert {m["file_name"]: m["source"] for m in made}["3/sub/b.copy1.png"] == "3/sub/b.png"
    assert all(m["label"] == m["file_name"].split("/")[0] for m in made)
    with Image.open(out / "7/c.jpg") as picture:
        assert picture.format == "JPEG" and picture.size == (28, 28) and picture.mode == "L"


def test_a_stopped_conversion_goes_on_to_the_same_files(
    gan: Path, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "BATCH", 2)
    arguments = ["convert", "--gan", str(gan), str(pictures)]
    assert main([*arguments, str(tmp_path / "whole")]) == 0

    written = []
    write = files.write_picture

    def stop_at_the_fourth(path: Path, image: np.ndarray) -> None:
        if len(written) == 3:
            raise KeyboardInterrupt
        written.append(path)
        write(path, image)

    monkeypatch.setattr(files, "write_picture", stop_at_the_fourth)
    assert main([*arguments, str(tmp_path / "out")]) == 130
    assert ".metadata.jsonl.part" in files_below(tmp_path / "out")
    assert main([*arguments, str(tmp_path / "out"), "--seed", "1"]) == 1  # another conversion
    others = shutil.copytree(pictures, tmp_path / "others")  # of the same names
    assert main(["convert", "--gan", str(gan), str(others), str(tmp_path / "out")]) == 1
    monkeypatch.setattr(files, "write_picture", write)
    written.clear()
    assert main([*arguments, str(tmp_path / "out")]) == 0
    assert files_below(tmp_path / "out") == files_below(tmp_path / "whole")
    for name in files_below(tmp_path / "whole"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_picture_that_is_mended_costs_nothing_that_was_done(
    gan: Path, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.setattr(files, "BATCH", 2)
    good = (pictures / "7/e.png").read_bytes()
    (pictures / "7/e.png").write_bytes(b"no picture")
    arguments = ["convert", "--gan", str(gan), str(pictures), str(tmp_path / "out")]
    assert main(arguments) == 1
    assert "7/e.png: is no picture" in capsys.readouterr().err
    done = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.png")}
    # As a process leaves them that was killed while it wrote.
    (tmp_path / "out/7").mkdir(exist_ok=True)
    (tmp_path / "out/7/.e.0123abcd.png").write_bytes(good[:20])
    (tmp_path / "out/7/.mine.png").write_bytes(good)
    (pictures / "7/e.png").write_bytes(good)
    assert main(arguments) == 0
    assert files_below(tmp_path / "out") == files_below(pictures) | {
        "metadata.jsonl",
        "7/.mine.png",
    }
    assert done and all(path.stat().st_mtime_ns == time for path, time in done.items())


def test_a_conversion_that_was_killed_at_its_begin_or_end_is_no_hindrance(
    gan: Path, pictures: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for name in ("..metadata.jsonl.01234567.part", ".metadata.01234567.jsonl"):
        (out / name).write_text("half a line")
    assert main(["convert", "--gan", str(gan), str(pictures), str(out)]) == 0
    assert files_below(out) == files_below(pictures) | {"metadata.jsonl"}


def test_two_conversions_into_one_folder_do_not_meet(
    gan: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    arguments = ["convert", "--gan", str(gan), str(pictures), str(out)]
    with hold_lock(out / files.LOCK):
        assert main(arguments) == 1
    assert f"{out}: in use by process {os.getpid()}" in capsys.readouterr().err
    assert main(arguments) == 0 and files.LOCK not in files_below(out)


def test_sigterm_stops_as_ctrl_c_does(
    gan: Path, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    def stop(path: Path, image: np.ndarray) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(files, "write_picture", stop)
    assert main(["convert", "--gan", str(gan), str(pictures), str(tmp_path / "out")]) == 130
    assert capsys.readouterr().err == "synth2real convert: stopped\n"


@pytest.mark.parametrize("labels", [3, 7])
def test_as_many_labels_as_images_are_needed(
    gan: Path, tmp_path: Path, labels: int, capsys: pytest.CaptureFixture
) -> None:
    write_idx(tmp_path / "a-images-idx3-ubyte", PIXELS[..., 0])
    arguments = ["convert", "--gan", str(gan), str(tmp_path / "a-images-idx3-ubyte")]
    arguments.append(str(tmp_path / "b-images-idx3-ubyte"))
    assert main(arguments) == 1
    assert "a-labels-idx1-ubyte is not there" in capsys.readouterr().err
    write_idx(tmp_path / "a-labels-idx1-ubyte", np.resize(LABELS, labels))
    assert main(arguments) == 1
    assert f"holds 5 images and a-labels-idx1-ubyte [{labels}]" in capsys.readouterr().err


@pytest.mark.parametrize("packed", ["", ".gz"])
def test_idx_files_become_idx_files(gan: Path, tmp_path: Path, packed: str) -> None:
    write_idx(tmp_path / f"a-images-idx3-ubyte{packed}", PIXELS[..., 0])
    write_idx(tmp_path / f"a-labels-idx1-ubyte{packed}", LABELS)
    paths = [str(tmp_path / f"{name}-images-idx3-ubyte{packed}") for name in "ab"]
    assert main(["convert", "--gan", str(gan), *paths, "--seed", "5"]) == 0
    np.testing.assert_array_equal(read_idx(Path(paths[1])), right(STATE, 0)[..., 0])
    assert read_idx(tmp_path / f"b-labels-idx1-ubyte{packed}").tolist() == LABELS.tolist()


def test_classes_that_the_gan_does_not_know_are_refused(
    gan: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    (pictures / "7").rename(pictures / "seven")
    assert main(["convert", "--gan", str(gan), str(pictures), str(tmp_path / "out")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("synth2real convert: ") and "seven" in line and "no such class" in line
    assert not (tmp_path / "out").exists()


def test_files_beside_out_are_not_written_over(gan: Path, tmp_path: Path, capsys) -> None:
    write_idx(tmp_path / "train-images-idx3-ubyte", PIXELS[..., 0])
    labels = tmp_path / "train-labels-idx1-ubyte"
    write_idx(labels, LABELS)
    before = labels.read_bytes()
    paths = [
        str(tmp_path / name) for name in ("train-images-idx3-ubyte", "train-images-idx2-ubyte")
    ]
    assert main(["convert", "--gan", str(gan), *paths]) == 1
    assert "train-labels-idx1-ubyte is there already" in capsys.readouterr().err
    assert labels.read_bytes() == before and not Path(paths[1]).exists()


def test_copies_do_not_take_the_names_of_pictures(gan: Path, pictures: Path, capsys) -> None:
    shutil.copy(pictures / "3/a.png", pictures / "3/a.copy1.png")
    arguments = ["convert", "--gan", str(gan), str(pictures), str(pictures.parent / "out")]
    assert main([*arguments, "--copies", "2"]) == 1
    assert "3/a.copy1.png: a picture and a copy" in capsys.readouterr().err
    assert main(arguments) == 0


def test_another_gan_at_the_same_place_does_not_go_on(
    gan: Path, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    write = files.write_picture

    def stop(path: Path, image: np.ndarray) -> None:
        write(path, image)
        raise KeyboardInterrupt

    arguments = ["convert", "--gan", str(gan), str(pictures), str(tmp_path / "out")]
    with monkeypatch.context() as patch:
        patch.setattr(files, "write_picture", stop)
        assert main(arguments) == 130
    path = gan / "networks.safetensors"
    save_weights(path, random_gan_state(GAN, spread=0.2).weights, GAN.about | {"memorised": 1.2})
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert "metadata.jsonl.part: tells of another conversion (not the same: weights);" in error


def test_a_picture_that_cannot_be_read_may_be_deleted(gan: Path, pictures: Path, capsys) -> None:
    (pictures / "3/bad.png").write_bytes(b"no picture")
    out = pictures.parent / "out"
    arguments = ["convert", "--gan", str(gan), str(pictures), str(out)]
    assert main(arguments) == 1
    assert "3/bad.png: " in capsys.readouterr().err
    (pictures / "3/bad.png").unlink()
    assert main(arguments) == 0
    assert len(list(out.rglob("*.png"))) == len(list(pictures.rglob("*.png")))


def test_a_name_that_leaves_no_room_for_a_temporary_one_is_refused(
    gan: Path, pictures: Path, capsys
) -> None:
    longest = pictures / "3" / ("ü" * 120 + "a.png")
    shutil.copy(pictures / "3/a.png", longest)
    arguments = ["convert", "--gan", str(gan), str(pictures), str(pictures.parent / "out")]
    assert main([*arguments, "--copies", "2"]) == 1
    assert "üa.copy1.png: its name is too long; 245 bytes at most" in capsys.readouterr().err
    assert main(arguments) == 0


@pytest.mark.parametrize("name", [b"b\xff.png", "b\u2028c.png".encode(), b"b\nc.png"])
def test_names_of_any_bytes_are_kept(
    gan: Path, pictures: Path, tmp_path: Path, name: bytes
) -> None:
    path = pictures / "3" / os.fsdecode(name)
    shutil.copy(pictures / "3/a.png", path)
    out = tmp_path / "out"
    assert main(["convert", "--gan", str(gan), str(pictures), str(out)]) == 0
    assert (out / "3" / path.name).exists()
    made = lines(out / "metadata.jsonl")
    assert len(made) == 6 and f"3/{path.name}" in {m["file_name"] for m in made}


@pytest.mark.parametrize("command", ["convert", "export"])
def test_a_place_that_cannot_be_written_to_is_a_line(
    gan: Path, tmp_path: Path, command: str, capsys: pytest.CaptureFixture
) -> None:
    np.savez(tmp_path / "in.npz", images=PIXELS, labels=LABELS)
    images = [str(tmp_path / "in.npz")] if command == "convert" else []
    out = str(tmp_path / f"no/such/out.{'npz' if command == 'convert' else 'onnx'}")
    assert main([command, "--gan", str(gan), *images, out]) == 1
    assert capsys.readouterr().err.endswith("no/such is no folder\n")


def test_nothing_of_the_users_is_written_over(
    gan: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    before = files_below(pictures)
    assert main(["convert", "--gan", str(gan), str(pictures), str(pictures)]) == 1
    assert "is the folder that is read" in capsys.readouterr().err
    assert main(["convert", "--gan", str(gan), str(pictures), str(pictures / "out")]) == 1
    assert "lies in" in capsys.readouterr().err and files_below(pictures) == before
    np.savez(tmp_path / "in.npz", images=PIXELS, labels=LABELS)
    assert main(["convert", "--gan", str(gan), *[str(tmp_path / "in.npz")] * 2]) == 1
    assert "is there already" in capsys.readouterr().err
    link = tmp_path / "link.npz"
    link.symlink_to(tmp_path / "nowhere")
    for source in (tmp_path / "in.npz", pictures):
        assert main(["convert", "--gan", str(gan), str(source), str(link)]) == 1
        assert "is there already" in capsys.readouterr().err and link.is_symlink()


@pytest.mark.parametrize(
    ("preset", "block", "spec"),
    [
        ("synth2real", 1, DIGITS),
        ("synth2real", 1, ImageSpec(24, 17, 3, ("a", "b", "c"), "edge")),
        ("synth2real", 2, ImageSpec(24, 17, 3, ("a", "b", "c"), "edge")),
        ("synth2real", 2, ImageSpec(16, 20, 3, ("a", "b", "c"), (10, 200, 30))),
        ("small", 1, DIGITS),
        ("small", 2, ImageSpec(9, 30, 3, ("a", "b"), "edge")),
    ],
)
def test_an_exported_generator_makes_the_same_images(
    preset: str, spec: ImageSpec, block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where an image is bent, bfloat16 would take another pixel of this noise.
    monkeypatch.setattr(convolution, "_config", ComputeConfig("xla", "float32"))
    gan = tiny_gan(preset, spec=spec, pixel_block=block, generator_blocks=1)
    state = random_gan_state(gan, spread=0.3)
    path, onnx = tmp_path / "networks.safetensors", tmp_path / "gan.onnx"
    save_weights(path, state.weights, gan.about | {"memorised": 1.2})
    assert main(["export", "--gan", str(path), str(onnx)]) == 0
    random = np.random.default_rng(0)
    images, labels = random_pixels(4, spec=spec), np.arange(4) % len(spec.classes)
    noise = random.uniform(-1, 1, (4, gan.config.noise_dim)).astype(np.float32)
    strength = np.array([1, 0.7, 0.3, 0], np.float32)
    inputs = {"images": images, "labels": labels, "noise": noise}
    bends = {"strength_B": jnp.asarray(strength)} if preset == "synth2real" else {}
    inputs |= {"strength": strength} if bends else {}
    if gan.config.has_exemplars(spec):
        inputs["exemplar"] = random_pixels(4, seed=1, spec=spec)
        bends["exemplar_BxHxWxC"] = jnp.asarray(inputs["exemplar"] / 127.5 - 1, jnp.float32)
    (converted,) = onnxruntime.InferenceSession(onnx).run(None, inputs)
    module = nnx.merge(gan.generator, *state.generator[:2])
    right = module(images / 127.5 - 1, jnp.asarray(labels), noise, train=False, **bends)
    assert converted.dtype == np.uint8 and converted.std() > 10
    assert np.abs(converted - np.round((np.asarray(right) + 1) * 127.5)).max() <= 1


def test_exported_weights_are_the_generators(gan: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "generator.safetensors"
    assert main(["export", "--gan", str(gan), str(out), "--to", "safetensors"]) == 0
    whole, exported = load_file(gan / "networks.safetensors"), load_file(out)
    assert set(exported) == {name for name in whole if name.startswith("generator/")} != set()
    assert all(np.array_equal(whole[name], array) for name, array in exported.items())
    about = read_about(gan / "networks.safetensors", "GAN")
    assert read_about(out, "generator")["config"] == about["config"]
    assert main(["export", "--gan", str(out), str(tmp_path / "gan.onnx")]) == 1
    assert "is a generator's file, and a GAN's is needed" in capsys.readouterr().err
    assert main(["export", "--gan", str(gan), str(tmp_path / "other.safetensors")]) == 1
    assert "a name that ends in .onnx is needed" in capsys.readouterr().err


def test_predictions_are_a_table(pictures: Path, tmp_path: Path, capsys) -> None:
    config = tiny_classifier()
    params = nnx.state(Classifier(config, DIGITS, rngs=nnx.Rngs(0)), nnx.Param)
    model = tmp_path / "run0.safetensors"
    save_weights(model, params, about(config, DIGITS))
    out = tmp_path / "out.csv"
    arguments = ["classify", "--model", str(model), str(pictures), "--out", str(out)]
    assert main([*arguments, "--json"]) == 0
    with open(out, newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["image"] for row in rows} == files_below(pictures)
    said = json.loads(capsys.readouterr().out)
    assert said["images"] == 5 and sum(said["classes"].values()) == 5
    module = Classifier(config, DIGITS, rngs=nnx.Rngs(0))
    nnx.update(module, params)
    logits = module(jnp.asarray(PIXELS[3:4] / 255, jnp.float32))
    (row,) = [row for row in rows if row["image"] == "1/d.png"]
    assert row["class"] == str(int(logits.argmax()))
    assert float(row["probability"]) == pytest.approx(float(jax.nn.softmax(logits).max()), abs=1e-4)


@pytest.mark.parametrize("fit", FITS)
def test_pictures_of_another_shape_are_fitted_as_in_training(
    fit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = replace(DIGITS, fit=fit)
    seen: list[np.ndarray] = []
    monkeypatch.setattr(Folder, "read", spied(Folder.read, seen))
    (tmp_path / "in/3").mkdir(parents=True)
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (30, 70), np.uint8))
    picture.save(tmp_path / "in/3/wide.png")
    box = {"pad": None, "crop": (20, 0, 50, 30), "stretch": (0, 0, 70, 30)}[fit]
    params = nnx.state(Classifier(tiny_classifier(), spec, rngs=nnx.Rngs(0)), nnx.Param)
    save_weights(tmp_path / "run0.safetensors", params, about(tiny_classifier(), spec))
    save_weights(
        tmp_path / "networks.safetensors",
        STATE.weights,
        GAN._replace(spec=spec).about | {"memorised": 1.2},
    )
    folder, model = str(tmp_path / "in"), str(tmp_path / "run0.safetensors")
    classify = ["classify", "--model", model, folder, "--out", str(tmp_path / "out.csv")]
    assert main(classify) == 0
    assert main(["convert", "--gan", str(tmp_path), folder, str(tmp_path / "out")]) == 0
    assert len(seen) == 2
    for images in seen:
        if box:
            resized = picture.resize((28, 28), Image.Resampling.BILINEAR, box)
            np.testing.assert_array_equal(images[0, ..., 0], np.asarray(resized))
        else:
            assert not images[0, :8].any() and images[0, 8:20].any() and not images[0, 20:].any()


def spied(method: Callable[..., np.ndarray], seen: list[np.ndarray]) -> Callable[..., np.ndarray]:
    """The method, whose results are kept, too."""

    def call(*arguments: Any) -> np.ndarray:
        seen.append(method(*arguments))
        return seen[-1]

    return call


def test_counts_are_said_in_words(pictures: Path, tmp_path: Path, capsys) -> None:
    config = tiny_classifier()
    params = nnx.state(Classifier(config, DIGITS, rngs=nnx.Rngs(0)), nnx.Param)
    save_weights(tmp_path / "run0.safetensors", params, about(config, DIGITS))
    model, out = str(tmp_path / "run0.safetensors"), str(tmp_path / "out.csv")
    assert main(["classify", "--model", model, str(pictures), "--out", out]) == 0
    assert re.search(r"^classes: 0: \d, 1: \d, .* 9: \d$", capsys.readouterr().out, re.MULTILINE)


def test_a_table_is_not_written_over(pictures: Path, tmp_path: Path, capsys) -> None:
    (tmp_path / "mine.csv").write_text("mine")
    arguments = ["classify", "--model", "x", str(pictures), "--out", str(tmp_path / "mine.csv")]
    assert main(arguments) == 1 and "is there already" in capsys.readouterr().err
    assert (tmp_path / "mine.csv").read_text() == "mine"


def test_weights_of_an_unknown_network_are_refused(
    gan: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    path = gan / "networks.safetensors"
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask()
    arguments = ["convert", "--gan", str(gan), str(pictures), str(tmp_path / "out")]
    for change in ({"generator": "mine"}, {"mine": 1}):
        config = GAN.about["config"] | change
        save_weights(path, STATE.weights, GAN.about | {"config": config, "memorised": 1.2})
        assert main(arguments) == 1
        assert "this synth2real knows no such network" in capsys.readouterr().err
    save_weights(path, STATE.weights, GAN.about | {"memorised": "much"})
    assert main(arguments) == 1
    assert "memorised is 'much'; a number is needed" in capsys.readouterr().err
    save_file(load_file(path), path, {"synth2real": "{}"})
    assert main(arguments) == 1
    assert "does not say what its weights are of" in capsys.readouterr().err


def test_other_weights_are_refused(gan: Path, pictures: Path, capsys) -> None:
    model = str(gan / "networks.safetensors")
    assert main(["classify", "--model", model, str(pictures)]) == 1
    assert "is a GAN's file, and a classifier's is needed" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [["--copies", "0"], ["--seed", "-1"], ["--least-strength", "2"]])
def test_wrong_usage_ends_with_2(wrong: list[str], capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["convert", "--gan", "x", "in", "out", *wrong])
    assert f"argument {wrong[0]}" in capsys.readouterr().err


def test_help_needs_no_jax() -> None:
    script = (
        "import sys; from synth2real.cli import main\n"
        "try: main(['convert', '--help'])\n"
        "finally: assert 'jax' not in sys.modules"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert found.returncode == 0 and "--least-strength" in found.stdout, found.stderr
    assert shutil.which("synth2real", path=Path(sys.executable).parent)


def run_alone(*arguments: str, stdout: int | IO[str]) -> subprocess.CompletedProcess[str]:
    """Runs a command in a process of its own."""
    script = "import sys; from synth2real.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True)


def test_what_cannot_be_printed_is_a_line_or_nothing() -> None:
    with open("/dev/full", "w") as full:
        found = run_alone("check", stdout=full)
    assert found.returncode == 1
    assert found.stderr == "synth2real check: standard output: No space left on device\n"
    reader, writer = os.pipe()
    os.close(reader)
    found = run_alone("check", stdout=writer)
    os.close(writer)
    assert (found.returncode, found.stderr) == (0, "")


def test_a_version_is_said(capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"synth2real {importlib.metadata.version('synth2real')}\n"


def test_more_copies_than_fit_into_memory_are_refused(gan: Path, tmp_path: Path, capsys) -> None:
    np.savez(tmp_path / "in.npz", images=PIXELS, labels=LABELS)
    arguments = ["convert", "--gan", str(gan), str(tmp_path / "in.npz"), str(tmp_path / "out.npz")]
    assert main([*arguments, "--copies", "4000000000"]) == 1
    error = capsys.readouterr().err
    assert "there is not enough memory (Unable to allocate" in error and error.count("\n") == 1


@pytest.mark.parametrize("name", [b"caf\xe9", b"a\x7fb", 'ü"\\'.encode()])
def test_init_takes_folders_of_any_name(pictures: Path, tmp_path: Path, name: bytes) -> None:
    shutil.copy(pictures / "1/d.png", pictures / "1/f.png")
    others = shutil.copytree(pictures, tmp_path / os.fsdecode(name))
    mine = tmp_path / "mine.yaml"
    made = ["init", str(mine), "--real", str(pictures), "--synthetic", str(others)]
    assert main(made) == 0 and main(["check", str(mine)]) == 0
    assert yaml.safe_load(mine.read_text())["synthetic"]["folder"] == str(others)


def test_init_refuses_what_no_run_takes(pictures: Path, tmp_path: Path, capsys) -> None:
    shutil.copy(pictures / "1/d.png", pictures / "1/f.png")
    others = shutil.copytree(pictures, tmp_path / "others")
    np.savez(tmp_path / "in.npz", images=PIXELS, labels=LABELS)
    real = ["--real", str(pictures)]
    for wrong, line in (
        (["--synthetic", str(pictures)], "synthetic.folder: "),
        (["--synthetic", str(others), "--test", str(tmp_path / "in.npz")], "in.npz is no folder"),
        (["--synthetic", str(pictures / "1/d.png")], "--synthetic: "),
    ):
        assert main(["init", str(tmp_path / "mine.yaml"), *real, *wrong]) == 1
        assert line in capsys.readouterr().err and not (tmp_path / "mine.yaml").exists()


def test_init_writes_settings_that_check_passes(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    mine = tmp_path / "mine.yaml"
    shutil.copy(pictures / "1/d.png", pictures / "1/f.png")
    others = shutil.copytree(pictures, tmp_path / "others")
    made = ["init", str(mine), "--real", str(pictures), "--synthetic", str(others)]
    assert main(made) == 0
    assert "6 images, 28x28x1: 1: 2, 3: 2, 7: 2" in capsys.readouterr().out
    settings = yaml.safe_load(mine.read_text())
    assert settings == {
        "real": {"folder": str(pictures), "folds": 2},
        "synthetic": {"folder": str(others)},
    }
    assert main(["check", "--json", str(mine)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["real"].startswith("6 images, 28x28x1: 1: 2, 3: 2, 7: 2")
    assert found["real test images"] == "6; too few for a verdict, which needs 100 at least"
    # Three sizes in each of two folds.
    assert found["GANs"] == 6 and found["classifiers"] == 6 * 10 * 5
    for more, refused in (
        ("real: {folds: 3}", "real.folds: fewer images than 3 folds"),
        ("real: {counts: [4]}", "size n4 asks for 4 real images, and there are 3 to train on"),
        ("synthetic: {images: 7}", "synthetic.images: 7 images are asked for"),
    ):
        (tmp_path / "more.yaml").write_text(more)
        assert main(["check", str(mine), str(tmp_path / "more.yaml")]) == 1
        assert refused in capsys.readouterr().err
    Image.new("L", (20, 40)).save(pictures / "7/f.png")
    open_source.cache_clear()  # as another command finds it
    odd = tmp_path / "odd.yaml"
    assert main(["init", str(odd), *made[2:]]) == 0
    assert yaml.safe_load(odd.read_text())["images"] == {"height": 40, "width": 40}
    capsys.readouterr()
    assert main(made) == 1  # it is there now
    assert "is there already" in capsys.readouterr().err


def test_check_says_every_problem_at_once(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "mine.yaml").write_text(
        "real: {folder: no/such, test_share: 0.5}\nsynthetic: {folder: nor/this}\n"
    )
    assert main(["check", str(tmp_path / "mine.yaml")]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 and "no/such" in lines[0] and "nor/this" in lines[1]


def test_check_looks_at_every_folder_and_at_sizes(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    shutil.copytree(pictures, tmp_path / "test")
    others = shutil.copytree(pictures, tmp_path / "others")
    shutil.copytree(pictures / "1", tmp_path / "more")
    real = {"folder": str(pictures), "test": str(tmp_path / "test")}
    real["unlabelled"] = str(tmp_path / "more")
    mine = tmp_path / "mine.yaml"
    mine.write_text(yaml.safe_dump({"real": real, "synthetic": {"folder": str(others)}}))
    assert main(["check", str(mine)]) == 0
    said = capsys.readouterr().out
    assert "to test on: 5 images" in said and "without labels: 1 images" in said
    assert "real test images: 5; too few" in said
    Image.new("L", (30, 20)).save(pictures / "7/f.png")
    open_source.cache_clear()  # as another command finds it
    assert main(["check", str(mine)]) == 1
    assert "images.height, images.width: the real images are 20x30 to 28x28" in (
        capsys.readouterr().err
    )
    (tmp_path / "test/1/d.png").unlink()
    (tmp_path / "test/1").rmdir()
    open_source.cache_clear()
    assert main(["check", str(mine)]) == 1
    assert "real test" in capsys.readouterr().err


def test_check_leaves_out_what_a_run_leaves_out(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    real = {"folder": str(pictures), "test": str(shutil.copytree(pictures, tmp_path / "test"))}
    others = shutil.copytree(pictures, tmp_path / "others")
    for folder in (pictures, others):
        (folder / "7/bad.png").write_bytes(b"no picture")
    mine = tmp_path / "mine.yaml"
    settings = {"real": real, "synthetic": {"folder": str(others)}}
    mine.write_text(yaml.safe_dump(settings))
    assert main(["check", str(mine)]) == 1
    assert "bad.png: is no picture" in capsys.readouterr().err
    mine.write_text(yaml.safe_dump(settings | {"images": {"skip_bad": True}}))
    assert main(["check", str(mine)]) == 0
    said = capsys.readouterr().out
    assert all(f"({path}, without 1 that cannot be read)" in said for path in (pictures, others))


def test_check_of_nothing_is_the_default_experiment(capsys: pytest.CaptureFixture) -> None:
    assert main(["check", "--cores", "2"]) == 0
    said = capsys.readouterr().out
    assert "real: MNIST" in said and "real test images: 10,000\n" in said
    assert "GANs: 2" in said and "classifiers: 100" in said
    assert "60 real images (r = 0.001), 420 real images (r = 0.007)" in said
    free = re.search(r"disk: about 0.5 GB in results/; ([\d.]+) GB are free", said)
    assert free and float(free[1]) == pytest.approx(shutil.disk_usage(".").free / 1e9, abs=1)
    # However many cores there are, a GAN takes its ten minutes.
    times = []
    for cores in ("1", "2", "64"):
        assert main(["check", "--json", "--cores", cores]) == 0
        times.append(json.loads(capsys.readouterr().out)["seconds"])
    assert times[0] == pytest.approx(2 * times[1], rel=0.01) and 640 < times[2] < times[1]
