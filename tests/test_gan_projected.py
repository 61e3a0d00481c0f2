"""The discriminator of the preset synth2real, and the features that it sees images by."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from synth2real.gan import trunk as trunks
from synth2real.gan.joint import make_joint_step
from synth2real.gan.projected import NO_CLASS, ProjectedDiscriminator
from synth2real.gan.step import GanData, known_labels
from synth2real.gan.trunk import Trunk, learn_trunk, unit_features
from synth2real.spec import ImageSpec
from synth2real.training import Images
from tiny import DIGITS, random_gan_state, random_images, random_pixels, tiny_gan

KEY = jax.random.key(0)
GAN = tiny_gan("synth2real")
BLOCKS = tiny_gan("synth2real", pixel_block=2)
STATE = random_gan_state(GAN, spread=0.3)
X = jnp.asarray(random_pixels(3) / 127.5 - 1, "float32")


@pytest.mark.parametrize("gan", [GAN, BLOCKS])
def test_it_judges_by_class(gan) -> None:
    judge = ProjectedDiscriminator(gan.config, gan.spec, rngs=nnx.Rngs(0))
    # The first is the one that all classes share.
    judge.dense_out.bias[...] = 100.0 * jnp.array([20, *range(10)])
    images = jnp.concatenate([X, X[:1]])
    logits = np.asarray(judge(images, jnp.array([0, 3, 9, NO_CLASS]), key=KEY, train=False))
    assert logits.shape == (4,)
    np.testing.assert_allclose(logits / 100, [20, 23, 29, 20], atol=0.2)
    assert not np.allclose(logits, [2000, 2300, 2900, 2000])


@pytest.mark.parametrize(
    ("size", "block"),
    [((8, 8, 1), 1), ((15, 9, 3), 1), ((15, 9, 3), 2), ((64, 64, 3), 2), ((128, 100, 3), 1)],
)
def test_it_takes_every_size(size: tuple[int, int, int], block: int) -> None:
    spec = ImageSpec(*size, ("a", "b", "c"), "edge")
    config = tiny_gan("synth2real", pixel_block=block).config
    judge = ProjectedDiscriminator(config, spec, rngs=nnx.Rngs(0))
    x = jax.random.normal(KEY, (2, *size))
    assert judge.trunk(x).shape == (2, 3)
    one, other = judge(x, jnp.array([0, 1]), key=KEY, train=False)
    assert one != other and np.isfinite([one, other]).all()


def test_convolutions_have_spectral_norm_one() -> None:
    judge = ProjectedDiscriminator(GAN.config, DIGITS, rngs=nnx.Rngs(0))
    for _ in range(200):  # power iterations
        judge(X, jnp.zeros(3, jnp.int32), key=KEY, train=True)
    assert (len(judge.convs), len(judge.mixes)) == (3, 2)
    for conv in [*judge.convs, *judge.mixes]:
        kernel = np.asarray(conv.layer_instance.kernel[...])
        norm = np.linalg.norm(kernel.reshape(-1, kernel.shape[-1]), 2)
        np.testing.assert_allclose(norm, 1, rtol=1e-3)


def test_a_step_normalises_kernels_once_for_each_batch_and_leaves_the_features() -> None:
    data = GanData(random_images(8), random_images(8, seed=1))
    after, _ = jax.jit(make_joint_step(GAN))(STATE, data, KEY)
    before = STATE.discriminator
    for part, count in (("convs", 3), ("mixes", 2)):
        for i in range(count):
            kernel = np.asarray(before.params[part][i]["layer_instance"]["kernel"][...])
            kernel = kernel.reshape(-1, kernel.shape[-1]).astype(float)
            u = np.ones(kernel.shape[1])
            for _ in range(2):  # power iterations: of the real batch's pass, then the other's
                v = kernel @ u / np.linalg.norm(kernel @ u)
                u = v @ kernel / np.linalg.norm(v @ kernel)
            sigma = after.discriminator.stats[part][i]["batch_stats"][("kernel", "sigma")]
            assert float(sigma[...]) == pytest.approx(v @ kernel @ u, rel=1e-4)
    trunks = (network.stats["trunk"] for network in (before, after.discriminator))
    jax.tree.map(np.testing.assert_array_equal, *trunks)
    one, other = before.params, after.discriminator.params
    assert not np.array_equal(one["dense_out"]["bias"][...], other["dense_out"]["bias"][...])


def test_a_class_that_no_real_image_shows_is_asked_to_be_of_any() -> None:
    real = random_images(6)._replace(labels=jnp.array([0, 1, 1, 5, 9, 0]))
    known = known_labels(GAN, GanData(random_images(1), real), jnp.arange(10))
    assert known.tolist() == [0, 1, -1, -1, -1, 5, -1, -1, -1, 9]


def bars(count: int) -> Images:
    """Noisy images of two classes: a bar that lies, and one that stands."""
    random = np.random.default_rng(0)
    pixels = random.integers(0, 100, (count, 28, 28, 1)).astype(np.uint8)
    labels = np.arange(count) % 2
    pixels[labels == 0, 12:16] = 255
    pixels[labels == 1, :, 12:16] = 255
    return Images(jnp.asarray(pixels), jnp.asarray(labels, jnp.int32))


def test_features_are_those_of_a_classifier_of_synthetic_images(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trunks, "STEPS", 60)
    config = tiny_gan("synth2real", batch_size=20, samples=40 * 1000).config
    trunk = Trunk(GAN.config, DIGITS, rngs=nnx.Rngs(0))
    images = bars(200)
    learn_trunk(trunk, config, DIGITS, images, KEY)
    x = images.images / 127.5 - 1
    for h in trunk.features(x):
        assert float(jnp.square(h).mean()) == pytest.approx(1, rel=1e-3)
    # What reads them has another scale now; it still tells bars apart.
    logits = np.asarray(trunk(x))[:, :2]
    assert ((logits[:, 1] - logits[:, 0] > 0) == images.labels).mean() > 0.95


def test_unit_features_only_divides_them() -> None:
    trunk = Trunk(GAN.config, DIGITS, rngs=nnx.Rngs(0))
    for conv in trunk.convs:
        conv.bias[...] = 0.1 * jnp.arange(conv.bias.shape[0])
    before = [np.asarray(h) for h in trunk.features(X)]
    unit_features(trunk, X)
    for h, after in zip(before, trunk.features(X), strict=True):
        np.testing.assert_allclose(after, h / np.sqrt(np.square(h).mean()), rtol=2e-3, atol=1e-3)
