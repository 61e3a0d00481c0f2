"""The paper's classifier."""

import functools

import jax
from flax import nnx

from synth2real.classify.config import ClassifierConfig
from synth2real.nn.convolution import conv_general_dilated
from synth2real.nn.layers import max_pool_2x2, space_to_depth
from synth2real.nn.noise import dropout
from synth2real.spec import ImageSpec


class Classifier(nnx.Module):
    """Two convolutions with 2x2 max-pooling, a dense layer, dropout, a logit for each class.

    The authors' published code, after TensorFlow's MNIST tutorial: kernels 5x5, 32 and 64
    filters, 1,024 hidden units, dropout 0.4.
    """

    def __init__(self, config: ClassifierConfig, spec: ImageSpec, *, rngs: nnx.Rngs):
        size = (config.kernel_size, config.kernel_size)
        first, second = config.filters
        self.dropout, self.block = config.dropout, config.pixel_block
        convolution = functools.partial(
            nnx.Conv,
            kernel_size=size,
            conv_general_dilated=conv_general_dilated,
            rngs=rngs,
        )
        self.conv1 = convolution(self.block**2 * spec.channels, first)
        self.conv2 = convolution(first, second)
        rows, columns = (-(-size // self.block) // 4 for size in (spec.height, spec.width))
        self.dense1 = nnx.Linear(rows * columns * second, config.hidden, rngs=rngs)
        self.dense2 = nnx.Linear(config.hidden, len(spec.classes), rngs=rngs)

    def features(self, x_BxHxWxC: jax.Array) -> jax.Array:
        """Activations [B, hidden], zero or more, of the dense layer for images in [0, 1]."""
        h = space_to_depth(x_BxHxWxC, self.block)
        h = nnx.relu(max_pool_2x2(self.conv1(h)))
        h = nnx.relu(max_pool_2x2(self.conv2(h)))
        return nnx.relu(self.dense1(jax.lax.collapse(h, 1)))

    def __call__(self, x_BxHxWxC: jax.Array, *, key: jax.Array | None = None) -> jax.Array:
        """Logits [B, classes] of images in [0, 1]; a key turns dropout on."""
        h = self.features(x_BxHxWxC)
        if key is not None:
            h = dropout(h, self.dropout, key)
        return self.dense2(h)
