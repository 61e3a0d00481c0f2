"""Real images without labels: which pictures they are, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synth2real.errors import InputError
from synth2real.io.arrays import load_arrays, save_arrays
from synth2real.sources.folder import Pictures
from synth2real.spec import ImageSpec
from synth2real.unlabelled import write_unlabelled

SPEC = ImageSpec(8, 9, 1, ("a", "b"), (0,))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five pictures, of the greys 0 to 4, at several depths, and other files."""
    for grey, name in enumerate(["a.png", "b/a.png", "b/c/a.png", "b/c/b.png", "z.bmp"]):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (9, 8), grey).save(path)
    (tmp_path / "photos" / "notes.txt").touch()
    (tmp_path / "photos" / ".hidden.png").touch()
    return tmp_path


def write(folder: Path, test_grey: int, skip_bad: bool = False) -> list[int]:
    """Writes the file and returns its greys, beside a test image of one grey."""
    test, path = folder / "test.npz", folder / "unlabelled.npz"
    save_arrays(test, images=np.full((1, *SPEC.shape), test_grey, np.uint8))
    source = Pictures(folder / "photos")
    write_unlabelled(
        source,
        SPEC,
        real_test_paths=[test],
        path=path,
        skip_bad=skip_bad,
        left_out_path=folder / "left_out.csv",
    )
    images, numbers = load_arrays(path, "images", "source")
    assert images.dtype == np.uint8 and images.shape == (len(numbers), *SPEC.shape)
    assert skip_bad or numbers.tolist() == list(range(len(numbers)))
    return images[:, 0, 0, 0].tolist()


def test_every_picture_at_any_depth_is_taken(folder: Path) -> None:
    assert write(folder, test_grey=99) == [0, 1, 2, 3, 4]


def test_a_test_image_is_refused_by_name(folder: Path) -> None:
    with pytest.raises(
        InputError, match=r"^real.unlabelled: 1 images are real test images.*c/b.png"
    ):
        write(folder, test_grey=3)
    assert not (folder / "unlabelled.npz").exists()


def test_a_test_image_and_a_broken_picture_are_left_out_if_that_is_wanted(folder: Path) -> None:
    (folder / "photos/b/broken.png").write_bytes(b"no picture")
    assert write(folder, test_grey=3, skip_bad=True) == [0, 1, 2, 4]
    # Of six pictures the third and the fifth are none to use: b/broken.png and b/c/b.png.
    names = [Path(name).name for name in Pictures(folder / "photos").listing.paths]
    (numbers,) = load_arrays(folder / "unlabelled.npz", "source")
    assert [names[n] for n in numbers] == ["a.png", "a.png", "a.png", "z.bmp"] and len(names) == 6
    lines = (folder / "left_out.csv").read_text().splitlines()
    assert len(lines) == 3 and "broken.png" in lines[1] and "c/b.png" in lines[2]


def test_something_must_be_left(folder: Path) -> None:
    paths = [folder / "photos" / name for name in Pictures(folder / "photos").listing.paths]
    for path in paths:
        Image.new("L", (9, 8), 3).save(path)
    with pytest.raises(InputError, match=r"all images \(5\) are real test images, too"):
        write(folder, test_grey=3, skip_bad=True)
    for path in paths:
        path.write_bytes(b"no picture")
    with pytest.raises(InputError, match="of 5 pictures none can be read; .*png: is no picture"):
        write(folder, test_grey=3, skip_bad=True)
    assert not (folder / "unlabelled.npz").exists()


def test_a_new_picture_changes_the_digest(folder: Path) -> None:
    before = Pictures(folder / "photos").digest()
    assert Pictures(folder / "photos").digest() == before
    Image.new("L", (9, 8), 7).save(folder / "photos" / "b" / "new.png")
    assert Pictures(folder / "photos").digest() != before


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    with pytest.raises(InputError, match=r"photos: no picture \(\.bmp, .*\) is in it"):
        write(tmp_path, 0)
    with pytest.raises(InputError, match="nothing is no folder; a folder with pictures is needed"):
        Pictures(tmp_path / "nothing").labels()
