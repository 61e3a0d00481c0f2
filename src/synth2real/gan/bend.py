"""A generator that bends an image and then paints on it.

What PixelDA's residual network paints at will may become another digit, or an artefact that no
writer makes. A map of the plane, as in spatial transformer GANs (Lin et al., "ST-GAN", CVPR 2018),
keeps strokes strokes, and it can turn an image upright, which convolutions can hardly do. What is
left then is small: how thick strokes are, how they end, how ink looks. It is painted as a change of
the bent image's logits. Class and noise shift and scale the channels of every layer (FiLM, Perez et
al., AAAI 2018), so that an image has many conversions.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from synth2real.gan.config import GanConfig
from synth2real.gan.networks import LEAKINESS, SIGNED, convolution, he
from synth2real.nn.augment import resample, sampling_grid
from synth2real.nn.layers import depth_to_space, halvings, space_to_depth, upsample
from synth2real.spec import ImageSpec

HIDDEN = 64
GROUPS = 8
EPSILON = 1e-6
# What the displacement and each coefficient of the affine map move the rim at most, as a share of
# the image's height and width; 4 / 7 in all. Without a limit some generators threw all ink off the
# canvas in their first steps; a blank image has no gradient, and they stayed there. It would now
# take every part at its limit.
REACH = 1 / 7
# The displacement is as smooth as the positions that it is predicted at are far apart.
POSITIONS = 8  # at most, along a side
# Paint is added to the arctanh of what is bent, which must be finite: of a pixel no more than this.
# An image that nothing is painted on comes out as it is, but for a hundredth of the range at its
# ends.
BRIGHTEST = 0.98
PAINT = 2.0  # what a unit of paint adds
close_to_zero = nnx.initializers.normal(0.01)


class Bend(nnx.Module):
    """Bends an image by an affine map and a smooth displacement; subclasses paint.

    What they paint by they see in `painted` channels: the bent image's, and others beside it.
    """

    def __init__(self, config: GanConfig, spec: ImageSpec, painted: int, *, rngs: nnx.Rngs):
        filters = config.generator_filters
        self.block, self.fill = config.pixel_block, spec.fill(*SIGNED)
        self.classes = len(spec.classes)
        pixels = self.block**2 * spec.channels
        rows, columns = (-(-size // self.block) for size in (spec.height, spec.width))
        depth = halvings(max(rows, columns), POSITIONS)
        strides = [1] * (2 - depth) + [2] * depth if depth < 2 else [2] * depth
        self.style = nnx.Linear(self.classes + config.noise_dim, HIDDEN, kernel_init=he, rngs=rngs)
        channels = [pixels] + [filters] * len(strides)
        self.convs_in = nnx.List(
            [
                convolution(channels[i], filters, stride=stride, init=he, rngs=rngs)
                for i, stride in enumerate(strides)
            ]
        )
        self.bend_block = StyledBlock(filters, rngs=rngs)
        self.displacement = convolution(filters, 2, init=close_to_zero, rngs=rngs)
        rows, columns = (-(-size // 2**depth) for size in (rows, columns))
        self.dense = nnx.Linear(rows * columns * filters, HIDDEN, kernel_init=he, rngs=rngs)
        self.affine = nnx.Linear(2 * HIDDEN, 6, kernel_init=close_to_zero, rngs=rngs)
        self.paint_in = convolution(self.block**2 * painted, filters, init=he, rngs=rngs)
        self.paint_blocks = nnx.List(
            [StyledBlock(filters, rngs=rngs) for _ in range(config.generator_blocks)]
        )

    def __call__(
        self,
        x_BxHxWxC: jax.Array,
        labels_B: jax.Array,
        z_BxZ: jax.Array,
        *,
        train: bool,
        strength_B: jax.Array | None = None,
        exemplar_BxHxWxC: jax.Array | None = None,
    ) -> jax.Array:
        """Converts images [-1, 1] of their classes, with noise z ~ U[-1, 1]; `train` is unused.

        Strength 1 is what was trained, and what None means; 0 leaves an image nearly as it is. All
        that is between lies on the way from synthetic to real (Gong et al., "DLOW: Domain Flow for
        Adaptation and Generalization", CVPR 2019). Exemplars are real images, [-1, 1], for
        generators that need them (`synth2real.gan.exemplar`).
        """
        strength_B = jnp.ones(len(labels_B)) if strength_B is None else strength_B
        return self.bend_and_paint(x_BxHxWxC, labels_B, z_BxZ, strength_B, exemplar_BxHxWxC)[1]

    def bend_and_paint(
        self,
        x_BxHxWxC: jax.Array,
        labels_B: jax.Array,
        z_BxZ: jax.Array,
        strength_B: jax.Array,
        exemplar_BxHxWxC: jax.Array | None = None,
    ) -> tuple[jax.Array, jax.Array]:
        """Images [-1, 1] that are bent, and those once they are painted on."""
        style_BxS = self.style_of(labels_B, z_BxZ)
        bent_BxHxWxC = self.bend(x_BxHxWxC, style_BxS, strength_B)
        return bent_BxHxWxC, self.paint(bent_BxHxWxC, style_BxS, strength_B, exemplar_BxHxWxC)

    def paint(
        self,
        x_BxHxWxC: jax.Array,
        style_BxS: jax.Array,
        strength_B: jax.Array,
        exemplar_BxHxWxC: jax.Array | None,
    ) -> jax.Array:
        """Conversions [-1, 1] of bent images."""
        raise NotImplementedError

    def paint_features(self, x_BxHxWxC: jax.Array, style_BxS: jax.Array) -> jax.Array:
        """What paint follows from, [B, rows, columns, filters]: a position for each block."""
        h = self.paint_in(space_to_depth(x_BxHxWxC, self.block))
        for block in self.paint_blocks:
            h = block(h, style_BxS)
        return nnx.leaky_relu(h, LEAKINESS)

    def style_of(self, labels_B: jax.Array, z_BxZ: jax.Array) -> jax.Array:
        """What class and noise tell the layers, [B, hidden]."""
        # The variance of noise and of the class is 1, summed over a class' numbers.
        one_hot_BxC = math.sqrt(self.classes) * jax.nn.one_hot(labels_B, self.classes)
        style = self.style(jnp.concatenate([one_hot_BxC, math.sqrt(3) * z_BxZ], axis=-1))
        return nnx.leaky_relu(style, LEAKINESS)

    def bend(self, x_BxHxWxC: jax.Array, style_BxS: jax.Array, strength_B: jax.Array) -> jax.Array:
        """Images [-1, 1] under an affine map and a smooth displacement."""
        count, height, width, _ = x_BxHxWxC.shape
        h = space_to_depth(x_BxHxWxC, self.block)
        for conv in self.convs_in:
            h = nnx.leaky_relu(conv(h), LEAKINESS)
        h = nnx.leaky_relu(self.bend_block(h, style_BxS), LEAKINESS)
        reach_2 = REACH * np.array([height, width])
        coarse_Bx2xhxw = jnp.tanh(jnp.moveaxis(self.displacement(h), -1, 1))
        coarse_Bx2xhxw *= reach_2.reshape(2, 1, 1) * strength_B[:, None, None, None]
        smooth = upsample(coarse_Bx2xhxw, height, width)
        hidden = nnx.leaky_relu(self.dense(jax.lax.collapse(h, 1)), LEAKINESS)
        change = jnp.tanh(self.affine(jnp.concatenate([hidden, style_BxS], axis=-1)))
        # A coefficient is multiplied by half a side at the rim, a shift by 1.
        scale_2x3 = reach_2[:, None] / np.array([height / 2, width / 2, 1.0])
        change_Bx2x3 = change.reshape(count, 2, 3) * scale_2x3 * strength_B[:, None, None]
        maps_Bx2x3 = jnp.eye(2, 3) + change_Bx2x3
        return resample(x_BxHxWxC, sampling_grid(maps_Bx2x3, height, width) + smooth, self.fill)


class BendGenerator(Bend):
    """Bends an image and changes its ink: for real images on a background of one colour."""

    def __init__(self, config: GanConfig, spec: ImageSpec, *, rngs: nnx.Rngs):
        super().__init__(config, spec, spec.channels, rngs=rngs)
        filters, pixels = config.generator_filters, self.block**2 * spec.channels
        self.paint_out = convolution(filters, pixels, init=close_to_zero, rngs=rngs)

    def paint(
        self,
        x_BxHxWxC: jax.Array,
        style_BxS: jax.Array,
        strength_B: jax.Array,
        exemplar_BxHxWxC: jax.Array | None,
    ) -> jax.Array:
        """Bent images [-1, 1] with another ink; there is no exemplar."""
        _, height, width, _ = x_BxHxWxC.shape
        blocks = self.paint_out(self.paint_features(x_BxHxWxC, style_BxS))
        paint_BxHxWxC = depth_to_space(blocks, self.block, height, width)
        paint_BxHxWxC *= PAINT * strength_B[:, None, None, None]
        # tanh(arctanh(x) + paint) without the arctanh, which takes XLA longest.
        x, paint = jnp.clip(x_BxHxWxC, -BRIGHTEST, BRIGHTEST), jnp.tanh(paint_BxHxWxC)
        return (x + paint) / (1 + x * paint)


def pixel_logits(x_BxHxWxC: jax.Array) -> jax.Array:
    """Of images [-1, 1], what tanh takes back to them, but for a hundredth of the range."""
    return jnp.arctanh(jnp.clip(x_BxHxWxC, -BRIGHTEST, BRIGHTEST))


class StyledBlock(nnx.Module):
    """A residual block whose normalised channels a style scales and shifts."""

    def __init__(self, filters: int, *, rngs: nnx.Rngs):
        self.norm1, self.norm2 = (StyledNorm(filters, rngs=rngs) for _ in range(2))
        self.conv1 = convolution(filters, filters, init=he, rngs=rngs)
        self.conv2 = convolution(filters, filters, init=close_to_zero, rngs=rngs)

    def __call__(self, x: jax.Array, style_BxS: jax.Array) -> jax.Array:
        h = self.conv1(nnx.leaky_relu(self.norm1(x, style_BxS), LEAKINESS))
        return x + self.conv2(nnx.leaky_relu(self.norm2(h, style_BxS), LEAKINESS))


class StyledNorm(nnx.Module):
    """Group normalisation (Wu & He, ECCV 2018) whose scale and shift are a linear map of a style.

    Moments come from those of channels: over groups of channels XLA on a CPU takes thrice as long.
    """

    def __init__(self, filters: int, *, rngs: nnx.Rngs):
        self.groups = math.gcd(filters, GROUPS)
        self.dense = nnx.Linear(HIDDEN, 2 * filters, kernel_init=close_to_zero, rngs=rngs)

    def __call__(self, x: jax.Array, style_BxS: jax.Array) -> jax.Array:
        scale_BxC, shift_BxC = jnp.split(self.dense(style_BxS), 2, axis=-1)
        mean_BxC = self._mean(x)
        variance_BxC = jnp.maximum(self._mean(x * x) - mean_BxC**2, 0)
        deviation_BxC = jnp.sqrt(variance_BxC + EPSILON)
        # Both end in a division, which XLA does once an image; cheaper ends it repeats a pixel.
        factor_BxC = (1 + scale_BxC) / deviation_BxC
        offset_BxC = (shift_BxC * deviation_BxC - mean_BxC * (1 + scale_BxC)) / deviation_BxC
        return x * factor_BxC[:, None, None] + offset_BxC[:, None, None]

    def _mean(self, x_BxHxWxC: jax.Array) -> jax.Array:
        """The mean of each channel's group, [B, C]."""
        count, height, width, channels = x_BxHxWxC.shape
        mean_BxC = x_BxHxWxC.reshape(count, height * width, channels).mean(1)
        mean_BxG = mean_BxC.reshape(count, self.groups, -1).mean(-1)
        return jnp.repeat(mean_BxG, channels // self.groups, axis=-1)
