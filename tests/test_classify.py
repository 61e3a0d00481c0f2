"""The classify stage: network, training sets and training."""

import math
import shutil
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from safetensors.numpy import load_file

import reference
from synth2real.classify.config import ClassifierConfig, classifier_config
from synth2real.classify.network import Classifier
from synth2real.classify.sets import TrainingSet, draw_evenly, load_training_set
from synth2real.classify.train import (
    init_state,
    load_classifier,
    make_graph,
    make_optimiser,
    make_predict,
    make_train_step,
    write_classifiers,
)
from synth2real.errors import InputError
from synth2real.nn import convolution
from synth2real.sets import SETS
from synth2real.spec import ImageSpec
from synth2real.splits import Size, read_split
from synth2real.training import Images, TrainingError, draw_batch, load_images
from tiny import (
    DIGITS,
    numbered_images,
    random_images,
    randomise,
    tiny_classifier,
    write_tiny_split,
)

KEY = jax.random.key(0)
TINY = tiny_classifier(samples=30)
RANDOM = TrainingSet([random_images(20)])
SAME = partial(np.testing.assert_allclose, rtol=2e-4, atol=2e-5)


def shapes(config: ClassifierConfig, spec: ImageSpec = DIGITS) -> Classifier:
    return nnx.eval_shape(lambda: Classifier(config, spec, rngs=nnx.Rngs(0)))


def params_of(module: Classifier) -> nnx.State:
    return nnx.state(module, nnx.Param)


# --- the network ------------------------------------------------------------------------------


def test_the_papers_classifier_has_its_parameters() -> None:
    convolutions = (5 * 5 * 1 * 32 + 32) + (5 * 5 * 32 * 64 + 64)
    dense = (7 * 7 * 64 * 1024 + 1024) + (1024 * 10 + 10)
    assert convolutions + dense == 3_274_634
    leaves = jax.tree.leaves(params_of(shapes(classifier_config("paper"))))
    assert sum(leaf.size for leaf in leaves) == convolutions + dense


def test_the_papers_budget() -> None:
    config = classifier_config("paper")
    assert (config.samples, config.batch_size, config.steps) == (3_000_000, 100, 30_000)
    assert (config.dropout, config.learning_rate, config.one_cycle) == (0.4, 1e-4, False)


def test_the_config_sets_widths_and_kernel_size() -> None:
    module = shapes(tiny_classifier(filters=[4, 6], kernel_size=3, hidden=9))
    assert module.conv1.kernel.shape == (3, 3, 1, 4)
    assert module.conv2.kernel.shape == (3, 3, 4, 6)
    assert module.dense1.kernel.shape == (7 * 7 * 6, 9) and module.dense2.kernel.shape == (9, 10)


def test_blocks_of_pixels_leave_a_quarter_of_the_positions() -> None:
    module = shapes(tiny_classifier(pixel_block=2, filters=[4, 6], hidden=9))
    assert module.conv1.kernel.shape[2:] == (4, 4)
    assert module.dense1.kernel.shape == (3 * 3 * 6, 9)


@pytest.mark.parametrize("block, kernel_size", [(1, 4), (1, 5), (2, 3)])
def test_classifier_equals_numpys(block: int, kernel_size: int) -> None:
    module = randomise(shapes(tiny_classifier(pixel_block=block, kernel_size=kernel_size)))
    x = np.random.default_rng(1).uniform(0, 1, (3, 28, 28, 1)).astype(np.float32)
    right = reference.classifier(module, x)
    assert right.std() > 0.1
    SAME(module(jnp.asarray(x)), right)


def test_a_key_drops_hidden_units() -> None:
    module = randomise(shapes(tiny_classifier(hidden=100, dropout=0.2)))
    nnx.update(module, jax.tree.map(jnp.zeros_like, params_of(module)))
    module.dense1.bias[...] = jnp.ones(100)
    module.dense2.kernel[...] = jnp.ones((100, 10))
    x = jnp.zeros((500, 28, 28, 1))
    np.testing.assert_array_equal(module(x), 100)
    sums = np.asarray(module(x, key=KEY))[:, 0]
    assert sums.mean() == pytest.approx(100, abs=1)
    assert sums.std() == pytest.approx(math.sqrt(100 * 0.2 / 0.8), rel=0.1)


