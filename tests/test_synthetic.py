"""The synthetic stage: which images are used, and which of them set apart."""

import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from synth2real import spec
from synth2real.errors import InputError
from synth2real.io.arrays import load_arrays, save_arrays
from synth2real.spec import Background, ImageSpec
from synth2real.synthetic import SyntheticConfig, draw_parts, write_synthetic

SPEC = ImageSpec(9, 8, 3, ("a", "b", "c"), (0, 0, 0), "crop")


class Images:
    """Numbered images, the number in the first two channels; keeps which were read."""

    def __init__(self, labels: Sequence[str], fail_at: int | None = None):
        self.names, self.fail_at = list(labels), fail_at
        self.read_at: list[int] = []

    def labels(self) -> list[str]:
        return self.names

    def name(self, index: int) -> str:
        return f"image {index}"

    def shapes(self, index_N: np.ndarray) -> set[tuple[int, int, int]]:
        raise AssertionError("the spec is the real images'")

    def read(self, index_N: np.ndarray, spec: ImageSpec) -> np.ndarray:
        assert spec.fit == "crop"
        self.read_at += index_N.tolist()
        if self.fail_at in index_N:
            raise InputError(f"{self.name(self.fail_at)}: is no picture")
        images = np.zeros((len(index_N), *spec.shape), np.uint8)
        images[..., 0] = (index_N // 256)[:, None, None]
        images[..., 1] = (index_N % 256)[:, None, None]
        return images

    def digest(self) -> str:
        return ""


def config(images: int | None = None, test_images: int | None = None, seed: int = 0):
    return SyntheticConfig(images, test_images, seed)


def write(
    folder: Path,
    source: Images,
    settings: SyntheticConfig,
    spec: ImageSpec = SPEC,
    real_tests: Sequence[Path] = (),
    skip_bad: bool = False,
) -> None:
    write_synthetic(
        source,
        settings,
        spec,
        origin="synthetic.npz",
        real_test_paths=real_tests,
        train_path=folder / "train.npz",
        test_path=folder / "test.npz",
        skip_bad=skip_bad,
        left_out_path=folder / "left_out.csv",
    )


def refused(folder: Path, source: Images, settings: SyntheticConfig, spec: ImageSpec = SPEC) -> str:
    with pytest.raises(InputError) as error:
        write(folder, source, settings, spec)
    assert list(folder.iterdir()) == []
    assert str(error.value).isprintable()
    return str(error.value)


@pytest.mark.parametrize(
    "background, warned", [((0, 0, 0), False), ((255, 255, 255), True), ("edge", False)]
)
def test_dark_images_beside_light_real_ones_are_warned_of(
    background: Background,
    warned: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    spec = dataclasses.replace(SPEC, background=background)
    source = Images("abc" * 10)
    monkeypatch.setattr(source, "read", lambda index_N, _: np.zeros((len(index_N), 9, 8, 3), "u1"))
    write(tmp_path, source, config(), spec)
    warnings = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert [line.startswith("synthetic images lie on (0, ") for line in warnings] == [True] * warned


def test_real_test_images_are_left_out_if_that_is_wanted(tmp_path: Path) -> None:
    source = Images("abc" * 10)
    test = source.read(np.array([4, 7]), SPEC)
    save_arrays(tmp_path / "real.npz", images=test)
    real = [tmp_path / "real.npz"]
    with pytest.raises(InputError, match="are real test images, too"):
        write(tmp_path, source, config(test_images=5), real_tests=real)
    write(tmp_path, source, config(test_images=5), real_tests=real, skip_bad=True)
    parts = [load_arrays(tmp_path / f"{part}.npz", "source")[0] for part in ("train", "test")]
    assert sorted(np.concatenate(parts)) == [n for n in range(30) if n not in (4, 7)]
    lines = (tmp_path / "left_out.csv").read_text().splitlines()
    assert lines[1:] == [
        'image 4,"is a real test image, too"',
        'image 7,"is a real test image, too"',
    ]


@pytest.mark.parametrize("images, used", [(None, 1000), (1000, 1000), (300, 300), (2, 2)])
def test_only_what_is_drawn_is_decoded(tmp_path: Path, images: int | None, used: int) -> None:
    names = [SPEC.classes[i * 7 % 3] for i in range(1000)]
    source = Images(names)
    write(tmp_path, source, config(images))
    train, test = (
        load_arrays(tmp_path / f"{part}.npz", "images", "labels", "source")
        for part in ("train", "test")
    )
    assert len(test[2]) == max(used // 10, 1) and len(train[2]) + len(test[2]) == used
    numbers = [*train[2], *test[2]]
    assert len(set(numbers)) == used and sorted(source.read_at) == sorted(numbers)
    assert min(numbers) >= 0 and max(numbers) < 1000
    for pixels, labels, number in (train, test):
        assert [array.dtype.name for array in (pixels, labels, number)] == [
            "uint8",
            "int32",
            "int64",
        ]
        assert pixels.shape == (len(number), 9, 8, 3)
        assert (np.diff(number) > 0).all()
        np.testing.assert_array_equal(pixels[:, 4, 4, :2] @ np.array([256, 1]), number)
        assert [SPEC.classes[label] for label in labels] == [names[i] for i in number]


def test_the_same_draw_twice_and_others_by_seed(tmp_path: Path) -> None:
    draws = []
    for name, seed in [("1", 0), ("2", 0), ("3", 1)]:
        (tmp_path / name).mkdir()
        write(tmp_path / name, Images("abc" * 50), config(40, seed=seed))
        draws.append([path.read_bytes() for path in sorted((tmp_path / name).iterdir())])
    assert draws[0] == draws[1]
    assert draws[0] != draws[2]


def test_draws_are_uniform() -> None:
    counts = np.zeros((2, 20))
    for seed in range(2000):
        for part, numbers in enumerate(draw_parts(20, config(10, 4, seed), "x")):
            counts[part, numbers] += 1
    # Binomial, 2,000 times 0.3 and 0.2: five standard deviations.
    assert np.abs(counts[0] - 600).max() < 5 * (2000 * 0.3 * 0.7) ** 0.5
    assert np.abs(counts[1] - 400).max() < 5 * (2000 * 0.2 * 0.8) ** 0.5


@pytest.mark.parametrize(
    "total, test_images, set_apart", [(2, None, 1), (19, None, 1), (20, None, 2), (20, 7, 7)]
)
def test_how_many_are_set_apart(total: int, test_images: int | None, set_apart: int) -> None:
    train, test = draw_parts(total, config(None, test_images), "x")
    assert (len(train), len(test)) == (total - set_apart, set_apart)
    assert sorted([*train, *test]) == list(range(total))


def test_more_images_than_there_are(tmp_path: Path) -> None:
    source = Images("abc" * 400)
    assert refused(tmp_path, source, config(2000)) == (
        "synthetic.images: 2,000 images are asked for, and synthetic.npz has 1,200; null takes all"
    )
    assert source.read_at == []


@pytest.mark.parametrize("images, test_images, used", [(None, 12, 12), (5, 5, 5), (5, 2000, 5)])
def test_some_must_be_left_to_train_on(
    tmp_path: Path, images: int | None, test_images: int, used: int
) -> None:
    source = Images("abc" * 4)
    assert refused(tmp_path, source, config(images, test_images)) == (
        f"synthetic.test_images: {test_images:,} of {used} synthetic images are to be set apart; "
        "some must be left to train on"
    )
    assert source.read_at == []


def test_other_classes_are_refused(tmp_path: Path) -> None:
    source = Images("abd" * 4)
    assert refused(tmp_path, source, config()) == (
        "classes: no synthetic image shows c, and no real image shows d; real are a, b, c, "
        "synthetic are a, b, d: both must be the same"
    )
    assert "no synthetic image shows c; real" in refused(tmp_path, Images("ab" * 4), config())
    assert source.read_at == []


def test_too_many_images_for_the_memory_are_refused(tmp_path: Path) -> None:
    large = ImageSpec(128, 128, 3, SPEC.classes, "edge", "crop")
    source = Images("abc" * 40_000)
    most = 4 * 2**30 // (128 * 128 * 3)
    assert refused(tmp_path, source, config(), large) == (
        "synthetic.images: 120,000 images of 128x128x3 take 5.9 GB of memory; at most "
        f"{most:,} will do"
    )
    assert refused(tmp_path, source, config(most + 1), large).endswith(f"{most:,} will do")
    assert source.read_at == []


def test_a_bound_on_the_memory_is_no_bound_on_the_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spec, "LARGEST_BYTES", 30 * 9 * 8 * 3)
    write(tmp_path, Images("abc" * 100), config(30))
    assert len(load_arrays(tmp_path / "train.npz", "labels")[0]) == 27


def test_nothing_is_left_when_an_image_cannot_be_read(tmp_path: Path) -> None:
    _, test = draw_parts(60, config(), "x")
    assert refused(tmp_path, Images("abc" * 20, int(test[0])), config()) == (
        f"image {test[0]}: is no picture"
    )


def test_a_class_that_is_not_drawn_is_still_a_class(tmp_path: Path) -> None:
    write(tmp_path, Images(["a"] * 500 + ["b", "c"]), config(4))
    (labels,) = load_arrays(tmp_path / "train.npz", "labels")
    assert set(labels) <= {0, 1, 2}


@pytest.mark.parametrize("part", ["train", "test"])
def test_real_test_images_are_refused_by_name(tmp_path: Path, part: str) -> None:
    source = Images([SPEC.classes[i % 3] for i in range(100)])
    write(tmp_path, source, config())
    images, numbers = load_arrays(tmp_path / f"{part}.npz", "images", "source")
    real_tests = []
    for fold, twins in enumerate([[], [4, 2]]):
        rng = np.random.default_rng(fold)
        real = rng.integers(200, 256, (9, *SPEC.shape), np.uint8)
        real[: len(twins)] = images[twins]
        real_tests.append(tmp_path / f"real{fold}.npz")
        save_arrays(real_tests[-1], images=real)
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(InputError, match="synthetic: 2 images are real test images, too") as error:
        write(out, source, config(), real_tests=real_tests)
    assert all(source.name(int(numbers[twin])) in str(error.value) for twin in (4, 2))
    assert not list(out.iterdir())
