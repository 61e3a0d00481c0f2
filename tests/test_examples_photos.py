"""The examples that make PNG folders: what they blend, draw and write."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import yaml
from PIL import Image

import settings
from settings import ROOT
from synth2real.errors import InputError


def load_example(name: str) -> ModuleType:
    """Imports examples/<name>/make.py, which is no part of a package."""
    path = ROOT / "examples" / name / "make.py"
    spec = importlib.util.spec_from_file_location(f"make_{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


photos, digits = load_example("photos"), load_example("digits")


def numbered_digits(count: int) -> photos.Digits:
    """Digits of one grey each, 0, 1 and so on; the label is the last figure of the grey."""
    greys = np.arange(count, dtype=np.uint8)
    return photos.Digits(np.tile(greys[:, None, None], (1, 28, 28)), greys % 10)


def write(folder: Path, *options: str) -> Path:
    """Makes a small data set over a photograph that is black on the left and white on the right."""
    photograph = np.zeros((40, 80, 3), np.uint8)
    photograph[:, 40:] = 255
    sources = photos.Sources(*map(numbered_digits, (100, 50, 30)), [photograph])
    few = ["--real", "20", "--test", "15", "--synthetic", "10"]
    photos.write_dataset(folder, sources, photos.parse([str(folder), *few, *options]))
    return folder


def read(folder: Path) -> dict[str, np.ndarray]:
    """All images, by their path in the folder."""
    paths = sorted(folder.rglob("*.png"))
    return {path.relative_to(folder).as_posix(): np.asarray(Image.open(path)) for path in paths}


def test_blending_by_hand() -> None:
    crop_1x3x3 = np.array([[[10, 200, 255], [0, 127, 128], [255, 30, 1]]], np.uint8)
    digit_1x3 = np.array([[0, 255, 100]], np.uint8)
    expected = [[[10, 200, 255], [255, 128, 127], [155, 70, 99]]]
    blended = photos.blend(crop_1x3x3, digit_1x3)
    np.testing.assert_array_equal(blended, expected)
    assert blended.dtype == np.uint8


@pytest.mark.parametrize("width", [100, 101])
def test_training_and_test_images_share_no_pixel_of_a_photograph(width: int) -> None:
    numbered = np.arange(60 * width).reshape(60, width, 1)
    left, right = photos.halves([numbered, numbered + numbered.size])
    rng = np.random.default_rng(0)
    seen = [set(), set()]
    for half, pixels in zip((left, right), seen, strict=True):
        for _ in range(500):
            pixels.update(photos.random_crop(half, rng).ravel())
    assert not seen[0] & seen[1]
    parts = np.concatenate([part.ravel() for part in (*left, *right)])
    np.testing.assert_array_equal(np.sort(parts), np.arange(2 * numbered.size))


def test_crops_come_from_all_places() -> None:
    photograph = np.arange(29 * 30).reshape(29, 30, 1)
    rng = np.random.default_rng(0)
    crops = [photos.random_crop([photograph], rng) for _ in range(200)]
    assert {crop.shape for crop in crops} == {(28, 28, 1)}
    corners = {int(crop[0, 0, 0]) for crop in crops}
    assert corners == {0, 1, 2, 30, 31, 32}


def test_each_set_has_its_digits_and_its_half_of_the_photographs(tmp_path: Path) -> None:
    images = read(write(tmp_path, "--unlabelled", "30"))
    greys: dict[str, list[int]] = {"real": [], "test": [], "synthetic": [], "unlabelled": []}
    for path, image in images.items():
        part, *label, _ = path.split("/")
        grey = int(255 - image.flat[0] if part == "test" else image.flat[0])
        greys[part].append(grey)
        assert (image == image.flat[0]).all()
        assert image.shape == ((28, 28) if part == "synthetic" else (28, 28, 3))
        assert label == ([] if part == "unlabelled" else [str(grey % 10)])
    counts = {part: len(set(values)) for part, values in greys.items()}
    assert counts == {"real": 20, "test": 15, "synthetic": 10, "unlabelled": 30}
    assert not set(greys["real"]) & set(greys["unlabelled"])


def test_the_seed_alone_decides(tmp_path: Path) -> None:
    first, again = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.png")}
        for folder in (write(tmp_path / "a"), write(tmp_path / "b"))
    )
    assert first == again and len(first) == 45
    assert read(tmp_path / "a").keys() != read(write(tmp_path / "c", "--seed", "1")).keys()


def test_more_images_of_a_set_leave_the_others(tmp_path: Path) -> None:
    few, more = read(write(tmp_path / "a")), read(write(tmp_path / "b", "--real", "25"))
    assert few.keys() < more.keys()
    for path, image in few.items():
        np.testing.assert_array_equal(more[path], image)


def test_more_images_than_digits_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--test: 51 images, but there are only 50 digits"):
        write(tmp_path, "--test", "51")
    with pytest.raises(InputError, match="--real and --unlabelled: 101 images"):
        write(tmp_path, "--unlabelled", "81")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["photos", "digits"])
def test_a_folder_with_something_in_it_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    command = [sys.executable, ROOT / "examples" / name / "make.py", tmp_path]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 1
    assert run.stderr == (
        f"{tmp_path} exists and is not empty; name another folder, or delete it\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("skimage", "sklearn", "sklearn.datasets"):
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match="pip install scikit-learn scikit-image$"):
        photos.load_photographs()
    with pytest.raises(InputError, match="pip install scikit-learn$"):
        digits.load()


def test_the_config_names_what_is_made(tmp_path: Path) -> None:
    config = yaml.safe_load((ROOT / "examples" / "photos" / "config.yaml").read_text())
    write(tmp_path / "photos")
    for folder in (config["real"]["folder"], config["real"]["test"], config["synthetic"]["folder"]):
        assert (tmp_path / folder / "3").is_dir()


def test_the_photographs_are_in_colour_and_large_enough() -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    pytest.importorskip("skimage", reason="scikit-image is not installed")
    photographs = photos.load_photographs()
    assert len(photographs) == 6
    for photograph in photographs:
        height, width, channels = photograph.shape
        assert photograph.dtype == np.uint8 and channels == 3
        assert height >= 300 and width >= 400


def test_enlarging_by_hand() -> None:
    digit_8x8 = np.zeros((8, 8))
    digit_8x8[0, 0], digit_8x8[4, 4] = 16, 8
    (image,) = digits.enlarge(digit_8x8[None])
    expected_16x16 = np.zeros((16, 16))
    # A pixel's two halves are a quarter of the way to its neighbours; beyond the edge is the edge.
    edge, inside = np.array([1, 0.75, 0.25]), np.array([0.25, 0.75, 0.75, 0.25])
    expected_16x16[:3, :3] = 255 * np.outer(edge, edge)
    expected_16x16[7:11, 7:11] = 128 * np.outer(inside, inside)
    assert image.dtype == np.uint8
    np.testing.assert_allclose(image, expected_16x16, atol=1)


def test_all_digits_of_scikit_learn_are_written(tmp_path: Path) -> None:
    datasets = pytest.importorskip("sklearn.datasets", reason="scikit-learn is not installed")
    digits.make(digits.parse([str(tmp_path / "digits")]))
    images = read(tmp_path / "digits")
    labels = datasets.load_digits().target
    assert sorted(images) == sorted(f"{label}/{i:04}.png" for i, label in enumerate(labels))
    assert {image.shape for image in images.values()} == {(16, 16)}
    assert max(image.max() for image in images.values()) == 255


def test_the_settings_for_them_are_those_of_an_experiment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    digits.make(digits.parse([str(tmp_path / "digits")]))
    monkeypatch.chdir(tmp_path)
    experiment = settings.read((ROOT / "examples/digits/config.yaml").read_text())
    assert [size.value for size in experiment.sizes] == ["60", "420"]