@pytest.mark.parametrize("block", [1, 2])
def test_classifier_of_odd_colour_images_equals_numpys(block: int) -> None:
    spec = ImageSpec(25, 18, 3, ("a", "b", "c"), (0, 0, 0))
    module = randomise(shapes(tiny_classifier(pixel_block=block, kernel_size=3), spec))
    x = np.random.default_rng(1).uniform(0, 1, (4, *spec.shape)).astype(np.float32)
    padded = np.pad(x, ((0, 0), (0, 1), (0, 0), (0, 0)), "edge") if block == 2 else x
    right = reference.classifier(module, padded)
    assert right.shape == (4, 3) and right.std() > 0.1
    SAME(module(jnp.asarray(x)), right)


# --- training sets ----------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A split of 10 real and 30 synthetic images, all of different greys, and conversions."""
    numbered_images(tmp_path / "real.npz", 30)
    numbered_images(tmp_path / "synthetic.npz", 60, start=100)
    numbered_images(tmp_path / "converted.npz", 30, start=200)
    write_tiny_split(tmp_path, Size("ratio", "0.25"), total=40)
    return tmp_path


def load_set(
    dataset: str, folder: Path, converted: bool = False, unlabelled: Path | None = None
) -> TrainingSet:
    return load_training_set(
        SETS[dataset],
        folder / "split.npz",
        folder / "real.npz",
        folder / "synthetic.npz",
        folder / "converted.npz" if converted else None,
        unlabelled,
    )


@pytest.mark.parametrize(
    "dataset", ["original", "synthetic", "GAN", "original+synthetic", "original+GAN"]
)
def test_training_sets(dataset: str, folder: Path) -> None:
    split = read_split(folder / "split.npz")
    greys = {
        "original": split.real.tolist(),
        "synthetic": (100 + split.synthetic).tolist(),
        "GAN": list(range(200, 230)),
    }
    right = [grey for part in dataset.split("+") for grey in greys[part]]
    assert len(right) == {"original": 10, "synthetic": 30, "GAN": 30}.get(dataset, 40)
    (data,), augment, _ = load_set(dataset, folder, converted="GAN" in dataset)
    assert not augment
    assert data.images.shape == (len(right), 28, 28, 1) and data.images.dtype == jnp.uint8
    assert data.images[:, 0, 0, 0].tolist() == data.images[:, 27, 27, 0].tolist() == right
    assert data.labels.tolist() == [grey * 7 % 10 for grey in right]


def test_sets_without_gan_images_do_not_read_any(folder: Path) -> None:
    (folder / "converted.npz").unlink()
    (data,), *_ = load_set("original+synthetic", folder, converted=True)
    assert len(data.labels) == 40


@pytest.mark.parametrize("dataset", ["original", "original+synthetic", "original+GAN"])
def test_augmented_sets_have_a_pool_for_each_part(dataset: str, folder: Path) -> None:
    pools, augment, _ = load_set(f"augmented-{dataset}", folder, converted="GAN" in dataset)
    parts = [load_set(part, folder, converted=part == "GAN") for part in dataset.split("+")]
    assert augment and len(pools) == len(parts)
    for pool, ((part,), *_) in zip(pools, parts, strict=True):
        jax.tree.map(np.testing.assert_array_equal, pool, part)


def test_sets_with_pseudo_labels_take_the_images_that_a_split_leaves_out(folder: Path) -> None:
    split = read_split(folder / "split.npz")
    pools, augment, unlabelled = load_set("pseudo-original+GAN", folder, converted=True)
    assert not augment and [len(pool.labels) for pool in pools] == [10, 30]
    right = sorted(set(range(30)) - set(split.real.tolist()))
    assert unlabelled[:, 0, 0, 0].tolist() == right and len(right) == 20


def test_sets_with_pseudo_labels_take_a_file_if_there_is_one(folder: Path) -> None:
    images, _ = numbered_images(folder / "unlabelled.npz", 7, start=60)
    _, _, unlabelled = load_set("pseudo-original", folder, unlabelled=folder / "unlabelled.npz")
    np.testing.assert_array_equal(unlabelled, images)


def test_nothing_left_out_is_refused(folder: Path) -> None:
    numbered_images(folder / "real.npz", 10)
    write_tiny_split(folder, Size("share", "1"))
    with pytest.raises(InputError, match=r"^real.unlabelled: rest is nothing: all 10 real images"):
        load_set("pseudo-original", folder)


