"""The three networks of PixelDA: generator, discriminator and task classifier.

Bousmalis et al., "Unsupervised Pixel-Level Domain Adaptation with Generative Adversarial
Networks", CVPR 2017, as its reference implementation (TensorFlow models,
`research/domain_adaptation/pixel_domain_adaptation`) defines them for 28x28 grey images.
Images are float32 in [-1, 1], channels last. Weights start from N(0, 0.02).
"""

import jax
import jax.numpy as jnp
from flax import nnx

from synth2real.convolution import conv_general_dilated
from synth2real.gan.config import GanConfig
from synth2real.layers import (
    CLASSES,
    IMAGE_SIZE,
    depth_to_space,
    max_pool_2x2,
    space_to_depth,
)
from synth2real.noise import dropout, gaussian_noise

BN_MOMENTUM = 0.9
BN_EPSILON = 1e-3
LEAKINESS = 0.2

_initial_weights = nnx.initializers.normal(0.02)


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


def _dense(d_in: int, d_out: int, *, rngs: nnx.Rngs, bias: bool = True) -> nnx.Linear:
    return nnx.Linear(d_in, d_out, use_bias=bias, kernel_init=_initial_weights, rngs=rngs)


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
        return x + self.bn2(self.conv2(h), use_running_average=not train)


class Generator(nnx.Module):
    """Turns a font image and noise into an image like MNIST's."""

    def __init__(self, config: GanConfig, *, rngs: nnx.Rngs):
        filters = config.generator_filters
        self.block = config.pixel_block
        self.noise = _dense(config.noise_dim, IMAGE_SIZE**2, bias=False, rngs=rngs)
        self.noise_bn = _batch_norm(IMAGE_SIZE**2, rngs=rngs)
        self.conv_in = convolution(2 * self.block**2, filters, rngs=rngs)
        self.blocks = nnx.List(
            [ResidualBlock(filters, rngs=rngs) for _ in range(config.generator_blocks)]
        )
        self.conv_out = convolution(filters, self.block**2, size=1, rngs=rngs)

    def __call__(self, x_BxHxWx1: jax.Array, z_BxZ: jax.Array, *, train: bool) -> jax.Array:
        """Converts images [-1, 1] with noise z ~ U[-1, 1]; returns images of the same shape."""
        noise = nnx.relu(self.noise_bn(self.noise(z_BxZ), use_running_average=not train))
        noise_BxHxWx1 = noise.reshape(x_BxHxWx1.shape)
        h = jnp.concatenate([x_BxHxWx1, noise_BxHxWx1], axis=-1)
        h = nnx.relu(self.conv_in(space_to_depth(h, self.block)))
        for block in self.blocks:
            h = block(h, train=train)
        return jnp.tanh(depth_to_space(self.conv_out(h), self.block))


class Discriminator(nnx.Module):
    """Tells real images from converted ones: one logit an image, positive for real."""

    def __init__(self, config: GanConfig, *, rngs: nnx.Rngs):
        # Down to 4x4 positions.
        depth = {1: 4, 2: 3}[config.pixel_block]
        filters = [config.discriminator_filters * 2**i for i in range(depth)]
        self.config = config
        self.conv_in = convolution(config.pixel_block**2, filters[0], rngs=rngs)
        self.convs = nnx.List(
            [convolution(c, 2 * c, stride=2, bias=False, rngs=rngs) for c in filters[:-1]]
        )
        self.bns = nnx.List([_batch_norm(2 * c, rngs=rngs) for c in filters[:-1]])
        self.dense_out = _dense(4 * 4 * filters[-1], 1, rngs=rngs)

    def __call__(
        self, x_BxHxWx1: jax.Array, labels_B: jax.Array, *, key: jax.Array, train: bool
    ) -> jax.Array:
        """Returns the logits [B], whatever the labels.

        In training, dropout and Gaussian noise follow each block.
        """
        keys = jax.random.split(key, len(self.convs) + 1)
        h = self.conv_in(space_to_depth(x_BxHxWx1, self.config.pixel_block))
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
    """Predicts the digit. The first two layers are private to a domain, the others shared.

    One private stem reads font images, the other images that look like MNIST: converted or real.
    """

    def __init__(self, config: GanConfig, *, rngs: nnx.Rngs):
        filters = config.task_filters
        self.dropout_rate = config.task_dropout
        self.font_stem = _stem(filters, rngs=rngs)
        self.mnist_stem = _stem(filters, rngs=rngs)
        self.conv = convolution(2 * filters, 4 * filters, rngs=rngs)
        self.dense1 = _dense(3 * 3 * 4 * filters, 100, rngs=rngs)
        self.dense2 = _dense(100, CLASSES, rngs=rngs)

    def from_font(self, x_BxHxWx1: jax.Array, *, key: jax.Array | None = None) -> jax.Array:
        """Logits [B, 10] of font images; a key turns dropout on."""
        return self._shared(_apply_stem(self.font_stem, x_BxHxWx1), key)

    def from_mnist(self, x_BxHxWx1: jax.Array, *, key: jax.Array | None = None) -> jax.Array:
        """Logits [B, 10] of real or converted images; a key turns dropout on."""
        return self._shared(_apply_stem(self.mnist_stem, x_BxHxWx1), key)

    def _shared(self, h: jax.Array, key: jax.Array | None) -> jax.Array:
        h = nnx.relu(max_pool_2x2(self.conv(h)))
        h = nnx.relu(self.dense1(jax.lax.collapse(h, 1)))
        if key is not None:
            h = dropout(h, self.dropout_rate, key)
        return self.dense2(h)


def _stem(filters: int, *, rngs: nnx.Rngs) -> nnx.List:
    return nnx.List(
        [convolution(1, filters, rngs=rngs), convolution(filters, 2 * filters, rngs=rngs)]
    )


def _apply_stem(stem: nnx.List, x_BxHxWx1: jax.Array) -> jax.Array:
    h = x_BxHxWx1
    for conv in stem:
        h = nnx.relu(max_pool_2x2(conv(h)))
    return h
