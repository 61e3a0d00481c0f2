"""The metrics of the gap, against scipy, plain loops and numbers worked out by hand."""

import itertools

import numpy as np
import pytest
import scipy.linalg

from synth2real.gap.metrics import (
    NEIGHBOURS,
    density_and_coverage,
    frechet_distance,
    kernel_distance,
    nearer_to_training,
)


def gaussian(count: int, size: int, seed: int = 0) -> np.ndarray:
    """Points whose coordinates are correlated."""
    random = np.random.default_rng(seed)
    return random.normal(size=(count, size)) @ random.normal(size=(size, size)) + seed


# --- Fréchet distance -------------------------------------------------------------------------


@pytest.mark.parametrize("size", [2, 7])
def test_frechet_distance_equals_scipys(size: int) -> None:
    x, y = gaussian(40, size, seed=1), gaussian(60, size, seed=2)
    covariances = [np.cov(z, rowvar=False) for z in (x, y)]
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1]).real
    right = np.square(x.mean(0) - y.mean(0)).sum() + np.trace(sum(covariances) - 2 * root)
    assert frechet_distance(x, y) == pytest.approx(right)


def test_frechet_distance_in_one_dimension() -> None:
    x, y = np.array([[0.0], [2.0], [4.0]]), np.array([[9.0], [11.0]])
    means, deviations = (2, 10), (2, np.sqrt(2))
    right = (means[1] - means[0]) ** 2 + (deviations[1] - deviations[0]) ** 2
    assert frechet_distance(x, y) == pytest.approx(right)


def test_frechet_distance_of_large_samples_is_that_of_their_gaussians() -> None:
    random = np.random.default_rng(0)
    x = random.normal(0, [1, 2, 3], (100_000, 3))
    y = random.normal([1, 0, 2], [2, 2, 1], (100_000, 3))
    assert frechet_distance(x, y) == pytest.approx(1 + 0 + 4 + 1 + 0 + 4, rel=0.02)


def test_frechet_distance_with_fewer_images_than_features() -> None:
    x = gaussian(5, 20)
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(x, x + 3) == pytest.approx(20 * 3**2)


# --- kernel distance --------------------------------------------------------------------------


def slow_discrepancy(x: np.ndarray, y: np.ndarray) -> float:
    """The unbiased estimator of Binkowski et al., sum by sum."""

    def kernel(a: np.ndarray, b: np.ndarray) -> float:
        return (sum(p * q for p, q in zip(a, b, strict=True)) / len(a) + 1) ** 3

    n, m = len(x), len(y)
    xx = sum(kernel(x[i], x[j]) for i in range(n) for j in range(n) if i != j)
    yy = sum(kernel(y[i], y[j]) for i in range(m) for j in range(m) if i != j)
    xy = sum(kernel(a, b) for a in x for b in y)
    return xx / (n * (n - 1)) + yy / (m * (m - 1)) - 2 * xy / (n * m)


def test_kernel_distance_equals_a_double_loop() -> None:
    x, y = gaussian(6, 3, seed=1), gaussian(6, 3, seed=2)
    mean, std = kernel_distance(x, y, subset=1000, draws=3)
    assert mean == pytest.approx(slow_discrepancy(x, y))
    assert std == pytest.approx(0, abs=1e-9)  # every draw took all


def test_kernel_distance_draws_subsets_of_both_sides() -> None:
    # Of two points each, a subset of two is all, so only the other side's draws differ.
    x, y = np.array([[0.0], [1.0]]), np.array([[0.0], [1.0], [2.0]])
    right = [slow_discrepancy(x, y[list(pair)]) for pair in ((0, 1), (0, 2), (1, 2))]
    for mean, std in (
        kernel_distance(x, y, subset=9, draws=3000),
        kernel_distance(y, x, subset=9, draws=3000),
    ):
        assert mean == pytest.approx(np.mean(right), abs=4 * std / np.sqrt(3000))
        assert std == pytest.approx(np.std(right), rel=0.05)


def test_kernel_distance_is_unbiased_for_few_images() -> None:
    x = np.random.default_rng(0).normal(size=(4000, 4))
    mean, std = kernel_distance(x[:2000], x[2000:], subset=10, draws=2000)
    assert abs(mean) < 4 * std / np.sqrt(2000) and std > 0
    shifted, _ = kernel_distance(x[:2000], x[2000:] + 1, subset=10, draws=2000)
    assert shifted > 10 * abs(mean)


# --- density and coverage ---------------------------------------------------------------------

REAL = np.array([[0.0], [1.0], [3.0], [7.0]])
IMAGES = np.array([[0.5], [0.25], [9.0], [50.0]])


@pytest.mark.parametrize(
    ("neighbours", "density", "coverage"),
    [
        # Radii 1, 1, 2, 4. The first two images are in the balls around 0 and 1, 9 is in 7's.
        (1, (2 + 2 + 1 + 0) / 4, 3 / 4),
        # Radii 3, 2, 3, 6. The first two images are in 3's ball as well.
        (2, (3 + 3 + 1 + 0) / (2 * 4), 4 / 4),
    ],
)
def test_density_and_coverage_by_hand(neighbours: int, density: float, coverage: float) -> None:
    assert density_and_coverage(REAL, IMAGES, neighbours) == (density, coverage)


def test_one_good_image_again_and_again_is_dense_and_covers_little() -> None:
    real = np.arange(12.0)[:, None]
    density, coverage = density_and_coverage(real, np.full((12, 1), 5.5), 2)
    # Balls reach 1 to either side, 2 at the ends; 5.5 is inside those of 5 and 6.
    assert (density, coverage) == (2 / 2, 2 / 12)


def test_samples_of_one_distribution_have_no_gap() -> None:
    x = gaussian(5000, 3)  # more than one block
    density, coverage = density_and_coverage(x[:2500], x[2500:])
    assert density == pytest.approx(1, abs=0.05)
    assert coverage == pytest.approx(1 - 2**-NEIGHBOURS, abs=0.01)


# --- copying ----------------------------------------------------------------------------------


def test_nearer_to_training_is_the_mean_over_all_draws() -> None:
    images, training, others = gaussian(30, 2), gaussian(3, 2, seed=1), gaussian(7, 2, seed=2)
    right = np.mean(
        [
            [distances(image, training).min() < distances(image, drawn).min() for image in images]
            for drawn in itertools.combinations(others, 3)
        ]
    )
    assert 0.1 < right < 0.9
    assert nearer_to_training(images, training, others) == pytest.approx(right)


def distances(image: np.ndarray, others: np.ndarray | tuple[np.ndarray, ...]) -> np.ndarray:
    return np.linalg.norm(image - np.array(others), axis=1)


def test_copies_are_nearer_to_training_images_and_new_images_are_not() -> None:
    random = np.random.default_rng(0)
    # More than a block of them, and all of the others are drawn.
    new, training, others = random.normal(size=(3, 1500, 4))
    assert nearer_to_training(training + 1e-3, training, others) > 0.99
    assert nearer_to_training(new, training, others) == pytest.approx(0.5, abs=0.05)
    assert nearer_to_training(others, training, others) == 0
