"""Sources of images: pictures of every kind, folders, .npz and IDX files as people have them."""

import gzip
import io
import os
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synth2real.errors import InputError
from synth2real.sources.base import (
    check_same_classes,
    class_labels,
    find_duplicates,
    natural_order,
)
from synth2real.sources.folder import Folder
from synth2real.sources.idx import Idx
from synth2real.sources.images import fit_images, fit_picture, picture_shape, read_picture
from synth2real.sources.npz import Npz
from synth2real.spec import ImageSpec

GREY = ImageSpec(12, 16, 1, ("a", "b"), (0,))
RGB = ImageSpec(12, 16, 3, ("a", "b"), (10, 200, 30))
NOISE = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)


def saved(picture: Image.Image, path: Path, **options) -> Path:
    picture.save(path, **options)
    return path


# --- pictures ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.png", "a.PNG", "a.bmp", "a.tif", "a.webp"])
def test_pictures_of_the_right_size_keep_their_pixels(tmp_path: Path, name: str) -> None:
    options = {"lossless": True} if name.endswith("webp") else {}
    path = saved(Image.fromarray(NOISE), tmp_path / name, **options)
    assert picture_shape(path) == (12, 16, 3)
    np.testing.assert_array_equal(read_picture(path, RGB, "pad"), NOISE)
    luma = NOISE @ np.array([0.299, 0.587, 0.114])
    assert np.abs(read_picture(path, GREY, "pad")[..., 0] - luma).max() <= 1


def test_grey_stands_in_all_channels_and_one_bit_is_black_and_white(tmp_path: Path) -> None:
    path = saved(Image.fromarray(NOISE[..., 0]), tmp_path / "a.png")
    assert picture_shape(path) == (12, 16, 1)
    for channel in range(3):
        np.testing.assert_array_equal(read_picture(path, RGB, "pad")[..., channel], NOISE[..., 0])
    bits = NOISE[..., 0] > 127
    path = saved(Image.fromarray(bits), tmp_path / "b.png")
    np.testing.assert_array_equal(read_picture(path, GREY, "pad")[..., 0], 255 * bits)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_are_scaled_not_cut_off(tmp_path: Path, suffix: str) -> None:
    wide = np.random.default_rng(1).integers(0, 65_536, (12, 16)).astype(np.uint16)
    path = saved(Image.fromarray(wide), tmp_path / f"a.{suffix}")
    assert picture_shape(path) == (12, 16, 1)
    np.testing.assert_array_equal(read_picture(path, GREY, "pad")[..., 0], np.round(wide / 257))


def test_transparent_pixels_show_the_background(tmp_path: Path) -> None:
    alpha = np.random.default_rng(2).integers(0, 256, (12, 16, 1))
    picture = Image.fromarray(np.concatenate([NOISE, alpha], -1).astype(np.uint8))
    path = saved(picture, tmp_path / "a.png")
    share = alpha / 255
    for spec, below in [(RGB, RGB.background), (RGB_EDGE, (0, 0, 0))]:
        right = NOISE * share + np.array(below) * (1 - share)
        assert np.abs(read_picture(path, spec, "pad") - right).max() <= 1
    # A palette with a transparent entry, and grey with transparency.
    palette = Image.fromarray((NOISE[..., 0] > 127).astype(np.uint8), "P")
    palette.putpalette([255, 0, 0, 0, 0, 255])
    path = saved(palette, tmp_path / "b.png", transparency=0)
    right = np.where(NOISE[..., :1] > 127, [0, 0, 255], RGB.background)
    np.testing.assert_array_equal(read_picture(path, RGB, "pad"), right)
    grey = Image.fromarray(
        np.stack([NOISE[..., 0], 255 * (NOISE[..., 1] > 127)], -1).astype(np.uint8)
    )
    path = saved(grey, tmp_path / "c.png")
    right = np.where(NOISE[..., 1] > 127, NOISE[..., 0], 0)
    np.testing.assert_array_equal(read_picture(path, GREY, "pad")[..., 0], right)


