"""The stages real and synthetic: specs, test images, folds, and what is refused."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from synth2real import synthetic
from synth2real.errors import InputError
from synth2real.images import ImagesConfig, find_background, find_spec
from synth2real.io.arrays import load_arrays
from synth2real.real import RealConfig, choose_test, write_real
from synth2real.spec import ImageSpec, check_spec, read_spec, write_spec
from synth2real.synthetic import SyntheticConfig, draw_parts, write_synthetic

OPEN = ImagesConfig(height=None, width=None, channels=None, background=None, fit="pad")
NONE = RealConfig(test=None, test_share=None, folds=None)


class Arrays:
    """A source of arrays that remembers what it decoded."""

    def __init__(self, images: np.ndarray, labels: Sequence[str], shapes=None):
        self.images, self.names = images, list(labels)
        self.sizes = shapes or {images.shape[1:]}
        self.decoded: list[int] = []

    def labels(self) -> list[str]:
        return self.names

    def name(self, index: int) -> str:
        return f"picture {index}"

    def shapes(self, index_N: np.ndarray) -> set[tuple[int, int, int]]:
        return self.sizes

    def read(self, index_N: np.ndarray, spec: ImageSpec, fit: str) -> np.ndarray:
        self.decoded += index_N.tolist()
        return self.images[index_N]

    def digest(self) -> str:
        return ""


def source(*counts: int, seed: int = 0, shape: tuple[int, int, int] = (9, 12, 3)) -> Arrays:
    """Noise; so many images of the classes a, b and so on, mixed up."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat([chr(ord("a") + n) for n in range(len(counts))], counts))
    return Arrays(rng.integers(0, 256, (sum(counts), *shape), np.uint8), labels.tolist())


# --- specs ------------------------------------------------------------------------------------


def test_a_spec_is_taken_from_the_images() -> None:
    spec = find_spec(OPEN, source(3, 4), ("a", "b"))
    assert spec == ImageSpec(9, 12, 3, ("a", "b"), "edge")
    grey = Arrays(np.zeros((4, 28, 28, 1), np.uint8), "abab")
    assert find_spec(OPEN, grey, ("a", "b")) == ImageSpec(28, 28, 1, ("a", "b"), (0,))
    mixed = Arrays(np.zeros((2, 9, 9, 3), np.uint8), "ab", {(9, 9, 1), (9, 9, 3)})
    assert find_spec(OPEN, mixed, ("a", "b")).channels == 3


def test_a_spec_is_what_is_stated() -> None:
    config = ImagesConfig(height=20, width=10, channels=3, background=[7], fit="pad")
    images = Arrays(np.zeros((2, 20, 10, 3), np.uint8), "ab", {(9, 9, 1), (500, 300, 3)})
    assert find_spec(config, images, ("a", "b")) == ImageSpec(20, 10, 3, ("a", "b"), (7, 7, 7))


@pytest.mark.parametrize(
    "config, shapes, message",
    [
        (OPEN, {(9, 9, 1), (30, 40, 1)}, "images are 9x9 to 30x40 pixels .*; say which size"),
        (OPEN, {(129, 9, 1)}, "images are 129x9 pixels"),
        (OPEN, {(7, 9, 1)}, "images: height of 7 pixels; 8 to 128 will do"),
        (
            ImagesConfig(None, None, None, [1, 2], "pad"),
            {(9, 9, 3)},
            r"images.background: \[1, 2\] is no colour of images of 3 channels; 3 numbers",
        ),
    ],
)
def test_sizes_and_colours_that_cannot_be_are_refused(config, shapes, message: str) -> None:
    images = Arrays(np.zeros((2, 9, 9, 3), np.uint8), "ab", shapes)
    with pytest.raises(InputError, match=message):
        find_spec(config, images, ("a", "b"))


@pytest.mark.parametrize("count", [1, 1001])
def test_one_class_and_too_many_are_refused(count: int) -> None:
    names = tuple(str(n) for n in range(count))
    with pytest.raises(
        InputError, match=f"real: number of classes is {count:,} .0.*; 2 to 1,000 will do"
    ):
        check_spec(ImageSpec(28, 28, 1, names, "edge"), "real")


