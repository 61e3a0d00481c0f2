"""Settings of the classify stage and its named presets."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ClassifierConfig:
    """Architecture and budget of one classifier.

    Attributes:
        samples: training images drawn, the same for every set however many images it holds.
        batch_size: images in a step.
        pixel_block: side of the blocks of pixels, 1 or 2, that the network takes as one position
            with a channel for each pixel. 1 is the authors'; 2 leaves a quarter of the positions.
        filters: widths of the two convolutions.
        kernel_size: their size in pixels.
        hidden: width of the dense layer.
        dropout: share of its units dropped in training.
        learning_rate: Adam's; the peak where `one_cycle` is set.
        one_cycle: warm up and anneal the learning rate (Smith & Topin 2019), for short budgets.
    """

    samples: int
    batch_size: int
    pixel_block: int
    filters: tuple[int, int]
    kernel_size: int
    hidden: int
    dropout: float
    learning_rate: float
    one_cycle: bool

    @property
    def steps(self) -> int:
        """Training steps."""
        return self.samples // self.batch_size


PRESETS: dict[str, dict[str, Any]] = {
    # The authors' classifier and the constant budget they aimed at.
    "paper": dict(
        samples=3_000_000,
        batch_size=100,
        pixel_block=1,
        filters=(32, 64),
        kernel_size=5,
        hidden=1024,
        dropout=0.4,
        learning_rate=1e-4,
        one_cycle=False,
    ),
    # The same layers, smaller and on blocks of pixels, for a thirtieth of the samples: ten seconds
    # on one CPU core.
    "small": dict(
        samples=100_000,
        batch_size=100,
        pixel_block=2,
        filters=(32, 64),
        kernel_size=3,
        hidden=256,
        dropout=0.4,
        learning_rate=6e-3,
        one_cycle=True,
    ),
}


def classifier_config(preset: str, **overrides: Any) -> ClassifierConfig:
    """Builds a preset's settings with some of them replaced."""
    values = PRESETS[preset] | overrides
    return ClassifierConfig(**values | {"filters": tuple(values["filters"])})