RGB_EDGE = ImageSpec(12, 16, 3, ("a", "b"), "edge")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_honoured(tmp_path: Path, orientation: int) -> None:
    # A smooth picture, which JPEG keeps well; turned by hand as the EXIF standard numbers it.
    y, x = np.mgrid[:12, :16]
    upright = np.stack([y * 20, x * 15, y * 0], -1).astype(np.uint8)
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95, "subsampling": 0, "exif": exif}
    path = saved(Image.fromarray(np.ascontiguousarray(stored)), tmp_path / "a.jpg", **options)
    assert picture_shape(path) == (12, 16, 3)
    assert np.abs(read_picture(path, RGB, "pad").astype(int) - upright).mean() < 4


def test_cmyk_and_the_first_frame_of_an_animation(tmp_path: Path) -> None:
    flat = np.full((12, 16, 3), (200, 100, 50), np.uint8)
    path = saved(Image.fromarray(flat).convert("CMYK"), tmp_path / "a.jpg", quality=95)
    assert np.abs(read_picture(path, RGB, "pad").astype(int) - flat).max() < 8
    frames = [Image.new("RGB", (16, 12), colour) for colour in ("#ff0000", "#00ff00")]
    path = saved(frames[0], tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert read_picture(path, RGB, "pad")[5, 5].tolist() == [255, 0, 0]


# --- fitting ----------------------------------------------------------------------------------


def test_pad_keeps_all_and_fills_with_the_background() -> None:
    # 24 x 24 pixels in 12 x 16: 12 x 12, two columns of background at either side.
    big = np.random.default_rng(3).integers(0, 256, (24, 24, 3), np.uint8)
    fitted = fit_picture(Image.fromarray(big), RGB, "pad")
    np.testing.assert_array_equal(fitted[:, :2], np.broadcast_to(RGB.background, (12, 2, 3)))
    np.testing.assert_array_equal(fitted[:, -2:], fitted[:, :2])
    edge = fit_picture(Image.fromarray(big), RGB_EDGE, "pad")
    np.testing.assert_array_equal(edge[:, 2:-2], fitted[:, 2:-2])
    np.testing.assert_array_equal(edge[:, 0], edge[:, 2])


def test_shrinking_averages_and_does_not_alias() -> None:
    # Stripes of one pixel would give black or white if pixels were picked; they give their mean.
    stripes = np.zeros((120, 160), np.uint8)
    stripes[:, ::2] = 255
    for fit in ("pad", "crop", "stretch"):
        fitted = fit_picture(Image.fromarray(stripes), GREY, fit)
        assert np.abs(fitted.astype(int) - 127).max() <= 4
    # A ramp stays one, without ringing beyond its ends.
    ramp = np.broadcast_to(np.linspace(0, 255, 160), (120, 160)).round().astype(np.uint8)
    fitted = fit_picture(Image.fromarray(ramp), GREY, "stretch")[0, :, 0]
    assert np.abs(fitted - ramp.reshape(120, 16, 10).mean((0, 2))).max() <= 3


def test_crop_cuts_the_longer_side_and_stretch_distorts() -> None:
    wide = np.zeros((12, 32), np.uint8)
    wide[:, :8] = wide[:, 24:] = 255
    assert fit_picture(Image.fromarray(wide), GREY, "crop").max() == 0
    stretched = fit_picture(Image.fromarray(wide), GREY, "stretch")[5, :, 0]
    assert stretched[0] == stretched[-1] == 255 and stretched[7] == 0
    tall = np.zeros((32, 16), np.uint8)
    tall[:8] = tall[24:] = 255
    assert fit_picture(Image.fromarray(tall), GREY, "crop").max() == 0


def test_small_pictures_grow_smoothly() -> None:
    step = np.zeros((3, 4), np.uint8)
    step[:, 2:] = 200
    row = fit_picture(Image.fromarray(step), GREY, "pad")[6, :, 0].astype(int)
    assert row[0] == 0 and row[-1] == 200 and (np.diff(row) >= 0).all()


def test_arrays_are_fitted_like_pictures() -> None:
    arrays = np.random.default_rng(4).integers(0, 256, (3, 12, 16), np.uint8)
    np.testing.assert_array_equal(fit_images(arrays, GREY, "pad")[..., 0], arrays)
    for shape in [(3, 30, 20), (3, 30, 20, 1), (3, 30, 20, 3), (3, 30, 20, 4)]:
        arrays = np.random.default_rng(5).integers(0, 256, shape, np.uint8)
        for spec in (GREY, RGB):
            right = [
                fit_picture(Image.fromarray(a.squeeze() if shape[-1] == 1 else a), spec, "crop")
                for a in arrays
            ]
            np.testing.assert_array_equal(fit_images(arrays, spec, "crop"), right)


# --- folders ----------------------------------------------------------------------------------


def place(folder: Path, *names: str) -> Path:
    """Writes a picture of its own at each path; its first pixel is its number."""
    for number, name in enumerate(names):
        pixels = np.full((12, 16), number, np.uint8)
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = io.BytesIO()
        Image.fromarray(pixels).save(picture, "png")
        path.write_bytes(picture.getvalue())
    return folder


def test_a_folders_order_is_by_class_and_path(tmp_path: Path) -> None:
    names = ["10/a.png", "2/deep/er/c.PNG", "2/b.png", "cat {x} $y\n/d.png"]
    source = Folder(place(tmp_path, *names))
    assert list(source.labels()) == ["2", "2", "10", "cat {x} $y\n"]
    images = source.read(np.arange(4), GREY, "pad")
    assert images[:, 0, 0, 0].tolist() == [2, 1, 0, 3] and images.shape == (4, 12, 16, 1)
    assert source.read(np.array([3, 0]), GREY, "pad")[:, 0, 0, 0].tolist() == [3, 2]
    assert source.name(0) == str(tmp_path / "2/b.png")
    assert source.shapes(np.arange(4)) == {(12, 16, 1)}


def test_what_systems_hide_in_folders_is_left_out(tmp_path: Path) -> None:
    place(tmp_path, "a/1.png", "b/1.png")
    for name in ["a/._1.png", "a/Thumbs.db", "a/.DS_Store", ".git/x.png", "__MACOSX/a/1.png"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"no picture")
    (tmp_path / "readme.txt").write_text("no class")
    assert list(Folder(tmp_path).labels()) == ["a", "b"]


def test_linked_folders_are_followed_and_loops_end(tmp_path: Path) -> None:
    place(tmp_path / "elsewhere", "1.png", "2.png")
    place(tmp_path / "photos", "a/3.png")
    (tmp_path / "photos/b").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "photos/a/again").symlink_to(tmp_path / "photos/a")
    assert list(Folder(tmp_path / "photos").labels()) == ["a", "b", "b"]


