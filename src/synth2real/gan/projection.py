"""A discriminator that knows the class: is this a real 3?

Miyato & Koyama, "cGANs with Projection Discriminator", ICLR 2018, with spectral normalisation
(Miyato et al., ICLR 2018). PixelDA's discriminator learns in a few hundred steps to tell a few real
images from all others, and the generator then draws the same image from every synthetic one.
"""

import jax
import jax.numpy as jnp
from flax import nnx

from synth2real.gan.config import GanConfig
from synth2real.gan.networks import LEAKINESS, convolution, discriminator_layers
from synth2real.nn.layers import space_to_depth
from synth2real.spec import ImageSpec

# Spectral normalisation bounds what a layer can amplify by 1; small kernels then lose the signal.
GAIN = 2.0
_he = nnx.initializers.he_normal()


class ProjectionDiscriminator(nnx.Module):
    """Convolutions down to at most 4x4 positions, averaged; a logit for all, one for each class.

    What makes an image real is much the same for all classes; few images cannot teach it to each.
    """

    def __init__(self, config: GanConfig, spec: ImageSpec, *, rngs: nnx.Rngs):
        self.block = config.pixel_block
        widths, _ = discriminator_layers(config, spec)
        channels = [self.block**2 * spec.channels, *widths]
        self.convs = nnx.List(
            [
                nnx.SpectralNorm(
                    convolution(
                        channels[i], channels[i + 1], stride=min(i + 1, 2), init=_he, rngs=rngs
                    ),
                    rngs=rngs,
                )
                for i in range(len(widths))
            ]
        )
        self.dense_out = nnx.Linear(channels[-1], 1 + len(spec.classes), rngs=rngs)

    def __call__(
        self, x_BxHxWxC: jax.Array, labels_B: jax.Array, *, key: jax.Array, train: bool
    ) -> jax.Array:
        """Returns the logits [B] of images [-1, 1] being real images of their classes."""
        h = space_to_depth(x_BxHxWxC, self.block)
        for conv in self.convs:
            h = GAIN * nnx.leaky_relu(conv(h, update_stats=train), LEAKINESS)
        logits_Bx1, logits_BxC = jnp.split(self.dense_out(h.mean((1, 2))), [1], axis=1)
        return logits_Bx1[:, 0] + jnp.take_along_axis(logits_BxC, labels_B[:, None], 1)[:, 0]
