"""Settings of the convert stage."""

from dataclasses import dataclass

from synth2real.settings import setting, whole

# Of a generator that bends. Nearer to 0 variety grows, and labels get lost: docs/results.md.
LEAST_STRENGTH = 0.5


@dataclass(frozen=True)
class ConvertConfig:
    """What is made of each synthetic image; the paper's set GAN (section 3) is of 1 copy."""

    copies: int = whole("how often each synthetic image is converted", 1)
    least_strength: float | None = setting(
        "strength of the weakest conversions, from 0 (hardly any) to 1 (as trained), as each has "
        f"one at random from it to 1; null takes {LEAST_STRENGTH} for generator bend and 1 for "
        "resnet",
        type=["number", "null"],
        minimum=0,
        maximum=1,
    )
