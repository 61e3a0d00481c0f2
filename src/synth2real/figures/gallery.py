"""Shows what classifiers learn from, and how much the conversions of one image differ."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import matplotlib
import numpy as np
from matplotlib.figure import Figure

from synth2real.convert.convert import convert_images, load_generator
from synth2real.figures.samples import GAP, Images, first, show, shown_classes, tile
from synth2real.figures.style import STYLE, new_figure, save
from synth2real.gan.state import Gan
from synth2real.io.arrays import load_arrays
from synth2real.spec import ImageSpec
from synth2real.splits import read_split
from synth2real.training import Images as Labelled

EACH = 7  # images of a class and a kind
COPIES = 16
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
    columns = 3 * EACH + 2
    figure = new_figure(height=_height(spec, len(shown), columns) * len(sets))
    panels = figure.subplots(len(sets), 1, squeeze=False)[:, 0]
    for axes, (title, data) in zip(panels, sets.items(), strict=True):
        canvas = tile([row(data, label) for label in shown], columns, spec)
        show(axes, canvas, [spec.classes[label] for label in shown], spec)
        wide = spec.width + GAP
        places = [((EACH + 1) * kind + EACH / 2) * wide for kind in range(len(KINDS))]
        axes.set_xticks(places, KINDS)
        axes.xaxis.tick_top()
        axes.set_title(title, loc="left")
    save(figure, png, svg)
    return figure


def convert_often(
    gan: Gan, networks_path: Path, least_strength: float, synthetic: Images, labels: np.ndarray
) -> Images:
    """Converts each of some images sixteen times, with noise and strength of its own.

    Takes uint8 [N, H, W, C] and returns uint8 [N, 16, H, W, C].
    """
    generator = load_generator(gan, networks_path)
    again = Labelled(
        jnp.asarray(np.repeat(synthetic, COPIES, axis=0)),
        jnp.asarray(np.repeat(labels, COPIES), jnp.int32),
    )
    converted = convert_images(gan, generator, again, jax.random.key(0), least_strength)
    return converted.reshape(len(synthetic), COPIES, *synthetic.shape[1:])


@matplotlib.rc_context(STYLE)
def conversions(
    spec: ImageSpec, synthetic: Images, converted: Mapping[str, Images], png: Path, svg: Path
) -> Figure:
    """Each row an image, [N, H, W, C], and its conversions, [N, 16, H, W, C], by size."""
    names = [spec.classes[label] for label in shown_classes(spec)]
    columns = COPIES + 2
    empty = np.full(spec.shape, 255, np.uint8)
    figure = new_figure(height=_height(spec, len(names), columns) * len(converted))
    panels = figure.subplots(len(converted), 1, squeeze=False)[:, 0]
    for axes, (title, of_size) in zip(panels, converted.items(), strict=True):
        rows = [[image, empty, *copies] for image, copies in zip(synthetic, of_size, strict=True)]
        show(axes, tile(rows, columns, spec), names, spec)
        axes.set_title(title, loc="left")
    save(figure, png, svg)
    return figure


def first_of_each_class(spec: ImageSpec, path: Path) -> tuple[Images, np.ndarray]:
    """The first image of each class shown, [N, H, W, C], white where there is none; its label."""
    images, labels_N = load_arrays(path, "images", "labels")
    shown = shown_classes(spec)
    return np.stack([first(images, labels_N, label, spec) for label in shown]), np.array(shown)


def _height(spec: ImageSpec, rows: int, columns: int) -> float:
    """Inches that so many rows of so many images take at 7 inches of width, and a title."""
    return 0.45 + 7 * rows / columns * spec.height / spec.width