def test_names_that_are_no_text_are_read(tmp_path: Path) -> None:
    place(tmp_path, "a/1.png", os.fsdecode(b"b\xe9/\xe9t\xe9.png"))
    source = Folder(tmp_path)
    assert source.read(np.arange(2), GREY, "pad")[:, 0, 0, 0].tolist() == [0, 1]
    assert list(source.labels()) == ["a", "bé"]
    assert source.name(1) == str(tmp_path / r"b\udce9/\udce9t\udce9.png")


@pytest.mark.parametrize(
    "names, message",
    [
        ([], r"has no sub-folder; a folder with a sub-folder of pictures for each class is needed"),
        (["1.png"], "has no sub-folder"),
        (["only/1.png"], "has only the sub-folder only"),
        (["a/1.png", "b/note.txt", "c/2.png"], r"no picture \(.*\.png.*\) is in b; a class needs"),
    ],
)
def test_folders_that_are_no_data_set_are_refused(
    tmp_path: Path, names: list[str], message: str
) -> None:
    with pytest.raises(InputError, match=message) as error:
        Folder(place(tmp_path, *names)).labels()
    assert "\n" not in str(error.value) and str(tmp_path) in str(error.value)


def test_a_folder_that_is_not_there_is_named_in_full() -> None:
    with pytest.raises(InputError, match=rf"^no/such is no folder, {Path.cwd()}/no/such was"):
        Folder(Path("no/such")).labels()


