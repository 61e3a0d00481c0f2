"""The three networks of PixelDA: generator, discriminator and task classifier.

Bousmalis et al., "Unsupervised Pixel-Level Domain Adaptation with Generative Adversarial
Networks", CVPR 2017, as its reference implementation (TensorFlow models,
`research/domain_adaptation/pixel_domain_adaptation`) defines them for 28x28 grey images; other
sizes have as many layers as take them down to the same number of positions.
Images are float32 in [-1, 1], channels last. Weights start from N(0, 0.02).
"""

import itertools

import jax
import jax.numpy as jnp
from flax import nnx

from synth2real.gan.config import GanConfig
from synth2real.nn.convolution import conv_general_dilated
from synth2real.nn.layers import depth_to_space, halvings, max_pool_2x2, space_to_depth
from synth2real.nn.noise import dropout, gaussian_noise
from synth2real.spec import ImageSpec

BN_MOMENTUM = 0.9
BN_EPSILON = 1e-3
LEAKINESS = 0.2
SIGNED = 1 / 127.5, -1.0  # scale and shift that take uint8 pixels to [-1, 1]
POSITIONS = 4  # at most, along a side of what the discriminator's last layer sees
WIDEST = 8  # times the discriminator's first layer

_initial_weights = nnx.initializers.normal(0.02)
he = nnx.initializers.he_normal()  # of networks that are not PixelDA's


def signed_pixels(images: jax.Array) -> jax.Array:
    """Takes uint8 pixels to float32 in [-1, 1]."""
    return images.astype(jnp.float32) / 127.5 - 1


def convolution(
    c_in: int,
    c_out: int,
    *,
    rngs: nnx.Rngs,
    stride: int = 1,
    size: int = 3,
    bias: bool = True,
    init: nnx.Initializer = _initial_weights,
) -> nnx.Conv:
    """A convolution that keeps the size (or divides it by the stride)."""
    return nnx.Conv(
        c_in,
        c_out,
        kernel_size=(size, size),
        strides=(stride, stride),
        use_bias=bias,
        kernel_init=init,
        conv_general_dilated=conv_general_dilated,
        rngs=rngs,
    )


def _dense(
    d_in: int,
    d_out: int,
    *,
    rngs: nnx.Rngs,
    bias: bool = True,
    init: nnx.Initializer = _initial_weights,
) -> nnx.Linear:
    return nnx.Linear(d_in, d_out, use_bias=bias, kernel_init=init, rngs=rngs)


def _batch_norm(features: int, *, rngs: nnx.Rngs) -> nnx.BatchNorm:
    """Batch normalisation with a shift and no scale, as TF-slim's default has it."""
    return nnx.BatchNorm(
        features, momentum=BN_MOMENTUM, epsilon=BN_EPSILON, use_scale=False, rngs=rngs
    )


class ResidualBlock(nnx.Module):
    """Two 3x3 convolutions with batch normalisation, added to their input."""

    def __init__(self, filters: int, *, rngs: nnx.Rngs):
        self.conv1 = convolution(filters, filters, bias=False, rngs=rngs)
        self.bn1 = _batch_norm(filters, rngs=rngs)
        self.conv2 = convolution(filters, filters, bias=False, rngs=rngs)
        self.bn2 = _batch_norm(filters, rngs=rngs)

    def __call__(self, x: jax.Array, *, train: bool) -> jax.Array:
        h = nnx.relu(self.bn1(self.conv1(x), use_running_average=not train))
        change: jax.Array = self.bn2(self.conv2(h), use_running_average=not train)
        return x + change


class Generator(nnx.Module):
    """Turns a synthetic image and noise into an image like the real ones."""

    def __init__(self, config: GanConfig, spec: ImageSpec, *, rngs: nnx.Rngs):
        filters, pixels = config.generator_filters, spec.height * spec.width
        self.block = config.pixel_block
        self.noise = _dense(config.noise_dim, pixels, bias=False, rngs=rngs)
        self.noise_bn = _batch_norm(pixels, rngs=rngs)
        # The noise is one more channel.
        self.conv_in = convolution((spec.channels + 1) * self.block**2, filters, rngs=rngs)
        self.blocks = nnx.List(
            [ResidualBlock(filters, rngs=rngs) for _ in range(config.generator_blocks)]
        )
        self.conv_out = convolution(filters, spec.channels * self.block**2, size=1, rngs=rngs)

    def __call__(
        self, x_BxHxWxC: jax.Array, labels_B: jax.Array, z_BxZ: jax.Array, *, train: bool
    ) -> jax.Array:
        """Converts images [-1, 1], whatever their classes, with noise z ~ U[-1, 1]."""
        noise = nnx.relu(self.noise_bn(self.noise(z_BxZ), use_running_average=not train))
        _, height, width, _ = x_BxHxWxC.shape
        noise_BxHxWx1 = noise.reshape(-1, height, width, 1)
        h = jnp.concatenate([x_BxHxWxC, noise_BxHxWx1], axis=-1)
        h = nnx.relu(self.conv_in(space_to_depth(h, self.block)))
        for block in self.blocks:
            h = block(h, train=train)
        return jnp.tanh(depth_to_space(self.conv_out(h), self.block, height, width))


