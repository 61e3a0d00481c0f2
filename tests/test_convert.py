"""The convert stage: pixels, order, independence of the images."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import reference
from synth2real.convert.config import ConvertConfig
from synth2real.convert.convert import (
    CONVERT,
    convert_images,
    least_strength,
    load_generator,
    write_converted,
)
from synth2real.errors import InputError
from synth2real.gan.networks import Generator
from synth2real.gan.state import GanState, init_state
from synth2real.io.arrays import load_arrays
from synth2real.io.weights import save_weights
from synth2real.splits import Size, read_split
from synth2real.training import BATCH, Images
from tiny import (
    numbered_images,
    random_gan_state,
    random_pixels,
    tiny_gan,
    write_tiny_split,
)

KEY = jax.random.key(0)
GAN = tiny_gan()
STATE = random_gan_state(GAN, spread=0.3)
PAPER = ConvertConfig(1, least_strength=1.0)


def blank(state: GanState, tint: float) -> GanState:
    """With a generator that makes every pixel tanh(tint)."""

    def fill(path, leaf: jax.Array) -> jax.Array:
        name = jax.tree_util.keystr(path)
        return jnp.full_like(leaf, tint if "conv_out" in name and "bias" in name else 0)

    params = jax.tree_util.tree_map_with_path(fill, state.generator.params)
    return state._replace(generator=state.generator._replace(params=params))


def labelled(images: np.ndarray) -> Images:
    return Images(jnp.asarray(images), jnp.zeros(len(images), jnp.int32))


def convert(images: np.ndarray, key: jax.Array = KEY, state: GanState = STATE) -> np.ndarray:
    return convert_images(GAN, state.generator, labelled(images), key)


# (x + 1) / 2 * 255 of -1, 0, 1, and of tanh(0.5) = 0.46212: 186.42.
@pytest.mark.parametrize("tint, pixel", [(-50.0, 0), (0.0, 128), (50.0, 255), (0.5, 186)])
def test_pixels_cover_the_whole_range(tint: float, pixel: int) -> None:
    converted = convert(random_pixels(3), state=blank(STATE, tint))
    assert converted.shape == (3, 28, 28, 1) and converted.dtype == np.uint8
    assert set(converted.ravel().tolist()) == {pixel}


def test_conversions_are_the_generators_in_evaluation_mode() -> None:
    # Without noise in it, so that numpy can tell what must come out.
    silent = jax.tree_util.tree_map_with_path(
        lambda path, leaf: leaf * ("noise" not in jax.tree_util.keystr(path)),
        STATE.generator.params,
    )
    generator = STATE.generator._replace(params=silent)
    images = random_pixels(3)
    converted = convert_images(GAN, generator, labelled(images), KEY)
    module = nnx.merge(GAN.generator, *generator[:2])
    right = reference.generator(module, images / 127.5 - 1, np.zeros((3, 10)), train=False)
    assert right.std() > 0.1
    assert np.abs(converted - (right + 1) / 2 * 255).max() <= 0.51


def test_a_generator_gets_each_images_class() -> None:
    gan = tiny_gan("synth2real", generator_blocks=0)
    state = random_gan_state(gan, spread=0.3)
    images = np.broadcast_to(random_pixels(1), (3, 28, 28, 1))
    one, other, again = (
        convert_images(gan, state.generator, Images(jnp.asarray(images), jnp.array(labels)), KEY)
        for labels in ([3, 4, 5], [3, 7, 5], [3, 4, 5])
    )
    np.testing.assert_array_equal(one, again)
    changed = (one != other).any((1, 2, 3))
    assert changed.tolist() == [False, True, False]


@pytest.mark.parametrize("count", [1, BATCH, BATCH + 1])
def test_every_image_is_converted_once_and_in_order(count: int) -> None:
    # Near the identity: each image of one grey becomes another of its own grey.
    module = nnx.merge(GAN.generator, *blank(STATE, 0.0).generator[:2])
    module.conv_in.kernel[...] = jnp.zeros((3, 3, 2, 2)).at[1, 1, 0, 0].set(1.0)
    module.conv_in.bias[...] = jnp.array([1.0, 0.0])  # over the threshold of ReLU
    module.conv_out.kernel[...] = jnp.zeros((1, 1, 2, 1)).at[0, 0, 0, 0].set(1.0)
    module.conv_out.bias[...] = jnp.array([-1.0])
    generator = STATE.generator._replace(params=nnx.state(module, nnx.Param))
    greys = np.arange(count) % 251
    images = np.broadcast_to(greys[:, None, None, None], (count, 28, 28, 1)).astype(np.uint8)
    converted = convert_images(GAN, generator, labelled(images), KEY)
    right = (np.tanh(greys / 127.5 - 1) + 1) / 2 * 255
    assert len(converted) == count
    assert np.abs(converted - right[:, None, None, None]).max() <= 0.51


def test_a_conversion_does_not_depend_on_the_other_images() -> None:
    images = random_pixels(BATCH + 20)
    others = random_pixels(BATCH + 20, seed=1)
    kept = [0, 7, BATCH - 1, BATCH, BATCH + 19]
    others[kept] = images[kept]
    one, other = convert(images), convert(others)
    np.testing.assert_array_equal(one[kept], other[kept])
    assert not np.array_equal(one, other)
    # Nor on how many follow: the last batch is filled up.
    np.testing.assert_array_equal(convert(images[: BATCH + 8]), one[: BATCH + 8])


def test_noise_is_drawn_for_each_image_and_batch_and_by_key() -> None:
    images = np.broadcast_to(random_pixels(1), (BATCH + 2, 28, 28, 1))
    converted = convert(images)
    assert len({image.tobytes() for image in converted[:20]}) == 20
    assert not np.array_equal(converted[0], converted[BATCH])
    np.testing.assert_array_equal(convert(images), converted)
    assert not np.array_equal(convert(images, jax.random.key(1)), converted)


# --- files ------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A GAN, a split and synthetic images; each image has a grey of its own."""
    save_weights(tmp_path / "networks.safetensors", STATE.weights, {})
    numbered_images(tmp_path / "real.npz", 30)
    numbered_images(tmp_path / "synthetic_train.npz", 60, start=100)
    numbered_images(tmp_path / "synthetic_test.npz", 11, start=200)
    write_tiny_split(tmp_path, Size("ratio", "0.25"), total=40, synthetic="synthetic_train")
    return tmp_path


