"""The curves: their numbers by hand, their axes and files, and that no run is left out."""

import math
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.image import imread

from synth2real.figures import curves
from synth2real.figures.data import (
    Accuracy,
    AuthorsResult,
    Point,
    errors,
    gan_images_in_test,
    mixed_accuracy,
    mixed_errors,
    ratio_of_means,
    read_accuracy,
    read_authors,
)

AUTHORS_CSV = Path(__file__).parents[1] / "resources" / "authors_results.csv"
HEADER = "size,fold,draw,gan_seed,ratio,n_real,n_synthetic,dataset,run,test_set,n_test,accuracy"
IMAGE_COUNTS = {"0.007": (420, 59_580), "0.04": (2_400, 57_600)}
BASE_ERRORS = {
    "original": 6,
    "synthetic": 16,
    "GAN": 8,
    "original+GAN": 4,
    "original+synthetic": 5,
}  # in %
BASE_ERRORS |= {
    "augmented-original": 3,
    "augmented-original+synthetic": 2,
    "augmented-original+GAN": 1,
    "pseudo-original": 2.5,
    "pseudo-original+synthetic": 1.5,
    "pseudo-original+GAN": 0.8,
}
SEEDS, RUNS = (0, 1), 3


def table() -> str:
    """An accuracy.csv of two ratios, two GAN seeds and three runs; 0.1 % apart from run to run."""
    lines = [HEADER]
    for ratio, (n_real, n_synthetic) in IMAGE_COUNTS.items():
        for dataset, base in BASE_ERRORS.items():
            for seed in SEEDS if "GAN" in dataset else ("",):
                for run in range(RUNS):
                    accuracy = 1 - (base + 0.1 * run) / 100
                    tests = [("real", seed), ("synthetic", seed)]
                    tests += [("converted", s) for s in SEEDS if seed in ("", s)]
                    counts = f"{ratio},{n_real},{n_synthetic},{dataset},{run}"
                    lines += [
                        f"r{ratio},,0,{s},{counts},{t},10000,{accuracy:.4f}" for t, s in tests
                    ]
    return "\n".join(lines) + "\n"


@pytest.fixture
def rows(tmp_path: Path) -> list[Accuracy]:
    """The rows of ``table``, read from a file."""
    path = tmp_path / "accuracy.csv"
    path.write_text(table())
    return read_accuracy(path)


@pytest.fixture
def authors() -> list[AuthorsResult]:
    """The authors' results."""
    return read_authors(AUTHORS_CSV)


def draw(
    name: str, rows: list[Accuracy], authors: list[AuthorsResult], png: Path, svg: Path
) -> Figure:
    """Draws a figure by the name of its function."""
    if name == "synthetic_error":
        return curves.synthetic_error(rows, authors, png, svg)
    function: Callable[..., Figure] = getattr(curves, name)
    return function(rows, authors, png, svg)


CURVES = [
    "synthetic_error",
    "classifier_error",
    "original_synthetic_error",
    "learning",
    "unlabelled",
    "error_ratio",
    "mixed_test_set",
]


def test_accuracy_rows_are_typed(rows: list[Accuracy]) -> None:
    counts = (0.007, 420, 59_580, "", 0, None)
    assert rows[0] == Accuracy("r0.007", *counts, "original", 0, "real", 10_000, 0.94)
    gan = [r for r in rows if (r.dataset, r.test_set, r.run) == ("GAN", "real", 2)]
    assert [(r.ratio, r.gan_seed) for r in gan] == [(0.007, 0), (0.007, 1), (0.04, 0), (0.04, 1)]


def test_an_accuracy_in_per_cent_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "accuracy.csv"
    path.write_text(table() + "r0.007,,0,,0.007,420,59580,original,0,real,10000,94.0\n")
    with pytest.raises(ValueError, match="outside"):
        read_accuracy(path)


def test_folds_and_draws_are_pooled_by_size(rows: list[Accuracy]) -> None:
    folds = [
        replace(row, fold="fold0" if row.run else "fold1", draw=row.run, n_real=420 + (row.run > 1))
        for row in rows
        if row.dataset == "original" and row.size == "r0.007"
    ]
    (point,) = errors(folds, "original")
    assert point.n == 3 and point.n_real == 420 and point.mean == pytest.approx(0.061)


def test_mean_spread_and_n_by_hand(rows: list[Accuracy]) -> None:
    original = errors(rows, "original")
    assert [point.n_real for point in original] == [420, 2_400]
    assert original[0].n == 3  # errors 6.0, 6.1, 6.2 %
    assert original[0].mean == pytest.approx(0.061)
    assert original[0].std == pytest.approx(0.001)
    pooled = errors(rows, "original+GAN")[0]  # 4.0, 4.1, 4.2 % from each of two GAN seeds
    assert pooled.n == 6
    assert pooled.std == pytest.approx(0.001 * math.sqrt(4 / 5))
    assert math.isnan(Point("r0.007", 420, 59_580, 10_000, (0.1,)).std)