def test_backgrounds_are_the_borders_colour_if_they_have_one() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (20, 9, 12, 3), np.uint8)
    assert find_background(noise) == "edge"
    framed = np.full_like(noise, (200, 10, 30))
    framed[:, 1:-1, 1:-1] = noise[:, 1:-1, 1:-1]
    assert find_background(framed) == (200, 10, 30)
    framed[:2, 0] = 0  # 24 of 760 border pixels
    framed[2:6, 0] += 5
    assert find_background(framed) == (200, 10, 30)
    framed[:8, 0] = 0  # 96 of them
    assert find_background(framed) == "edge"


@pytest.mark.parametrize("background", ["edge", (1, 2, 3)])
def test_a_spec_round_trips(tmp_path: Path, background) -> None:
    spec = ImageSpec(9, 12, 3, ("é", "b\n", "$c"), background)
    write_spec(tmp_path / "spec.json", spec)
    assert read_spec(tmp_path / "spec.json") == spec


def test_fills_are_in_an_images_units() -> None:
    spec = ImageSpec(9, 12, 3, ("a", "b"), (0, 51, 255))
    assert spec.fill(1 / 255) == pytest.approx((0, 0.2, 1))
    assert spec.fill(1 / 127.5, -1) == pytest.approx((-1, -0.6, 1))
    assert ImageSpec(9, 12, 3, ("a", "b"), "edge").fill(1) is None


# --- real -------------------------------------------------------------------------------------


def write(folder: Path, config: RealConfig, train: Arrays, test: Arrays | None = None) -> list:
    """Writes a part for each fold and reads them again: images, labels, source."""
    folds = range(config.folds or 1)
    paths = [(folder / f"train{fold}.npz", folder / f"test{fold}.npz") for fold in folds]
    spec_path = folder / "spec.json"
    write_real(config, OPEN, train, test, origin="real.x", spec_path=spec_path, paths=paths)
    return [[load_arrays(path, "images", "labels", "source") for path in pair] for pair in paths]


def test_test_images_of_their_own_are_all_taken(tmp_path: Path) -> None:
    train, test = source(5, 7), source(3, 2, seed=1)
    ((written, tested),) = write(tmp_path, NONE, train, test)
    for (images, labels, numbers), right in ((written, train), (tested, test)):
        np.testing.assert_array_equal(images, right.images)
        assert [("a", "b")[label] for label in labels] == right.names
        assert numbers.tolist() == list(range(len(right.names)))
        assert (images.dtype, labels.dtype, numbers.dtype) == (np.uint8, np.int32, np.int64)
    assert read_spec(tmp_path / "spec.json").classes == ("a", "b")


def test_every_image_is_a_test_image_of_one_fold(tmp_path: Path) -> None:
    train = source(10, 5, 7)
    folds = write(tmp_path, RealConfig(None, None, folds=3), train)
    tested = [numbers for _, (_, _, numbers) in folds]
    assert sorted(np.concatenate(tested)) == list(range(22))
    assert sorted(map(len, tested)) == [7, 7, 8]
    for (_, _, others), (images, labels, numbers) in folds:
        assert sorted([*others, *numbers]) == list(range(22))
        np.testing.assert_array_equal(images, train.images[numbers])
        # Ten, five and seven images in three folds.
        counts = np.bincount(labels, minlength=3)
        assert 3 <= counts[0] <= 4 and 1 <= counts[1] <= 2 and 2 <= counts[2] <= 3
    # Each picture is decoded once for its pixels, and some for the background.
    assert len(train.decoded) == 2 * 22


def test_a_share_of_each_class_is_set_apart_always_the_same() -> None:
    labels = np.repeat([0, 1], [40, 10])
    config = RealConfig(None, test_share=0.3, folds=None)
    (chosen,) = choose_test(config, labels, ("a", "b"))
    assert np.bincount(labels[chosen]).tolist() == [12, 3]
    (again,) = choose_test(config, labels, ("a", "b"))
    np.testing.assert_array_equal(chosen, again)


@pytest.mark.parametrize(
    "config, counts, message",
    [
        (RealConfig(None, None, folds=4), (9, 3), "real.folds: class b has 3 images, fewer than 4"),
        (RealConfig(None, 0.1, None), (20, 3), "real.test_share: 0.1 of the 3 images of class b"),
    ],
)
def test_too_few_images_to_test_on_are_refused(config, counts, message: str) -> None:
    labels = np.repeat([0, 1], counts)
    with pytest.raises(InputError, match=message):
        list(choose_test(config, labels, ("a", "b")))


