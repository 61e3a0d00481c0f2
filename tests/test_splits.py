"""The splits stage: how many images, and which."""

from pathlib import Path

import numpy as np
import pytest

from synth2real.splits import (
    Split,
    SplitsConfig,
    count_images,
    make_split,
    read_split,
    write_split,
)
from tiny import numbered_images

CONFIG = SplitsConfig(total=1000, seed=3)


def split(ratio: str, config: SplitsConfig = CONFIG) -> Split:
    return make_split(ratio, config, real_pool=1500, font_pool=2000)


@pytest.mark.parametrize(
    "ratio, n_real, n_font",
    [
        ("0.001", 60, 59_940),
        ("0.003", 180, 59_820),
        ("0.005", 300, 59_700),
        ("0.007", 420, 59_580),
        ("0.008", 480, 59_520),
        ("0.024", 1_440, 58_560),
        ("0.040", 2_400, 57_600),
        ("0.056", 3_360, 56_640),
        ("0.1", 6_000, 54_000),
        ("0.3", 18_000, 42_000),
        ("0.5", 30_000, 30_000),
        ("0.7", 42_000, 18_000),
        ("0.9", 54_000, 6_000),
    ],
)
def test_the_papers_ratios(ratio: str, n_real: int, n_font: int) -> None:
    assert count_images(ratio, 60_000) == (n_real, n_font)


@pytest.mark.parametrize(
    "ratio, total, n_real",
    [("0.5", 5, 3), ("0.5", 3, 2), ("0.25", 10, 3), ("0.249", 10, 2), ("0.0035", 1000, 4)],
)
def test_a_half_is_rounded_up(ratio: str, total: int, n_real: int) -> None:
    assert count_images(ratio, total) == (n_real, total - n_real)


@pytest.mark.parametrize("ratio, n_real", [("0.1", 100), ("0.007", 7), ("0.9", 900)])
def test_a_tenth_of_each_is_held_out(ratio: str, n_real: int) -> None:
    parts = split(ratio)
    n_font = 1000 - n_real
    assert len(parts.real_validation) == n_real // 10
    assert len(parts.real_train) == n_real - n_real // 10
    assert len(parts.font_validation) == n_font // 10
    assert len(parts.font_train) == n_font - n_font // 10


def test_no_image_comes_twice() -> None:
    parts = split("0.3")
    assert len(set(parts.real.tolist())) == len(parts.real) == 300
    assert len(set(parts.font.tolist())) == len(parts.font) == 700


def test_all_images_are_the_trained_then_the_held_out_ones() -> None:
    parts = split("0.3")
    assert parts.real.tolist() == [*parts.real_train, *parts.real_validation]
    assert parts.font.tolist() == [*parts.font_train, *parts.font_validation]


def test_images_are_drawn_from_the_whole_pool() -> None:
    parts = make_split("0.5", SplitsConfig(total=1000), real_pool=500, font_pool=2000)
    assert sorted(parts.real) == list(range(500))
    # 500 of 2,000: a tenth of the pool without any would be a 10^-25 chance.
    assert set(parts.font // 200) == set(range(10)) and parts.font.max() < 2000


def test_a_smaller_ratio_has_part_of_a_larger_ones_real_images_in_the_same_roles() -> None:
    small, large = split("0.05"), split("0.4")
    assert set(small.real_train) < set(large.real_train)
    assert set(small.real_validation) < set(large.real_validation)


def test_a_larger_ratio_has_part_of_a_smaller_ones_font_images_in_the_same_roles() -> None:
    small, large = split("0.05"), split("0.4")
    assert set(large.font_train) < set(small.font_train)
    assert set(large.font_validation) < set(small.font_validation)


def test_another_seed_draws_other_images() -> None:
    one, other = split("0.5"), split("0.5", SplitsConfig(total=1000, seed=4))
    assert set(one.real) != set(other.real)
    assert set(one.font) != set(other.font)


def test_the_same_seed_draws_the_same_images() -> None:
    for one, other in zip(split("0.5"), split("0.5"), strict=True):
        np.testing.assert_array_equal(one, other)


def test_real_and_font_images_are_drawn_apart() -> None:
    parts = make_split("0.5", CONFIG, real_pool=1500, font_pool=1500)
    assert parts.real.tolist() != parts.font.tolist()


def test_a_split_round_trips_and_knows_its_pools(tmp_path: Path) -> None:
    numbered_images(tmp_path / "mnist.npz", 30)
    numbered_images(tmp_path / "font.npz", 50)
    config = SplitsConfig(total=40, seed=1)
    write_split(
        "0.25", config, tmp_path / "mnist.npz", tmp_path / "font.npz", tmp_path / "split.npz"
    )
    expected = make_split("0.25", config, real_pool=30, font_pool=50)
    for part, right in zip(read_split(tmp_path / "split.npz"), expected, strict=True):
        np.testing.assert_array_equal(part, right)
