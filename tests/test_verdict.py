"""The verdict: intervals that hold the truth as often as they say, and what is made of them."""

import csv
import itertools
import math
import re
from pathlib import Path

import numpy as np
import pytest

from synth2real.figures.table import Chain
from synth2real.io.arrays import save_arrays
from synth2real.splits import Size, make_split
from synth2real.verdict.comparisons import (
    HARMS,
    HELPS,
    NOT_SHOWN,
    TOO_FEW,
    by_strongest,
    compare,
)
from synth2real.verdict.intervals import Estimate, estimate
from synth2real.verdict.predictions import read_right
from synth2real.verdict.report import write_verdict
from synth2real.verdict.scope import read_common, scope


def simulate(
    rng, *, draws: int, runs: int, images: int, of_draws: float, of_runs: float, by: float
):
    """Two sets' outcomes [draws, runs, images]; the first set is better by `by` in expectation."""
    difficulty = rng.uniform(0.2, 0.8, images)
    for better in (by + rng.uniform(-0.1, 0.1, images), 0.0):
        luck = of_draws * rng.standard_normal((draws, 1, 1))
        luck = luck + of_runs * rng.standard_normal((draws, runs, 1))
        yield (rng.random((draws, runs, images)) < difficulty + better + luck).astype(float)


@pytest.mark.parametrize(
    "experiment",
    [
        dict(draws=1, runs=5, images=300, of_draws=0.0, of_runs=0.02),
        dict(draws=2, runs=5, images=300, of_draws=0.03, of_runs=0.01),
        dict(draws=3, runs=5, images=300, of_draws=0.03, of_runs=0.01),
        dict(draws=6, runs=5, images=300, of_draws=0.03, of_runs=0.01),
    ],
    ids=lambda experiment: f"{experiment['draws']} draws",
)
def test_intervals_hold_the_truth_in_95_of_100_experiments(experiment: dict) -> None:
    rng, truth, held = np.random.default_rng(0), 0.01, 0
    for _ in range(2000):
        one, other = simulate(rng, **experiment, by=truth)
        if experiment["draws"] == 1:
            found = estimate([one[0], other[0]])
        else:
            found = estimate([one.mean(1) - other.mean(1)])
        held += found.low <= truth <= found.high
    assert held / 2000 == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize("of_images", [0.1, 0.25, 0.5, 1, 4])
@pytest.mark.parametrize("draws", [2, 3, 6])
def test_intervals_hold_the_truth_whatever_part_is_the_images(draws: int, of_images: float) -> None:
    rng, freedom, held = np.random.default_rng(0), draws - 1, 0
    for _ in range(5000):
        error = rng.normal(scale=math.sqrt(1 + of_images))
        of_draws = rng.chisquare(freedom) / freedom  # as variances of so many draws vary
        held += abs(error) <= Estimate(error, of_draws, of_images, freedom, 0.0).half_width
    assert 0.945 < held / 5000 < 0.995


def test_an_estimate_by_hand() -> None:
    values = np.array([[1.0, 0, 1, 1], [1, 1, 1, 0]])
    found = estimate([values])
    assert found.mean == 0.75
    # Both units have 3 of 4: no variance of theirs, so that of images less what stands in both.
    # Image means 1, .5, 1, .5: variance 1/12, of the mean 1/48. Residuals ±.5 on two images of each
    # unit: sum of squares 1, over 1 * 3 degrees of freedom, over 8 values.
    assert found.of_units == 0
    assert found.of_images == pytest.approx(max(1 / 48 - 1 / 24, 0))
    # Units that are alike by chance leave what the images show.
    assert found.half_width == pytest.approx(1.959964 * math.sqrt(1 / 48))
    # The images of a side whose units agree leave all variance to the images.
    alike = estimate([np.array([[1.0, 0, 1, 1]] * 3)])
    assert alike.of_images == pytest.approx(3 / 16 * 4 / 3 / 4)
    assert alike.half_width == pytest.approx(1.959964 * math.sqrt(1 / 16))


def test_one_unit_or_image_has_no_interval() -> None:
    for shape in ((1, 5), (5, 1)):
        assert math.isnan(estimate([np.ones(shape)]).low)


