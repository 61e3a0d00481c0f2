"""The networks of the preset synth2real: what bends images, and what judges them by class."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from synth2real.gan.projection import ProjectionDiscriminator
from synth2real.gan.step import GanData, make_train_step
from synth2real.gan.warp import REACH, WarpGenerator
from synth2real.spec import ImageSpec
from tiny import DIGITS, random_gan_state, random_images, random_pixels, tiny_gan

KEY = jax.random.key(0)
GAN = tiny_gan("synth2real")
BLOCKS = tiny_gan("synth2real", pixel_block=2)
COLOUR = ImageSpec(24, 17, 3, ("a", "b", "c"), "edge")
X = jnp.asarray(random_pixels(3) / 127.5 - 1, "float32")
Z = jax.random.uniform(KEY, (3, GAN.config.noise_dim), minval=-1)
PIXELS = 28 * REACH  # the reach in them
STATE = random_gan_state(GAN, spread=0.3)
step = jax.jit(make_train_step(GAN))  # one program; a step's operations one by one are hundreds


def still(gan=GAN) -> WarpGenerator:
    """A generator that moves nothing."""
    generator = WarpGenerator(gan.config, gan.spec, rngs=nnx.Rngs(0))
    for layer in (generator.displacement, generator.affine):
        layer.kernel[...] = jnp.zeros_like(layer.kernel[...])
    return generator


@pytest.mark.parametrize("gan", [GAN, BLOCKS])
def test_a_generator_that_moves_nothing_returns_its_input(gan) -> None:
    np.testing.assert_allclose(still(gan)(X, Z, train=True), X, atol=1e-5)


@pytest.mark.parametrize("block", [1, 2])
def test_a_generator_of_odd_colour_images_that_moves_nothing_returns_its_input(block: int) -> None:
    gan = tiny_gan("synth2real", COLOUR, pixel_block=block)
    x = jnp.asarray(random_pixels(3, spec=COLOUR) / 127.5 - 1, "float32")
    np.testing.assert_allclose(still(gan)(x, Z, train=True), x, atol=1e-5)


def test_a_constant_displacement_shifts_the_image_and_brings_in_background() -> None:
    generator = still()
    generator.displacement.bias[...] = jnp.arctanh(jnp.array([2.0, -1.0]) / PIXELS)  # (row, column)
    shifted = np.asarray(generator(X, Z, train=False))
    np.testing.assert_allclose(shifted[:, :-2, 1:], X[:, 2:, :-1], atol=1e-5)
    np.testing.assert_allclose(shifted[:, -2:], -1, atol=1e-5)


def test_the_affine_part_moves_the_rim_by_its_reach_at_most() -> None:
    generator = still()
    # A row comes from 1 + 4 / 14 times its distance to the middle, 13.5 pixels at the rim.
    generator.affine.bias[...] = jnp.array([100.0, 0, 0, 0, 0, 0])
    ramp = jnp.broadcast_to(jnp.linspace(-1, 1, 28).reshape(1, 28, 1, 1), (3, 28, 28, 1))
    stretched = np.asarray(generator(ramp, Z, train=False))
    middle = slice(10, 18)  # what the rim's zeros do not reach
    np.testing.assert_allclose(
        stretched[:, middle], np.asarray(ramp)[:, middle] * (1 + 4 / 14), atol=1e-4
    )


# The second magnifies and shifts, which is the worst: the middle leaves, a corner stays.
@pytest.mark.parametrize("signs", [[1, 1, 1, 1, 1, 1], [-1, -1, 1, -1, -1, 1]])
def test_no_generator_throws_all_ink_off_the_canvas(signs: list[int]) -> None:
    generator = still()
    digit = jnp.full((3, 28, 28, 1), -1.0).at[:, 4:24, 4:24].set(1.0)  # MNIST's 20 x 20 pixels
    generator.displacement.bias[...] = jnp.full_like(generator.displacement.bias[...], 100.0)
    generator.affine.bias[...] = 100.0 * jnp.array(signs)
    bent = generator(digit, Z, train=False)
    assert ((np.asarray(bent) + 1) / 2).sum((1, 2, 3)).min() > 50


def test_noise_changes_the_bend() -> None:
    generator = WarpGenerator(GAN.config, DIGITS, rngs=nnx.Rngs(0))
    assert not np.allclose(generator(X, Z, train=True), generator(X, -Z, train=True), atol=1e-4)


@pytest.mark.parametrize("gan", [GAN, BLOCKS])
def test_the_discriminator_judges_by_class(gan) -> None:
    judge = ProjectionDiscriminator(gan.config, gan.spec, rngs=nnx.Rngs(0))
    judge.dense_out.bias[...] = 100.0 * jnp.arange(10)
    labels = jnp.array([0, 3, 9])
    logits = np.asarray(judge(X, labels, key=KEY, train=False))
    assert logits.shape == (3,)
    np.testing.assert_allclose(logits / 100, [0, 3, 9], atol=0.2)
    assert not np.allclose(logits, [0, 300, 900])


def test_the_discriminators_convolutions_have_spectral_norm_one() -> None:
    judge = ProjectionDiscriminator(GAN.config, DIGITS, rngs=nnx.Rngs(0))
    for _ in range(200):  # power iterations
        judge(X, jnp.zeros(3, jnp.int32), key=KEY, train=True)
    for conv in judge.convs:
        kernel = np.asarray(conv.layer_instance.kernel[...])
        norm = np.linalg.norm(kernel.reshape(-1, kernel.shape[-1]), 2)
        np.testing.assert_allclose(norm, 1, rtol=1e-3)


def test_a_step_normalises_the_discriminators_kernels_once_for_each_batch() -> None:
    data = GanData(random_images(8), random_images(8, seed=1))
    after, _ = step(STATE, data, KEY)
    for i in range(4):
        kernel = np.asarray(STATE.discriminator.params["convs"][i]["layer_instance"]["kernel"][...])
        kernel = kernel.reshape(-1, kernel.shape[-1]).astype(float)
        u = np.ones(kernel.shape[1])
        for _ in range(2):  # power iterations: of the real batch's pass, then the converted one's
            v = kernel @ u / np.linalg.norm(kernel @ u)
            u = v @ kernel / np.linalg.norm(v @ kernel)
        sigma = after.discriminator.stats["convs"][i]["batch_stats"][("kernel", "sigma")]
        assert float(sigma[...]) == pytest.approx(v @ kernel @ u, rel=1e-4)


def test_a_class_without_real_images_is_left_out_of_the_game() -> None:
    synthetic, real = random_images(8), random_images(8, seed=1)
    # All synthetic images show a 6, which no real image does: whatever the generator makes,
    # nothing is learned of it, and the discriminator is as undecided as at chance.
    data = GanData(
        synthetic._replace(labels=jnp.full(8, 6, jnp.int32)),
        real._replace(labels=jnp.arange(8) % 6),
    )
    _, metrics = step(STATE, data, KEY)
    np.testing.assert_allclose(metrics["adversarial"], np.log(2), rtol=1e-6)
    with_sixes = data._replace(real=real._replace(labels=jnp.full(8, 6, jnp.int32)))
    _, metrics = step(STATE, with_sixes, KEY)
    assert abs(float(metrics["adversarial"]) - np.log(2)) > 1e-6
