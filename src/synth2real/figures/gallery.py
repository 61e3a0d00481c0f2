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

EACH = 6  # images of a class and a kind, beside their mean
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
    """Each class: real, synthetic and converted images, their mean and some of them.

    These are drawn at random with a fixed seed, the same of synthetic and converted ones.
    """
    random = np.random.default_rng(0)
    empty = np.full(spec.shape, 255, np.uint8)

    def drawn(labels_N: np.ndarray, label: int) -> np.ndarray:
        return random.permutation(np.flatnonzero(labels_N == label))[:EACH]

    def row(data: TrainingImages, label: int) -> list[Images]:
        of_real, of_synthetic = drawn(data.real_labels, label), drawn(data.labels, label)
        cells: list[Images] = []
        for images, labels_N, index in (
            (data.real, data.real_labels, of_real),
            (data.synthetic, data.labels, of_synthetic),
            (data.converted, data.labels, of_synthetic),
        ):
            of_class = images[labels_N == label]
            mean = [of_class.mean(0).round().astype(np.uint8)] if len(of_class) else [empty]
            cells += [*mean, *images[index], *[empty] * (EACH - len(index) + 1)]
        return cells[:-1]

    shown = shown_classes(spec)
    names = [spec.classes[label] for label in shown]
    rows = {title: [row(data, label) for label in shown] for title, data in sets.items()}
    wide = EACH + 2  # the mean and a gap
    figure = draw_panels(spec, rows, names, len(KINDS) * wide - 1)
    cell = spec.width + GAP
    places = [(wide * kind + place) * cell for kind in range(len(KINDS)) for place in (0.5, 4)]
    for axes in figure.axes:
        axes.set_xticks(places, [label for kind in KINDS for label in ("mean", kind)])
        axes.xaxis.tick_top()
    save(figure, png, svg)
    return figure