def test_all_files_that_do_not_decode_are_counted_and_ten_named(tmp_path: Path) -> None:
    names = [f"{c}/{n:02}.png" for c in "ab" for n in range(20)]
    place(tmp_path, *names)
    for number, name in enumerate(names[5:30]):
        path = tmp_path / name
        path.write_bytes(b"text" if number % 2 else path.read_bytes()[:40])
    source = Folder(tmp_path)
    with pytest.raises(InputError) as error:
        source.read(np.arange(40), GREY, "pad")
    *lines, rest = str(error.value).splitlines()
    assert len(lines) == 10 and rest == "and 15 more files"
    for line, name in zip(lines, names[5:], strict=False):
        assert line.startswith(str(tmp_path / name)) and "replace or delete it" in line


def test_a_truncated_jpeg_is_refused(tmp_path: Path) -> None:
    place(tmp_path, "a/1.png")
    (tmp_path / "b").mkdir()
    big = np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)
    path = saved(Image.fromarray(big), tmp_path / "b/2.jpg")
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(InputError, match=r"b/2\.jpg: cannot be read as a picture"):
        Folder(tmp_path).read(np.arange(2), GREY, "pad")


def test_the_digest_is_of_what_is_there(tmp_path: Path) -> None:
    place(tmp_path, "a/1.png", "b/2.png", "b/3.png")
    seen = [Folder(tmp_path).digest()]
    assert Folder(tmp_path).digest() == seen[0]
    place(tmp_path, "b/4.png")
    seen.append(Folder(tmp_path).digest())
    (tmp_path / "b/4.png").rename(tmp_path / "a/4.png")
    seen.append(Folder(tmp_path).digest())
    os.utime(tmp_path / "a/4.png", ns=(1, 1))
    seen.append(Folder(tmp_path).digest())
    assert len(set(seen)) == 4


# --- .npz -------------------------------------------------------------------------------------

PIXELS = np.random.default_rng(6).integers(0, 256, (4, 12, 16, 3), np.uint8)


@pytest.mark.parametrize(
    "labels, names",
    [
        (np.array([3, 10, -1, 3]), ["3", "10", "-1", "3"]),
        (np.array(["cat", "Katze", "cat", "é"]), ["cat", "Katze", "cat", "é"]),
        (np.array([b"cat", b"dog", b"cat", b"x"]), ["cat", "dog", "cat", "x"]),
    ],
)
def test_npz_files_are_read(tmp_path: Path, labels: np.ndarray, names: list[str]) -> None:
    np.savez_compressed(tmp_path / "a.npz", images=PIXELS, labels=labels, other=np.zeros(2))
    source = Npz(tmp_path / "a.npz")
    assert source.labels() == names and source.shapes(np.arange(4)) == {(12, 16, 3)}
    index = np.array([3, 1])
    np.testing.assert_array_equal(source.read(index, RGB, "pad"), PIXELS[index])
    np.savez(tmp_path / "b.npz", images=PIXELS[..., 0], labels=labels)
    assert Npz(tmp_path / "b.npz").shapes(np.arange(4)) == {(12, 16, 1)}
    assert source.digest() != Npz(tmp_path / "b.npz").digest()