def test_test_images_of_other_classes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no real test image shows c; real training are a, b, c"):
        write(tmp_path, NONE, source(3, 3, 3), source(2, 2, seed=1))
    assert not list(tmp_path.iterdir())


def test_images_on_both_sides_are_refused_by_name(tmp_path: Path) -> None:
    train, test = source(20, 20), source(6, 6, seed=1)
    test.images[:12] = train.images[20:32]
    with pytest.raises(InputError) as error:
        write(tmp_path, NONE, train, test)
    text = str(error.value)
    assert text.startswith("real: 12 images to train on are among the test images, too")
    assert text.count("picture") == 2 * 10 and "picture 20 and picture 0; " in text
    assert not list(tmp_path.iterdir())


# --- synthetic --------------------------------------------------------------------------------

SPEC = ImageSpec(9, 12, 3, ("a", "b"), "edge")


def test_synthetic_images_are_written_in_order_and_some_set_apart(tmp_path: Path) -> None:
    images = source(30, 20)
    config = SyntheticConfig(images=None, test_images=None, seed=3)
    paths = tmp_path / "train.npz", tmp_path / "test.npz"
    write_synthetic(
        images, config, SPEC, "pad", origin="x", train_path=paths[0], test_path=paths[1]
    )
    parts = [load_arrays(path, "images", "labels", "source") for path in paths]
    assert [len(part[1]) for part in parts] == [45, 5]  # a tenth
    for pixels, labels, numbers in parts:
        np.testing.assert_array_equal(pixels, images.images[numbers])
        assert [SPEC.classes[label] for label in labels] == [images.names[n] for n in numbers]
        assert numbers.tolist() == sorted(numbers)
    assert sorted([*parts[0][2], *parts[1][2]]) == list(range(50))


def test_a_subset_is_drawn_before_anything_is_decoded(tmp_path: Path) -> None:
    images = source(300, 200)
    config = SyntheticConfig(images=40, test_images=10, seed=0)
    write_synthetic(
        images,
        config,
        SPEC,
        "pad",
        origin="x",
        train_path=tmp_path / "a.npz",
        test_path=tmp_path / "b.npz",
    )
    assert len(images.decoded) == len(set(images.decoded)) == 40
    assert max(images.decoded) > 400 and min(images.decoded) < 100


def test_draws_depend_on_their_seed_alone() -> None:
    one, same, other = (draw_parts(100, SyntheticConfig(60, 20, seed), "x") for seed in (0, 0, 1))
    for a, b, c in zip(one, same, other, strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.tolist() != c.tolist()


@pytest.mark.parametrize(
    "config, message",
    [
        (SyntheticConfig(51, None, 0), "synthetic.images: 51 images are asked for, and x has 50"),
        (SyntheticConfig(None, 50, 0), "synthetic.test_images: 50 of 50 synthetic images"),
    ],
)
def test_more_synthetic_images_than_there_are_are_refused(config, message: str) -> None:
    with pytest.raises(InputError, match=message):
        draw_parts(50, config, "x")


def test_synthetic_images_of_other_classes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no real image shows c; real are a, b, synthetic are"):
        write_synthetic(
            source(3, 3, 3),
            SyntheticConfig(None, None, 0),
            SPEC,
            "pad",
            origin="x",
            train_path=tmp_path / "a.npz",
            test_path=tmp_path / "b.npz",
        )
    assert not list(tmp_path.iterdir())


def test_more_images_than_memory_are_refused_before_any_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = source(30, 20)
    monkeypatch.setattr(synthetic, "LARGEST_BYTES", 49 * 9 * 12 * 3)
    with pytest.raises(InputError, match=r"50 images of 9x12x3 take 0\.0 GB .*; at most 49 will"):
        write_synthetic(
            images,
            SyntheticConfig(None, None, 0),
            SPEC,
            "pad",
            origin="x",
            train_path=tmp_path / "a.npz",
            test_path=tmp_path / "b.npz",
        )
    assert not images.decoded
