"""A generator that bends an image and paints it over a real one.

Where real images show their objects on varied backgrounds, as photographs do, a generator that
paints on a synthetic image must invent them, and of few real images it learns one a class. Here
each conversion starts from a real image of its own, the exemplar, as in exemplar-guided translation
(Huang et al., "Multimodal Unsupervised Image-to-Image Translation", ECCV 2018; Wang et al.,
"Example-Guided Style-Consistent Image Synthesis from Semantic Labeling", CVPR 2019), but with its
pixels rather than a code of them: the generator paints the exemplar's object out and the bent image
in. So conversions have as many backgrounds as there are exemplars, of every class alike, and what
the discriminator can tell them from real images by is the object.
"""

import jax
import jax.numpy as jnp
from flax import nnx

from synth2real.gan.bend import PAINT, Bend, close_to_zero, pixel_logits
from synth2real.gan.config import GanConfig
from synth2real.gan.networks import LEAKINESS, convolution, he, signed_pixels
from synth2real.spec import ImageSpec

EXEMPLARS = 1000  # kept with a generator, so that it converts wherever its weights are
FINE = 16  # channels of whole pixels
MASK = 4.0  # what a unit of the mask adds to its logit


class Exemplars(nnx.Variable[jax.Array]):
    """Real images, uint8 [`EXEMPLARS`, H, W, C], that training leaves as they are."""


class ExemplarGenerator(Bend):
    """Bends an image and blends it with a real one, whose contrast and colours it changes."""

    def __init__(self, config: GanConfig, spec: ImageSpec, *, rngs: nnx.Rngs):
        filters, channels = config.generator_filters, spec.channels
        super().__init__(config, spec, 2 * channels, rngs=rngs)
        self.exemplars = Exemplars(jnp.zeros((EXEMPLARS, *spec.shape), jnp.uint8))
        self.narrow = convolution(filters, FINE, init=he, rngs=rngs)
        self.fine = convolution(FINE + 2 * channels, FINE, init=he, rngs=rngs)
        self.paint_out = convolution(FINE, 2 * channels + 1, init=close_to_zero, rngs=rngs)

    def keep_exemplars(self, real_NxHxWxC: jax.Array, key: jax.Array) -> None:
        """Takes real images, uint8, as exemplars: some, or each as often as any other."""
        order_N = jax.random.permutation(key, len(real_NxHxWxC))
        self.exemplars[...] = real_NxHxWxC[jnp.resize(order_N, (EXEMPLARS,))]

    def draw_exemplars(self, count: int, key: jax.Array) -> jax.Array:
        """Draws real images [-1, 1], with replacement."""
        index_B = jax.random.randint(key, (count,), 0, EXEMPLARS)
        return signed_pixels(self.exemplars[...][index_B])

    def paint(
        self,
        x_BxHxWxC: jax.Array,
        style_BxS: jax.Array,
        strength_B: jax.Array,
        exemplar_BxHxWxC: jax.Array | None,
    ) -> jax.Array:
        """Bent images [-1, 1] in the place of exemplars' objects, whatever the strength."""
        assert exemplar_BxHxWxC is not None
        both = jnp.concatenate([x_BxHxWxC, exemplar_BxHxWxC], axis=-1)
        h = self._whole_pixels(self.paint_features(both, style_BxS), both)
        gain, paint, mask = jnp.split(
            self.paint_out(h), [channels := x_BxHxWxC.shape[-1], 2 * channels], axis=-1
        )
        share = nnx.sigmoid(MASK * mask)
        exemplar = (1 + PAINT * gain) * pixel_logits(exemplar_BxHxWxC)
        return jnp.tanh(share * pixel_logits(x_BxHxWxC) + (1 - share) * exemplar + PAINT * paint)

    def _whole_pixels(self, h: jax.Array, both_BxHxWxC: jax.Array) -> jax.Array:
        """Takes blocks to pixels.

        All of a block's get the same, and a convolution beside both images tells them apart:
        with channels for each pixel of a block conversions show a grid.
        """
        _, height, width, _ = both_BxHxWxC.shape
        h = nnx.leaky_relu(self.narrow(h), LEAKINESS)
        h = jnp.repeat(jnp.repeat(h, self.block, 1), self.block, 2)[:, :height, :width]
        return nnx.leaky_relu(self.fine(jnp.concatenate([h, both_BxHxWxC], -1)), LEAKINESS)
