"""What sources share: classes in order, the same of both kinds, and images that are there twice."""

from pathlib import Path

import numpy as np
import pytest

from synth2real.errors import InputError
from synth2real.sources import PLACES, SOURCES
from synth2real.sources.base import (
    check_same_classes,
    class_labels,
    files_digest,
    find_duplicates,
    natural_order,
)

DIGITS = tuple("0123456789")
MANY = tuple(f"c{number}" for number in range(15))


@pytest.mark.parametrize(
    "names, ordered",
    [
        (["10", "9", "1", "10"], ("1", "9", "10")),
        (["img12", "img2", "img"], ("img", "img2", "img12")),
        (["a10b2", "a10b10", "a9"], ("a9", "a10b2", "a10b10")),
        (["1", "01", "001", "1a"], ("001", "01", "1", "1a")),
        (["b", "B", "a", "3"], ("3", "B", "a", "b")),
        (
            ["9" * 5000, "0" * 5000 + "8", "1" + "0" * 5000],
            ("0" * 5000 + "8", "9" * 5000, "1" + "0" * 5000),
        ),
        (["-1", "0", "²", "", "٣"], ("", "0", "٣", "-1", "²")),
        ([], ()),
    ],
)
def test_natural_order(names: list[str], ordered: tuple[str, ...]) -> None:
    assert natural_order(names) == ordered
    assert natural_order(reversed(names)) == ordered


def test_labels_are_places_among_the_classes() -> None:
    labels = class_labels(["b", "a", "b", "c"], ("c", "b", "a"), "real.npz")
    assert labels.tolist() == [1, 2, 1, 0] and labels.dtype == np.int32
    assert class_labels([], ("a", "b"), "x").shape == (0,)


def test_unknown_labels_are_named() -> None:
    with pytest.raises(InputError) as error:
        class_labels(["b", "x10", "x9", "x9", "two\nlines"], ("a", "b"), "real.npz")
    assert str(error.value) == (r"real.npz: two\nlines, x9, x10: no such class; there are a, b")


def test_the_same_classes_pass() -> None:
    check_same_classes(DIGITS, DIGITS)
    check_same_classes(MANY, MANY, ("real training", "real test"))


@pytest.mark.parametrize(
    "real, other, message",
    [
        (
            DIGITS,
            DIGITS[:8],
            "classes: no synthetic image shows 8, 9; real are 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, "
            "synthetic are 0, 1, 2, 3, 4, 5, 6, 7: both must be the same",
        ),
        (
            ("cat", "dog"),
            ("Cat", "dog"),
            "classes: no synthetic image shows cat, and no real image shows Cat; real are cat, "
            "dog, synthetic are Cat, dog: both must be the same",
        ),
        (
            MANY,
            ("c0",),
            "classes: no synthetic image shows c1, c2, c3, c4, c5, c6, c7, c8, c9, c10 and 4 more; "
            "real are c0, c1, c2, c3, c4, c5, c6, c7, c8, c9 and 5 more, synthetic are c0: both "
            "must be the same",
        ),
    ],
)
def test_other_classes_are_named(real: tuple, other: tuple, message: str) -> None:
    with pytest.raises(InputError) as error:
        check_same_classes(real, other)
    assert str(error.value) == message


def test_other_classes_of_other_kinds() -> None:
    with pytest.raises(InputError, match="no real test image shows b; real training are a, b, re"):
        check_same_classes(("a", "b"), ("a",), ("real training", "real test"))


@pytest.mark.parametrize("shape, values", [((2, 2, 1), 3), ((1, 1, 3), 5)])
def test_duplicates_are_those_of_a_double_loop(shape: tuple[int, int, int], values: int) -> None:
    rng = np.random.default_rng(0)
    train, test = (rng.integers(0, values, (count, *shape), np.uint8) for count in (60, 40))
    expected = []
    for n, image in enumerate(train):
        for m, other in enumerate(test):
            if (image == other).all():
                expected.append((n, m))  # the first one
                break
    assert 5 < len(expected) < 60
    assert find_duplicates(train, test) == expected


def test_no_duplicates() -> None:
    images = np.arange(200, dtype=np.uint8).reshape(100, 2, 1, 1)
    assert find_duplicates(images[:60], images[60:]) == []
    assert find_duplicates(images[:0], images) == find_duplicates(images, images[:0]) == []


def test_digest_of_a_file_that_is_not_there(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=f"^x: No such file or .*; {tmp_path}/x was looked at$"):
        files_digest([Path("x")])


def test_sources_say_what_their_path_is(tmp_path: Path) -> None:
    assert set(PLACES) == {"folder", "npz", "idx"} and all(PLACES.values())
    for name, kind in SOURCES.items():
        for part in ("train", "test"):
            source = kind.open(tmp_path, part)
            assert type(source).__name__.lower() == name
