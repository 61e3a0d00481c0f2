"""Random numbers for regularisation: dropout masks and Gaussian noise, cheap enough for a CPU.

JAX's own generator, Threefry, is made for statistics. On a CPU its noise took a fifth of a GAN's
training step; a hash of the place and the key is ten times as fast, and fuses with what uses it.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np


def random_bits(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Uniform uint32 of a shape: two rounds of a hash of the position with the key's two words.

    The hash is Wellons' "lowbias32" (https://nullprogram.com/blog/2018/07/31/).
    """
    words = jax.random.key_data(key)
    x = jax.lax.iota(jnp.uint32, math.prod(shape)).reshape(shape)
    for word in (words[0], words[1]):
        x = x ^ word
        x = (x ^ (x >> 16)) * np.uint32(0x7FEB352D)
        x = (x ^ (x >> 15)) * np.uint32(0x846CA68B)
        x = x ^ (x >> 16)
    return x


def gaussian_noise(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Float32 noise with mean 0 and variance 1: the sum of four uniform bytes, scaled.

    That is normal but for the tails (it ends at 3.45, its kurtosis is 2.7): enough to blur a
    discriminator's activations, not for statistics.
    """
    bits = random_bits(key, shape)
    total = (bits & 255) + ((bits >> 8) & 255) + ((bits >> 16) & 255) + (bits >> 24)
    return (total.astype(jnp.float32) - 4 * 127.5) / math.sqrt(4 * (256**2 - 1) / 12)


def dropout(x: jax.Array, rate: float, key: jax.Array) -> jax.Array:
    """Inverted dropout: zeroes a share `rate` of the activations and scales up the others."""
    keep = random_bits(key, x.shape) >= np.uint32(rate * 2**32)
    return jnp.where(keep, x / (1 - rate), 0)
