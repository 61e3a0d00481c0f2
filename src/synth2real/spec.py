"""What every image of an experiment is like: size, channels, classes, and what lies around it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from synth2real.errors import InputError, printable
from synth2real.io.files import write_atomically

SMALLEST, LARGEST = 8, 128  # pixels; the classifier halves an image three times
FEWEST_CLASSES, MOST_CLASSES = 2, 1000
LARGEST_BYTES = 4 * 2**30  # decoded images of one kind; more would not fit beside a GAN
EDGE = "edge"
FITS = ["pad", "crop", "stretch"]

Background = str | tuple[int, ...]


def is_light(background: Background) -> bool:
    """Whether it is a colour nearer to white than to black."""
    return not isinstance(background, str) and bool(np.mean(background) > 127)


@dataclass(frozen=True)
class ImageSpec:
    """Images are uint8 [height, width, channels], labels are indices into `classes`.

    Attributes:
        height: pixels, 8 to 128.
        width: pixels, 8 to 128.
        channels: 1 (grey) or 3 (red, green, blue).
        classes: their names, in the order of the labels; 2 to 1,000.
        background: what lies outside an image, for warps and padding: a colour (0 to 255 a
            channel), or "edge": for warps the reflection of the image at its edge, for padding its
            border again and again.
        fit: how an image of another shape is fitted, one of `FITS`.
    """

    height: int
    width: int
    channels: int
    classes: tuple[str, ...]
    background: Background
    fit: str = FITS[0]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width, channels."""
        return self.height, self.width, self.channels

    def fill(self, scale: float, shift: float = 0.0) -> tuple[float, ...] | None:
        """The background colour of images whose pixels are `scale` * uint8 + `shift`.

        None stands for the reflection at its edge.
        """
        if isinstance(self.background, str):
            return None
        return tuple(value * scale + shift for value in self.background)


def check_spec(spec: ImageSpec, origin: str) -> ImageSpec:
    """Refuses a spec that the networks cannot take; `origin` says where it comes from.

    Raises:
        InputError: one line for each number that is out of its range.
    """
    problems = [
        f"{origin}: {name} of {size} pixels; {SMALLEST} to {LARGEST} will do (images.{name})"
        for name, size in [("height", spec.height), ("width", spec.width)]
        if not SMALLEST <= size <= LARGEST
    ]
    if not FEWEST_CLASSES <= len(spec.classes) <= MOST_CLASSES:
        problems.append(
            f"{origin}: {_count(spec.classes)}; {FEWEST_CLASSES} to {MOST_CLASSES:,} will do"
        )
    if problems:
        raise InputError("\n".join(problems))
    return spec


def check_size(name: str, count: int) -> None:
    """Refuses a file of arrays that says it holds more bytes than memory is for.

    Raises:
        InputError: says how many.
    """
    if count > LARGEST_BYTES:
        raise InputError(
            f"{name}: says that it holds {count / 1e9:,.1f} GB; at most {LARGEST_BYTES / 1e9:.1f} "
            "will do"
        )


def check_memory(origin: str, count: int, spec: ImageSpec) -> None:
    """Refuses more images than memory is for; `origin` is the key that a message names.

    Raises:
        InputError: says how many will do.
    """
    size = int(np.prod(spec.shape))
    if count * size > LARGEST_BYTES:
        raise InputError(
            f"{origin}: {count:,} images of {spec.height}x{spec.width}x{spec.channels} take "
            f"{count * size / 1e9:,.1f} GB of memory; at most {LARGEST_BYTES // size:,} will do"
        )


def _count(classes: tuple[str, ...]) -> str:
    if len(classes) < 2:
        return f"1 class ({printable(classes[0])})" if classes else "no class"
    names = ", ".join(printable(name) for name in classes[:3])
    return f"{len(classes):,} classes ({names}, ...)"


def write_spec(path: Path, spec: ImageSpec) -> None:
    """Writes a spec as JSON."""
    with write_atomically(path) as temporary:
        text = json.dumps(asdict(spec), indent=1, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def read_spec(path: Path) -> ImageSpec:
    """Reads a spec that `write_spec` wrote."""
    return load_spec(json.loads(path.read_text(encoding="utf-8")))


def load_spec(values: Mapping[str, Any]) -> ImageSpec:
    """The inverse of `dataclasses.asdict`, of JSON, too."""
    background = values["background"]
    if not isinstance(background, str):
        background = tuple(background)
    return ImageSpec(**{**values, "classes": tuple(values["classes"]), "background": background})
