"""The generator that paints over a real image, and where its exemplars come from."""

import functools
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from safetensors.numpy import load_file

from synth2real.convert.convert import convert_images, load_generator, untrained_generator
from synth2real.gan import trunk
from synth2real.gan.bend import BRIGHTEST, REACH
from synth2real.gan.exemplar import EXEMPLARS, MASK, ExemplarGenerator
from synth2real.gan.joint import make_joint_step
from synth2real.gan.step import GanData
from synth2real.gan.train import STEPS
from synth2real.io.checkpoints import CheckpointError
from synth2real.spec import ImageSpec
from tiny import random_gan_state, random_images, random_pixels, run_training, tiny_gan

KEY = jax.random.key(0)
PHOTOS = ImageSpec(12, 15, 3, ("a", "b", "c"), "edge")
GAN = tiny_gan("synth2real", PHOTOS, pixel_block=2)
LABELS = jnp.array([2, 0, 1])
Z = jax.random.uniform(KEY, (3, GAN.config.noise_dim), minval=-1)
X, EXEMPLAR = (
    BRIGHTEST * jnp.asarray(random_pixels(3, seed, PHOTOS) / 127.5 - 1, "float32")
    for seed in (0, 1)
)


def still(block: int = 2) -> ExemplarGenerator:
    """A generator that moves nothing and paints nothing."""
    config = tiny_gan("synth2real", PHOTOS, pixel_block=block).config
    generator = ExemplarGenerator(config, PHOTOS, rngs=nnx.Rngs(0))
    for layer in (generator.displacement, generator.affine, generator.paint_out):
        layer.kernel[...] = jnp.zeros_like(layer.kernel[...])
    return generator


def convert(generator: ExemplarGenerator, **inputs: jax.Array) -> np.ndarray:
    converted = generator(X, LABELS, Z, train=True, exemplar_BxHxWxC=EXEMPLAR, **inputs)
    return np.asarray(converted)


@pytest.mark.parametrize("block", [1, 2])
def test_it_begins_halfway_between_both_images(block: int) -> None:
    halfway = (np.arctanh(np.asarray(X)) + np.arctanh(np.asarray(EXEMPLAR))) / 2
    np.testing.assert_allclose(convert(still(block)), np.tanh(halfway), atol=1e-5)


def test_the_mask_chooses_one_of_them() -> None:
    for sign, chosen in ((1, X), (-1, EXEMPLAR)):
        generator = still()
        generator.paint_out.bias[6] = 30.0 * sign / MASK
        np.testing.assert_allclose(convert(generator), chosen, atol=1e-4)


def test_gain_and_paint_are_those_of_a_channel() -> None:
    generator = still()
    # Of the exemplar: red inverted, green half its contrast, blue brighter.
    generator.paint_out.bias[...] = jnp.array([-1.0, -0.25, 0, 0, 0, 0.3, -30 / MASK])
    logits = np.arctanh(np.asarray(EXEMPLAR))
    expected = np.tanh(logits * np.array([-1, 0.5, 1]) + np.array([0, 0, 0.6]))
    np.testing.assert_allclose(convert(generator), expected, atol=1e-4)


def test_strength_scales_the_bends_alone() -> None:
    generator = still()
    generator.displacement.bias[...] = jnp.arctanh(jnp.array([0.0, 1 / (15 * REACH)]))
    generator.paint_out.bias[6] = 30.0 / MASK
    strength_B = jnp.array([0.0, 1.0, 1.0])
    converted = convert(generator, strength_B=strength_B)
    np.testing.assert_allclose(converted[0], X[0], atol=1e-4)
    np.testing.assert_allclose(converted[1:, :, :-1], X[1:, :, 1:], atol=1e-4)


@pytest.mark.parametrize("count", [3, EXEMPLARS + 50])
def test_exemplars_are_real_images_each_as_often_as_any_other(count: int) -> None:
    generator = still()
    real = np.zeros((count, *PHOTOS.shape), np.uint8)
    real[:, 0, 0, 0], real[:, 0, 0, 1] = np.arange(count) // 256, np.arange(count) % 256
    generator.keep_exemplars(jnp.asarray(real), KEY)
    kept = np.asarray(generator.exemplars[...])[:, 0, 0].astype(int)
    times = np.bincount(256 * kept[:, 0] + kept[:, 1], minlength=count)
    assert times.sum() == EXEMPLARS and times.max() - times.min() <= 1


def test_conversions_draw_them_anew_for_each_image() -> None:
    generator = still()
    generator.paint_out.bias[6] = -30.0 / MASK
    real = random_pixels(4, seed=5, spec=PHOTOS)
    generator.keep_exemplars(jnp.asarray(real), KEY)
    _, params, stats = nnx.split(generator, nnx.Param, ...)
    network = random_gan_state(GAN).generator._replace(params=params, stats=stats)
    synthetic = random_images(400, spec=PHOTOS)
    converted = convert_images(GAN, network, synthetic, KEY).astype(int)
    off_NxR = np.abs(converted[:, None] - real.astype(int)).max((2, 3, 4))
    assert off_NxR.min(1).max() <= 3  # a hundredth of the range is missing at its ends
    assert np.bincount(off_NxR.argmin(1)).min() > 60  # of 100


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trunk, "STEPS", 20)
    monkeypatch.setitem(STEPS, "joint", functools.cache(make_joint_step))


def run(folder: Path, unlabelled: jax.Array | tuple[()] = (), stop: bool = False) -> Path:
    """Trains on five labelled real images, and more without; `stop` stops it after a chunk."""
    gan = tiny_gan("synth2real", PHOTOS, pixel_block=2, samples=2 * 2 * 110)
    train = GanData(
        random_images(9, spec=PHOTOS), random_images(5, seed=1, spec=PHOTOS), unlabelled
    )
    validation = GanData(
        random_images(3, seed=2, spec=PHOTOS), random_images(4, seed=3, spec=PHOTOS)
    )
    return run_training(folder, gan, train, validation, seed=7, stop=stop)[0]


def kept(path: Path) -> set[bytes]:
    return {image.tobytes() for image in load_file(path)["generator/stats/exemplars/value"]}


@pytest.mark.slow
def test_training_keeps_its_real_images_and_those_without_labels(
    tmp_path: Path, quick: None
) -> None:
    unlabelled = random_pixels(6, seed=4, spec=PHOTOS)
    path = run(tmp_path, jnp.asarray(unlabelled))
    labelled = random_images(5, seed=1, spec=PHOTOS).images
    expected = {np.asarray(image).tobytes() for image in (*labelled, *unlabelled)}
    assert kept(path) == expected
    gan = tiny_gan("synth2real", PHOTOS, pixel_block=2, samples=2 * 2 * 110)
    trained, untrained = load_generator(gan, path), untrained_generator(gan, 7, path)
    assert jax.tree.all(jax.tree.map(np.array_equal, trained.stats, untrained.stats))
    assert not jax.tree.all(jax.tree.map(np.array_equal, trained.params, untrained.params))


@pytest.mark.slow
def test_a_stopped_training_goes_on_with_the_same_exemplars(tmp_path: Path, quick: None) -> None:
    (tmp_path / "whole").mkdir()
    whole = run(tmp_path / "whole")
    with pytest.raises(CheckpointError, match="after 100 steps"):
        run(tmp_path, stop=True)
    assert run(tmp_path).read_bytes() == whole.read_bytes()
