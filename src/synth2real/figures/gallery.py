"""Shows what classifiers learn from."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from synth2real.figures.samples import GAP, Images, draw_panels, shown_classes
from synth2real.figures.style import STYLE, save
from synth2real.io.arrays import load_arrays
from synth2real.spec import ImageSpec
from synth2real.splits import read_split

EACH = 7  # images of a class and a kind
KINDS = ("real", "synthetic", "the same, converted")


class TrainingImages(NamedTuple):
    """Images that classifiers learn from, uint8 [N, H, W, C], each kind with its labels [N].

    `converted` are `synthetic` in the same order.
    """

    real: Images
    real_labels: np.ndarray
    synthetic: Images
    converted: Images
    labels: np.ndarray


def load_training_images(
    real_path: Path, synthetic_path: Path, converted_path: Path, split_path: Path
) -> TrainingImages:
    """Reads the images of a split, and the first conversion of each synthetic one."""
    split = read_split(split_path)
    real, real_labels = load_arrays(real_path, "images", "labels")
    synthetic, labels = load_arrays(synthetic_path, "images", "labels")
    (converted,) = load_arrays(converted_path, "images")
    return TrainingImages(
        real[split.real],
        real_labels[split.real],
        synthetic[split.synthetic],
        converted[: len(split.synthetic)],
        labels[split.synthetic],
    )


@matplotlib.rc_context(STYLE)
def gallery(spec: ImageSpec, sets: Mapping[str, TrainingImages], png: Path, svg: Path) -> Figure:
    """Some images of each class: real, synthetic and, of the same, the conversions.

    They are drawn at random with a fixed seed.
    """
    random = np.random.default_rng(0)
    empty = np.full(spec.shape, 255, np.uint8)

    def drawn(labels_N: np.ndarray, label: int) -> np.ndarray:
        return random.permutation(np.flatnonzero(labels_N == label))[:EACH]

    def row(data: TrainingImages, label: int) -> list[Images]:
        of_real, of_synthetic = drawn(data.real_labels, label), drawn(data.labels, label)
        cells: list[Images] = []
        for images in (
            data.real[of_real],
            data.synthetic[of_synthetic],
            data.converted[of_synthetic],
        ):
            cells += [*images, *[empty] * (EACH - len(images) + 1)]
        return cells[:-1]

    shown = shown_classes(spec)
    names = [spec.classes[label] for label in shown]
    rows = {title: [row(data, label) for label in shown] for title, data in sets.items()}
    figure = draw_panels(spec, rows, names, 3 * EACH + 2)
    places = [((EACH + 1) * kind + EACH / 2) * (spec.width + GAP) for kind in range(len(KINDS))]
    for axes in figure.axes:
        axes.set_xticks(places, KINDS)
        axes.xaxis.tick_top()
    save(figure, png, svg)
    return figure
