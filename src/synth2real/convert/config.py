"""Settings of the convert stage."""

from collections.abc import Iterable
from dataclasses import dataclass

from synth2real.settings import setting, whole

# Of a generator that bends, whose discriminator has memorised little, and less the more it has.
# Nearer to 0 variety grows, and labels get lost: docs/trials.md.
LEAST_STRENGTH = 0.5
FORMATS = ("folder", "parquet")  # besides .npz; convert/formats.py writes them
HINGE = 2.0  # logits that the hinge loss wants between real and converted images


def no_folder_name(classes: Iterable[str]) -> list[str]:
    """Names of classes that no folder can have."""
    return [name for name in classes if name in ("", ".", "..") or "/" in name or "\0" in name]


@dataclass(frozen=True)
class ConvertConfig:
    """What is made of each synthetic image; the paper's set GAN (section 3) is of 1 copy."""

    copies: int = whole(
        "how often each synthetic image is converted, so that sets GAN are as many times as large",
        1,
    )
    least_strength: float | None = setting(
        "strength of the weakest conversions (of the bends alone where they are painted over real "
        "images), from 0 (hardly any) to 1 (as trained), as each has "
        "one at random from it to 1; null takes 1 for generator resnet, and for bend "
        f"{LEAST_STRENGTH} or less: the more the GAN's discriminator finds the real images that it "
        "learnt from more real than those held out",
        type=["number", "null"],
        minimum=0,
        maximum=1,
    )
