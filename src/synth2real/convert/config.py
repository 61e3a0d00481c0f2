"""Settings of the convert stage."""

from dataclasses import dataclass
from typing import Any

from synth2real.gan.config import PRESETS
from synth2real.settings import setting, whole


@dataclass(frozen=True)
class ConvertConfig:
    """What is made of each synthetic image.

    Of all candidates, synthetic_worth / (synthetic_worth + real images) come from synthetic
    images, the others are real images of the same class, which `gan.augment` must warp. The paper's
    sets (section 3) are of 1 copy, 1 candidate and synthetic images alone.
    """

    candidates: int = whole("conversions of a synthetic image of which the hardest is kept", 1)
    copies: int = whole("how often each synthetic image is converted", 1)
    synthetic_worth: float | None = setting(
        "how many real images the synthetic ones are worth, at least 0; 0 takes warped real images "
        "alone, null synthetic images alone",
        type=["number", "null"],
        minimum=0,
    )


def convert_config(gan_preset: str, **overrides: Any) -> ConvertConfig:
    """The settings that go with a GAN's preset, with some of them replaced."""
    return ConvertConfig(**PRESETS[gan_preset].convert | overrides)
