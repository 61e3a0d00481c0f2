"""Settings of the convert stage."""

from dataclasses import dataclass

from synth2real.settings import whole


@dataclass(frozen=True)
class ConvertConfig:
    """What is made of each synthetic image; the paper's set GAN (section 3) is of 1 copy."""

    copies: int = whole("how often each synthetic image is converted", 1)
