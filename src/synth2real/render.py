"""Render stage: the font digits, rotated and normalised as MNIST's.

Paper, section Experiments: each of the ten digits of 149 fonts in 47 variations between -47 and
46 degrees, 70,030 images, of which a random 10,030 are the font test set.  The 47 angles are read
as -47, -45, ..., 45.  Positive angles turn counter-clockwise; the paper does not say.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth2real.arrays import load_arrays, save_arrays
from synth2real.errors import InputError
from synth2real.fonts import read_fonts_csv
from synth2real.glyphs import CANVAS, DIGITS, digit_outlines, draw_digit

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RenderConfig:
    """Angles in degrees, positive counter-clockwise, the stop included; size of the test set."""

    angle_start: int = -47
    angle_stop: int = 45
    angle_step: int = 2
    test_images: int = 10030
    seed: int = 0

    @property
    def angles(self) -> range:
        return range(self.angle_start, self.angle_stop + 1, self.angle_step)


class FontImages(NamedTuple):
    """Digit images and what each shows.

    Attributes:
        images: uint8 [N, 28, 28], ink up to 255 on 0.
        labels: uint8 [N], the digit.
        fonts: uint16 [N], the font's row in fonts.csv.
        angles: int16 [N], degrees counter-clockwise.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    fonts: NDArray[np.uint16]
    angles: NDArray[np.int16]

    def take(self, indices_N: NDArray[np.intp]) -> "FontImages":
        """The images of these indices."""
        return self._replace(**{name: array[indices_N] for name, array in self._asdict().items()})

    def save(self, path: Path) -> None:
        """Writes an .npz file."""
        save_arrays(path, **self._asdict())

    @classmethod
    def load(cls, path: Path) -> "FontImages":
        """Reads a file that `save` wrote.

        Raises:
            InputError: it is damaged or another kind of file.
        """
        return FontImages(*load_arrays(path, *cls._fields))


def render_dataset(
    fonts_csv: Path,
    fonts_folder: Path,
    config: RenderConfig,
    train_path: Path,
    test_path: Path,
) -> None:
    """Renders the fonts of a table and writes the training and the test images.

    Raises:
        InputError: a font cannot be used, or no image is left to train on.
    """
    paths = [fonts_folder / font.file for font in read_fonts_csv(fonts_csv)]
    train, test = split_test(render_fonts(paths, config), config)
    train.save(train_path)
    test.save(test_path)
    logger.info("%d training and %d test images", len(train.labels), len(test.labels))


def render_fonts(paths: Sequence[Path], config: RenderConfig) -> FontImages:
    """Renders every font, digit and angle, in that order.

    All 70,030 images take about two seconds on one core, so there is no parallelism to set up.

    Raises:
        FontError: a font cannot be used.
    """
    shape = (len(paths), len(DIGITS), len(config.angles))
    images_FxDxAxHxW = np.empty((*shape, CANVAS, CANVAS), np.uint8)
    for font, path in enumerate(paths):
        for digit, outline in enumerate(digit_outlines(path)):
            images_FxDxAxHxW[font, digit] = draw_digit(outline, config.angles)
        _log_progress(font + 1, len(paths))
    fonts_FxDxA, labels_FxDxA, turns_FxDxA = np.indices(shape)
    return FontImages(
        images_FxDxAxHxW.reshape(-1, CANVAS, CANVAS),
        labels_FxDxA.ravel().astype(np.uint8),
        fonts_FxDxA.ravel().astype(np.uint16),
        np.array(config.angles, np.int16)[turns_FxDxA.ravel()],
    )


def split_test(images: FontImages, config: RenderConfig) -> tuple[FontImages, FontImages]:
    """Sets a random part of the images apart as the test set (paper, section Experiments).

    Returns:
        Training and test images, both in the order they had.

    Raises:
        InputError: nothing would be left to train on.
    """
    total = len(images.labels)
    if config.test_images >= total:
        raise InputError(
            f"test_images is {config.test_images}, but there are only {total} font images; "
            "it must be smaller, to leave some to train on"
        )
    is_test_N = np.zeros(total, bool)
    random = np.random.default_rng(config.seed)
    is_test_N[random.choice(total, config.test_images, replace=False)] = True
    return images.take(np.flatnonzero(~is_test_N)), images.take(np.flatnonzero(is_test_N))


def _log_progress(done: int, total: int) -> None:
    """Says so whenever another tenth is done."""
    if done * 10 // total > (done - 1) * 10 // total:
        logger.info("%d of %d fonts rendered", done, total)
