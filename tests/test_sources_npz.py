"""Images and labels in an .npz file, and files that are something else."""

import io
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest

from synth2real.errors import InputError
from synth2real.sources.npz import Npz
from synth2real.spec import ImageSpec

GREY = ImageSpec(9, 8, 1, ("0", "1"), (0,))
COLOUR = ImageSpec(9, 8, 3, ("0", "1"), (10, 20, 30))


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def npz(folder: Path, **arrays: object) -> Npz:
    path = folder / "data.npz"
    np.savez(path, **arrays)
    return Npz(path)


def refused(source: Npz) -> str:
    """What a file is refused with: one line that begins with its name."""
    with pytest.raises(InputError) as error:
        source.labels()
        source.shapes(np.arange(1))
        source.read(np.arange(1), GREY)
    message = str(error.value)
    assert message.startswith(str(source.path)) and message.isprintable()
    return message


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_grey_images_with_or_without_channels(tmp_path: Path, save) -> None:
    images = noise(5, 9, 8)
    for number, array in enumerate([images, images[..., None]]):
        path = tmp_path / f"{number}.npz"
        save(path, images=array, labels=np.arange(5) % 2)
        source = Npz(path)
        assert source.labels() == ["0", "1", "0", "1", "0"]
        assert source.shapes(np.arange(5)) == {(9, 8, 1)}
        read = source.read(np.array([3, 0]), GREY)
        assert read.dtype == np.uint8
        np.testing.assert_array_equal(read[..., 0], images[[3, 0]])
        assert source.name(3) == f"{path}, image 3"


@pytest.mark.parametrize("shape", [(9, 8), (9, 8, 1)])
def test_other_images_are_written_as_these_are(tmp_path: Path, shape: tuple[int, ...]) -> None:
    source = npz(tmp_path, images=noise(2, *shape), labels=["a", "b"])
    others = noise(4, 9, 8, 1)
    source.write_like(tmp_path / "out.npz", others, 2)
    with np.load(tmp_path / "out.npz") as file:
        assert file["labels"].tolist() == ["a", "b"] * 2
        np.testing.assert_array_equal(file["images"], others.reshape(4, *shape))


def test_colour_images(tmp_path: Path) -> None:
    images = noise(5, 9, 8, 3)
    source = npz(tmp_path, images=images, labels=np.arange(5))
    assert source.shapes(np.arange(5)) == {(9, 8, 3)}
    np.testing.assert_array_equal(source.read(np.arange(5), COLOUR), images)


def test_transparent_images_show_the_background(tmp_path: Path) -> None:
    images = noise(4, 9, 8, 4)
    images[0, ..., 3] = 0
    source = npz(tmp_path, images=images, labels=np.arange(4))
    assert source.shapes(np.arange(4)) == {(9, 8, 3)}
    read = source.read(np.arange(4), COLOUR)
    alpha = images[..., 3:] / 255
    expected = images[..., :3] * alpha + (1 - alpha) * [10, 20, 30]
    np.testing.assert_allclose(read, expected, atol=1)
    assert (read[0] == [10, 20, 30]).all()


def test_images_of_another_size_are_fitted(tmp_path: Path) -> None:
    source = npz(tmp_path, images=np.full((2, 18, 8), 50, np.uint8), labels=[0, 1])
    read = source.read(np.arange(2), COLOUR)
    assert (read[:, :, 2:6] == 50).all()
    assert (read[:, :, [0, 1, 6, 7]] == [10, 20, 30]).all()


@pytest.mark.parametrize(
    "labels, names",
    [
        (np.array([10, 9, -1]), ["10", "9", "-1"]),
        (np.array([10, 9, 255], np.uint8), ["10", "9", "255"]),
        (np.array(["cat", "a dog", "ü"]), ["cat", "a dog", "ü"]),
        (np.array(["cat", "a dog", "u\N{COMBINING DIAERESIS}"]), ["cat", "a dog", "ü"]),
        (np.array([b"cat", b"\xc3\xbc", b"caf\xe9"]), ["cat", "ü", "café"]),
    ],
    ids=["integers", "uint8", "text", "accents apart", "bytes"],
)
def test_labels_of_any_kind(tmp_path: Path, labels: np.ndarray, names: list[str]) -> None:
    assert npz(tmp_path, images=noise(3, 9, 8), labels=labels).labels() == names


def test_digest_is_the_files(tmp_path: Path) -> None:
    source = npz(tmp_path, images=noise(2, 9, 8), labels=[0, 1])
    before = source.digest()
    assert Npz(source.path).digest() == before
    npz(tmp_path, images=noise(3, 9, 8), labels=[0, 1, 0])
    assert Npz(source.path).digest() != before


