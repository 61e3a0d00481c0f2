"""The GAN's networks: PixelDA's sizes, and the same numbers as plain numpy."""

import itertools
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import reference
from synth2real.gan.config import GanConfig, gan_config
from synth2real.gan.networks import Discriminator, Generator, TaskClassifier
from synth2real.gan.state import DISCRIMINATORS, Gan, init_state, make_gan
from synth2real.gan.step import discriminate, generate
from synth2real.spec import ImageSpec
from tiny import DIGITS, randomise, tiny_gan_config

KEY = jax.random.key(0)
CODE = gan_config("pixelda-code")
SAME = partial(np.testing.assert_allclose, rtol=2e-4, atol=2e-5)


def shapes(
    module: type[nnx.Module], config: GanConfig = CODE, spec: ImageSpec = DIGITS
) -> nnx.Module:
    """The module with shapes for numbers: nothing is computed."""
    return nnx.eval_shape(lambda: module(config, spec, rngs=nnx.Rngs(0)))


def count(module: nnx.Module) -> int:
    return sum(leaf.size for leaf in jax.tree.leaves(nnx.state(module, nnx.Param)))


def out_shape(layer, *shape: int, **kwargs) -> tuple[int, ...]:
    out = nnx.eval_shape(lambda layer, x: layer(x, **kwargs), layer, jnp.zeros(shape))
    return out.shape


def make(module: type[nnx.Module], **overrides) -> nnx.Module:
    """A tiny network of random parameters and statistics."""
    return randomise(shapes(module, tiny_gan_config(**overrides)))


@partial(nnx.jit, static_argnames="train")
def run(generator: Generator, x: jax.Array, z: jax.Array, *, train: bool) -> jax.Array:
    return generator(x, jnp.zeros(len(x), jnp.int32), z, train=train)


@partial(nnx.jit, static_argnames="train")
def judge(discriminator: Discriminator, x: jax.Array, *, key: jax.Array, train: bool) -> jax.Array:
    return discriminator(x, jnp.zeros(len(x), jnp.int32), key=key, train=train)


def images(count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, (count, 28, 28, 1)).astype(np.float32)


# --- sizes ------------------------------------------------------------------------------------


def conv_size(size: int, c_in: int, c_out: int) -> int:
    """Weights, and a bias or batch normalisation's shift for each output."""
    return size * size * c_in * c_out + c_out


def test_generator_has_pixeldas_parameters() -> None:
    noise = 10 * 28 * 28 + 28 * 28
    blocks = 6 * 2 * conv_size(3, 64, 64)
    right = noise + conv_size(3, 2, 64) + blocks + conv_size(1, 64, 1)
    assert right == 453_041
    assert count(shapes(Generator)) == right


def test_discriminator_has_pixeldas_parameters() -> None:
    widths = [1, 64, 128, 256, 512]
    right = sum(conv_size(3, *pair) for pair in zip(widths, widths[1:], strict=False))
    right += 4 * 4 * 512 + 1
    assert right == 1_558_017
    assert count(shapes(Discriminator)) == right


def test_task_classifier_has_pixeldas_parameters() -> None:
    stem = conv_size(3, 1, 32) + conv_size(3, 32, 64)
    shared = conv_size(3, 64, 128) + (3 * 3 * 128 * 100 + 100) + (100 * 10 + 10)
    assert 2 * stem + shared == 227_798
    assert count(shapes(TaskClassifier)) == 2 * stem + shared


def test_generator_stages() -> None:
    generator = shapes(Generator)
    assert out_shape(generator.noise, 5, 10) == (5, 784)
    assert out_shape(generator.conv_in, 5, 28, 28, 2) == (5, 28, 28, 64)
    assert len(generator.blocks) == 6
    for block in generator.blocks:
        assert out_shape(block, 5, 28, 28, 64, train=True) == (5, 28, 28, 64)
    assert out_shape(generator.conv_out, 5, 28, 28, 64) == (5, 28, 28, 1)


