"""Random maps of images: every image turned, slanted, stretched, shifted, and bent a little.

What comes from outside an image is its background: a colour, or the reflection at its edge
(`ImageSpec.fill`).
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.ndimage import map_coordinates

# Draws are uniform within ± these, scales log-uniform: about what handwriting differs by, and what
# is usual for MNIST. Its digits lie in the middle 20 of 28 pixels, so little leaves the image; no
# digit turns into another, as it might by larger angles (1 and 7) or mirrored.
ROTATION = 0.15  # radians, 8.6 degrees
SHEAR = 0.2  # columns a row, as in italics
SCALE = 1.12  # the largest factor, of height and width each; the smallest is 1 / 1.12
SHIFT = 2 / 28  # of the image's height and width
# Elastic maps (Simard et al. 2003) move the points of a coarse grid; between them it goes smoothly.
GRID = 5
ELASTICITY = 1 / 28  # of the image's height and width, standard deviation

Fill = Sequence[float] | None


def random_affine(images_BxHxWxC: jax.Array, key: jax.Array, fill: Fill) -> jax.Array:
    """Applies a random affine map to each float image, about its centre."""
    count, height, width, _ = images_BxHxWxC.shape
    maps_Bx2x3 = random_maps(key, count, height, width)
    return resample(images_BxHxWxC, sampling_grid(maps_Bx2x3, height, width), fill)


def random_warp(images_BxHxWxC: jax.Array, key: jax.Array, fill: Fill) -> jax.Array:
    """Applies a random affine and a random elastic map, as one, to each float image."""
    count, height, width, _ = images_BxHxWxC.shape
    key_affine, key_elastic = jax.random.split(key)
    size_2x1x1 = np.array([height, width]).reshape(2, 1, 1)
    grid = ELASTICITY * size_2x1x1 * jax.random.normal(key_elastic, (count, 2, GRID, GRID))
    elastic_Bx2xHxW = jax.image.resize(grid, (count, 2, height, width), "cubic")
    maps_Bx2x3 = random_maps(key_affine, count, height, width)
    grid_Bx2xHxW = sampling_grid(maps_Bx2x3, height, width) + elastic_Bx2xHxW
    return resample(images_BxHxWxC, grid_Bx2xHxW, fill)


def random_maps(key: jax.Array, count: int, height: int, width: int) -> jax.Array:
    """Draws affine maps [count, 2, 3] of (row, column): a scale, a shear, a turn and a shift."""
    angle, shear, taller, wider, down, right = jax.random.uniform(
        key, (6, count), minval=-1, maxval=1
    )
    cos, sin, shear = jnp.cos(ROTATION * angle), jnp.sin(ROTATION * angle), SHEAR * shear
    taller, wider = SCALE**taller, SCALE**wider
    maps_2x3xB = [
        [(cos - sin * shear) * taller, -sin * wider, SHIFT * height * down],
        [(sin + cos * shear) * taller, cos * wider, SHIFT * width * right],
    ]
    return jnp.moveaxis(jnp.array(maps_2x3xB), -1, 0)


def sampling_grid(maps_Bx2x3: jax.Array, height: int, width: int) -> jax.Array:
    """Where in an image the pixels of a mapped one come from: (row, column) [B, 2, H, W].

    As in scipy.ndimage.affine_transform, a map [A | b] leads from a pixel of the result to a place
    in the image: p to A p + b, (row, column) from the centre.
    """
    centre_2x1x1 = np.array([height - 1, width - 1]).reshape(2, 1, 1) / 2
    pixels_2xHxW = np.indices((height, width)) - centre_2x1x1
    # Places to a fraction of a pixel: an accelerator's quick products would blur them.
    turned = jnp.einsum("bij,jhw->bihw", maps_Bx2x3[..., :2], pixels_2xHxW, precision="highest")
    return turned + maps_Bx2x3[..., 2, None, None] + centre_2x1x1


def resample(images_BxHxWxC: jax.Array, grid_Bx2xHxW: jax.Array, fill: Fill) -> jax.Array:
    """Takes each pixel from its place in the image, bilinearly.

    Outside lies the colour `fill`, one number a channel, or with None the edge's reflection.
    """
    if fill is None:
        return _resample(images_BxHxWxC, grid_Bx2xHxW, "reflect")
    # Outside of the difference from the background there is nothing: zeros.
    colour_C = jnp.array(fill, jnp.float32)
    return _resample(images_BxHxWxC - colour_C, grid_Bx2xHxW, "constant") + colour_C


def _resample(images_BxHxWxC: jax.Array, grid_Bx2xHxW: jax.Array, mode: str) -> jax.Array:
    def channel(image_HxW: jax.Array, grid_2xHxW: jax.Array) -> jax.Array:
        mapped_HxW: jax.Array = map_coordinates(image_HxW, list(grid_2xHxW), order=1, mode=mode)
        return mapped_HxW

    image = jax.vmap(channel, in_axes=(-1, None), out_axes=-1)
    return jax.vmap(image)(images_BxHxWxC, grid_Bx2xHxW)
