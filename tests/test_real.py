"""The real stage: the spec, and images to train on and to test on that have nothing in common."""

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synth2real import real
from synth2real.errors import InputError
from synth2real.images import ImagesConfig
from synth2real.io.arrays import load_arrays
from synth2real.real import RealConfig, choose_test, write_real
from synth2real.sources.base import Source
from synth2real.sources.folder import Folder
from synth2real.sources.npz import Npz
from synth2real.spec import read_spec

IMAGES = ImagesConfig(None, None, None, "black", "pad")
ARRAYS = ("images", "labels", "source")


def settings(**given: object) -> RealConfig:
    return RealConfig(**dict(test=None, test_share=None, folds=None) | given)


def noise(count: int, seed: int = 0, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 9, 8, channels), np.uint8)


def npz(path: Path, images: np.ndarray, labels: np.ndarray | list) -> Npz:
    np.savez(path, images=images, labels=labels)
    return Npz(path)


def write(
    folder: Path,
    config: RealConfig,
    train: Source,
    test: Source | None = None,
    folds: int = 1,
    images: ImagesConfig = IMAGES,
) -> list[tuple[Path, Path]]:
    folder.mkdir(exist_ok=True)
    paths = [(folder / f"train{fold}.npz", folder / f"test{fold}.npz") for fold in range(folds)]
    spec_path = folder / "spec.json"
    write_real(
        config,
        images,
        train,
        test,
        origin="real.npz",
        spec_path=spec_path,
        paths=paths,
        left_out_path=folder / "left_out.csv",
    )
    return paths


def refused(folder: Path, *arguments, **more) -> str:
    """What is said; nothing may be left behind, nor an older result be touched."""
    folder.mkdir(exist_ok=True)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(InputError) as error:
        write(folder, *arguments, **more)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    assert str(error.value).isprintable()
    return str(error.value)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_test_set_of_its_own(tmp_path: Path, channels: int) -> None:
    images, others = noise(6, 0, channels), noise(4, 1, channels)
    train = npz(tmp_path / "a.npz", images, ["b", "a", "c", "a", "b", "b"])
    test = npz(tmp_path / "b.npz", others, ["c", "b", "a", "a"])
    [(train_path, test_path)] = write(tmp_path / "out", settings(test="b.npz"), train, test)
    for path, pixels, labels in [
        (train_path, images, [1, 0, 2, 0, 1, 1]),
        (test_path, others, [2, 1, 0, 0]),
    ]:
        arrays = load_arrays(path, *ARRAYS)
        np.testing.assert_array_equal(arrays[0], pixels)
        assert arrays[1].tolist() == labels
        assert arrays[2].tolist() == list(range(len(labels)))
        assert [array.dtype.name for array in arrays] == ["uint8", "int32", "int64"]
    spec = read_spec(tmp_path / "out/spec.json")
    assert spec.shape == (9, 8, channels) and spec.classes == ("a", "b", "c")
    assert json.loads((tmp_path / "out/spec.json").read_text())["background"] == [0] * channels


def test_a_share_is_set_apart(tmp_path: Path) -> None:
    images, labels = noise(70), np.repeat([0, 1, 2], [40, 20, 10])
    source = npz(tmp_path / "a.npz", images, labels)
    [paths] = write(tmp_path / "out", settings(test_share=0.2), source)
    (train, train_labels, train_source), (test, test_labels, test_source) = (
        load_arrays(path, *ARRAYS) for path in paths
    )
    assert np.bincount(test_labels).tolist() == [8, 4, 2]
    assert np.bincount(train_labels).tolist() == [32, 16, 8]
    assert sorted([*train_source, *test_source]) == list(range(70))
    np.testing.assert_array_equal(test, images[test_source])
    np.testing.assert_array_equal(train, images[train_source])
    np.testing.assert_array_equal(test_labels, labels[test_source])
    np.testing.assert_array_equal(train_labels, labels[train_source])
    for numbers in (train_source, test_source):
        assert (np.diff(numbers) > 0).all()
    # A draw, not the first or the last ones.
    assert not np.isin(test_source, [*range(8), *range(32, 40)]).all()


def test_folds_test_every_image_once(tmp_path: Path) -> None:
    images, labels = noise(67), np.repeat([0, 1, 2], [31, 23, 13])
    source = npz(tmp_path / "a.npz", images, labels)
    tested = []
    for paths in write(tmp_path / "out", settings(folds=5), source, folds=5):
        train, test = (load_arrays(path, *ARRAYS) for path in paths)
        assert sorted([*train[2], *test[2]]) == list(range(67))
        np.testing.assert_array_equal(test[0], images[test[2]])
        np.testing.assert_array_equal(train[0], images[train[2]])
        np.testing.assert_array_equal(test[1], labels[test[2]])
        tested += test[2].tolist()
    assert sorted(tested) == list(range(67))


def test_images_are_decoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    read = Npz.read
    monkeypatch.setattr(Npz, "read", lambda *a: asked.append(len(a[1])) or read(*a))
    source = npz(tmp_path / "a.npz", noise(20), np.arange(20) % 2)
    write(tmp_path / "out", settings(folds=5), source, folds=5)
    assert asked == [20]