def test_ratio_of_means_by_hand() -> None:
    numerator = Point("n1", 1, 1, 100, (0.02, 0.04))  # mean 0.03, std 0.01414
    denominator = Point("n1", 1, 1, 100, (0.05, 0.06, 0.07))  # mean 0.06, std 0.01
    ratio, log_std = ratio_of_means(numerator, denominator)
    assert ratio == pytest.approx(0.5)
    assert log_std == pytest.approx(math.sqrt(2 / 9 + 1 / 36))


def test_mixed_errors_by_hand(rows: list[Accuracy], authors: list[AuthorsResult]) -> None:
    assert mixed_accuracy(0.9, 0.6, 5_000) == pytest.approx(0.8)
    changed = [
        replace(r, accuracy=[0.2, 0.4][r.gan_seed or 0]) if r.test_set == "converted" else r
        for r in rows
    ]
    original = mixed_errors(changed, authors, "original")[0]
    assert original.n == RUNS  # tested on two GANs' images, yet one value for each classifier
    assert original.values[0] == pytest.approx(1 - (9_400 + 0.3 * 4_918) / 14_918)
    gan = mixed_errors(changed, authors, "original+GAN")[0]
    assert gan.values[0] == pytest.approx(1 - (9_600 + 0.2 * 4_918) / 14_918)
    assert gan.values[-1] == pytest.approx(1 - (9_580 + 0.4 * 4_918) / 14_918)
    with pytest.raises(ValueError):
        mixed_errors([r for r in rows if r.test_set != "converted"], authors, "original")


def test_number_of_gan_images_in_the_authors_test(authors: list[AuthorsResult]) -> None:
    assert gan_images_in_test(0.04, authors) == 4_755  # theirs, written 0.040
    assert gan_images_in_test(0.2, authors) == 3_960
    for result in authors:
        assert abs(gan_images_in_test(result.ratio, []) - result.n_gan_in_test) <= 5


def test_authors_results_are_consistent(authors: list[AuthorsResult]) -> None:
    """Published and MNIST accuracy leave a share of GAN images read right that can exist."""
    assert len(authors) == 13 * 5
    for a in authors:
        total = 10_000 + a.n_gan_in_test
        on_gan = (a.published_accuracy * total - a.mnist_test_accuracy * 10_000) / a.n_gan_in_test
        rounding = 0.00005 * (total + 10_000) / a.n_gan_in_test  # both have four decimals
        assert -rounding <= on_gan <= 1 + rounding, a


def test_authors_gan_helps_on_the_mixed_test_set_only(authors: list[AuthorsResult]) -> None:
    by_key = {(a.dataset, a.ratio): a for a in authors}
    pairs = [(by_key["original+GAN", a.ratio], a) for a in authors if a.dataset == "original"]
    assert all(gan.mnist_test_accuracy < real.mnist_test_accuracy for gan, real in pairs)
    helped = [gan.ratio for gan, real in pairs if gan.published_accuracy > real.published_accuracy]
    assert helped == [0.005, 0.007, 0.008, 0.024, 0.04, 0.056, 0.1, 0.3, 0.5, 0.7, 0.9]


@pytest.mark.parametrize("name", CURVES)
def test_files_are_valid_and_the_same_on_a_second_run(
    name: str, rows: list[Accuracy], authors: list[AuthorsResult], tmp_path: Path
) -> None:
    paths = [(tmp_path / f"{i}.png", tmp_path / f"{i}.svg") for i in range(2)]
    for png, svg in paths:
        draw(name, rows, authors, png, svg)
    (png, svg), (png_again, svg_again) = paths
    height, width, _ = imread(png).shape
    assert width == 1_600 and height >= 700
    assert ET.parse(svg).getroot().tag == "{http://www.w3.org/2000/svg}svg"
    assert png.read_bytes() == png_again.read_bytes()
    assert svg.read_bytes() == svg_again.read_bytes()
    written = {file for pair in paths for file in pair}
    assert {p for p in tmp_path.iterdir() if p.suffix in (".png", ".svg")} == written


@pytest.mark.parametrize("name", CURVES)
def test_one_run_at_one_ratio_is_drawn(
    name: str, rows: list[Accuracy], authors: list[AuthorsResult], tmp_path: Path
) -> None:
    single = [r for r in rows if r.ratio == 0.007 and r.run == 0 and r.gan_seed in (None, 0)]
    figure = draw(name, single, authors, tmp_path / "a.png", tmp_path / "a.svg")
    assert np.all(np.isfinite([axes.get_ylim() for axes in figure.axes]))
    alone = draw(name, single, [], tmp_path / "b.png", tmp_path / "b.svg")
    low, high = alone.axes[0].get_xlim()
    assert low < (59_580 if name == "synthetic_error" else 420) < high


@pytest.mark.parametrize("name", CURVES)
def test_axes_are_log_where_errors_are_compared(
    name: str, rows: list[Accuracy], authors: list[AuthorsResult], tmp_path: Path
) -> None:
    figure = draw(name, rows, authors, tmp_path / "a.png", tmp_path / "a.svg")
    scale = "linear" if name == "synthetic_error" else "log"
    for axes in figure.axes:
        assert (axes.get_xscale(), axes.get_yscale()) == (scale, scale)