def test_discriminator_stages() -> None:
    discriminator = shapes(Discriminator)
    assert out_shape(discriminator.conv_in, 5, 28, 28, 1) == (5, 28, 28, 64)
    sizes = [(28, 64), (14, 128), (7, 256), (4, 512)]
    assert len(discriminator.convs) == len(discriminator.bns) == 3
    for i, (conv, norm) in enumerate(zip(discriminator.convs, discriminator.bns, strict=True)):
        (size, width), (small, wide) = sizes[i], sizes[i + 1]
        assert out_shape(conv, 5, size, size, width) == (5, small, small, wide)
        assert norm.num_features == wide
    assert out_shape(discriminator.dense_out, 5, 4 * 4 * 512) == (5, 1)
    assert out_shape(
        discriminator, 5, 28, 28, 1, labels_B=jnp.zeros(5, int), key=KEY, train=True
    ) == (5,)


def test_task_classifier_stages() -> None:
    task = shapes(TaskClassifier)
    for stem in (task.synthetic_stem, task.real_stem):
        assert out_shape(stem[0], 5, 28, 28, 1) == (5, 28, 28, 32)
        assert out_shape(stem[1], 5, 14, 14, 32) == (5, 14, 14, 64)
    assert out_shape(task.conv, 5, 7, 7, 64) == (5, 7, 7, 128)
    assert out_shape(task.dense1, 5, 3 * 3 * 128) == (5, 100)
    for predict in (TaskClassifier.from_synthetic, TaskClassifier.from_real):
        assert nnx.eval_shape(predict, task, jnp.zeros((5, 28, 28, 1))).shape == (5, 10)


def test_the_config_sets_widths_depth_and_noise() -> None:
    config = tiny_gan_config(
        noise_dim=3,
        generator_filters=5,
        generator_blocks=4,
        discriminator_filters=7,
        task_filters=11,
    )
    generator = shapes(Generator, config)
    assert generator.noise.kernel.shape == (3, 784)
    assert generator.conv_in.kernel.shape == (3, 3, 2, 5) and len(generator.blocks) == 4
    assert shapes(Discriminator, config).convs[2].kernel.shape == (3, 3, 28, 56)
    assert shapes(TaskClassifier, config).conv.kernel.shape == (3, 3, 22, 44)


def test_blocks_of_pixels_leave_a_quarter_of_the_positions() -> None:
    config = tiny_gan_config(pixel_block=2, generator_filters=5, discriminator_filters=7)
    generator, discriminator = shapes(Generator, config), shapes(Discriminator, config)
    assert generator.conv_in.kernel.shape == (3, 3, 8, 5)
    assert generator.conv_out.kernel.shape == (1, 1, 5, 4)
    assert discriminator.conv_in.kernel.shape == (3, 3, 4, 7)
    assert [conv.kernel.shape[2:] for conv in discriminator.convs] == [(7, 14), (14, 28)]
    assert discriminator.dense_out.in_features == 4 * 4 * 28


def test_weights_start_from_a_narrow_normal_and_the_rest_from_zero() -> None:
    state = jax.jit(init_state, static_argnums=(0, 1))(gan_config("small"), DIGITS, KEY)
    for network in (state.generator, state.discriminator, state.task):
        kernels = []
        for path, leaf in jax.tree_util.tree_leaves_with_path(network.params):
            if "kernel" in jax.tree_util.keystr(path):
                kernels.append(np.ravel(leaf))
            else:
                assert not np.any(leaf)
        weights = np.concatenate(kernels)
        assert weights.std() == pytest.approx(0.02, rel=0.03)
        # A normal distribution's, not a truncated one's, whose tails end at 2 deviations.
        assert np.mean(np.abs(weights) > 0.04) == pytest.approx(0.0455, abs=0.006)