@pytest.mark.parametrize("config, folds", [(dict(folds=3), 3), (dict(test_share=0.3), 1)])
def test_the_same_twice(tmp_path: Path, config: dict, folds: int) -> None:
    source = npz(tmp_path / "a.npz", noise(40), np.arange(40) % 3)
    for name in ("1", "2"):
        write(tmp_path / name, settings(**config), source, folds=folds)
    for path in (tmp_path / "1").iterdir():
        assert path.read_bytes() == (tmp_path / "2" / path.name).read_bytes()


# Choosing.


@pytest.mark.parametrize("folds", [2, 3, 5, 7, 20])
def test_folds_are_as_even_as_can_be(folds: int) -> None:
    counts = np.random.default_rng(folds).integers(folds, 3 * folds, 12)
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(12), counts))
    masks = np.array(list(choose_test(settings(folds=folds), labels, tuple("abcdefghijkl"))))
    assert masks.shape == (folds, len(labels)) and (masks.sum(0) == 1).all()
    by_class = np.array([np.bincount(labels[mask], minlength=12) for mask in masks])
    assert (np.ptp(by_class, axis=0) <= 1).all()
    assert np.ptp(masks.sum(1)) <= 1


def test_folds_are_drawn() -> None:
    labels = np.zeros(40, int)
    masks = np.array(list(choose_test(settings(folds=4), labels, ("a",))))
    np.testing.assert_array_equal(masks, list(choose_test(settings(folds=4), labels, ("a",))))
    # Neither blocks nor every fourth: neighbours share a fold about one time in four.
    together = (masks[:, 1:] & masks[:, :-1]).sum()
    assert 2 <= together <= 20


@pytest.mark.parametrize("share, expected", [(0.1, [5, 3, 1]), (0.5, [25, 15, 5])])
def test_shares_are_rounded_in_each_class(share: float, expected: list[int]) -> None:
    labels = np.repeat([0, 1, 2], [50, 30, 10])
    [mask] = choose_test(settings(test_share=share), labels, ("a", "b", "c"))
    assert np.bincount(labels[mask]).tolist() == expected


@pytest.mark.parametrize("share, few", [(0.1, "1 (4), 2 (2)"), (0.8, "2 (2)")])
def test_a_share_that_leaves_nothing_is_refused(tmp_path: Path, share: float, few: str) -> None:
    source = npz(tmp_path / "a.npz", noise(16), np.repeat([0, 1, 2], [10, 4, 2]))
    assert refused(tmp_path / "out", settings(test_share=share), source) == (
        f"real.test_share: {share} of the images of a class sets apart none or all of {few}; at "
        "least one to test and one to train are needed"
    )


@pytest.mark.parametrize(
    "counts, few, right",
    [
        ([10, 4, 2], "1 (4), 2 (2)", "at most 2 folds will do, or more images"),
        ([10, 5, 1], "2 (1)", "more are needed"),
        ([1] * 12, ", ".join(f"{c} (1)" for c in range(10)) + " and 2 more", "more are needed"),
    ],
)
def test_more_folds_than_images_are_refused(
    tmp_path: Path, counts: list[int], few: str, right: str
) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    source = npz(tmp_path / "a.npz", noise(len(labels)), labels)
    assert refused(tmp_path / "out", settings(folds=5), source, folds=5) == (
        f"real.folds: fewer images than 5 folds are in {few}; {right}"
    )


# What is refused.


def test_other_classes_are_named(tmp_path: Path) -> None:
    train = npz(tmp_path / "a.npz", noise(4), ["a", "b", "c", "a"])
    test = npz(tmp_path / "b.npz", noise(3, 1), ["a", "d", "b"])
    assert refused(tmp_path / "out", settings(test="b.npz"), train, test) == (
        "classes: no real test image shows c, and no real training image shows d; real training "
        "are a, b, c, real test are a, b, d: both must be the same"
    )


@pytest.mark.parametrize("count", [1, 10, 13])
def test_duplicates_are_named(tmp_path: Path, count: int) -> None:
    images, others = noise(30), noise(20, 1)
    others[5 : 5 + count] = images[3 : 3 + count]
    train = npz(tmp_path / "a.npz", images, np.arange(30) % 2)
    test = npz(tmp_path / "b.npz", others, np.arange(20) % 2)
    message = refused(tmp_path / "out", settings(test="b.npz"), train, test)
    begin, _, pairs = message.partition(" out: ")
    assert begin == (
        f"real: test images that are training images, too, pixel for pixel ({count}); take one of "
        "each pair"
    )
    named = [
        f"{train.path}, image {3 + i} and {test.path}, image {5 + i}" for i in range(min(count, 10))
    ]
    assert pairs.split("; ") == named + (["3 more"] if count == 13 else [])


