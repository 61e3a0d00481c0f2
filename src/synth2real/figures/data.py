"""Reads the accuracies that the figures show and reduces them to mean, spread and n.

Every classifier of one split shares `n_real` and `n_synthetic`: they are the same in all its
rows, even for a data set that does not use one of them.
"""

import csv
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np

MNIST_TEST_IMAGES = 10_000
AUTHORS_TRAINING_IMAGES = 55_000


@dataclass(frozen=True)
class Accuracy:
    """One row of `accuracy.csv`: one trained classifier on one test set.

    `ratio` is None where sizes are counts or shares. `gan_seed` is None where no GAN had a
    part: neither in the training data nor in the test set. `accuracy` lies in [0, 1].
    """

    size: str
    ratio: float | None
    n_real: int
    n_synthetic: int
    fold: str
    draw: int
    gan_seed: int | None
    dataset: str
    run: int
    test_set: str
    n_test: int
    accuracy: float


@dataclass(frozen=True)
class AuthorsResult:
    """One row of the authors' results: the mean over their five runs, accuracies in [0, 1].

    `published_accuracy` is on MNIST's test set plus `n_gan_in_test` of their GAN's images;
    `mnist_test_accuracy` is recomputed for MNIST's test set alone (see `resources/README.md`).
    """

    ratio: float
    n_real: int
    dataset: str
    published_accuracy: float
    n_gan_in_test: int
    mnist_test_accuracy: float


@dataclass(frozen=True)
class Point:
    """The runs of one data set at one size: the errors in [0, 1], one value a run.

    Counts are means over folds, which may differ by an image.
    """

    size: str
    n_real: int
    n_synthetic: int
    n_test: int
    values: tuple[float, ...]

    @property
    def floor(self) -> float:
        """The least error that is drawn: half a test image. A log axis has no zero."""
        return 0.5 / self.n_test

    @property
    def n(self) -> int:
        """Number of runs."""
        return len(self.values)

    @property
    def mean(self) -> float:
        """Mean over the runs."""
        return float(np.mean(self.values))

    @property
    def std(self) -> float:
        """Sample standard deviation of single runs; NaN for one run, which shows no spread."""
        return float(np.std(self.values, ddof=1)) if self.n > 1 else math.nan


def read_accuracy(path: Path) -> list[Accuracy]:
    """Reads `accuracy.csv`.

    Raises:
        ValueError: an accuracy is outside [0, 1].
    """
    with path.open(newline="", encoding="utf-8") as lines:
        rows = [_accuracy(row) for row in csv.DictReader(lines)]
    for row in rows:
        if not 0 <= row.accuracy <= 1:
            raise ValueError(f"{path}: accuracy {row.accuracy} is outside [0, 1]: {row}")
    return rows


def _accuracy(row: dict[str, str]) -> Accuracy:
    """Gives one CSV row its types."""
    return Accuracy(
        size=row["size"],
        ratio=float(row["ratio"]) if row["ratio"] else None,
        n_real=int(row["n_real"]),
        n_synthetic=int(row["n_synthetic"]),
        fold=row["fold"],
        draw=int(row["draw"]),
        gan_seed=int(row["gan_seed"]) if row["gan_seed"] else None,
        dataset=row["dataset"],
        run=int(row["run"]),
        test_set=row["test_set"],
        n_test=int(row["n_test"]),
        accuracy=float(row["accuracy"]),
    )


def read_authors(path: Path) -> list[AuthorsResult]:
    """Reads `resources/authors_results.csv`; what they call font is synthetic here."""
    with path.open(newline="", encoding="utf-8") as lines:
        return [
            AuthorsResult(
                ratio=float(row["ratio"]),
                n_real=int(row["n_real"]),
                dataset=row["classifier"].replace("font", "synthetic"),
                published_accuracy=float(row["published_accuracy"]),
                n_gan_in_test=int(row["n_gan_in_test"]),
                mnist_test_accuracy=float(row["mnist_test_accuracy"]),
            )
            for row in csv.DictReader(lines)
        ]