def grey_pool(*greys: int) -> Images:
    """A pool of images of one grey each, which is also their label."""
    labels = jnp.array(greys, "int32")
    images = jnp.broadcast_to(labels.astype("uint8")[:, None, None, None], (len(greys), 28, 28, 1))
    return Images(images, labels)


def test_half_of_each_batch_is_real_however_few_there_are() -> None:
    pools = [grey_pool(0, 1), grey_pool(*range(100, 200))]
    batches = [draw_evenly(pools, key, 100) for key in jax.random.split(KEY, 40)]
    images, labels = (np.stack(arrays) for arrays in zip(*batches, strict=True))
    assert images.shape == (40, 100, 28, 28, 1) and images.dtype == np.uint8
    np.testing.assert_array_equal(images[:, :, 3, 4, 0], labels)
    np.testing.assert_array_equal((labels < 100).sum(axis=1), 50)
    # 2,000 draws of each pool: 1,000 times a real image, 20 times a synthetic image.
    counts = np.bincount(labels.ravel(), minlength=200)
    assert abs(counts[0] - 1000) < 100 and counts[100:].min() > 3 and counts[100:].max() < 45


def test_one_pool_is_drawn_from_as_ever() -> None:
    (pool,) = RANDOM.pools
    drawn = draw_evenly([pool], KEY, 30)
    jax.tree.map(np.testing.assert_array_equal, drawn, Images(*draw_batch(pool, KEY, 30)))


# --- training ---------------------------------------------------------------------------------


def rates(config: ClassifierConfig) -> np.ndarray:
    """The learning rates: with a constant gradient, the sizes of Adam's updates."""
    optimiser = make_optimiser(config)
    gradient = jnp.ones(1)

    def update(state, _):
        change, state = optimiser.update(gradient, state)
        return state, -change[0]

    run = jax.jit(lambda: jax.lax.scan(update, optimiser.init(gradient), length=config.steps)[1])
    return np.asarray(run())


def test_one_cycle_warms_up_for_three_tenths_and_anneals() -> None:
    sizes = rates(tiny_classifier(samples=1000, batch_size=1, learning_rate=0.01))
    assert len(sizes) == 1000 and sizes.argmax() == 300
    assert sizes[300] == pytest.approx(0.01, rel=1e-3)
    assert (np.diff(sizes[:301]) > 0).all() and (np.diff(sizes[300:]) < 0).all()
    assert sizes[0] < 0.001 and sizes[-1] < 1e-4


def test_without_a_cycle_the_learning_rate_stays() -> None:
    sizes = rates(tiny_classifier(samples=50, batch_size=1, learning_rate=0.01, one_cycle=False))
    np.testing.assert_allclose(sizes, 0.01, rtol=1e-3)


@pytest.mark.parametrize("steps", range(1, 12))
def test_short_cycles_have_learning_rates_too(steps: int) -> None:
    sizes = rates(tiny_classifier(samples=steps, batch_size=1, learning_rate=0.01))
    assert len(sizes) == steps and np.isfinite(sizes).all() and (sizes >= 0).all()