@pytest.mark.parametrize(
    "block, height, width, channels, classes",
    [(1, 16, 16, 1, 10), (1, 24, 33, 3, 3), (2, 24, 33, 3, 3), (2, 128, 64, 3, 26)],
)
def test_networks_take_images_of_any_size(
    block: int, height: int, width: int, channels: int, classes: int
) -> None:
    names = tuple(str(label) for label in range(classes))
    spec = ImageSpec(height, width, channels, names, "edge")
    x, labels = jnp.zeros((5, *spec.shape)), jnp.zeros(5, int)
    for generator in ("resnet", "bend"):
        for discriminator in DISCRIMINATORS:
            overrides = {"generator": generator, "discriminator": discriminator}
            gan = make_gan(tiny_gan_config(pixel_block=block, **overrides), spec)

            def use(gan: Gan = gan) -> tuple[jax.Array, jax.Array]:
                state = init_state(gan.config, gan.spec, KEY)
                converted, _ = generate(gan, state.generator, x, labels, KEY, train=True)
                return converted, discriminate(gan, state.discriminator, x, labels, KEY)[0]

            converted, logits = jax.eval_shape(use)
            assert converted.shape == x.shape and logits.shape == (5,)
    task = shapes(TaskClassifier, tiny_gan_config(), spec)
    assert nnx.eval_shape(TaskClassifier.from_real, task, x).shape == (5, classes)


@pytest.mark.parametrize("size, block, depth", [(28, 1, 3), (28, 2, 2), (8, 2, 0), (128, 1, 5)])
def test_discriminators_halve_down_to_four_positions(size: int, block: int, depth: int) -> None:
    spec = ImageSpec(size, size, 1, DIGITS.classes, (0,))
    config = tiny_gan_config(pixel_block=block, discriminator_filters=3)
    convs = shapes(Discriminator, config, spec).convs
    widths = [3, 6, 12, 24, 24, 24][: depth + 1]  # eight times the first at most
    assert [conv.kernel.shape[2:] for conv in convs] == list(itertools.pairwise(widths))


# --- forward passes ---------------------------------------------------------------------------


@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize("block", [1, 2])
def test_generator_equals_numpys(train: bool, block: int) -> None:
    generator = make(Generator, generator_blocks=2, pixel_block=block)
    for parameter in (generator.conv_out.kernel, generator.conv_out.bias):
        parameter[...] /= 8  # away from the ends of tanh
    x = images(3)
    z = np.random.default_rng(2).uniform(-1, 1, (3, 10)).astype(np.float32)
    right = reference.generator(generator, x, z, train=train)
    assert right.std() > 0.05
    SAME(run(generator, x, z, train=train), right)


@pytest.fixture(scope="module")
def undisturbed() -> Discriminator:
    """Without dropout and noise; tests must not change its parameters."""
    return make(Discriminator, discriminator_dropout=0.0, discriminator_noise=0.0)


@pytest.mark.parametrize("train", [False, True])
def test_discriminator_equals_numpys(undisturbed: Discriminator, train: bool) -> None:
    x = images(3)
    right = reference.discriminator(undisturbed, x, train=train)
    assert right.std() > 0.05
    SAME(judge(undisturbed, x, key=KEY, train=train), right)


@pytest.mark.parametrize("train", [False, True])
def test_discriminator_of_blocks_equals_numpys(train: bool) -> None:
    of_blocks = make(
        Discriminator, pixel_block=2, discriminator_dropout=0.0, discriminator_noise=0.0
    )
    right = reference.discriminator(of_blocks, images(3), train=train)
    assert right.std() > 0.05
    SAME(judge(of_blocks, images(3), key=KEY, train=train), right)


@pytest.mark.parametrize("stem", ["synthetic", "real"])
def test_task_classifier_equals_numpys(stem: str) -> None:
    task = make(TaskClassifier)
    right = reference.task_classifier(task, images(3), stem=stem)
    assert right.std() > 0.05
    SAME(getattr(task, f"from_{stem}")(jnp.asarray(images(3))), right)


def test_the_domains_have_their_own_stems() -> None:
    task = make(TaskClassifier)
    x = jnp.asarray(images(3))
    assert not np.allclose(task.from_synthetic(x), task.from_real(x))


# --- training mode ----------------------------------------------------------------------------


