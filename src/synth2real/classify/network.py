"""The paper's classifier of digits."""

import jax
from flax import nnx

from synth2real.classify.config import ClassifierConfig
from synth2real.layers import CLASSES, dropout, max_pool_2x2


class Classifier(nnx.Module):
    """Two convolutions with 2x2 max-pooling, a dense layer, dropout, ten logits.

    The authors' published code, after TensorFlow's MNIST tutorial: kernels 5x5, 32 and 64
    filters, 1,024 hidden units, dropout 0.4.
    """

    def __init__(self, config: ClassifierConfig, *, rngs: nnx.Rngs):
        size = (config.kernel_size, config.kernel_size)
        first, second = config.filters
        self.dropout = config.dropout
        self.conv1 = nnx.Conv(1, first, size, rngs=rngs)
        self.conv2 = nnx.Conv(first, second, size, rngs=rngs)
        self.dense1 = nnx.Linear(7 * 7 * second, config.hidden, rngs=rngs)
        self.dense2 = nnx.Linear(config.hidden, CLASSES, rngs=rngs)

    def __call__(self, x_Bx28x28x1: jax.Array, *, key: jax.Array | None = None) -> jax.Array:
        """Logits [B, 10] of images in [0, 1]; a key turns dropout on."""
        h = max_pool_2x2(nnx.relu(self.conv1(x_Bx28x28x1)))
        h = max_pool_2x2(nnx.relu(self.conv2(h)))
        h = nnx.relu(self.dense1(jax.lax.collapse(h, 1)))
        if key is not None:
            h = dropout(h, self.dropout, key)
        return self.dense2(h)
