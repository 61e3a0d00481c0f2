"""Settings of the GAN stage and its named presets."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class LossWeights:
    """Weights of the paper's three losses (section 3); the task loss has one for each domain.

    `task_converted` weighs the same loss in the generator's and in the task classifier's update.
    """

    adversarial: float
    task_font: float
    task_converted: float
    task_real: float
    pixel_change: float


@dataclass(frozen=True)
class GanConfig:
    """Architecture, losses and budget of one GAN.

    Attributes:
        samples: training images, counted as the paper does: an update of the discriminator (and
            task classifier) and an update of the generator each take `batch_size`. 0 is a control
            without a GAN: font images are only warped, where `augment` has it so.
        batch_size: images of each kind in an update.
        pixel_block: side of the blocks of pixels, 1 or 2, that generator and discriminator take as
            one position with a channel for each pixel. 1 is PixelDA's; 2 leaves a quarter of the
            positions, and the discriminator one convolution less.
        warp: which networks: a generator that bends images (`synth2real.gan.warp`) and a
            discriminator of each digit (`synth2real.gan.projection`), which has neither noise nor
            dropout; or PixelDA's, of which the generator paints.
        augment: whether font and real images go through `synth2real.augment.random_warp`, in
            training and in conversion, so that few real images make a wide target.
        candidates: conversions of each font image, of which one is kept (`synth2real.redraw`).
        copies: how often each font image is converted; the paper's sets (section 3) are of 1.
        font_worth: how many real images the fonts are worth. Of all candidates, font_worth /
            (font_worth + real images) come from font images, the others are real images of the
            same digit, which augment must warp. 0 takes real images alone, None font images alone.
        noise_dim: length of the generator's noise vector z ~ U[-1, 1].
        generator_filters: width of the generator's convolutions.
        generator_blocks: number of the generator's residual blocks.
        discriminator_filters: width of the discriminator's first convolution; those that
            follow (three, or two on blocks of pixels) double it each time.
        task_filters: width of the task classifier's first convolution, doubled likewise.
        discriminator_dropout: share of activations dropped after each block of PixelDA's
            discriminator.
        discriminator_noise: standard deviation of the Gaussian noise added there.
        task_dropout: share of the task classifier's hidden units dropped.
        learning_rate: Adam's, for all three networks; x0.95 every 10,000 updates of a network.
        weights: loss weights.
    """

    samples: int
    batch_size: int
    pixel_block: int
    warp: bool
    augment: bool
    candidates: int
    copies: int
    font_worth: float | None
    noise_dim: int
    generator_filters: int
    generator_blocks: int
    discriminator_filters: int
    task_filters: int
    discriminator_dropout: float
    discriminator_noise: float
    task_dropout: float
    learning_rate: float
    weights: LossWeights

    @property
    def steps(self) -> int:
        """Training steps; one step updates every network once."""
        return self.samples // (2 * self.batch_size)


# What the authors ran: the defaults of PixelDA's reference implementation, 12 million samples.
# Labels of real images are not used and pixel change costs nothing.
_PIXELDA_CODE: dict[str, Any] = dict(
    samples=12_000_000,
    batch_size=32,
    pixel_block=1,
    warp=False,
    augment=False,
    candidates=1,
    copies=1,
    font_worth=None,
    noise_dim=10,
    generator_filters=64,
    generator_blocks=6,
    discriminator_filters=64,
    task_filters=32,
    discriminator_dropout=0.1,
    discriminator_noise=0.2,
    task_dropout=0.5,
    learning_rate=1e-3,
    weights=dict(
        adversarial=1.0, task_font=1.0, task_converted=1.0, task_real=0.0, pixel_change=0.0
    ),
)

# What the paper's section 3 says: the task classifier also learns from real images, and the
# generator keeps the number of changed pixels small.
_PIXELDA_TEXT = _PIXELDA_CODE | dict(
    weights=_PIXELDA_CODE["weights"] | dict(task_real=1.0, pixel_change=0.1)
)

# The same method, narrow and shallow and on blocks of pixels: four minutes on one CPU core.
_SMALL = _PIXELDA_TEXT | dict(
    samples=200_000,
    pixel_block=2,
    generator_filters=32,
    generator_blocks=2,
    discriminator_filters=32,
    task_filters=16,
)

# With it original+GAN is above original; what has which part in that: docs/results.md.
_SYNTH2REAL = _SMALL | dict(
    batch_size=64,
    warp=True,
    augment=True,
    candidates=4,
    font_worth=200.0,
    generator_filters=48,
    weights=_SMALL["weights"] | dict(pixel_change=0.0),
)

PRESETS = {
    "pixelda-code": _PIXELDA_CODE,
    "pixelda-text": _PIXELDA_TEXT,
    "small": _SMALL,
    "synth2real": _SYNTH2REAL,
}


def gan_config(preset: str, **overrides: Any) -> GanConfig:
    """Builds a preset's settings with some of them replaced.

    Args:
        preset: a key of `PRESETS`.
        **overrides: fields of `GanConfig`; `weights` may name only some of the weights.
    """
    values = PRESETS[preset]
    weights = values["weights"] | overrides.get("weights", {})
    return load_gan_config(values | overrides | {"weights": weights})


def load_gan_config(values: Mapping[str, Any]) -> GanConfig:
    """The inverse of `dataclasses.asdict`."""
    return GanConfig(**{**values, "weights": LossWeights(**values["weights"])})