def dots(figure: Figure, axes: int = 0) -> list[tuple[float, float]]:
    """The single runs drawn: x and y of every faint dot."""
    found = [c for c in figure.axes[axes].collections if isinstance(c, PathCollection)]
    offsets = np.concatenate([np.empty((0, 2)), *(np.asarray(c.get_offsets()) for c in found)])
    return sorted((float(x), round(float(y), 6)) for x, y in offsets)


def test_every_run_is_drawn(
    rows: list[Accuracy], authors: list[AuthorsResult], tmp_path: Path
) -> None:
    png, svg = tmp_path / "a.png", tmp_path / "a.svg"
    shown = {
        "classifier_error": {"synthetic", "GAN", "original", "original+GAN"},
        "original_synthetic_error": {"original", "original+synthetic"},
        "learning": {d for d in BASE_ERRORS if not d.startswith("pseudo-")},
        "unlabelled": {"original", *(d for d in BASE_ERRORS if d.startswith("pseudo-"))},
    }
    for name, datasets in shown.items():
        expected = sorted(
            (float(r.n_real), round(100 * (1 - r.accuracy), 6))
            for r in rows
            if r.test_set == "real" and r.dataset in datasets
        )
        assert dots(draw(name, rows, authors, png, svg)) == expected
    alone = [r for r in rows if r.dataset == "synthetic" and r.test_set != "converted"]
    expected = sorted((float(r.n_synthetic), round(100 * (1 - r.accuracy), 6)) for r in alone)
    assert dots(curves.synthetic_error(rows, authors, png, svg)) == expected
    mixed = curves.mixed_test_set(rows, authors, png, svg)
    runs = 2 * (RUNS + RUNS + len(SEEDS) * RUNS)  # original, original+synthetic, original+GAN
    assert [len(dots(mixed, panel)) for panel in (0, 1)] == [runs, runs]


@pytest.mark.parametrize("name", CURVES)
def test_zero_error_is_drawn_as_half_an_image(
    name: str, rows: list[Accuracy], authors: list[AuthorsResult], tmp_path: Path
) -> None:
    perfect = [replace(row, accuracy=1.0) for row in rows]
    figure = draw(name, perfect, authors, tmp_path / "a.png", tmp_path / "a.svg")
    heights = {y for _, y in dots(figure)}
    expected = {"synthetic_error": {0.0}, "error_ratio": set()}
    assert heights == expected.get(name, {0.005})
    for axes in figure.axes:
        low, high = sorted(axes.get_ylim())
        assert all(low <= height <= high for height in heights)


def test_error_ratio_draws_the_ratio(
    rows: list[Accuracy], authors: list[AuthorsResult], tmp_path: Path
) -> None:
    figure = curves.error_ratio(rows, authors, tmp_path / "a.png", tmp_path / "a.svg")
    ours, *_, theirs, one = (np.asarray(line.get_ydata()) for line in figure.axes[0].lines)
    assert ours == pytest.approx([4.1 / 6.1] * 2)
    assert theirs.min() > 1 and len(theirs) == 13
    assert list(one) == [1, 1]


def test_sizes_of_the_same_number_of_images_are_not_mixed_up(
    rows: list[Accuracy], tmp_path: Path
) -> None:
    twins = [replace(r, size="s0.5", n_real=10) for r in rows if r.size == "r0.007"]
    twins += [replace(r, size="s0.51", n_real=10, accuracy=0.5) for r in rows if r.size == "r0.007"]
    figure = curves.error_ratio(twins, [], tmp_path / "a.png", tmp_path / "a.svg")
    heights = np.asarray(figure.axes[0].lines[0].get_ydata())
    assert sorted(heights) == pytest.approx(sorted([4.1 / 6.1, 1.0]))


def test_no_error_axis_goes_beyond_100_per_cent(rows: list[Accuracy], tmp_path: Path) -> None:
    poor = [replace(row, accuracy=0.3) for row in rows]
    figure = curves.classifier_error(poor, [], tmp_path / "a.png", tmp_path / "a.svg")
    assert figure.axes[0].get_ylim()[1] == 100


@pytest.mark.parametrize("draws", [1, 6])
@pytest.mark.parametrize("name", ["learning", "unlabelled", "classifier_error"])
def test_the_legend_is_no_wider_than_the_figure(
    name: str, draws: int, rows: list[Accuracy], tmp_path: Path
) -> None:
    first = [row for row in rows if row.size == rows[0].size]
    rows = rows + [replace(row, draw=draw) for row in first for draw in range(1, draws)]
    figure = draw(name, rows, [], tmp_path / "a.png", tmp_path / "a.svg")
    (legend,) = figure.legends
    box = legend.get_window_extent()
    assert box.x0 >= 0 and box.x1 <= figure.bbox.x1