def test_batch_norm_keeps_nine_tenths_of_its_average(undisturbed: Discriminator) -> None:
    norm = undisturbed.bns[0]
    before = np.asarray(norm.mean[...]), np.asarray(norm.var[...])
    hidden = reference.leaky_relu(reference.module_conv(undisturbed.conv_in, images(3)))
    hidden = reference.module_conv(undisturbed.convs[0], hidden, stride=2)
    judge(undisturbed, images(3), key=KEY, train=True)
    after = norm.mean[...], norm.var[...]
    moments = reference.batch_moments(hidden)
    for old, new, batch in zip(before, after, moments, strict=True):
        SAME(new, 0.9 * old + 0.1 * batch)


@pytest.mark.parametrize("module", [Generator, Discriminator])
def test_outside_training_nothing_changes_and_batches_do_not_matter(module) -> None:
    network = make(module)
    before = nnx.state(network, nnx.BatchStat)
    x, z = images(4), np.zeros((4, 10), np.float32)

    def see(count: int) -> jax.Array:
        if module is Generator:
            return run(network, x[:count], z[:count], train=False)
        return judge(network, x[:count], key=KEY, train=False)

    SAME(see(4)[:2], see(2), rtol=1e-5)
    jax.tree.map(np.testing.assert_array_equal, nnx.state(network, nnx.BatchStat), before)


@pytest.fixture(scope="module")
def perturbed() -> Discriminator:
    """With dropout and noise; one for all tests, since each is compiled anew."""
    return make(Discriminator, discriminator_dropout=0.1, discriminator_noise=0.3)


def make_it_sum(discriminator: Discriminator, shift: float) -> None:
    """The last block gives `shift` everywhere, and the last layer adds that up."""
    nnx.update(discriminator, jax.tree.map(jnp.zeros_like, nnx.state(discriminator, nnx.Param)))
    discriminator.bns[2].bias[...] = jnp.full(16, shift)
    discriminator.dense_out.kernel[...] = jnp.ones((4 * 4 * 16, 1))


def test_discriminator_adds_noise_after_its_last_block(perturbed: Discriminator) -> None:
    make_it_sum(perturbed, shift=0.0)
    sums = np.asarray(judge(perturbed, jnp.zeros((500, 28, 28, 1)), key=KEY, train=True))
    assert sums.mean() == pytest.approx(0, abs=0.8)
    assert sums.std() == pytest.approx(0.3 * np.sqrt(256), rel=0.1)


def test_discriminator_drops_activations_before_it_adds_noise(perturbed: Discriminator) -> None:
    make_it_sum(perturbed, shift=3.0)
    sums = np.asarray(judge(perturbed, jnp.zeros((500, 28, 28, 1)), key=KEY, train=True))
    assert sums.mean() == pytest.approx(3 * 256, abs=3)
    dropped, noise = 3**2 * 0.1 / 0.9, 0.3**2
    assert sums.std() == pytest.approx(np.sqrt(256 * (dropped + noise)), rel=0.1)


def test_discriminator_draws_anew_for_every_image_and_key(perturbed: Discriminator) -> None:
    randomise(perturbed)
    x, other = np.repeat(images(1), 500, axis=0), jax.random.key(1)
    one = np.asarray(judge(perturbed, x, key=KEY, train=True))
    assert len(set(one.tolist())) > 490
    assert np.mean(one == judge(perturbed, x, key=other, train=True)) < 0.05
    still = judge(perturbed, x, key=KEY, train=False)
    np.testing.assert_array_equal(still, judge(perturbed, x, key=other, train=False))


def test_task_classifier_drops_hidden_units_when_it_has_a_key() -> None:
    task = TaskClassifier(tiny_gan_config(task_dropout=0.2), DIGITS, rngs=nnx.Rngs(0))
    nnx.update(task, jax.tree.map(jnp.zeros_like, nnx.state(task, nnx.Param)))
    task.dense1.bias[...] = jnp.ones(100)
    task.dense2.kernel[...] = jnp.ones((100, 10))
    x = jnp.zeros((500, 28, 28, 1))
    np.testing.assert_array_equal(task.from_real(x), 100)
    for predict in (task.from_synthetic, task.from_real):
        sums = np.asarray(predict(x, key=KEY))[:, 0]
        assert sums.mean() == pytest.approx(100, abs=1.5)
        assert sums.std() == pytest.approx(np.sqrt(100 * 0.2 / 0.8), rel=0.1)
