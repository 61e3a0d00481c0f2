"""Random maps of images: every image turned, slanted, stretched, shifted, and bent a little."""

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
SHIFT = 2.0  # pixels, vertically and horizontally each
# Elastic maps (Simard et al. 2003) move the points of a coarse grid; between them it goes smoothly.
GRID = 5
ELASTICITY = 1.0  # pixels, standard deviation


def random_affine(images_BxHxWx1: jax.Array, key: jax.Array) -> jax.Array:
    """Applies a random affine map to each float image, about its centre.

    What comes from outside an image is 0; images in [-1, 1] are to be lifted by 1 for this.
    """
    return affine(images_BxHxWx1, random_maps(key, len(images_BxHxWx1)))


def random_warp(images_BxHxWx1: jax.Array, key: jax.Array) -> jax.Array:
    """Applies a random affine and a random elastic map, as one, to each float image."""
    count, height, width, _ = images_BxHxWx1.shape
    key_affine, key_elastic = jax.random.split(key)
    grid = ELASTICITY * jax.random.normal(key_elastic, (count, 2, GRID, GRID))
    elastic_Bx2xHxW = jax.image.resize(grid, (count, 2, height, width), "cubic")
    maps_Bx2x3 = random_maps(key_affine, count)
    return resample(images_BxHxWx1, places(maps_Bx2x3, height, width) + elastic_Bx2xHxW)


def random_maps(key: jax.Array, count: int) -> jax.Array:
    """Draws affine maps [count, 2, 3] of (row, column): a scale, a shear, a turn and a shift."""
    angle, shear, height, width, down, right = jax.random.uniform(
        key, (6, count), minval=-1, maxval=1
    )
    cos, sin, shear = jnp.cos(ROTATION * angle), jnp.sin(ROTATION * angle), SHEAR * shear
    height, width = SCALE**height, SCALE**width
    maps_2x3xB = [
        [(cos - sin * shear) * height, -sin * width, SHIFT * down],
        [(sin + cos * shear) * height, cos * width, SHIFT * right],
    ]
    return jnp.moveaxis(jnp.array(maps_2x3xB), -1, 0)


def affine(images_BxHxWx1: jax.Array, maps_Bx2x3: jax.Array) -> jax.Array:
    """Resamples each image by its map, bilinearly, with zeros outside.

    As in scipy.ndimage.affine_transform, a map [A | b] leads from a pixel of the result to a place
    in the image: p to A p + b, (row, column) from the centre.
    """
    _, height, width, _ = images_BxHxWx1.shape
    return resample(images_BxHxWx1, places(maps_Bx2x3, height, width))


def places(maps_Bx2x3: jax.Array, height: int, width: int) -> jax.Array:
    """Where in an image the pixels of a mapped one come from: (row, column) [B, 2, H, W]."""
    centre_2x1x1 = np.array([height - 1, width - 1]).reshape(2, 1, 1) / 2
    pixels_2xHxW = np.indices((height, width)) - centre_2x1x1
    # Places to a fraction of a pixel: an accelerator's quick products would blur them.
    turned = jnp.einsum("bij,jhw->bihw", maps_Bx2x3[..., :2], pixels_2xHxW, precision="highest")
    return turned + maps_Bx2x3[..., 2, None, None] + centre_2x1x1


def resample(images_BxHxWx1: jax.Array, places_Bx2xHxW: jax.Array) -> jax.Array:
    """Takes each pixel from its place in the image, bilinearly, with zeros outside."""

    def one(image_HxWx1: jax.Array, places_2xHxW: jax.Array) -> jax.Array:
        return map_coordinates(image_HxWx1[..., 0], list(places_2xHxW), order=1)[..., None]

    return jax.vmap(one)(images_BxHxWx1, places_Bx2xHxW)