@pytest.mark.parametrize(
    "arrays, fault",
    [
        (dict(images=noise(3, 9, 8)), "has no array labels, only images; images and labels"),
        (dict(labels=[0, 1]), "has no array images, only labels; images and labels"),
        (dict(), "has no array images, only none; images and labels"),
        ({"im\x07ges": noise(3, 9, 8)}, r"has no array images, only im\x07ges; images and labels"),
        (dict(images=noise(3, 9), labels=[0] * 3), "images are uint8 [3, 9]; uint8 [N, H, W]"),
        (dict(images=noise(3, 9, 8, 2), labels=[0] * 3), "[3, 9, 8, 2]; uint8 [N, H, W] or"),
        (dict(images=noise(3, 3, 32, 32), labels=[0] * 3), "with C of 1, 3 or 4 is needed"),
        (dict(images=noise(3, 9, 8).astype(int), labels=[0] * 3), "images are int64 [3, 9, 8]"),
        (dict(images=noise(3, 9, 8) > 9, labels=[0] * 3), "images are bool [3, 9, 8]; uint8"),
        (
            dict(images=noise(3, 9, 8) / 255, labels=[0] * 3),
            "images are float64, not uint8 [N, H, W] or [N, H, W, C] with C of 1, 3 or 4; multiply "
            "them to be from 0 to 255, round, and save them as uint8",
        ),
        (
            dict(images=noise(3, 9, 8), labels=[0, 1]),
            "labels are [2] for 3 images; one for each is needed, [3]",
        ),
        (dict(images=noise(3, 9, 8), labels=np.zeros((3, 1), int)), "labels are [3, 1] for 3"),
        (dict(images=noise(3, 9, 8), labels=3), "labels are [] for 3 images"),
        (
            dict(images=noise(3, 9, 8), labels=[0.0, 1.0, 2.0]),
            "labels are float64; whole numbers or text are needed",
        ),
        (dict(images=noise(3, 9, 8), labels=[True, False, True]), "labels are bool; whole numbers"),
    ],
)
def test_other_arrays_are_refused(tmp_path: Path, arrays: dict, fault: str) -> None:
    assert fault in refused(npz(tmp_path, **arrays))


@pytest.mark.parametrize(
    "images, fault",
    [
        (noise(3, 9, 8) / np.float32(255), "images are float32, not uint8"),
        (noise(3, 9, 8).astype(int), "images are int64 [3, 9, 8]"),
        (noise(3, 72), "images are uint8 [3, 72]"),
    ],
)
def test_other_images_are_refused_without_their_labels(
    tmp_path: Path, images: np.ndarray, fault: str
) -> None:
    source = npz(tmp_path, images=images)
    for ask in (source.count, lambda: source.read(np.arange(1), GREY)):
        with pytest.raises(InputError, match=re.escape(fault)):
            ask()


class Unpickled:
    """Says so."""

    seen = False

    def __setstate__(self, state: object) -> None:
        Unpickled.seen = True

    def __getstate__(self) -> object:
        return {"some": "state"}


@pytest.mark.parametrize("count", [10**12, 2**70])
def test_a_size_beyond_memory_is_refused_before_it_is_read(tmp_path: Path, count: int) -> None:
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        for name, shape, kind in (("images", (count, 8, 8), "|u1"), ("labels", (count,), "<i8")):
            header = {"descr": kind, "fortran_order": False, "shape": shape}
            file = io.BytesIO()
            np.lib.format.write_array_header_2_0(file, header)
            archive.writestr(f"{name}.npy", file.getvalue())
    assert "images: says that it holds" in refused(Npz(tmp_path / "x.npz"))


@pytest.mark.parametrize("name", ["images", "labels"])
def test_objects_are_never_unpickled(tmp_path: Path, name: str) -> None:
    arrays = {"images": noise(3, 9, 8), "labels": np.zeros(3, int)}
    arrays[name] = np.array([Unpickled()] * 3, object)
    message = refused(npz(tmp_path, **arrays))
    assert f"{name} are object" in message and "needed" in message
    assert not Unpickled.seen


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    for content in (b"", b"no zip", b"PK\3\4" + bytes(100)):
        path.write_bytes(content)
        assert "is no .npz file, or not a whole one" in refused(Npz(path))
    with open(path, "wb") as file:
        np.save(file, noise(3, 9, 8))
    assert "is no .npz file, or not a whole one" in refused(Npz(path))


def test_a_zip_of_other_files_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("images", b"")
        archive.writestr("labels.txt", b"")
    assert "has no array images, only none" in refused(Npz(path))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("images.npy", b"no array")
    assert "is no .npz file, or not a whole one" in refused(Npz(path))


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_damaged_file_is_refused(tmp_path: Path, save) -> None:
    path = tmp_path / "data.npz"
    save(path, images=noise(30, 9, 8), labels=np.arange(30))
    data = path.read_bytes()
    for kept in (10, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:kept])
        assert "is no .npz file, or not a whole one" in refused(Npz(path))
    for damaged in range(200, 1500, 50):  # within the images
        path.write_bytes(data[:damaged] + bytes([data[damaged] ^ 255]) + data[damaged + 1 :])
        assert "images" in refused(Npz(path))


def test_no_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for ask in (Npz(Path("x.npz")).labels, Npz(Path("x.npz")).digest):
        with pytest.raises(InputError, match=f"^x.npz.*; {tmp_path}/x.npz was looked at$"):
            ask()
    Path("x.npz").mkdir()
    assert "is a folder, and no .npz file; the key folder is" in refused(Npz(Path("x.npz")))
