"""Digits of fonts as a source of images: rotated, and normalised as MNIST's.

Paper, section Experiments: each of the ten digits of 149 fonts in 47 variations between -47 and
46 degrees, 70,030 images, of which a random 10,030 are the font test set.  The 47 angles are read
as -47, -45, ..., 45.  Positive angles turn counter-clockwise; the paper does not say.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synth2real.settings import setting, whole
from synth2real.sources.fonts.glyphs import CANVAS, DIGITS, draw_digit
from synth2real.sources.fonts.outlines import digit_outlines
from synth2real.sources.fonts.table import read_fonts_csv
from synth2real.spec import ImageSpec, is_light


@dataclass(frozen=True)
class RenderConfig:
    """At which angles every digit is drawn."""

    angle_start: int = setting(
        "first rotation, whole degrees counter-clockwise, -180 to 180",
        default=-47,
        type="integer",
        minimum=-180,
        maximum=180,
    )
    angle_stop: int = setting(
        "last rotation (included), whole degrees, -180 to 180",
        default=45,
        type="integer",
        minimum=-180,
        maximum=180,
    )
    angle_step: int = whole("degrees between rotations", 1, default=2)

    @property
    def angles(self) -> range:
        return range(self.angle_start, self.angle_stop + 1, self.angle_step)


class Fonts:
    """The digits of every font of a table, in the order font, digit, angle."""

    def __init__(self, fonts_csv: Path, folder: Path, config: RenderConfig):
        self.paths = [folder / font.file for font in read_fonts_csv(fonts_csv)]
        self.config = config

    def labels(self) -> list[str]:
        return [d for _ in self.paths for d in DIGITS for _ in self.config.angles]

    def name(self, index: int) -> str:
        font, rest = divmod(index, len(DIGITS) * len(self.config.angles))
        digit, angle = divmod(rest, len(self.config.angles))
        return f"{self.paths[font]}, digit {digit} at {self.config.angles[angle]} degrees"

    def shapes(self, index_N: NDArray[np.intp]) -> set[tuple[int, int, int]]:
        return {(CANVAS, CANVAS, 1)}

    def read(self, index_N: NDArray[np.intp], spec: ImageSpec) -> NDArray[np.uint8]:
        """Draws at the spec's size; grey stands in all channels alike.

        White on black, or black on white where the background is a light colour.

        Raises:
            FontError: a font cannot be used.
        """
        images_NxHxW = render_fonts(self.paths, self.config, spec.height, spec.width)[index_N]
        if is_light(spec.background):
            images_NxHxW = 255 - images_NxHxW
        return np.repeat(images_NxHxW[..., None], spec.channels, axis=-1)


def render_fonts(
    paths: Sequence[Path], config: RenderConfig, height: int = CANVAS, width: int = CANVAS
) -> NDArray[np.uint8]:
    """Renders every font, digit and angle, in that order: uint8 [N, height, width].

    All 70,030 images take about two seconds on one core, so there is no parallelism to set up.

    Raises:
        FontError: a font cannot be used.
    """
    shape = (len(paths), len(DIGITS), len(config.angles), height, width)
    images_FxDxAxHxW = np.empty(shape, np.uint8)
    for font, path in enumerate(paths):
        for digit, outline in enumerate(digit_outlines(path)):
            images_FxDxAxHxW[font, digit] = draw_digit(outline, config.angles, height, width)
    return images_FxDxAxHxW.reshape(-1, height, width)
