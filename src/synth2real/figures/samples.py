"""Shows what the images look like (the paper's figures 2 and 3)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from synth2real.arrays import load_arrays
from synth2real.figures.ratios import spread_ratios
from synth2real.figures.style import STYLE, new_figure, save

Images = NDArray[np.uint8]

SIDE = 28
CELL = SIDE + 2  # a white gap of two pixels between images


class Pairs(NamedTuple):
    """Font images and what the GAN made of them, uint8 [N, 28, 28], with labels uint8 [N]."""

    font: Images
    converted: Images
    labels: NDArray[np.uint8]


def load_pairs(font_path: Path, converted_path: Path) -> Pairs:
    """Reads the font test set and its conversion, which are in the same order."""
    font, labels = load_arrays(font_path, "images", "labels")
    (converted,) = load_arrays(converted_path, "images")
    return Pairs(font, converted, labels)


@matplotlib.rc_context(STYLE)
def font_images(
    images_Nx28x28: Images, labels_N: Images, seed: int, png: Path, svg: Path
) -> Figure:
    """Figure 2: a row for each digit with twelve font images of it drawn at random."""
    random = np.random.default_rng(seed)
    rows = []
    for digit in range(10):
        drawn = random.permutation(np.flatnonzero(labels_N == digit))[:12]
        rows.append(list(images_Nx28x28[drawn]))
    figure = new_figure(height=6.6)
    axes = figure.add_subplot()
    _show(axes, tile(rows, columns=12), [str(digit) for digit in range(10)])
    save(figure, png, svg)
    return figure


@matplotlib.rc_context(STYLE)
def converted_images(pairs_by_ratio: Mapping[str, Pairs], png: Path, svg: Path) -> Figure:
    """Figure 3: the first image of each digit, font above converted, for at most four ratios.

    Nothing is chosen for its looks: it is the first of each digit in the file.
    """
    ratios = spread_ratios(pairs_by_ratio)
    figure = new_figure(height=0.2 + 1.75 * len(ratios))
    panels = figure.subplots(len(ratios), 1, squeeze=False)[:, 0]
    for axes, ratio in zip(panels, ratios, strict=True):
        font, converted, labels = pairs_by_ratio[ratio]
        rows = [[_first(images, labels, d) for d in range(10)] for images in (font, converted)]
        _show(axes, tile(rows, columns=10), ["font", "converted"])
        axes.set_title(f"r = {ratio}", loc="left")
    save(figure, png, svg)
    return figure


def tile(rows: Sequence[Sequence[Images]], columns: int) -> Images:
    """Lays images of [28, 28] out as one; gaps, and cells a short row leaves empty, are white."""
    canvas = np.full((len(rows) * CELL - 2, columns * CELL - 2), 255, np.uint8)
    for row, images in enumerate(rows):
        for column, image in enumerate(images):
            top, left = row * CELL, column * CELL
            canvas[top : top + SIDE, left : left + SIDE] = image
    return canvas


def _first(images_Nx28x28: Images, labels_N: Images, digit: int) -> Images:
    """The first image of a digit, or a white one where there is none."""
    found = np.flatnonzero(labels_N == digit)
    return images_Nx28x28[found[0]] if found.size else np.full((SIDE, SIDE), 255, np.uint8)


def _show(axes: Axes, canvas: Images, row_names: Sequence[str]) -> None:
    """Shows a tiled image with the name of each row at its left."""
    axes.imshow(canvas, cmap="gray", vmin=0, vmax=255, interpolation="none")
    axes.set_xticks([])
    axes.set_yticks([CELL * row + SIDE / 2 for row in range(len(row_names))], row_names)
    axes.tick_params(length=0)
    axes.grid(False)
    axes.spines[:].set_visible(False)