def write(
    folder: Path, name: str = "out", seed: int = 0, config: ConvertConfig = PAPER
) -> tuple[Path, Path]:
    paths = folder / f"{name}_train.npz", folder / f"{name}_test.npz"
    write_converted(
        GAN,
        config,
        gan_path=folder / "networks.safetensors",
        trained=True,
        split_path=folder / "split.npz",
        synthetic_train_path=folder / "synthetic_train.npz",
        synthetic_test_path=folder / "synthetic_test.npz",
        seed=seed,
        train_path=paths[0],
        test_path=paths[1],
    )
    return paths


def test_the_generator_is_read_from_the_gans_file(folder: Path) -> None:
    generator = load_generator(GAN, folder / "networks.safetensors")
    for part, right in zip(generator[:2], STATE.generator[:2], strict=True):
        jax.tree.map(np.testing.assert_array_equal, part, right)
    assert isinstance(nnx.merge(GAN.generator, *generator[:2]), Generator)


def keys() -> jax.Array:
    """What the training images' key and the test images' key are for seed 0."""
    return jax.random.split(jax.random.fold_in(jax.random.key(0), 2**31))


def test_training_images_and_labels_are_in_the_splits_order(folder: Path) -> None:
    images, labels = load_arrays(write(folder)[0], "images", "labels")
    synthetic, synthetic_labels = load_arrays(folder / "synthetic_train.npz", "images", "labels")
    order = read_split(folder / "split.npz").synthetic
    assert len(order) == 30 and order.tolist() != sorted(order)
    assert (
        labels.tolist() == synthetic_labels[order].tolist()
        and labels.dtype == synthetic_labels.dtype
    )
    (key,) = jax.random.split(keys()[0], 1)
    np.testing.assert_array_equal(images, convert(synthetic[order], key))


def test_the_test_set_is_in_the_synthetic_test_sets_order(folder: Path) -> None:
    images, labels = load_arrays(write(folder)[1], "images", "labels")
    synthetic, synthetic_labels = load_arrays(folder / "synthetic_test.npz", "images", "labels")
    assert labels.tolist() == synthetic_labels.tolist()
    np.testing.assert_array_equal(images, convert(synthetic, keys()[1]))