@pytest.mark.parametrize(
    "arrays, message",
    [
        ({"images": PIXELS / 255, "labels": np.arange(4)}, "images are float64, .* save them as"),
        ({"images": PIXELS, "y": np.arange(4)}, "has no array labels, only images, y; images and"),
        ({"labels": np.arange(4)}, "has no array images"),
        ({"images": PIXELS[0, 0], "labels": np.arange(16)}, r"images are uint8 \[16, 3\]; uint8"),
        ({"images": PIXELS[..., :2], "labels": np.arange(4)}, r"\[4, 12, 16, 2\]; .* 1, 3 or 4"),
        ({"images": PIXELS.astype(int), "labels": np.arange(4)}, "images are int64"),
        ({"images": PIXELS, "labels": np.arange(3)}, r"labels are \[3\] for 4 images"),
        ({"images": PIXELS, "labels": np.arange(4.0)}, "labels are float64; whole numbers or text"),
        (
            {"images": PIXELS, "labels": np.array([1, "a", 2, None], object)},
            "labels are object; whole numbers",
        ),
    ],
)
def test_npz_files_with_other_arrays_are_refused(
    tmp_path: Path, arrays: dict[str, np.ndarray], message: str
) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(InputError, match=rf"a\.npz: {message}|a\.npz: .*{message}") as error:
        Npz(tmp_path / "a.npz").labels()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("data", [b"", b"no archive", b"PK\x03\x04 half an archive"])
def test_what_is_no_npz_file_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(InputError, match=r"a\.npz is no \.npz file, or not a whole one"):
        Npz(tmp_path / "a.npz").labels()


# --- IDX --------------------------------------------------------------------------------------


def idx(array: np.ndarray) -> bytes:
    """After Yann LeCun's description: zeros, type, rank, big-endian sizes, data."""
    return (
        bytes([0, 0, 8, array.ndim])
        + struct.pack(f">{array.ndim}i", *array.shape)
        + array.tobytes()
    )