def test_duplicates_within_a_source_that_folds_part_are_named(tmp_path: Path) -> None:
    """Whatever fold is written first, none is left behind."""
    images = noise(40)
    [*masks] = choose_test(settings(folds=4), np.arange(40) % 2, ("0", "1"))
    first, second = np.flatnonzero(masks[2])[0], np.flatnonzero(masks[3])[0]
    images[first] = images[second]
    source = npz(tmp_path / "a.npz", images, np.arange(40) % 2)
    (tmp_path / "out").mkdir()
    (tmp_path / "out/train0.npz").write_bytes(b"older")
    message = refused(tmp_path / "out", settings(folds=4), source, folds=4)
    assert f"image {second} and " in message and message.endswith(f"image {first}")


def fail_late(monkeypatch: pytest.MonkeyPatch, calls: int) -> None:
    """The disk is full when so many files were written."""
    save = real.save_arrays
    done = []

    def full(path: Path, **arrays: np.ndarray) -> None:
        if len(done) == calls:
            raise OSError(28, "No space left on device")
        done.append(path)
        save(path, **arrays)

    monkeypatch.setattr(real, "save_arrays", full)


@pytest.mark.parametrize("calls", [0, 1, 3])
def test_nothing_is_left_when_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    fail_late(monkeypatch, calls)
    source = npz(tmp_path / "a.npz", noise(20), np.arange(20) % 2)
    (tmp_path / "out").mkdir()
    with pytest.raises(OSError, match="No space"):
        write(tmp_path / "out", settings(folds=2), source, folds=2)
    assert list((tmp_path / "out").iterdir()) == []


def pictures(root: Path, seed: int, names: Callable[[int], str]) -> Folder:
    for place, image in enumerate(noise(12, seed)[..., 0]):
        path = root / names(place)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    return Folder(root)


def test_folders_of_odd_names_from_end_to_end(tmp_path: Path) -> None:
    latin_1 = "caf\udce9"
    classes = ["{x} $HOME", latin_1, "two\nlines"]
    train, test = (
        pictures(tmp_path / f"d {part}", part, lambda place: f"{classes[place % 3]}/{place}.png")
        for part in range(2)
    )
    [paths] = write(tmp_path / "out", settings(test="x"), train, test)
    assert read_spec(tmp_path / "out/spec.json").classes == ("café", "two\nlines", "{x} $HOME")
    (labels,) = load_arrays(paths[1], "labels")
    assert labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    Image.open(tmp_path / "d 0" / latin_1 / "4.png").save(tmp_path / "d 1" / latin_1 / "9.png")
    train, test = (Folder(tmp_path / f"d {part}") for part in range(2))
    message = refused(tmp_path / "out", settings(test="x"), train, test)
    assert rf"{tmp_path}/d 0/caf\udce9/4.png and {tmp_path}/d 1/caf\udce9/9.png" in message


def test_a_bad_picture_of_the_test_set_leaves_nothing(tmp_path: Path) -> None:
    train, test = (
        pictures(tmp_path / f"{part}", part, lambda place: f"{place % 3}/{place}.png")
        for part in range(2)
    )
    (tmp_path / "1/2/5.png").write_bytes(b"no picture")
    message = refused(tmp_path / "out", settings(test="x"), train, test)
    assert message.startswith(f"{tmp_path}/1/2/5.png: is no picture")


def test_what_is_bad_is_left_out_if_that_is_wanted(tmp_path: Path) -> None:
    pixels = noise(12)
    for part, numbers in (("train", range(8)), ("test", range(8, 12))):
        for number in numbers:
            path = tmp_path / part / "ab"[number % 2] / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels[number, ..., 0]).save(path)
    (tmp_path / "train/a/2.png").write_bytes(b"no picture")
    cut = (tmp_path / "test/b/9.png").read_bytes()
    (tmp_path / "test/b/9.png").write_bytes(cut[: len(cut) // 2])
    for name in ("twin", "other twin"):
        shutil.copy(tmp_path / "test/a/8.png", tmp_path / f"train/a/{name}.png")
    train, test = Folder(tmp_path / "train"), Folder(tmp_path / "test")
    said = refused(tmp_path / "refused", settings(test="test"), train, test)
    assert "2.png: is no picture" in said
    tolerant = replace(IMAGES, skip_bad=True)
    ((train_path, test_path),) = write(
        tmp_path / "out", settings(test="test"), train, test, images=tolerant
    )
    with np.load(train_path) as file:
        np.testing.assert_array_equal(file["images"], pixels[[0, 4, 6, 1, 3, 5, 7]])
        assert file["labels"].tolist() == [0, 0, 0, 1, 1, 1, 1]
    with np.load(test_path) as file:
        np.testing.assert_array_equal(file["images"], pixels[[10, 8, 11]])  # by name
    with open(tmp_path / "out/left_out.csv", newline="") as file:
        rows = [(Path(row["name"]).name, row["reason"]) for row in csv.DictReader(file)]
    assert [name for name, _ in rows] == ["9.png", "2.png", "other twin.png", "twin.png"]
    assert rows[1][1].startswith("is no picture") and rows[3][1] == "is a real test image, too"
