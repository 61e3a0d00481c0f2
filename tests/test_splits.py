"""The splits stage: how many images, and which."""

from pathlib import Path

import numpy as np
import pytest

from synth2real.errors import InputError
from synth2real.io.arrays import load_arrays
from synth2real.splits import Size, Split, count_images, make_split, read_split
from tiny import numbered_images, write_tiny_split

LABELS = np.arange(1500) % 10


def split(ratio: str, seed: int = 3, synthetic_pool: int = 2000) -> Split:
    return make_split(Size("ratio", ratio), 1000, seed, LABELS, synthetic_pool)


@pytest.mark.parametrize(
    "ratio, n_real, n_synthetic",
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
def test_the_papers_ratios(ratio: str, n_real: int, n_synthetic: int) -> None:
    assert count_images(Size("ratio", ratio), 60_000, 60_000, 60_000) == (n_real, n_synthetic)


@pytest.mark.parametrize(
    "ratio, total, n_real",
    [("0.5", 5, 3), ("0.5", 3, 2), ("0.25", 10, 3), ("0.249", 10, 2), ("0.0035", 1000, 4)],
)
def test_a_half_is_rounded_up(ratio: str, total: int, n_real: int) -> None:
    assert count_images(Size("ratio", ratio), total, 99, 999) == (n_real, total - n_real)


@pytest.mark.parametrize("ratio, n_real", [("0.1", 100), ("0.007", 7), ("0.9", 900)])
def test_a_tenth_of_each_is_held_out(ratio: str, n_real: int) -> None:
    parts = split(ratio)
    n_synthetic = 1000 - n_real
    assert len(parts.real_validation) == n_real // 10
    assert len(parts.real_train) == n_real - n_real // 10
    assert len(parts.synthetic_validation) == n_synthetic // 10
    assert len(parts.synthetic_train) == n_synthetic - n_synthetic // 10


def test_no_class_is_held_out_as_a_whole() -> None:
    held_out = 0
    for seed in range(50):
        parts = split("0.02", seed)
        assert set(LABELS[parts.real]) == set(LABELS[parts.real_train])
        held_out += len(parts.real_validation)
    # Of 20 images 2, but for the first of a class: some more than half of those are.
    assert 30 < held_out < 100


def test_no_image_comes_twice() -> None:
    parts = split("0.3")
    assert len(set(parts.real.tolist())) == len(parts.real) == 300
    assert len(set(parts.synthetic.tolist())) == len(parts.synthetic) == 700


def test_all_images_are_the_trained_then_the_held_out_ones() -> None:
    parts = split("0.3")
    assert parts.real.tolist() == [*parts.real_train, *parts.real_validation]
    assert parts.synthetic.tolist() == [*parts.synthetic_train, *parts.synthetic_validation]


def test_images_are_drawn_from_the_whole_pool() -> None:
    parts = make_split(Size("ratio", "0.5"), 1000, 0, LABELS[:500], 2000)
    assert sorted(parts.real) == list(range(500))
    # 500 of 2,000: a tenth of the pool without any would be a 10^-25 chance.
    assert set(parts.synthetic // 200) == set(range(10)) and parts.synthetic.max() < 2000


def test_a_smaller_ratio_has_part_of_a_larger_ones_real_images_in_the_same_roles() -> None:
    small, large = split("0.05"), split("0.4")
    assert set(small.real_train) < set(large.real_train)
    assert set(small.real_validation) < set(large.real_validation)


def test_a_larger_ratio_has_part_of_a_smaller_ones_synthetic_images_in_the_same_roles() -> None:
    small, large = split("0.05"), split("0.4")
    assert set(large.synthetic_train) < set(small.synthetic_train)
    assert set(large.synthetic_validation) < set(small.synthetic_validation)


def test_another_seed_draws_other_images() -> None:
    one, other = split("0.5"), split("0.5", seed=4)
    assert set(one.real) != set(other.real)
    assert set(one.synthetic) != set(other.synthetic)


def test_the_same_seed_draws_the_same_images() -> None:
    for one, other in zip(split("0.5"), split("0.5"), strict=True):
        np.testing.assert_array_equal(one, other)


def test_real_and_synthetic_images_are_drawn_apart() -> None:
    parts = split("0.5", synthetic_pool=1500)
    assert parts.real.tolist() != parts.synthetic.tolist()


def test_a_split_round_trips_and_knows_its_pools(tmp_path: Path) -> None:
    _, labels = numbered_images(tmp_path / "real.npz", 30)
    numbered_images(tmp_path / "synthetic.npz", 50)
    write_tiny_split(tmp_path, Size("ratio", "0.25"), total=40, seed=1)
    expected = make_split(Size("ratio", "0.25"), 40, 1, labels, 50)
    for part, right in zip(read_split(tmp_path / "split.npz"), expected, strict=True):
        np.testing.assert_array_equal(part, right)


# --- counts, shares and strata ----------------------------------------------------------------


@pytest.mark.parametrize(
    "size, total, counts",
    [
        (Size("count", "20"), None, (20, 50)),
        (Size("count", "20"), 60, (20, 40)),
        (Size("share", "0.25"), None, (8, 50)),  # of 30: 7.5
        (Size("share", "1"), None, (30, 50)),
        (Size("share", "0.5"), 40, (15, 25)),
    ],
)
def test_counts_and_shares_take_all_synthetic_images_or_the_rest_of_a_total(
    size: Size, total: int | None, counts: tuple[int, int]
) -> None:
    assert count_images(size, total, 30, 50) == counts


@pytest.mark.parametrize(
    "size, total, message",
    [
        (Size("count", "31"), None, "size n31 asks for 31 real images, and there are 30"),
        (Size("share", "0.01"), None, "size s0.01 asks for 0 real images"),
        (Size("ratio", "0.1"), 90, "size r0.1 asks for 81 synthetic images, and there are 50"),
    ],
)
def test_more_images_than_there_are_are_refused(
    size: Size, total: int | None, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        count_images(size, total, 30, 50)


def test_names_and_titles_of_sizes() -> None:
    sizes = [Size("ratio", "0.007"), Size("count", "1440"), Size("share", "0.25")]
    assert [size.name for size in sizes] == ["r0.007", "n1440", "s0.25"]
    titles = ["420 real images (r = 0.007)", "1,440 real images", "25 % of the real images"]
    assert [size.title(60_000) for size in sizes] == titles


def stratified(count: int, labels: np.ndarray) -> Split:
    return make_split(Size("count", str(count)), None, 0, labels, 50, stratify=True)


def test_strata_have_two_images_a_class_and_then_their_share() -> None:
    labels = np.repeat([0, 1, 2], [900, 90, 10])
    assert np.bincount(labels[stratified(6, labels).real]).tolist() == [2, 2, 2]
    # In the long run nine tenths, nine hundredths, a hundredth; two of each came first.
    counts = np.bincount(labels[stratified(100, labels).real])
    np.testing.assert_allclose(counts, [88, 10, 2], atol=1)
    assert np.bincount(labels[stratified(1000, labels).real]).tolist() == [900, 90, 10]


def test_stratified_sizes_are_nested_too() -> None:
    labels = np.random.default_rng(0).integers(0, 5, 300)
    small, large = stratified(20, labels), stratified(100, labels)
    assert set(small.real_train) < set(large.real_train)
    assert set(small.real_validation) < set(large.real_validation)


@pytest.mark.parametrize(
    "count, labels, reason",
    [
        (5, [0, 0, 0, 1, 1, 1, 2, 2, 2], "size n5 has 5 real images of 3 classes"),
        (8, [0, 0, 0, 0, 0, 1, 1, 1, 2], "the rarest class has 1 in all"),
    ],
)
def test_too_few_images_to_stratify_are_refused(count: int, labels: list, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        stratified(count, np.array(labels))


def test_classes_that_no_real_image_shows_are_named_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("real", "synthetic"):
        numbered_images(tmp_path / f"{name}.npz", 30)
    write_tiny_split(tmp_path, Size("count", "5"))
    (labels,) = load_arrays(tmp_path / "real.npz", "labels")
    shown = set(labels[read_split(tmp_path / "split.npz").real].tolist())
    missing = ", ".join(str(label) for label in range(10) if label not in shown)
    assert missing and f"no real image shows {missing}; splits.stratify" in caplog.text
    caplog.clear()
    write_tiny_split(tmp_path, Size("share", "1"))
    assert not caplog.text