def test_no_interval_reaches_beyond_all_or_nothing() -> None:
    sides = [np.array([[0.0, 1, 1], [1, 1, 1]]), np.array([[0.0, 0, 1], [0, 0, 0]])]
    better, worse = estimate(sides), estimate(sides[::-1])
    assert better.half_width > 1 and (better.high, worse.low) == (1, -1)


def outcomes(*shares: float, images: int = 1000) -> np.ndarray:
    """Classifiers [C, images] that recognise the first so many of the images."""
    return np.array([np.arange(images) < share * images for share in shares], float)


@pytest.mark.parametrize(
    ("with_synthetic", "word"),
    [((0.95, 0.96), HELPS), ((0.85, 0.86), HARMS), ((0.90, 0.92), NOT_SHOWN)],
)
def test_words_follow_the_interval(with_synthetic: tuple[float, ...], word: str) -> None:
    right = {
        "original": {0: outcomes(0.905, 0.91)},
        "original+synthetic": {0: outcomes(*with_synthetic)},
    }
    (comparison,) = compare(right, 1.0)
    assert (comparison.dataset, comparison.against) == ("original+synthetic", "original")
    assert comparison.word == word
    # How much draws differ, one alone does not tell.
    assert comparison.decided_by.startswith("other real images; for these ") == (word == NOT_SHOWN)


def test_images_without_labels_are_held_against_the_same_warps_without_them() -> None:
    right = {
        "augmented-original": {0: outcomes(0.80, 0.81)},
        "pseudo-original": {0: outcomes(0.95, 0.96)},
        "pseudo-original+synthetic": {0: outcomes(0.95, 0.96)},
    }
    among, across = compare(right, 0.1)
    assert (among.dataset, among.against) == ("pseudo-original+synthetic", "pseudo-original")
    assert (across.dataset, across.against) == ("pseudo-original", "augmented-original")
    assert across.word == HELPS and across.difference.mean == pytest.approx(0.15)


def test_conversions_are_held_against_warps_and_do_not_count_as_the_strongest_recipe() -> None:
    right = {
        "original": {0: outcomes(0.80, 0.81)},
        "original+GAN": {0: outcomes(0.90, 0.91)},
        "augmented-original": {0: outcomes(0.95, 0.96)},
        "augmented-original+GAN": {0: outcomes(0.97, 0.98)},
    }
    plain, warped, across = compare(right, 0.1)
    assert (across.dataset, across.against) == ("original+GAN", "augmented-original")
    assert across.word == HARMS and across.difference.mean == pytest.approx(-0.05)
    assert by_strongest([c.dataset for c in (plain, warped, across)]) == [False, True, False]


def test_too_few_test_images_are_refused_with_how_many_are_needed() -> None:
    rng = np.random.default_rng(0)
    right = {
        name: {0: np.repeat(rng.random((1, 40)) < 0.8, 3, axis=0).astype(float)}
        for name in ("original", "original+synthetic")
    }
    (comparison,) = compare(right, 0.1)
    assert comparison.word == TOO_FEW
    # So many images that 1.96 standard deviations of the mean difference are two points.
    variance = np.var(right["original+synthetic"][0][0] - right["original"][0][0], ddof=1)
    assert comparison.needed_images == pytest.approx(variance * (1.96 / 0.02) ** 2, rel=0.001)
    assert comparison.decided_by == f"at least {comparison.needed_images:,} test images"


def test_draws_are_the_units_if_there_are_several() -> None:
    # In each draw the set is better by 10, 20 and 30 points, whatever classifiers do.
    right = {
        "original": {d: outcomes(0.4, 0.6) for d in range(3)},
        "original+synthetic": {
            d: outcomes(0.5 + 0.1 * (d + 1), 0.5 + 0.1 * (d + 1)) for d in range(3)
        },
    }
    (comparison,) = compare(right, 0.1)
    assert comparison.draws == 3
    assert comparison.difference.mean == pytest.approx(0.2)
    assert comparison.difference.of_units == pytest.approx(0.1**2 / 3)
    assert comparison.word == NOT_SHOWN  # Student's quantile for three draws is 4.3
    more = comparison.decided_by
    assert more.endswith("times as many draws")
    # Where all draws are of the same real images, more of them say nothing of others.
    (comparison,) = compare(right, 1.0)
    assert comparison.decided_by == f"other real images; for these {more}"


