"""A generator that bends images: it moves and stretches them, and paints nothing.

What PixelDA's residual network paints at will may become another digit, or an artefact that no
writer makes. A map of the plane, as in spatial transformer GANs (Lin et al., "ST-GAN", CVPR 2018),
keeps strokes strokes, and it can turn an image upright, which convolutions can hardly do.
"""

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from synth2real.gan.config import GanConfig
from synth2real.gan.networks import LEAKINESS, SIGNED, convolution
from synth2real.nn.augment import resample, sampling_grid
from synth2real.nn.layers import halvings, space_to_depth
from synth2real.spec import ImageSpec

HIDDEN = 64
# What the displacement and each coefficient of the affine map move the rim at most, as a share of
# the image's height and width; 4 / 7 in all. Without a limit some generators threw all ink off the
# canvas in their first steps; a blank image has no gradient, and they stayed there. It would now
# take every part at its limit.
REACH = 1 / 7
# The displacement is as smooth as the positions that it is predicted at are far apart.
POSITIONS = 8  # at most, along a side
_close_to_zero = nnx.initializers.normal(0.01)
_he = nnx.initializers.he_normal()


class WarpGenerator(nnx.Module):
    """Predicts an affine map and a smooth displacement from a synthetic image and noise."""

    def __init__(self, config: GanConfig, spec: ImageSpec, *, rngs: nnx.Rngs):
        filters = config.generator_filters
        self.block, self.fill = config.pixel_block, spec.fill(*SIGNED)
        rows, columns = (-(-size // self.block) for size in (spec.height, spec.width))
        depth = halvings(max(rows, columns), POSITIONS)
        strides = [1] * (2 - depth) + [2] * depth
        channels = [self.block**2 * spec.channels] + [filters] * len(strides)
        self.convs_in = nnx.List(
            [
                convolution(channels[i], filters, stride=stride, init=_he, rngs=rngs)
                for i, stride in enumerate(strides)
            ]
        )
        rows, columns = (-(-size // 2**depth) for size in (rows, columns))
        self.noise = nnx.Linear(config.noise_dim, filters, rngs=rngs)
        self.blocks = nnx.List(
            [Block(filters, config.noise_dim, rngs=rngs) for _ in range(config.generator_blocks)]
        )
        self.displacement = convolution(filters, 2, init=_close_to_zero, rngs=rngs)
        self.dense = nnx.Linear(rows * columns * filters, HIDDEN, rngs=rngs)
        self.affine = nnx.Linear(HIDDEN, 6, kernel_init=_close_to_zero, rngs=rngs)

    def __call__(self, x_BxHxWxC: jax.Array, z_BxZ: jax.Array, *, train: bool) -> jax.Array:
        """Bends images [-1, 1] with noise z ~ U[-1, 1]; `train` changes nothing."""
        count, height, width, _ = x_BxHxWxC.shape
        h = space_to_depth(x_BxHxWxC, self.block)
        for conv in self.convs_in:
            h = nnx.leaky_relu(conv(h), LEAKINESS)
        h = h + self.noise(z_BxZ)[:, None, None]
        for block in self.blocks:
            h = block(h, z_BxZ)
        h = nnx.leaky_relu(h, LEAKINESS)
        reach_2 = REACH * np.array([height, width])
        coarse_Bx2xhxw = jnp.tanh(jnp.moveaxis(self.displacement(h), -1, 1))
        coarse_Bx2xhxw *= reach_2.reshape(2, 1, 1)
        smooth = jax.image.resize(coarse_Bx2xhxw, (count, 2, height, width), "cubic")
        hidden = nnx.leaky_relu(self.dense(jax.lax.collapse(h, 1)), LEAKINESS)
        change_Bx2x3 = jnp.tanh(self.affine(hidden)).reshape(count, 2, 3)
        # A coefficient is multiplied by half a side at the rim, a shift by 1.
        scale_2x3 = reach_2[:, None] / np.array([height / 2, width / 2, 1.0])
        maps_Bx2x3 = jnp.eye(2, 3) + change_Bx2x3 * scale_2x3
        grid_Bx2xHxW = sampling_grid(maps_Bx2x3, height, width) + smooth
        return resample(x_BxHxWxC, grid_Bx2xHxW, self.fill)


class Block(nnx.Module):
    """A residual block whose channels the noise weighs: each image has its own style."""

    def __init__(self, filters: int, noise_dim: int, *, rngs: nnx.Rngs):
        self.conv1 = convolution(filters, filters, init=_he, rngs=rngs)
        self.style = nnx.Linear(noise_dim, filters, rngs=rngs)
        self.conv2 = convolution(filters, filters, init=_close_to_zero, rngs=rngs)

    def __call__(self, x: jax.Array, z_BxZ: jax.Array) -> jax.Array:
        h = self.conv1(nnx.leaky_relu(x, LEAKINESS)) * (1 + self.style(z_BxZ)[:, None, None])
        return x + self.conv2(nnx.leaky_relu(h, LEAKINESS))