def write(
    config: ClassifierConfig, training_set: TrainingSet, seeds: list[int], paths: list[Path]
) -> None:
    write_classifiers(config, DIGITS, training_set, seeds=seeds, paths=paths)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Classifiers of the seeds 0, 1 and 0 again."""
    folder = tmp_path_factory.mktemp("classifiers")
    paths = [folder / f"run{run}.safetensors" for run in range(3)]
    write(TINY, RANDOM, [0, 1, 0], paths)
    return paths


def test_the_same_seed_trains_the_same_bytes(trained: list[Path]) -> None:
    assert trained[0].read_bytes() == trained[2].read_bytes()


def test_classifiers_that_were_finished_are_not_trained_again(
    trained: list[Path], tmp_path: Path
) -> None:
    paths = [tmp_path / path.name for path in trained]
    shutil.copy2(trained[1], paths[1])
    begin = paths[1].stat().st_mtime_ns
    write(TINY, RANDOM, [0, 1, 0], paths)
    assert paths[1].stat().st_mtime_ns == begin
    assert [path.read_bytes() for path in paths] == [path.read_bytes() for path in trained]


def test_another_seed_trains_another_classifier(trained: list[Path]) -> None:
    one, two = load_file(trained[0]), load_file(trained[1])
    assert len(one) == 8
    assert not any(np.array_equal(one[name], two[name]) for name in one)


def test_training_changes_every_parameter(trained: list[Path]) -> None:
    key_init, _ = jax.random.split(jax.random.key(0))
    start = jax.jit(init_state, static_argnums=(0, 1))(TINY, DIGITS, key_init).params
    end = load_classifier(TINY, DIGITS, trained[0])
    for a, b in zip(jax.tree.leaves(start), jax.tree.leaves(end), strict=True):
        assert not np.array_equal(a, b)


def test_every_step_draws_its_own_batch_and_dropout() -> None:
    train_step = jax.jit(make_train_step(TINY, DIGITS))
    start = jax.jit(init_state, static_argnums=(0, 1))(TINY, DIGITS, KEY)

    def loss(done: int, data: Images) -> float:
        state = start._replace(step=jnp.asarray(done, jnp.int32))
        return float(train_step(state, [data], KEY)[1]["loss"])

    data = random_images(20)
    assert loss(0, data) == loss(0, data) != loss(1, data)
    # Copies of one image: only dropout is left to differ.
    copies = Images(*(array[jnp.zeros(20, int)] for array in data))
    assert loss(0, copies) != loss(1, copies)


def test_an_augmented_step_maps_its_images_anew() -> None:
    config = tiny_classifier(samples=30, dropout=0.0)
    start = jax.jit(init_state, static_argnums=(0, 1))(config, DIGITS, KEY)
    pool = random_images(20)
    copies = Images(*(array[jnp.zeros(20, int)] for array in pool))

    def loss(done: int, augment: bool) -> float:
        train_step = jax.jit(make_train_step(config, DIGITS, augment))
        state = start._replace(step=jnp.asarray(done, jnp.int32))
        return float(train_step(state, [copies], KEY)[1]["loss"])

    assert loss(0, augment=False) == loss(1, augment=False)
    assert loss(0, augment=True) != loss(1, augment=True)


def test_a_run_that_diverges_names_the_loss(tmp_path: Path) -> None:
    config = tiny_classifier(samples=50, learning_rate=1e30, one_cycle=False)
    with pytest.raises(TrainingError, match=r"^training diverged by step 5: loss = (nan|inf); "):
        write(config, RANDOM, [0], [tmp_path / "run0.safetensors"])
    assert not list(tmp_path.rglob("*"))


@pytest.mark.parametrize(
    "training_set",
    [RANDOM, TrainingSet([random_images(3), random_images(20, seed=1)], augment=True)],
    ids=["plain", "augmented"],
)
def test_an_accelerator_trains_the_same_classifiers_side_by_side(
    training_set: TrainingSet, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config, seeds = tiny_classifier(samples=30), [0, 5, 7]
    monkeypatch.setattr(convolution, "has_onednn", lambda: False)
    paths = {
        backend: [tmp_path / f"{backend}{seed}.safetensors" for seed in seeds]
        for backend in ("cpu", "gpu")
    }
    for backend in paths:
        monkeypatch.setattr(jax, "default_backend", lambda: backend)  # noqa: B023
        write(config, training_set, seeds, paths[backend])
    for one, other in zip(*paths.values(), strict=True):
        jax.tree.map(
            partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-5),
            *(load_classifier(config, DIGITS, path) for path in (one, other)),
        )


def test_training_learns_digits(mnist: Path, tmp_path: Path) -> None:
    config = classifier_config(
        "small", samples=5000, batch_size=50, filters=[8, 8], hidden=32, dropout=0.1
    )
    data = load_images(mnist / "train.npz", np.arange(500))
    (path,) = paths = [tmp_path / "run0.safetensors"]
    write(config, TrainingSet([data]), [0], paths)
    test_set = load_images(mnist / "test.npz", np.arange(2000))
    params = load_classifier(config, DIGITS, path)
    predictions = make_predict(config, DIGITS)(params, test_set.images)
    assert 0.75 < (predictions == np.asarray(test_set.labels)).mean() < 1


def test_the_graph_makes_the_classifier_again(trained: list[Path]) -> None:
    module = nnx.merge(make_graph(TINY, DIGITS), load_classifier(TINY, DIGITS, trained[0]))
    assert isinstance(module, Classifier)
    weights = load_file(trained[0])["conv1/kernel/value"]
    np.testing.assert_array_equal(module.conv1.kernel[...], weights)