def errors(rows: Iterable[Accuracy], dataset: str, test_set: str = "real") -> list[Point]:
    """Gathers the runs of one data set on one test set, by rising number of real images.

    The runs of all folds, draws and GAN seeds are pooled, so the spread includes theirs. Values
    are the share of test images misclassified, in [0, 1].
    """
    chosen = [row for row in rows if (row.dataset, row.test_set) == (dataset, test_set)]
    return _points((row, 1 - row.accuracy) for row in chosen)


def _points(values: Iterable[tuple[Accuracy, float]]) -> list[Point]:
    """Groups values by the size of their row."""
    groups: dict[str, list[tuple[Accuracy, float]]] = defaultdict(list)
    for row, value in values:
        groups[row.size].append((row, value))
    points = [_point(group) for group in groups.values()]
    return sorted(points, key=lambda point: point.n_real)


def _point(group: Sequence[tuple[Accuracy, float]]) -> Point:
    rows, values = zip(*group, strict=True)
    counts = [(row.n_real, row.n_synthetic, row.n_test) for row in rows]
    n_real, n_synthetic, n_test = (round(fmean(column)) for column in zip(*counts, strict=True))
    return Point(rows[0].size, n_real, n_synthetic, n_test, values)


def mixed_accuracy(mnist: float, gan: float, n_gan: int) -> float:
    """Accuracy on MNIST's 10,000 test images and `n_gan` GAN images taken as one test set."""
    return (MNIST_TEST_IMAGES * mnist + n_gan * gan) / (MNIST_TEST_IMAGES + n_gan)


def gan_images_in_test(ratio: float, authors: Iterable[AuthorsResult]) -> int:
    """Number of GAN images in the authors' mixed test set at a ratio.

    Their own count where they ran that ratio; elsewhere what their counts follow within five
    images: a tenth of the GAN images made from nine tenths of 55,000 (1 - r) font images.
    """
    for result in authors:
        if result.ratio == ratio:
            return result.n_gan_in_test
    return round(AUTHORS_TRAINING_IMAGES * (1 - ratio) * 0.9 * 0.1)


def mixed_errors(
    rows: Sequence[Accuracy], authors: Sequence[AuthorsResult], dataset: str
) -> list[Point]:
    """Error of each classifier on the mixed test set, from its accuracies on its two parts.

    A classifier trained without a GAN is tested on every seed's GAN images: their mean is taken,
    so that it still counts as one run.

    Raises:
        ValueError: a classifier was tested on MNIST but not on GAN images.
    """
    chosen = [row for row in rows if row.dataset == dataset]
    on_gan: dict[tuple[str, str, int, int | None, int], list[float]] = defaultdict(list)
    for row in chosen:
        if row.test_set == "converted":
            for seed in (row.gan_seed, None):  # None: a classifier that no GAN had a part in
                on_gan[row.size, row.fold, row.draw, seed, row.run].append(row.accuracy)
    values = []
    for row in chosen:
        if row.test_set == "real" and row.ratio is not None:
            gan = fmean(on_gan[row.size, row.fold, row.draw, row.gan_seed, row.run])
            n_gan = gan_images_in_test(row.ratio, authors)
            values.append((row, 1 - mixed_accuracy(row.accuracy, gan, n_gan)))
    return _points(values)


def ratio_of_means(numerator: Point, denominator: Point) -> tuple[float, float]:
    """Ratio of two mean errors, and the standard deviation of its natural logarithm.

    Runs of the two data sets are independent, so nothing pairs them: the ratio is taken of the
    means, and the relative spreads add in quadrature (first order):
    sd(ln R)^2 = (s1 / m1)^2 + (s2 / m2)^2, s being the spread of single runs. The logarithm
    suits the log axis and keeps the lower end above zero. It is NaN where one side has one run.
    Means must be above zero.
    """
    relative = [point.std / point.mean for point in (numerator, denominator)]
    return numerator.mean / denominator.mean, math.hypot(*relative)