def test_draws_of_many_images_have_many_in_common(tmp_path: Path) -> None:
    labels, paths = np.zeros(400, np.int32), {}
    for size, draw in itertools.product(("0.25", "0.5", "1"), range(3)):
        paths["", size, draw] = tmp_path / f"{size}_{draw}.npz"
        split = make_split(Size("share", size), None, draw, labels, 100)
        save_arrays(paths["", size, draw], **split._asdict())
    common = read_common(paths)
    # A draw has each image with the probability of its share, whatever another one has.
    assert [*common.values()] == pytest.approx([0.25, 0.5, 1], abs=0.05)
    assert common["1"] == 1
    assert read_common({key: paths[key] for key in paths if key[2] == 0}) == dict.fromkeys(
        common, 1
    )
    one, some = scope(common)
    assert one.startswith("1: There is one choice of the real images, so")
    assert re.search(r"0.25, 0.5: Draws .* in common \(2\d%, \d\d%\), so", some)
    assert scope({"small": 0.1, "smaller": 0.01}) == []
    (all_of_them,) = scope({"1": 1.0})
    assert all_of_them.startswith("There is one choice of the real images, so ")


def write_predictions(path: Path, datasets: dict[str, list[list[int]]]) -> Path:
    """Predictions of a few classifiers for four images of the classes 0 to 3."""
    rows = [(name, run, p) for name, runs in datasets.items() for run, p in enumerate(runs)]
    names, runs, predictions = zip(*rows, strict=True)
    save_arrays(
        path,
        predictions=np.array(predictions, np.uint8),
        labels=np.arange(4),
        datasets=np.array(names),
        runs=np.array(runs),
    )
    return path


def test_classifiers_without_a_gan_count_once_and_gans_by_their_mean(tmp_path: Path) -> None:
    original = [[0, 1, 2, 3], [0, 0, 0, 0]]
    paths = {}
    for seed, gan in ((0, [[0, 1, 0, 0], [0, 0, 0, 0]]), (1, [[0, 1, 2, 3]] * 2)):
        datasets = {"original": original, "original+GAN": gan}
        paths[Chain("", "n4", 0, seed)] = write_predictions(tmp_path / f"{seed}.npz", datasets)
    right = read_right(paths)["n4"]
    assert right["original"][0].tolist() == [[1, 1, 1, 1], [1, 0, 0, 0]]
    assert right["original+GAN"][0].tolist() == [[1, 0.5, 0, 0], [1, 1, 1, 1]]


def test_the_verdict_says_for_each_size_what_came_out(tmp_path: Path) -> None:
    right = {
        "original": {0: outcomes(0.80, 0.81)},
        "original+synthetic": {0: outcomes(0.90, 0.91)},
        "original+GAN": {0: outcomes(0.80, 0.80)},
    }
    table, text, page = (tmp_path / f"verdict.{ending}" for ending in ("csv", "md", "html"))
    write_verdict(
        {"n20": right}, {"n20": 1}, {"n20": "20 real images"}, table=table, text=text, page=page
    )
    with open(table, newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["verdict"] for row in rows] == [HELPS, NOT_SHOWN, HARMS]
    assert float(rows[0]["difference"]) == pytest.approx(0.1)
    lines = text.read_text().splitlines()
    assert lines[2].startswith(
        "- 20 real images, without warps: synthetic images, against none: **helps**, +10.00 ["
    )
    assert "one choice of the real images" in lines[-1]
    html = page.read_text()
    said = [
        cell.strip() for line in lines if line.startswith("| ") for cell in line.split("|")[1:-1]
    ]
    assert re.findall(r"<t[hd]>(.*?)</t[hd]>", html) == said
    assert "synthetic images, against none: <strong>helps</strong>, +10.00 [" in html
