"""Settings of the GAN stage and its named presets."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from synth2real.settings import choice, flag, learning_rate, section, setting, share, weight, whole
from synth2real.spec import EDGE, ImageSpec


@dataclass(frozen=True)
class LossWeights:
    """Weights of the paper's three losses (section 3); the task loss has one for each domain.

    `task_converted` weighs the same loss in the generator's and in the task classifier's update.
    """

    adversarial: float = weight("weight of fooling the discriminator")
    task_synthetic: float = weight("weight of recognising synthetic images")
    task_converted: float = weight("weight of recognising converted images")
    task_real: float = weight("weight of recognising real images")
    pixel_change: float = weight("weight of changing few pixels, in step pixelda")
    diversity: float = weight("weight of bending an image in many ways, in step joint")


@dataclass(frozen=True)
class GanConfig:
    """Architecture, losses and budget of one GAN.

    `samples` are counted as the paper does: an update of the discriminator (and task classifier)
    and an update of the generator each take `batch_size`. `pixel_block` 2 makes 2x2 pixels one
    position with a channel for each; it leaves a quarter of the positions, and the discriminator
    one convolution less.
    """

    samples: int = whole(
        "training images, discriminator's and generator's batches both counted; at least one step",
        1,
    )
    batch_size: int = whole("images of each kind in an update", 2)
    pixel_block: int = choice("side of the blocks of pixels that networks work on", [1, 2])
    generator: str = choice(
        "resnet paints (PixelDA), bend bends the image and then paints on it, or where images have "
        "no background of one colour (images.background: edge), it over a real one",
        ["resnet", "bend"],
    )
    discriminator: str = choice(
        "pixelda asks whether an image is real, projected whether it is a real one of its class, "
        "by features of a network that has learnt the synthetic images",
        ["pixelda", "projected"],
    )
    step: str = choice(
        "pixelda updates the generator on a batch of its own, joint (for generator bend) all "
        "networks on one, with random maps of all images, hinge loss and averaged weights",
        ["pixelda", "joint"],
    )
    noise_dim: int = whole("length of the noise vector z ~ U[-1, 1]", 1)
    generator_filters: int = whole("width of the generator", 1)
    generator_blocks: int = whole("residual blocks of the generator", 0)
    discriminator_filters: int = whole(
        "width of the discriminator's first layer; the following double it, up to eight times", 1
    )
    task_filters: int = whole("width of the task classifier's first layer", 1)
    discriminator_dropout: float = share("share of activations dropped in discriminator pixelda")
    discriminator_noise: float = weight("standard deviation of the noise in discriminator pixelda")
    task_dropout: float = share("share of hidden units dropped in the task classifier")
    learning_rate: float = learning_rate("Adam's learning rate at the start")
    unlabelled: bool = flag(
        "shows the discriminator of step joint real images without labels, too, if there are any"
    )
    weights: LossWeights = setting(**section(LossWeights))

    def has_exemplars(self, spec: ImageSpec) -> bool:
        """Whether the generator paints over real images (`synth2real.gan.exemplar`)."""
        return self.generator == "bend" and spec.background == EDGE

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
    generator="resnet",
    discriminator="pixelda",
    step="pixelda",
    noise_dim=10,
    generator_filters=64,
    generator_blocks=6,
    discriminator_filters=64,
    task_filters=32,
    discriminator_dropout=0.1,
    discriminator_noise=0.2,
    task_dropout=0.5,
    learning_rate=1e-3,
    unlabelled=False,
    weights=dict(
        adversarial=1.0,
        task_synthetic=1.0,
        task_converted=1.0,
        task_real=0.0,
        pixel_change=0.0,
        diversity=0.0,
    ),
)

# What the paper's section 3 says: the task classifier also learns from real images, and the
# generator keeps the number of changed pixels small.
_PIXELDA_TEXT = _PIXELDA_CODE | dict(
    weights=_PIXELDA_CODE["weights"] | dict(task_real=1.0, pixel_change=0.1)
)

# The same method, narrow and shallow and on blocks of pixels: minutes on one CPU core.
_SMALL = _PIXELDA_TEXT | dict(
    samples=200_000,
    pixel_block=2,
    generator_filters=32,
    generator_blocks=2,
    discriminator_filters=32,
    task_filters=16,
)

# A generator that bends and then paints. What came of that: docs/results.md; what else was tried:
# docs/trials.md.
_SYNTH2REAL = _SMALL | dict(
    samples=320_000,
    batch_size=64,
    generator="bend",
    discriminator="projected",
    step="joint",
    noise_dim=16,
    learning_rate=4e-4,
    unlabelled=True,
    weights=_SMALL["weights"]
    | dict(task_synthetic=0.5, task_converted=0.5, pixel_change=0.0, diversity=0.7),
)


class GanPreset(NamedTuple):
    """All that belongs to a name.

    Attributes:
        about: what it is, in a few words.
        settings: fields of `GanConfig`.
        training_rate: images of 28x28 grey pixels that a CPU core trains on in a second; PixelDA's
            without bfloat16 units (benchmarks/README.md), the others beside another job.
        conversion_rate: of those that it converts.
    """

    about: str
    settings: dict[str, Any]
    training_rate: float
    conversion_rate: float


PRESETS = {
    "synth2real": GanPreset("this project's", _SYNTH2REAL, 500, 4000),
    "pixelda-code": GanPreset("what the authors ran", _PIXELDA_CODE, 40, 160),
    "pixelda-text": GanPreset("what the paper says", _PIXELDA_TEXT, 40, 160),
    "small": GanPreset("what the paper says, small", _SMALL, 500, 4000),
}


def gan_config(preset: str, **overrides: Any) -> GanConfig:
    """Builds a preset's settings with some of them replaced.

    Args:
        preset: a key of `PRESETS`.
        **overrides: fields of `GanConfig`; `weights` may name only some of the weights.
    """
    values = PRESETS[preset].settings
    weights = values["weights"] | overrides.get("weights", {})
    return load_gan_config(values | overrides | {"weights": weights})


def load_gan_config(values: Mapping[str, Any]) -> GanConfig:
    """The inverse of `dataclasses.asdict`."""
    return GanConfig(**{**values, "weights": LossWeights(**values["weights"])})
