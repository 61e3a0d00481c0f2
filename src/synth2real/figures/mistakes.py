"""Shows which classes are taken for which, and which images conversions mend or break."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from synth2real.figures.samples import Images, short
from synth2real.figures.style import STYLE, new_figure, save
from synth2real.io.arrays import load_arrays
from synth2real.sets import PLAIN, SETS
from synth2real.spec import ImageSpec

SHOWN = 10  # images in a row
MOST_NUMBERS = 12  # classes of which a matrix has room for numbers
# Columns of confusion matrices, by the parts of sets.
PARTS = (("real",), ("real", "synthetic"), ("real", "converted"))


class Votes(NamedTuple):
    """How many classifiers of a set take each test image for each class, [images, classes]."""

    votes: np.ndarray
    labels: np.ndarray

    @property
    def right_N(self) -> np.ndarray:
        """The share of classifiers that read each image."""
        votes_N = self.votes[np.arange(len(self.labels)), self.labels]
        share_N: np.ndarray = votes_N / self.votes[0].sum()
        return share_N


def read_votes(paths: Iterable[Path], classes: int) -> dict[tuple[str, ...], Votes]:
    """Counts predictions of the same test images, by parts of the sets with plain recipe."""
    votes: dict[tuple[str, ...], Any] = defaultdict(int)
    labels_N = np.empty(0)
    for path in paths:
        names = ("predictions", "labels", "datasets")
        predictions_CxN, labels_N, datasets_C = load_arrays(path, *names)
        for predictions_N, dataset in zip(predictions_CxN, datasets_C.tolist(), strict=True):
            if SETS[dataset].recipe == PLAIN:
                votes[SETS[dataset].parts] += np.eye(classes, dtype=int)[predictions_N]
    return {parts: Votes(votes[parts], labels_N) for parts in PARTS}


@matplotlib.rc_context(STYLE)
def confusion(
    spec: ImageSpec,
    votes: Mapping[str, Mapping[tuple[str, ...], Votes]],
    png: Path,
    svg: Path,
) -> Figure:
    """Confusion matrices of original, original+synthetic and original+GAN, by size."""
    figure = new_figure(height=0.4 + 2.4 * len(votes))
    panels = figure.subplots(len(votes), len(PARTS), squeeze=False)
    names = {kind.parts: name for name, kind in SETS.items() if kind.recipe == PLAIN}
    matrices = [
        [_confusion(of_size[parts], len(spec.classes)) for parts in PARTS]
        for of_size in votes.values()
    ]
    most = max(float((m - np.diag(np.diag(m))).max()) for row in matrices for m in row)
    for line, title, row in zip(panels, votes, matrices, strict=True):
        for axes, parts, matrix in zip(line, PARTS, row, strict=True):
            shades = _draw_matrix(axes, matrix, most, spec)
            axes.set_title(names[parts])
        line[0].set_ylabel(f"{title}\nshows")
    for axes in panels[-1]:
        axes.set_xlabel("taken for")
    figure.colorbar(shades, ax=panels, label="mistakes (% of the class)", shrink=0.5, pad=0.02)
    save(figure, png, svg)
    return figure


def _confusion(votes: Votes, classes: int) -> np.ndarray:
    """Per cent of each class' images that are taken for each class; zeros if it has none."""
    matrix_CxC = np.zeros((classes, classes))
    np.add.at(matrix_CxC, votes.labels, votes.votes)
    share_CxC: np.ndarray = 100 * matrix_CxC / np.maximum(matrix_CxC.sum(1, keepdims=True), 1)
    return share_CxC


def _draw_matrix(axes: Axes, matrix_CxC: np.ndarray, most: float, spec: ImageSpec) -> AxesImage:
    """Shades mistakes; what is right is left white, or mistakes would all look alike."""
    classes = len(matrix_CxC)
    wrong_CxC = matrix_CxC - np.diag(np.diag(matrix_CxC))
    shades = axes.imshow(wrong_CxC, cmap="Greys", vmin=0, vmax=max(most, 1.0))
    axes.grid(False)
    if classes > MOST_NUMBERS:
        axes.set_xticks([])
        axes.set_yticks([])
        return shades
    ticks = [short(name, 6) for name in spec.classes]
    axes.set_xticks(range(classes), ticks, fontsize=7, rotation=0 if classes <= 10 else 90)
    axes.set_yticks(range(classes), ticks, fontsize=7)
    for i, j in np.argwhere(matrix_CxC >= 0.5):
        ink = "white" if wrong_CxC[i, j] > 0.6 * most else "black"
        text = f"{matrix_CxC[i, j]:.0f}"
        axes.text(j, i, text, ha="center", va="center", fontsize=5.5, color=ink)
    return shades


@matplotlib.rc_context(STYLE)
def mistakes(
    spec: ImageSpec,
    votes: Mapping[str, Mapping[tuple[str, ...], Votes]],
    test_images: Images,
    png: Path,
    svg: Path,
) -> Figure:
    """Test images that original+GAN reads and original does not, and the reverse, by size.

    Of each size those of which the shares of classifiers that read them differ most.
    """
    rows = [(title, of_size, sign) for title, of_size in votes.items() for sign in (1, -1)]
    figure = new_figure(height=0.2 + 1.35 * len(rows))
    for block, (title, of_size, sign) in zip(
        figure.subfigures(len(rows), 1, squeeze=False)[:, 0], rows, strict=True
    ):
        original, gan = of_size[PARTS[0]], of_size[PARTS[2]]
        gain_N = sign * (gan.right_N - original.right_N)
        chosen = np.argsort(-gain_N, kind="stable")[:SHOWN]
        fails = original if sign > 0 else gan
        sides = ("original+GAN", "original") if sign > 0 else ("original", "original+GAN")
        what = f"read by most classifiers of {sides[0]} and few of {sides[1]}"
        count = f"{(gain_N > 0.5).sum():,}"
        block.suptitle(f"{title}: {what}: {count}", x=0.01, ha="left", fontsize=9)
        for axes, index in zip(block.subplots(1, SHOWN), chosen, strict=False):
            axes.axis("off")
            if gain_N[index] <= 0:
                continue
            image = test_images[index]
            axes.imshow(
                image[..., 0] if spec.channels == 1 else image, cmap="gray", vmin=0, vmax=255
            )
            label, wrong_C = fails.labels[index], fails.votes[index].copy()
            wrong_C[label] = -1
            names = [short(spec.classes[c], 7) for c in (label, int(wrong_C.argmax()))]
            axes.set_title(" not ".join(names), fontsize=7)
    save(figure, png, svg)
    return figure
