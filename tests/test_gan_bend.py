"""The generator of the preset synth2real: what bends and paints."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from synth2real.convert.convert import convert_images
from synth2real.gan.bend import BRIGHTEST, HIDDEN, PAINT, REACH, BendGenerator, StyledNorm
from synth2real.gan.joint import make_joint_step
from synth2real.spec import ImageSpec
from synth2real.training import Images
from tiny import DIGITS, random_gan_state, random_pixels, tiny_gan

KEY = jax.random.key(0)
GAN = tiny_gan("synth2real")
BLOCKS = tiny_gan("synth2real", pixel_block=2)
COLOUR = ImageSpec(24, 17, 3, ("a", "b", "c"), (10, 200, 30))
X = BRIGHTEST * jnp.asarray(random_pixels(3) / 127.5 - 1, "float32")
LABELS = jnp.array([3, 0, 9])
Z = jax.random.uniform(KEY, (3, GAN.config.noise_dim), minval=-1)
PIXELS = 28 * REACH  # the reach in them
STATE = random_gan_state(GAN, spread=0.3)
step = jax.jit(make_joint_step(GAN))  # one program; a step's operations one by one are hundreds


def still(gan=GAN) -> BendGenerator:
    """A generator that moves nothing and paints nothing."""
    generator = BendGenerator(gan.config, gan.spec, rngs=nnx.Rngs(0))
    for layer in (generator.displacement, generator.affine, generator.paint_out):
        layer.kernel[...] = jnp.zeros_like(layer.kernel[...])
    return generator


def bent(generator: BendGenerator, x: jax.Array = X, labels: jax.Array = LABELS) -> np.ndarray:
    """What a generator bends images to."""
    return np.asarray(generator(x, labels, Z, train=True))


@pytest.mark.parametrize("gan", [GAN, BLOCKS])
def test_a_generator_that_moves_and_paints_nothing_keeps_its_input(gan) -> None:
    np.testing.assert_allclose(bent(still(gan)), X, atol=1e-4)
    # A hundredth of the range is missing at its ends.
    np.testing.assert_allclose(bent(still(gan), jnp.ones_like(X)), BRIGHTEST, atol=1e-4)


@pytest.mark.parametrize("block", [1, 2])
def test_a_generator_of_odd_colour_images_keeps_them(block: int) -> None:
    gan = tiny_gan("synth2real", COLOUR, pixel_block=block)
    x = BRIGHTEST * jnp.asarray(random_pixels(3, spec=COLOUR) / 127.5 - 1, "float32")
    np.testing.assert_allclose(bent(still(gan), x, LABELS % 3), x, atol=1e-4)


def test_a_constant_displacement_shifts_the_image_and_brings_in_background() -> None:
    generator = still()
    generator.displacement.bias[...] = jnp.arctanh(jnp.array([2.0, -1.0]) / PIXELS)  # (row, column)
    shifted = bent(generator)
    np.testing.assert_allclose(shifted[:, :-2, 1:], X[:, 2:, :-1], atol=1e-4)
    np.testing.assert_allclose(shifted[:, -2:], -BRIGHTEST, atol=1e-4)


def test_the_affine_part_moves_the_rim_by_its_reach_at_most() -> None:
    generator = still()
    # A row comes from 1 + 4 / 14 times its distance to the middle, 13.5 pixels at the rim.
    generator.affine.bias[...] = jnp.array([100.0, 0, 0, 0, 0, 0])
    ramp = jnp.broadcast_to(jnp.linspace(-0.7, 0.7, 28).reshape(1, 28, 1, 1), (3, 28, 28, 1))
    middle = slice(10, 18)  # what the rim's zeros do not reach
    np.testing.assert_allclose(
        bent(generator, ramp)[:, middle], np.asarray(ramp)[:, middle] * (1 + 4 / 14), atol=1e-4
    )


# The second magnifies and shifts, which is the worst: the middle leaves, a corner stays.
@pytest.mark.parametrize("signs", [[1, 1, 1, 1, 1, 1], [-1, -1, 1, -1, -1, 1]])
def test_no_generator_throws_all_ink_off_the_canvas(signs: list[int]) -> None:
    generator = still()
    digit = jnp.full((3, 28, 28, 1), -1.0).at[:, 4:24, 4:24].set(1.0)  # MNIST's 20 x 20 pixels
    generator.displacement.bias[...] = jnp.full_like(generator.displacement.bias[...], 100.0)
    generator.affine.bias[...] = 100.0 * jnp.array(signs)
    assert ((bent(generator, digit) + 1) / 2).sum((1, 2, 3)).min() > 50


def test_paint_changes_logits() -> None:
    generator = still()
    generator.paint_out.bias[...] = jnp.full_like(generator.paint_out.bias[...], 0.3)
    painted = np.asarray(generator(X, LABELS, Z, train=True))
    np.testing.assert_allclose(painted, np.tanh(np.arctanh(np.asarray(X)) + PAINT * 0.3), atol=1e-5)


def test_strength_scales_the_shift_the_map_and_the_paint() -> None:
    generator = still()
    generator.displacement.bias[...] = jnp.arctanh(jnp.array([0.0, 2.0]) / PIXELS)
    generator.affine.bias[...] = jnp.array([0, 0, jnp.arctanh(2 / PIXELS), 0, 0, 0])
    generator.paint_out.bias[...] = jnp.full_like(generator.paint_out.bias[...], 0.3)
    strength_B = jnp.array([1.0, 0.5, 0.0])
    converted = np.asarray(generator(X, LABELS, Z, train=True, strength_B=strength_B))
    for image, x, strength in zip(converted, np.asarray(X, float), strength_B, strict=True):
        moved = int(2 * strength)  # pixels, down and right
        expected = np.tanh(np.arctanh(x[moved:, moved:]) + PAINT * 0.3 * float(strength))
        np.testing.assert_allclose(image[: 28 - moved, : 28 - moved], expected, atol=1e-4)


def test_strengths_are_uniform_from_the_least_to_1() -> None:
    generator = still()
    generator.paint_out.bias[...] = jnp.full_like(generator.paint_out.bias[...], 0.3)
    _, params, stats = nnx.split(generator, nnx.Param, ...)
    grey = Images(jnp.zeros((400, 28, 28, 1), "uint8").at[:].set(128), jnp.zeros(400, "int32"))
    network = STATE.generator._replace(params=params, stats=stats)
    tones = convert_images(GAN, network, grey, KEY, least_strength=0.6)[:, 0, 0, 0] / 127.5 - 1
    strengths = np.sort((np.arctanh(tones) - np.arctanh(128 / 127.5 - 1)) / (PAINT * 0.3))
    np.testing.assert_allclose(strengths, np.linspace(0.6, 1, 400), atol=0.04)


def test_noise_and_class_change_the_image() -> None:
    generator = BendGenerator(GAN.config, DIGITS, rngs=nnx.Rngs(0))
    image = generator(X, LABELS, Z, train=True)
    assert not np.allclose(image, generator(X, LABELS, -Z, train=True), atol=1e-4)
    assert not np.allclose(image, generator(X, LABELS - 1, Z, train=True), atol=1e-4)


@pytest.mark.parametrize("filters", [12, 16])
def test_a_style_scales_and_shifts_what_is_normalised_in_groups(filters: int) -> None:
    random = np.random.default_rng(2)
    x = random.normal(3.0, 2.0, (2, 5, 3, filters)).astype("float32")
    style = random.normal(size=(2, HIDDEN)).astype("float32")
    norm = StyledNorm(filters, rngs=nnx.Rngs(0))
    norm.dense.bias[...] = jnp.linspace(-1, 1, 2 * filters)
    flax = nnx.GroupNorm(
        filters, num_groups=norm.groups, use_bias=False, use_scale=False, rngs=nnx.Rngs(0)
    )
    scale, shift = np.split(np.asarray(norm.dense(style)), 2, axis=1)
    expected = (1 + scale)[:, None, None] * np.asarray(flax(x)) + shift[:, None, None]
    assert filters % norm.groups == 0 and norm.groups > 1
    np.testing.assert_allclose(norm(x, style), expected, atol=1e-5)