def write_idx(folder: Path, begin: str = "", test: str = "t10k", suffix: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    for part, count in (("train", 5), (test, 3)):
        images = np.arange(count * 192, dtype=np.uint8).reshape(count, 12, 16)
        labels = np.arange(1, count + 1, dtype=np.uint8)
        for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
            data = gzip.compress(idx(array)) if suffix else idx(array)
            (folder / f"{begin}{part}-{kind}-ubyte{suffix}").write_bytes(data)
    return folder


@pytest.mark.parametrize("begin", ["", "emnist-letters-"])
@pytest.mark.parametrize("test", ["t10k", "test"])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_idx_files_are_found_and_read(tmp_path: Path, begin: str, test: str, suffix: str) -> None:
    folder = write_idx(tmp_path, begin, test, suffix)
    for part, count in (("train", 5), ("test", 3)):
        source = Idx(folder, part)
        assert source.labels() == [str(label) for label in range(1, count + 1)]
        assert source.shapes(np.arange(count)) == {(12, 16, 1)}
        right = np.arange(count * 192).astype(np.uint8).reshape(count, 12, 16)
        np.testing.assert_array_equal(source.read(np.arange(count), GREY, "pad")[..., 0], right)


def test_of_several_sets_the_beginning_of_the_names_chooses(tmp_path: Path) -> None:
    write_idx(tmp_path, "emnist-letters-", "test", ".gz")
    write_idx(tmp_path, "emnist-digits-", "test", ".gz")
    with pytest.raises(InputError, match=r"holds several: .*say how the names begin, too") as error:
        Idx(tmp_path, "train").labels()
    assert "\n" not in str(error.value)
    assert len(Idx(tmp_path / "emnist-letters", "test").labels()) == 3


def test_names_with_a_dot_are_found(tmp_path: Path) -> None:
    for path in write_idx(tmp_path).iterdir():
        path.rename(tmp_path / path.name.replace("-idx", ".idx"))
    assert len(Idx(tmp_path, "train").labels()) == 5


@pytest.mark.parametrize(
    "name, harm, message",
    [
        (
            "train-images-idx3-ubyte",
            lambda data: data[:-1],
            "truncated or not whole: 959 bytes for",
        ),
        ("train-images-idx3-ubyte", lambda data: b"\x89PNG" + data, "is no IDX file of unsigned"),
        ("train-labels-idx1-ubyte", lambda data: b"\0\0\x0d" + data[3:], "is no IDX file"),
        (
            "train-labels-idx1-ubyte",
            lambda data: idx(np.zeros(4, np.uint8)),
            r"\[4\]; images \[N, H, W\]",
        ),
        ("train-labels-idx1-ubyte", None, r"holds no file \*train-labels-idx\*-ubyte"),
    ],
)
def test_damaged_idx_files_are_refused_by_name(tmp_path: Path, name, harm, message: str) -> None:
    path = write_idx(tmp_path) / name
    data = path.read_bytes()
    path.write_bytes(harm(data)) if harm else path.unlink()
    with pytest.raises(InputError, match=message) as error:
        Idx(tmp_path, "train").labels()
    assert "\n" not in str(error.value) and str(tmp_path) in str(error.value)


@pytest.mark.parametrize("kept", [0.0, 0.5, 0.99])
def test_a_truncated_gz_file_is_refused_by_name(tmp_path: Path, kept: float) -> None:
    path = write_idx(tmp_path, suffix=".gz") / "train-images-idx3-ubyte.gz"
    data = path.read_bytes()
    path.write_bytes(data[: int(kept * len(data))])
    with pytest.raises(InputError, match=rf"{path.name} (cannot be read|is no IDX file)"):
        Idx(tmp_path, "train").labels()


def test_colour_images_have_four_dimensions(tmp_path: Path) -> None:
    write_idx(tmp_path)
    (tmp_path / "train-images-idx3-ubyte").unlink()
    (tmp_path / "train-images-idx4-ubyte").write_bytes(idx(PIXELS))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(np.arange(4, dtype=np.uint8)))
    source = Idx(tmp_path, "train")
    assert source.shapes(np.arange(4)) == {(12, 16, 3)}
    np.testing.assert_array_equal(source.read(np.arange(4), RGB, "pad"), PIXELS)


# --- what they share --------------------------------------------------------------------------


def test_names_are_ordered_as_people_do() -> None:
    names = ["b10", "b9", "10", "2", "a", "b9", "B", "", "²"]
    assert natural_order(names) == ("", "2", "10", "B", "a", "b9", "b10", "²")


def test_labels_are_places_among_the_classes() -> None:
    labels = class_labels(["b", "a", "b"], ("a", "b", "c"), "real.folder")
    assert labels.tolist() == [1, 0, 1] and labels.dtype == np.int32
    with pytest.raises(InputError, match="real.folder: x among a, b: no such class"):
        class_labels(["x"], ("a", "b"), "real.folder")


def test_other_classes_are_named_with_both_lists() -> None:
    check_same_classes(("a", "b"), ("a", "b"))
    with pytest.raises(InputError) as error:
        check_same_classes(("a", "b"), ("b", "c"))
    assert str(error.value) == (
        "classes: no synthetic image shows a, and no real image shows c; real are a, b, "
        "synthetic are b, c: both must be the same"
    )
    many = tuple(f"{n}" for n in range(30))
    with pytest.raises(InputError, match=r"shows 1, 2, .*, 10 and 19 more; real are 0, 1"):
        check_same_classes(many, many[:1])


def test_duplicates_are_those_of_a_plain_double_loop() -> None:
    rng = np.random.default_rng(0)
    train, test = rng.integers(0, 2, (30, 1, 2, 2)), rng.integers(0, 2, (20, 1, 2, 2))
    right = []
    for place, image in enumerate(test):
        twins = [n for n, other in enumerate(train) if np.array_equal(image, other)]
        right += [(twins[0], place)] if twins else []
    assert 0 < len(right) < 20 and find_duplicates(train, test) == right
