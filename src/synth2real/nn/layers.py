"""Layers that the GAN's networks and the classifier share."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image


@jax.custom_vjp
def max_pool_2x2(x_BxHxWxC: jax.Array) -> jax.Array:
    """2x2 max-pooling, stride 2; an odd last row or column is dropped ("VALID").

    The gradient goes to the first of equal pixels, as elsewhere. Left to JAX, it is shared among
    them, for which they are counted: on a CPU that took a quarter of a training step.
    """
    return _pool(x_BxHxWxC)[0]


def _pool(x_BxHxWxC: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Returns the maxima and the places, 0 to 3, where they stand."""
    b, h, w, c = x_BxHxWxC.shape
    x = x_BxHxWxC[:, : h // 2 * 2, : w // 2 * 2].reshape(b, h // 2, 2, w // 2, 2, c)
    corners = [x[:, :, row, :, column] for row in (0, 1) for column in (0, 1)]
    top, bottom = jnp.maximum(*corners[:2]), jnp.maximum(*corners[2:])
    top_place = jnp.where(corners[0] >= corners[1], 0, 1)
    bottom_place = jnp.where(corners[2] >= corners[3], 2, 3)
    place = jnp.where(top >= bottom, top_place, bottom_place)
    return jnp.maximum(top, bottom), place.astype(jnp.uint8)


def _pool_forward(x_BxHxWxC: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    maxima, place = _pool(x_BxHxWxC)
    return maxima, (place, x_BxHxWxC)


def _pool_backward(residuals: tuple[jax.Array, jax.Array], gradient: jax.Array) -> tuple[jax.Array]:
    place, x_BxHxWxC = residuals
    b, h, w, c = x_BxHxWxC.shape
    places = jnp.arange(4, dtype=jnp.uint8).reshape(1, 1, 2, 1, 2, 1)
    spread = jnp.where(place[:, :, None, :, None] == places, gradient[:, :, None, :, None], 0)
    spread = spread.reshape(b, h // 2 * 2, w // 2 * 2, c)
    return (jnp.pad(spread, ((0, 0), (0, h % 2), (0, w % 2), (0, 0))),)


max_pool_2x2.defvjp(_pool_forward, _pool_backward)


def space_to_depth(x_BxHxWxC: jax.Array, block: int) -> jax.Array:
    """Makes block x block pixels one position: [B, ceil(H / block), ceil(W / block), block^2 C].

    Where a side is no multiple of the block, its last row or column is repeated.
    """
    b, h, w, c = x_BxHxWxC.shape
    if h % block or w % block:
        x_BxHxWxC = jnp.pad(x_BxHxWxC, ((0, 0), (0, -h % block), (0, -w % block), (0, 0)), "edge")
    rows, columns = -(-h // block), -(-w // block)
    x = x_BxHxWxC.reshape(b, rows, block, columns, block, c)
    return x.transpose(0, 1, 3, 2, 4, 5).reshape(b, rows, columns, block**2 * c)


def depth_to_space(x_BxHxWxC: jax.Array, block: int, height: int, width: int) -> jax.Array:
    """The inverse of `space_to_depth` for images of this height and width."""
    b, h, w, c = x_BxHxWxC.shape
    x = x_BxHxWxC.reshape(b, h, w, block, block, c // block**2)
    x = x.transpose(0, 1, 3, 2, 4, 5).reshape(b, h * block, w * block, c // block**2)
    return x[:, :height, :width]


def upsample(x_BxCxhxw: jax.Array, height: int, width: int) -> jax.Array:
    """Makes arrays larger, [B, C, height, width], by cubic interpolation.

    As `jax.image.resize` does, but as two matrix products, which other runtimes have, too.
    """
    _, _, h, w = x_BxCxhxw.shape
    rows_Hxh, columns_Wxw = cubic(h, height), cubic(w, width)
    return jnp.einsum("Hh,bchw,Ww->bcHW", rows_Hxh, x_BxCxhxw, columns_Wxw, precision="highest")


@functools.cache
def cubic(old: int, new: int) -> np.ndarray:
    """What each of the old places counts in each new one, [new, old]."""
    # By JAX it would take a second to compile.
    identity = Image.fromarray(np.eye(old, dtype=np.float32))
    return np.asarray(identity.resize((old, new), Image.Resampling.BICUBIC))


def halvings(size: int, positions: int) -> int:
    """How often a side is halved, rounded up, until at most so many positions are left."""
    count = 0
    while size > positions:
        size, count = -(-size // 2), count + 1
    return count
