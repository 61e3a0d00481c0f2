"""Draws accuracy and error against the number of images (the paper's figures 4, 5 and 6).

Each function takes rows of `accuracy.csv`, saves one figure as PNG and SVG, and returns it.
Lines join means, bars are one standard deviation of single runs either way, faint dots are the
single runs. A log axis has no zero: an error below half a test image is drawn as half an image, and
a bar that would reach lower ends there. `authors` is empty for other images than the paper's.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from synth2real.figures.data import (
    AUTHORS_TRAINING_IMAGES,
    Accuracy,
    AuthorsResult,
    Point,
    errors,
    mixed_errors,
    ratio_of_means,
)
from synth2real.figures.drawing import authors_handle, draw_authors, draw_points, legend, runs
from synth2real.figures.style import (
    GREY,
    LOOKS,
    STYLE,
    Look,
    log_axis,
    log_limits,
    new_figure,
    real_images_axis,
    save,
)
from synth2real.sets import AUGMENTED, PSEUDO, SETS

MIXED_DATASETS = ("original", "original+synthetic", "original+GAN")
LEARNING = tuple(
    name for name, kind in SETS.items() if kind.recipe != PSEUDO and "untrained" not in kind.parts
)
UNLABELLED = ("original", "pseudo-original", "pseudo-original+synthetic", "pseudo-original+GAN")


@matplotlib.rc_context(STYLE)
def synthetic_error(
    rows: Sequence[Accuracy], authors: Sequence[AuthorsResult], png: Path, svg: Path
) -> Figure:
    """Figure 4: error of the classifier of synthetic images alone, on real and on synthetic ones.

    The authors' errors, recomputed for MNIST alone, stand as small open markers.
    """
    figure = new_figure()
    axes = figure.add_subplot()
    looks = {"real": LOOKS["synthetic"], "synthetic": Look(GREY, "o")}
    for test_set, look in looks.items():
        points = errors(rows, "synthetic", test_set)
        counts = [point.n_synthetic for point in points]
        draw_points(axes, counts, points, look, f"{test_set} test set ({runs(points)})")
    of_synthetic = [a for a in authors if a.dataset == "synthetic"]
    theirs = [(AUTHORS_TRAINING_IMAGES - a.n_real, 1 - a.mnist_test_accuracy) for a in of_synthetic]
    draw_authors(axes, theirs, LOOKS["synthetic"], linestyle="none")
    ours = [row.n_synthetic for row in rows]
    # The authors' sizes reach from 0 to 60,000; where ours do not, they would be in a corner.
    margin = 0.1 * (max(ours) - min(ours)) or 0.02 * max(ours)
    low, high = min(ours) - margin, max(ours) + margin
    axes.set_xlim(low, high)
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("number of synthetic training images")
    axes.set_ylabel("error of the classifier of synthetic images (%)")
    seen = [a for a, (x, _) in zip(of_synthetic, theirs, strict=True) if low <= x <= high]
    legend(figure, *authors_handle(seen, "none"))
    save(figure, png, svg)
    return figure


def classifier_error(
    rows: Sequence[Accuracy], authors: Sequence[AuthorsResult], png: Path, svg: Path
) -> Figure:
    """Figure 5: error on real test images of synthetic, GAN, original and original+GAN."""
    return _error_figure(rows, authors, ("synthetic", "GAN", "original", "original+GAN"), png, svg)


def original_synthetic_error(
    rows: Sequence[Accuracy], authors: Sequence[AuthorsResult], png: Path, svg: Path
) -> Figure:
    """Figure 6: error on real test images of original and original+synthetic."""
    return _error_figure(rows, authors, ("original", "original+synthetic"), png, svg)


def learning(
    rows: Sequence[Accuracy], authors: Sequence[AuthorsResult], png: Path, svg: Path
) -> Figure:
    """Error on real test images of the plain and the augmented sets of real, synthetic and GAN."""
    trained = {row.dataset for row in rows}
    return _error_figure(rows, [], [name for name in LEARNING if name in trained], png, svg)


def unlabelled(
    rows: Sequence[Accuracy], authors: Sequence[AuthorsResult], png: Path, svg: Path
) -> Figure:
    """Error on real test images of the sets with pseudo-labels, and of original."""
    return _error_figure(rows, [], UNLABELLED, png, svg)


@matplotlib.rc_context(STYLE)
def _error_figure(
    rows: Sequence[Accuracy],
    authors: Sequence[AuthorsResult],
    datasets: Sequence[str],
    png: Path,
    svg: Path,
) -> Figure:
    """Error on real test images against the number of real images, both log.

    The authors' errors are recomputed for MNIST alone; they stand as small open markers, without
    a line, at the authors' own counts of real images.
    """
    figure = new_figure()
    axes = figure.add_subplot()
    shown: list[tuple[int, float]] = []
    for dataset in datasets:
        points, look = errors(rows, dataset), LOOKS[dataset]
        counts = [point.n_real for point in points]
        style: Literal["-", "--"] = "--" if SETS[dataset].recipe == AUGMENTED else "-"
        label = f"{dataset} ({runs(points)})"
        draw_points(axes, counts, points, look, label, floored=True, linestyle=style)
        theirs = [(a.n_real, 1 - a.mnist_test_accuracy) for a in authors if a.dataset == dataset]
        draw_authors(axes, theirs, look, linestyle="none")
        shown += theirs
        shown += [(p.n_real, max(value, p.floor)) for p in points for value in p.values]
    real_images_axis(axes, [count for count, _ in shown])
    axes.set_yscale("log")
    low, high = log_limits(100 * error for _, error in shown)
    axes.set_ylim(low, min(high, 100))
    log_axis(axes.yaxis)
    axes.set_ylabel("error on the real test images (%)")
    legend(figure, *authors_handle(authors, "none"))
    save(figure, png, svg)
    return figure


@matplotlib.rc_context(STYLE)
def error_ratio(
    rows: Sequence[Accuracy], authors: Sequence[AuthorsResult], png: Path, svg: Path
) -> Figure:
    """Error of original+GAN over that of original on real test images: below 1, the GAN helps.

    Bars are exp(± sd of ln R), for the spreads of single runs (see `ratio_of_means`).
    """
    counts, label, ratios, log_stds = _ratio_series(rows)
    low, high = ratios * np.exp(-log_stds), ratios * np.exp(log_stds)
    theirs, look = _authors_ratio(authors), LOOKS["original+GAN"]
    figure = new_figure()
    axes = figure.add_subplot()
    axes.errorbar(
        counts,
        ratios,
        [ratios - low, high - ratios],
        color=look.colour,
        marker=look.marker,
        capsize=3,
        label=label,
    )
    draw_authors(axes, theirs, look, linestyle="none", scale=1)
    axes.axhline(1, color=GREY, linestyle="--", linewidth=1)
    real_images_axis(axes, counts + [count for count, _ in theirs])
    axes.set_yscale("log")
    heights = [*ratios, *low, *high, *(ratio for _, ratio in theirs)]
    axes.set_ylim(*log_limits(height for height in heights if np.isfinite(height)))
    log_axis(axes.yaxis)
    axes.set_ylabel("error of original+GAN / error of original")
    legend(figure, *authors_handle(authors, "none"))
    save(figure, png, svg)
    return figure


def _ratio_series(
    rows: Sequence[Accuracy],
) -> tuple[list[int], str, NDArray[np.float64], NDArray[np.float64]]:
    """Numbers of real images, label, ratios of errors and spreads of their logarithms."""
    original = {point.size: _floored(point) for point in errors(rows, "original")}
    points = [_floored(p) for p in errors(rows, "original+GAN") if p.size in original]
    label = f"original+GAN ({runs(points)}) / original ({runs(list(original.values()))})"
    pairs = [ratio_of_means(point, original[point.size]) for point in points]
    ratios, log_stds = np.array(pairs, float).reshape(-1, 2).T
    return [point.n_real for point in points], label, ratios, log_stds


def _authors_ratio(authors: Sequence[AuthorsResult]) -> list[tuple[int, float]]:
    """The authors' number of real images and ratio of errors on MNIST's test set."""
    error = {(a.dataset, a.n_real): 1 - a.mnist_test_accuracy for a in authors}
    counts = sorted(count for dataset, count in error if dataset == "original")
    return [(n, error["original+GAN", n] / error["original", n]) for n in counts]


@matplotlib.rc_context(STYLE)
def mixed_test_set(
    rows: Sequence[Accuracy], authors: Sequence[AuthorsResult], png: Path, svg: Path
) -> Figure:
    """Accuracy beside the authors': on their mixed test set, and on MNIST's test set alone.

    The left panel compares with the numbers they published, the right one with what the paper
    says they measured. The GAN images of a mixed test set are each project's own.
    """
    figure = new_figure(height=4.6)
    left, right = figure.subplots(1, 2, sharey=True)
    shown: list[float] = []
    for dataset in MIXED_DATASETS:
        theirs = [a for a in authors if a.dataset == dataset]
        published = [(a.n_real, 1 - a.published_accuracy) for a in theirs]
        recomputed = [(a.n_real, 1 - a.mnist_test_accuracy) for a in theirs]
        shown += _panel(left, mixed_errors(rows, authors, dataset), dataset, published)
        shown += _panel(right, errors(rows, dataset), dataset, recomputed)
    counts = [row.n_real for row in rows] + [a.n_real for a in authors]
    for axes in (left, right):
        real_images_axis(axes, counts, steps=(1,))
    _accuracy_axis(left, shown)
    left.set_title("MNIST + GAN images (mixed test set)")
    right.set_title("MNIST test set alone")
    legend(figure, *authors_handle(authors, "--"))
    save(figure, png, svg)
    return figure


def _panel(
    axes: Axes, points: Sequence[Point], dataset: str, theirs: Sequence[tuple[int, float]]
) -> list[float]:
    """Draws one data set's errors, ours solid and the authors' dashed; returns those drawn."""
    counts, look = [point.n_real for point in points], LOOKS[dataset]
    draw_points(axes, counts, points, look, f"{dataset} ({runs(points)})", floored=True)
    draw_authors(axes, theirs, look, linestyle="--")
    ours = [max(value, point.floor) for point in points for value in point.values]
    return ours + [error for _, error in theirs]


def _accuracy_axis(axes: Axes, shown: Sequence[float]) -> None:
    """Labels the error on y as accuracy: log and upside down, it spreads high accuracies."""
    axes.set_yscale("log")
    low, high = log_limits(100 * error for error in shown)
    axes.set_ylim(min(high, 100), low)
    log_axis(axes.yaxis)
    axes.yaxis.set_major_formatter(lambda error, _: f"{100 - error:g}")
    axes.set_ylabel("accuracy (%)")


def _floored(point: Point) -> Point:
    """Lifts a mean error of zero to the least error drawn, so that a ratio exists."""
    if point.mean >= point.floor:
        return point
    return replace(point, values=(point.floor,) * point.n)