def test_the_same_seed_writes_the_same_bytes_and_another_other_images(folder: Path) -> None:
    one, again, other = write(folder), write(folder, "again"), write(folder, "other", seed=1)
    for a, b, c in zip(one, again, other, strict=True):
        assert a.read_bytes() == b.read_bytes()
        images, others = (load_arrays(path, "images")[0] for path in (a, c))
        assert not np.array_equal(images, others)


def test_a_truncated_gan_is_refused_by_name(folder: Path) -> None:
    path = folder / "networks.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"networks\.safetensors: cannot be read"):
        write(folder)


def test_conversion_shares_no_key_with_training() -> None:
    training = jax.random.split(jax.random.key(0), 3)
    assert not any((jax.random.fold_in(KEY, CONVERT) == key).all() for key in training)


def test_further_copies_are_other_conversions_of_the_same_images(folder: Path) -> None:
    one, _ = write(folder, "one")
    three, test = write(folder, "three", config=ConvertConfig(3, least_strength=1.0))
    images, labels = load_arrays(one, "images", "labels")
    copies, copied_labels = load_arrays(three, "images", "labels")
    assert copied_labels.tolist() == labels.tolist() * 3
    first, second, third = np.split(copies, 3)
    np.testing.assert_array_equal(first, images)
    for a, b in ((first, second), (first, third), (second, third)):
        assert (a != b).any((1, 2, 3)).all()
    assert len(load_arrays(test, "labels")[0]) == 11


@pytest.mark.parametrize(
    "memorised, strength",
    [
        (0.9, 0.5),
        (1.2, 0.4),
        (2.3, 0.0),
        (-0.1, 0.5),
        (None, 0.0),  # too few to hold one out
    ],
)
def test_the_more_is_memorised_the_weaker_may_conversions_be(
    tmp_path: Path, memorised: float | None, strength: float
) -> None:
    path = tmp_path / "networks.safetensors"
    joint = tiny_gan("synth2real")
    save_weights(path, {"a": jnp.zeros(1)}, joint.about | {"memorised": memorised})
    assert least_strength(path) == pytest.approx(strength)
    save_weights(path, {"a": jnp.zeros(1)}, GAN.about | {"memorised": None})
    assert least_strength(path) == 0.5  # by PixelDA's step, which does not measure it
    save_weights(path, {"a": jnp.zeros(1)}, joint.about | {"memorised": memorised})
    assert least_strength(path, 0.7) == 0.7


def test_strength_is_measured_where_none_is_given(tmp_path: Path, folder: Path) -> None:
    gan = tiny_gan("synth2real", generator_blocks=1)
    about = gan.about | {"memorised": 1.6}
    state = random_gan_state(gan, spread=0.3)
    save_weights(tmp_path / "networks.safetensors", state.weights, about)

    def converted(least: float | None) -> bytes:
        write_converted(
            gan,
            ConvertConfig(1, least_strength=least),
            gan_path=tmp_path / "networks.safetensors",
            trained=True,
            split_path=folder / "split.npz",
            synthetic_train_path=folder / "synthetic_train.npz",
            synthetic_test_path=folder / "synthetic_test.npz",
            seed=0,
            train_path=tmp_path / "train.npz",
            test_path=tmp_path / "test.npz",
        )
        return (tmp_path / "train.npz").read_bytes()

    assert converted(None) == converted(0.2) != converted(0.5)


def test_the_untrained_generator_is_the_one_that_training_begins_with(
    tmp_path: Path, folder: Path
) -> None:
    gan = tiny_gan("synth2real", generator_blocks=1)
    # The first of three keys of the seed's makes the networks.
    start = init_state(gan.config, gan.spec, jax.random.split(jax.random.key(3), 3)[0])
    about = gan.about | {"memorised": 0.6}
    save_weights(tmp_path / "networks.safetensors", start.weights, about)
    found = []
    for trained in (True, False):
        write_converted(
            gan,
            ConvertConfig(copies=2, least_strength=None),
            trained=trained,
            gan_path=tmp_path / "networks.safetensors",
            split_path=folder / "split.npz",
            synthetic_train_path=folder / "synthetic_train.npz",
            synthetic_test_path=folder / "synthetic_test.npz",
            seed=3,
            train_path=tmp_path / "train.npz",
            test_path=tmp_path / "test.npz",
        )
        found.append(load_arrays(tmp_path / "train.npz", "images")[0].astype(int))
    # Compiled as a whole, the first weights differ in their last bits.
    assert np.abs(found[0] - found[1]).max() <= 1
