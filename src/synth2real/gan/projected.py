"""A discriminator that knows the class, and sees images as a network does that can read them.

Few real images are soon known by heart from their pixels. Here the discriminator sees features of a
network that has learnt the classes of the synthetic images, of which there are many, and that
learns no more (Sauer et al., "Projected GANs Converge Faster", NeurIPS 2021, whose features are
ImageNet's). Of images with backgrounds it sees pixels, too, as those features heed shapes and miss
what the generator leaves of another object. What it asks is: is this a real 3? (Miyato & Koyama,
"cGANs with Projection Discriminator", ICLR 2018, with spectral normalisation, Miyato et al., ICLR
2018).
"""

import jax
import jax.numpy as jnp
from flax import nnx

from synth2real.gan.config import GanConfig
from synth2real.gan.networks import LEAKINESS, convolution, discriminator_layers, he
from synth2real.gan.trunk import Trunk
from synth2real.spec import ImageSpec

# Spectral normalisation bounds what a layer can amplify by 1; small kernels then lose the signal.
GAIN = 2.0
NO_CLASS = -1  # the label that asks for a real image of any class


class ProjectedDiscriminator(nnx.Module):
    """Convolutions on the features of each size, and on what came of the larger ones.

    At last positions are averaged; there is a logit for all classes, and one for each. What makes
    an image real is much the same for all; few images cannot teach it to each.
    """

    def __init__(self, config: GanConfig, spec: ImageSpec, *, rngs: nnx.Rngs):
        widths, _ = discriminator_layers(config, spec)
        self.trunk = Trunk(config, spec, rngs=rngs)
        self.sees_pixels = config.has_exemplars(spec)

        def spectral(c_in: int, c_out: int, stride: int = 1) -> nnx.SpectralNorm:
            conv = convolution(c_in, c_out, stride=stride, init=he, rngs=rngs)
            return nnx.SpectralNorm(conv, rngs=rngs)

        smaller = widths[1:] or widths  # of images that have one size only
        stride = 2 if len(widths) > 1 else 1
        self.mixes = nnx.List(
            [spectral(2 * c_in, c_out) for c_in, c_out in zip(smaller, smaller[1:], strict=False)]
        )
        first = widths[0]
        if self.sees_pixels:
            half = config.pixel_block  # as features are of blocks
            self.pixels = nnx.List([spectral(spec.channels, first, half), spectral(first, first)])
            first *= 2
        self.convs = nnx.List(
            [spectral(first, smaller[0], stride), *(spectral(c, c, 2) for c in smaller[1:])]
        )
        self.dense_out = nnx.Linear(smaller[-1], 1 + len(spec.classes), rngs=rngs)

    def __call__(
        self, x_BxHxWxC: jax.Array, labels_B: jax.Array, *, key: jax.Array, train: bool
    ) -> jax.Array:
        """Returns the logits [B] of images [-1, 1] being real images of their classes.

        Those of `NO_CLASS` are asked to be real images of any.
        """
        h, *others = self.trunk.features(x_BxHxWxC)
        if self.sees_pixels:
            pixels = x_BxHxWxC
            for conv in self.pixels:
                pixels = self._apply(conv, pixels, train)
            h = jnp.concatenate([h, pixels], axis=-1)
        h = self._apply(self.convs[0], h, train)
        for features, mix, conv in zip(others, self.mixes, self.convs[1:], strict=True):
            h = self._apply(mix, jnp.concatenate([features, h], axis=-1), train)
            h = self._apply(conv, h, train)
        logits_Bx1, logits_BxC = jnp.split(self.dense_out(h.mean((1, 2))), [1], axis=1)
        of_class_BxC = jax.nn.one_hot(labels_B, logits_BxC.shape[1])
        return logits_Bx1[:, 0] + (of_class_BxC * logits_BxC).sum(1)

    def _apply(self, conv: nnx.SpectralNorm, h: jax.Array, train: bool) -> jax.Array:
        return GAIN * nnx.leaky_relu(conv(h, update_stats=train), LEAKINESS)