def discriminator_layers(config: GanConfig, spec: ImageSpec) -> tuple[list[int], list[int]]:
    """The widths of a discriminator's convolutions, and the rows and columns that the last leaves.

    All but the first halve the image, until 4 positions or fewer are left along a side.
    """
    sides = [-(-size // config.pixel_block) for size in (spec.height, spec.width)]
    depth = halvings(max(sides), POSITIONS)
    widths = [config.discriminator_filters * min(2**i, WIDEST) for i in range(depth + 1)]
    return widths, [-(-side // 2**depth) for side in sides]


class Discriminator(nnx.Module):
    """Tells real images from converted ones: one logit an image, positive for real."""

    def __init__(self, config: GanConfig, spec: ImageSpec, *, rngs: nnx.Rngs):
        filters, (rows, columns) = discriminator_layers(config, spec)
        self.config = config
        self.conv_in = convolution(config.pixel_block**2 * spec.channels, filters[0], rngs=rngs)
        self.convs = nnx.List(
            [
                convolution(c_in, c_out, stride=2, bias=False, rngs=rngs)
                for c_in, c_out in itertools.pairwise(filters)
            ]
        )
        self.bns = nnx.List([_batch_norm(c, rngs=rngs) for c in filters[1:]])
        self.dense_out = _dense(rows * columns * filters[-1], 1, rngs=rngs)

    def __call__(
        self, x_BxHxWxC: jax.Array, labels_B: jax.Array, *, key: jax.Array, train: bool
    ) -> jax.Array:
        """Returns the logits [B], whatever the labels.

        In training, dropout and Gaussian noise follow each block.
        """
        keys = jax.random.split(key, len(self.convs) + 1)
        h = self.conv_in(space_to_depth(x_BxHxWxC, self.config.pixel_block))
        h = self._perturb(nnx.leaky_relu(h, LEAKINESS), keys[0], train)
        for conv, bn, key in zip(self.convs, self.bns, keys[1:], strict=True):
            h = nnx.leaky_relu(bn(conv(h), use_running_average=not train), LEAKINESS)
            h = self._perturb(h, key, train)
        return self.dense_out(jax.lax.collapse(h, 1))[:, 0]

    def _perturb(self, h: jax.Array, key: jax.Array, train: bool) -> jax.Array:
        if not train:
            return h
        key_dropout, key_noise = jax.random.split(key)
        h = dropout(h, self.config.discriminator_dropout, key_dropout)
        return h + self.config.discriminator_noise * gaussian_noise(key_noise, h.shape)


class TaskClassifier(nnx.Module):
    """Predicts the class. In PixelDA two layers are private to a domain, the others shared.

    One private stem sees synthetic images, the other real or converted ones. In joint steps one
    sees all: where real images are few, synthetic ones, which are many, keep the classes apart. Its
    weights are larger at first, so that it learns in tens of steps instead of hundreds.
    """

    def __init__(self, config: GanConfig, spec: ImageSpec, *, rngs: nnx.Rngs):
        filters = config.task_filters
        self.dropout_rate = config.task_dropout
        joint = config.step == "joint"
        init = he if joint else _initial_weights
        self.synthetic_stem = _stem(spec.channels, filters, init=init, rngs=rngs)
        self.real_stem = (
            self.synthetic_stem if joint else _stem(spec.channels, filters, init=init, rngs=rngs)
        )
        self.conv = convolution(2 * filters, 4 * filters, init=init, rngs=rngs)
        pooled = (spec.height // 8) * (spec.width // 8)
        self.dense1 = _dense(pooled * 4 * filters, 100, init=init, rngs=rngs)
        self.dense2 = _dense(100, len(spec.classes), init=init, rngs=rngs)

    def from_synthetic(self, x_BxHxWxC: jax.Array, *, key: jax.Array | None = None) -> jax.Array:
        """Logits [B, classes] of synthetic images; a key turns dropout on."""
        return self._shared(_apply_stem(self.synthetic_stem, x_BxHxWxC), key)

    def from_real(self, x_BxHxWxC: jax.Array, *, key: jax.Array | None = None) -> jax.Array:
        """Logits [B, classes] of real or converted images; a key turns dropout on."""
        return self._shared(_apply_stem(self.real_stem, x_BxHxWxC), key)

    def _shared(self, h: jax.Array, key: jax.Array | None) -> jax.Array:
        h = nnx.relu(max_pool_2x2(self.conv(h)))
        h = nnx.relu(self.dense1(jax.lax.collapse(h, 1)))
        if key is not None:
            h = dropout(h, self.dropout_rate, key)
        return self.dense2(h)


def _stem(
    channels: int, filters: int, *, init: nnx.Initializer, rngs: nnx.Rngs
) -> nnx.List[nnx.Conv]:
    widths = [channels, filters, 2 * filters]
    return nnx.List(
        [convolution(*pair, init=init, rngs=rngs) for pair in itertools.pairwise(widths)]
    )


def _apply_stem(stem: nnx.List[nnx.Conv], x_BxHxWxC: jax.Array) -> jax.Array:
    h = x_BxHxWxC
    for conv in stem:
        h = nnx.relu(max_pool_2x2(conv(h)))
    return h
