"""Settings of the classify stage and its named presets."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from synth2real.settings import choice, flag, learning_rate, setting, share, whole


@dataclass(frozen=True)
class ClassifierConfig:
    """Architecture and budget of one classifier.

    `samples` are the same for every set however many images it holds. `pixel_block` 2 leaves a
    quarter of the positions, 1 is the authors'. `one_cycle` (Smith & Topin 2019) is for short
    budgets.
    """

    samples: int = whole("training images drawn for each classifier; at least one batch", 1)
    batch_size: int = whole("images in a step", 1)
    pixel_block: int = choice("side of the blocks of pixels that the network works on", [1, 2])
    filters: tuple[int, int] = setting(
        "a list of two whole numbers of at least 1, the widths of the convolutions",
        type="array",
        minItems=2,
        maxItems=2,
        items={"type": "integer", "minimum": 1, "description": "a whole number of at least 1"},
    )
    kernel_size: int = whole("size of the convolutions in pixels", 1)
    hidden: int = whole("width of the dense layer", 1)
    dropout: float = share("share of its units dropped in training")
    learning_rate: float = learning_rate("Adam's learning rate, with one_cycle its peak")
    one_cycle: bool = flag("warms up and anneals the learning rate")

    @property
    def steps(self) -> int:
        """Training steps."""
        return self.samples // self.batch_size


# The authors' classifier and the constant budget they aimed at.
_PAPER: dict[str, Any] = dict(
    samples=3_000_000,
    batch_size=100,
    pixel_block=1,
    filters=(32, 64),
    kernel_size=5,
    hidden=1024,
    dropout=0.4,
    learning_rate=1e-4,
    one_cycle=False,
)

# The same layers, smaller and on blocks of pixels, for a thirtieth of the samples: ten seconds on
# one CPU core.
_SMALL = _PAPER | dict(
    samples=100_000,
    pixel_block=2,
    kernel_size=3,
    hidden=256,
    learning_rate=6e-3,
    one_cycle=True,
)


class ClassifierPreset(NamedTuple):
    """All that belongs to a name.

    Attributes:
        about: what it is, in a few words.
        settings: fields of `ClassifierConfig`.
        rate: images of 28x28 grey pixels that a CPU core trains on in a second
            (benchmarks/README.md).
    """

    about: str
    settings: dict[str, Any]
    rate: float


PRESETS = {
    "small": ClassifierPreset("for a CPU", _SMALL, 6900),
    "paper": ClassifierPreset("the authors' classifier and budget", _PAPER, 900),
}


def classifier_config(preset: str, **overrides: Any) -> ClassifierConfig:
    """Builds a preset's settings with some of them replaced."""
    return load_classifier_config(PRESETS[preset].settings | overrides)


def load_classifier_config(values: Mapping[str, Any]) -> ClassifierConfig:
    """The inverse of `dataclasses.asdict`, of JSON, too."""
    return ClassifierConfig(**{**values, "filters": tuple(values["filters"])})
