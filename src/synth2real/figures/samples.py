"""Shows what the images look like (the paper's figures 2 and 3)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from synth2real.figures.style import STYLE, new_figure, save
from synth2real.io.arrays import load_arrays
from synth2real.spec import ImageSpec
from synth2real.splits import read_split

Images = NDArray[np.uint8]

GAP = 2  # white pixels between images
MOST_CLASSES = 10  # shown; of more, some evenly spread
COLUMNS = 12


class Pairs(NamedTuple):
    """Synthetic images and what the GAN made of them, uint8 [N, H, W, C], with labels int32 [N].

    `real` are the real images, [M, H, W, C], that the GAN saw.
    """

    synthetic: Images
    converted: Images
    labels: NDArray[np.int32]
    real: Images


def load_pairs(
    synthetic_path: Path, converted_path: Path, real_path: Path, split_path: Path
) -> Pairs:
    """Reads the synthetic test set, its conversion in the same order, and a split's real images."""
    synthetic, labels = load_arrays(synthetic_path, "images", "labels")
    (converted,) = load_arrays(converted_path, "images")
    (real,) = load_arrays(real_path, "images")
    return Pairs(synthetic, converted, labels, real[read_split(split_path).real_train])


@matplotlib.rc_context(STYLE)
def synthetic_images(
    spec: ImageSpec,
    images_NxHxWxC: Images,
    labels_N: NDArray[np.int32],
    seed: int,
    png: Path,
    svg: Path,
) -> Figure:
    """Figure 2: a row for each class with twelve synthetic images of it drawn at random."""
    random = np.random.default_rng(seed)
    shown = shown_classes(spec)
    rows = []
    for label in shown:
        drawn = random.permutation(np.flatnonzero(labels_N == label))[:COLUMNS]
        rows.append(list(images_NxHxWxC[drawn]))
    figure = new_figure(height=0.2 + 0.64 * len(rows) * spec.height / spec.width)
    axes = figure.add_subplot()
    _show(axes, tile(rows, COLUMNS, spec), [spec.classes[label] for label in shown], spec)
    save(figure, png, svg)
    return figure


@matplotlib.rc_context(STYLE)
def converted_images(
    spec: ImageSpec, pairs_by_size: Mapping[str, Pairs], png: Path, svg: Path
) -> Figure:
    """Figure 3: the first image of each class, its conversion and the nearest real image.

    Nothing is chosen for its looks: it is the first of each class in the file.
    """
    shown = shown_classes(spec)
    height = 0.25 + 22 / len(shown) * spec.height / spec.width

    def rows(pairs: Pairs) -> list[list[Images]]:
        synthetic, converted = (
            [first(images, pairs.labels, label, spec) for label in shown]
            for images in (pairs.synthetic, pairs.converted)
        )
        return [synthetic, converted, [nearest(image, pairs.real) for image in converted]]

    figure = draw_panels(
        spec,
        {title: rows(pairs) for title, pairs in pairs_by_size.items()},
        ["synthetic", "converted", "nearest real"],
        len(shown),
        height=0.2 + min(height, 4.0) * len(pairs_by_size),
    )
    save(figure, png, svg)
    return figure


def draw_panels(
    spec: ImageSpec,
    rows_by_size: Mapping[str, Sequence[Sequence[Images]]],
    names: Sequence[str],
    columns: int,
    height: float | None = None,
) -> Figure:
    """A panel of tiled rows of images for each size, the rows' names at its left.

    `height` of the figure in inches; without one, what the images need at 7 inches of width.
    """
    if height is None:
        tall = 7 * len(names) / columns * spec.height / spec.width
        height = (0.45 + tall) * len(rows_by_size)
    figure = new_figure(height=height)
    panels = figure.subplots(len(rows_by_size), 1, squeeze=False)[:, 0]
    for axes, (title, rows) in zip(panels, rows_by_size.items(), strict=True):
        _show(axes, tile(rows, columns, spec), names, spec)
        axes.set_title(title, loc="left")
    return figure


def nearest(image_HxWxC: Images, real_MxHxWxC: Images) -> Images:
    """The real image whose pixels differ least from an image's, by their mean square."""
    distance_M = [np.square(real - image_HxWxC.astype(float)).mean() for real in real_MxHxWxC]
    image: Images = real_MxHxWxC[int(np.argmin(distance_M))]
    return image


def shown_classes(spec: ImageSpec) -> list[int]:
    """The labels of all classes, or of ten of them, evenly spread."""
    count = len(spec.classes)
    return [int(label) for label in np.linspace(0, count - 1, min(count, MOST_CLASSES)).round()]


def tile(rows: Sequence[Sequence[Images]], columns: int, spec: ImageSpec) -> Images:
    """Lays images out as one [H, W, C]; gaps, and cells a short row leaves empty, are white."""
    high, wide = spec.height + GAP, spec.width + GAP
    size = (len(rows) * high - GAP, columns * wide - GAP, spec.channels)
    canvas = np.full(size, 255, np.uint8)
    for row, images in enumerate(rows):
        for column, image in enumerate(images):
            top, left = row * high, column * wide
            canvas[top : top + spec.height, left : left + spec.width] = image
    return canvas


def first(
    images_NxHxWxC: Images, labels_N: NDArray[np.int32], label: int, spec: ImageSpec
) -> Images:
    """The first image of a class, or a white one where there is none."""
    found = np.flatnonzero(labels_N == label)
    return images_NxHxWxC[found[0]] if found.size else np.full(spec.shape, 255, np.uint8)


def _show(axes: Axes, canvas_HxWxC: Images, row_names: Sequence[str], spec: ImageSpec) -> None:
    """Shows a tiled image with the name of each row at its left."""
    canvas = canvas_HxWxC[..., 0] if spec.channels == 1 else canvas_HxWxC
    axes.imshow(canvas, cmap="gray", vmin=0, vmax=255, interpolation="none")
    axes.set_xticks([])
    places = [(spec.height + GAP) * row + spec.height / 2 for row in range(len(row_names))]
    axes.set_yticks(places, [short(name) for name in row_names])
    axes.tick_params(length=0)
    axes.grid(False)
    axes.spines[:].set_visible(False)


def short(name: str, length: int = 16) -> str:
    """A class name that leaves room for the images; `$` would start a formula."""
    text = name.encode("utf-8", "replace").decode().replace("$", r"\$")
    return text if len(text) <= length else f"{text[: length - 1]}…"
