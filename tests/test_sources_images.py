"""Pictures of any kind: what Pillow wrote is read back as the spec says."""

import io
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps
from PIL.Image import Exif
from scipy import ndimage

from synth2real.sources.images import fit_images, picture_shape, read_picture
from synth2real.spec import EDGE, Background, ImageSpec

ORIENTATION = 0x0112
# A pixel is rounded once along rows and once along columns.
ROUNDINGS = 1.0


def spec(
    height: int = 12, width: int = 10, channels: int = 3, background: Background | None = None
) -> ImageSpec:
    return ImageSpec(height, width, channels, ("a", "b"), background or (0,) * channels)


def noise(height: int = 12, width: int = 10, channels: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)


def luma(rgb_HxWx3: np.ndarray) -> np.ndarray:
    """ITU-R 601's luma, as Pillow documents its mode L; [H, W, 1]."""
    return (rgb_HxWx3 @ np.array([299, 587, 114]) / 1000)[..., None]


def saved(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


def triangle_weights(n_in: int, n_out: int, start: float, length: float) -> np.ndarray:
    """Weights [n_out, n_in] of a triangle as wide as an output pixel, over a stretch of input."""
    step = length / n_out
    half = max(step, 1.0)
    centres = start + (np.arange(n_out) + 0.5) * step
    distance = np.abs(np.arange(n_in) + 0.5 - centres[:, None]) / half
    weights = np.maximum(1 - distance, 0)
    return weights / weights.sum(1, keepdims=True)


def resized(image: np.ndarray, height: int, width: int) -> np.ndarray:
    rows = triangle_weights(image.shape[0], height, 0, image.shape[0])
    columns = triangle_weights(image.shape[1], width, 0, image.shape[1])
    return np.einsum("yh,xw,hwc->yxc", rows, columns, image.astype(float))


# Kinds of pictures.


@pytest.mark.parametrize("suffix", ["png", "PNG", "bmp", "tif", "TIFF", "webp"])
def test_rgb_keeps_every_bit(tmp_path: Path, suffix: str) -> None:
    pixels = noise()
    options = {"lossless": True} if suffix == "webp" else {}
    path = saved(tmp_path / f"x.{suffix}", Image.fromarray(pixels), **options)
    assert picture_shape(path) == (12, 10, 3)
    np.testing.assert_array_equal(read_picture(path, spec()), pixels)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "gif"])
def test_grey_keeps_every_bit_and_is_replicated(tmp_path: Path, suffix: str) -> None:
    pixels = noise(channels=1)
    path = saved(tmp_path / f"x.{suffix}", Image.fromarray(pixels[..., 0]))
    # A GIF has a palette, of which only the pixels say whether it is grey.
    assert picture_shape(path) == (12, 10, 3 if suffix == "gif" else 1)
    cropped = replace(spec(channels=1), fit="crop")
    np.testing.assert_array_equal(read_picture(path, cropped), pixels)
    np.testing.assert_array_equal(read_picture(path, spec()), np.repeat(pixels, 3, -1))


def test_colour_in_a_grey_spec_is_luma(tmp_path: Path) -> None:
    pixels = noise()
    path = saved(tmp_path / "x.png", Image.fromarray(pixels))
    grey = read_picture(path, replace(spec(channels=1), fit="stretch"))
    # Pillow's weights are rounded to 16 bits, and the result once.
    np.testing.assert_allclose(grey, luma(pixels), atol=0.51)
    np.testing.assert_array_equal(grey[..., 0], np.asarray(Image.fromarray(pixels).convert("L")))


def test_one_bit(tmp_path: Path) -> None:
    bits = noise(channels=1)[..., 0] > 127
    path = saved(tmp_path / "x.png", Image.fromarray(bits))
    assert picture_shape(path) == (12, 10, 1)
    expected = np.where(bits, 255, 0)[..., None]
    np.testing.assert_array_equal(read_picture(path, spec(channels=1)), expected)


PALETTE = np.array([[10, 20, 30], [200, 100, 0], [255, 255, 255], [0, 0, 255]], np.uint8)


def with_palette(numbers_HxW: np.ndarray) -> Image.Image:
    image = Image.fromarray(numbers_HxW)
    image.putpalette(PALETTE.tobytes())
    return image


def test_palette(tmp_path: Path) -> None:
    numbers = noise(channels=1)[..., 0] % 4
    path = saved(tmp_path / "x.png", with_palette(numbers))
    assert picture_shape(path) == (12, 10, 3)
    np.testing.assert_array_equal(read_picture(path, spec()), PALETTE[numbers])
    grey = read_picture(path, spec(channels=1))
    np.testing.assert_allclose(grey, luma(PALETTE[numbers]), atol=0.51)


def test_palette_with_transparency(tmp_path: Path) -> None:
    numbers = noise(channels=1)[..., 0] % 4
    path = saved(tmp_path / "x.png", with_palette(numbers), transparency=1)
    expected = np.where(numbers[..., None] == 1, np.uint8([1, 2, 3]), PALETTE[numbers])
    read = read_picture(path, spec(background=(1, 2, 3)))
    np.testing.assert_array_equal(read, expected)


@pytest.mark.parametrize("colour, channels", [((255,), 1), ((10, 120, 250), 3), (EDGE, 3)])
def test_transparent_colour_shows_the_background(
    tmp_path: Path, colour: Background, channels: int
) -> None:
    rgba = noise(channels=4)
    rgba[0, :4, 3] = 0, 1, 254, 255
    path = saved(tmp_path / "x.png", Image.fromarray(rgba))
    assert picture_shape(path) == (12, 10, 3)
    read = read_picture(path, spec(channels=channels, background=colour))
    below = np.zeros(3) if colour == EDGE else np.resize(colour, 3).astype(float)
    alpha = rgba[..., 3:] / 255
    expected = rgba[..., :3] * alpha + below * (1 - alpha)
    # Rounded after compositing, and again to grey.
    np.testing.assert_allclose(read, expected if channels == 3 else luma(expected), atol=1.01)
    assert (read[0, 0] == (luma(below) if channels == 1 else below)).all()
    if channels == 3:
        np.testing.assert_array_equal(read[0, 3], rgba[0, 3, :3])


def test_transparent_grey_shows_the_background(tmp_path: Path) -> None:
    grey, alpha = noise(channels=2).transpose(2, 0, 1)
    image = Image.merge("LA", [Image.fromarray(grey), Image.fromarray(alpha)])
    path = saved(tmp_path / "x.png", image)
    assert picture_shape(path) == (12, 10, 1)
    read = read_picture(path, spec(channels=1, background=(200,)))[..., 0]
    np.testing.assert_allclose(read, grey * (alpha / 255) + 200 * (1 - alpha / 255), atol=1.01)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bits_are_divided_by_257(tmp_path: Path, suffix: str) -> None:
    wide = np.random.default_rng(0).integers(0, 2**16, (12, 10)).astype(np.uint16)
    wide[0, :5] = 0, 128, 129, 65406, 65535
    path = saved(tmp_path / f"x.{suffix}", Image.fromarray(wide))
    assert picture_shape(path) == (12, 10, 1)
    read = read_picture(path, spec(channels=1))[..., 0]
    np.testing.assert_array_equal(read, np.floor(wide / 257 + 0.5))
    assert read[0, :5].tolist() == [0, 0, 1, 254, 255]


def test_big_endian_16_bit_tiff(tmp_path: Path) -> None:
    wide = (np.arange(120).reshape(12, 10) * 500).astype(">u2")
    path = saved(tmp_path / "x.tif", Image.frombytes("I;16B", (10, 12), wide.tobytes()))
    read = read_picture(path, spec(channels=1))[..., 0]
    np.testing.assert_array_equal(read, np.floor(wide / 257 + 0.5))


def test_fractions_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "x.tif", Image.fromarray(np.ones((12, 10), np.float32)))
    with pytest.raises(ValueError, match="fractions; whole numbers of 8 or 16 bits are needed"):
        read_picture(path, spec())


def test_cmyk_jpeg(tmp_path: Path) -> None:
    # Print colours of 0 or 255, whose conversion is no matter of taste.
    cmyk = np.zeros((16, 16, 4), np.uint8)
    cmyk[:, :8, 0] = 255
    image = Image.frombytes("CMYK", (16, 16), cmyk.tobytes())
    path = saved(tmp_path / "x.jpg", image, quality=100)
    assert picture_shape(path) == (16, 16, 3)
    read = read_picture(path, spec(16, 16)).astype(int)
    # JPEG's own error, in flat blocks of 8x8.
    assert np.abs(read[:, :8] - [0, 255, 255]).max() <= 2
    assert np.abs(read[:, 8:] - 255).max() <= 2


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_plain_grey_tiff_on_its_side(tmp_path: Path, orientation: int) -> None:
    stored = noise(20, 30)[..., 0]
    options = {"tiffinfo": {ORIENTATION: orientation}}
    path = saved(tmp_path / "x.tif", Image.fromarray(stored), **options)
    read = read_picture(path, spec(30, 20, 1))
    np.testing.assert_array_equal(read[..., 0], UPRIGHT[orientation](stored))


@pytest.mark.parametrize("value", [-1, 65536])
def test_more_than_16_bits_are_refused(tmp_path: Path, value: int) -> None:
    wide = np.full((12, 10), 7, np.int32)
    wide[3, 4] = value
    path = saved(tmp_path / "x.tif", Image.fromarray(wide))
    with pytest.raises(ValueError, match=r"pixels are from .* to .*; 0 to 65535 will do"):
        read_picture(path, spec(channels=1))


# How the stored rows lie in the picture, for each orientation of the EXIF standard.
UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a, 1),
}


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("orientation", UPRIGHT)
def test_exif_turns_a_picture(tmp_path: Path, orientation: int, suffix: str) -> None:
    stored = Image.fromarray(np.kron(noise(2, 3), np.ones((8, 8, 1), np.uint8)))
    exif = Exif()
    exif[ORIENTATION] = orientation
    options = {"quality": 95} if suffix == "jpg" else {"lossless": True} if suffix == "webp" else {}
    path = saved(tmp_path / f"x.{suffix}", stored, exif=exif, **options)
    if suffix == "jpg":  # what JPEG made of them
        stored = Image.open(io.BytesIO(path.read_bytes()))
    expected = UPRIGHT[orientation](np.asarray(stored))
    assert picture_shape(path) == expected.shape
    assert expected.shape[:2] == ((16, 24) if orientation < 5 else (24, 16))
    read = read_picture(path, spec(*expected.shape[:2]))
    np.testing.assert_array_equal(read, expected)


def test_an_odd_exif_entry_beside_the_orientation_does_no_harm(tmp_path: Path) -> None:
    # A description that is a fraction, which Pillow reads and cannot write.
    entries = ((0x010E, 11, 1, 5), (ORIENTATION, 3, 1, 6))
    exif = b"Exif\0\0II*\0\x08\0\0\0\x02\0"
    exif += b"".join(struct.pack("<HHII", *entry) for entry in entries) + bytes(4)
    path = saved(tmp_path / "x.jpg", Image.fromarray(noise(16, 24)), exif=exif)
    with pytest.raises(AttributeError), Image.open(path) as image:
        ImageOps.exif_transpose(image)
    assert picture_shape(path) == (24, 16, 3)
    stored = np.asarray(Image.open(path))
    read = read_picture(path, spec(24, 16))
    np.testing.assert_array_equal(read, np.rot90(stored, -1))


def test_first_frame_of_an_animation(tmp_path: Path) -> None:
    frames = [Image.fromarray(np.full((12, 10), grey, np.uint8)) for grey in (40, 90, 200)]
    path = saved(tmp_path / "x.gif", frames[0], save_all=True, append_images=frames[1:])
    assert (read_picture(path, spec()) == 40).all()


def test_first_page_of_a_tiff(tmp_path: Path) -> None:
    pages = [Image.fromarray(noise(seed=seed)) for seed in (1, 2)]
    path = saved(tmp_path / "x.tif", pages[0], save_all=True, append_images=pages[1:])
    np.testing.assert_array_equal(read_picture(path, spec()), noise(seed=1))


def test_colour_profiles_are_left_alone(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    path = saved(tmp_path / "x.png", Image.fromarray(noise()), icc_profile=profile)
    np.testing.assert_array_equal(read_picture(path, spec()), noise())


# Other sizes.


def read_as(tmp_path: Path, pixels: np.ndarray, wanted: ImageSpec, fit: str) -> np.ndarray:
    picture = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    return read_picture(saved(tmp_path / "x.png", picture), replace(wanted, fit=fit))


@pytest.mark.parametrize("height, width, rows, columns", [(30, 60, 8, 16), (60, 30, 16, 8)])
@pytest.mark.parametrize("background", [(9, 90, 200), EDGE])
def test_pad_keeps_the_shape(
    tmp_path: Path, height: int, width: int, rows: int, columns: int, background: Background
) -> None:
    pixels = noise(height, width)
    read = read_as(tmp_path, pixels, spec(16, 16, background=background), "pad")
    top, left = (16 - rows) // 2, (16 - columns) // 2
    inside = read[top : top + rows, left : left + columns]
    np.testing.assert_allclose(inside, resized(pixels, rows, columns), atol=ROUNDINGS)
    outside = np.ones((16, 16), bool)
    outside[top : top + rows, left : left + columns] = False
    if background == EDGE:
        near_y = np.clip(np.arange(16) - top, 0, rows - 1)
        near_x = np.clip(np.arange(16) - left, 0, columns - 1)
        np.testing.assert_array_equal(read, inside[near_y][:, near_x])
    else:
        assert (read[outside] == background).all()


def test_pad_of_an_odd_rest(tmp_path: Path) -> None:
    # 15 rows shrink to 5 of 8: one above, two below.
    read = read_as(tmp_path, np.full((15, 24, 1), 200, np.uint8), spec(8, 8, 1, (7,)), "pad")
    assert read[:, 0, 0].tolist() == [7, 200, 200, 200, 200, 200, 7, 7]


def test_a_line_is_padded(tmp_path: Path) -> None:
    read = read_as(tmp_path, np.full((1, 400, 1), 200, np.uint8), spec(8, 8, 1, (7,)), "pad")
    assert (read == 200).sum() == 8


@pytest.mark.parametrize("height, width", [(32, 96), (96, 32)])
def test_crop_takes_the_middle(tmp_path: Path, height: int, width: int) -> None:
    pixels = noise(height, width)
    top, left = (height - 32) // 2, (width - 32) // 2
    read = read_as(tmp_path, pixels, spec(16, 16), "crop")
    expected = resized(pixels[top : top + 32, left : left + 32], 16, 16)
    # At the cut the triangle reaches into what is cut off; inside it does not.
    np.testing.assert_allclose(read[1:-1, 1:-1], expected[1:-1, 1:-1], atol=ROUNDINGS)


def test_crop_of_a_part_of_a_pixel(tmp_path: Path) -> None:
    pixels = noise(16, 21)  # 2.5 columns go on each side
    read = read_as(tmp_path, pixels, spec(8, 8), "crop")
    columns = triangle_weights(21, 8, 2.5, 16)
    rows = triangle_weights(16, 8, 0, 16)
    expected = np.einsum("yh,xw,hwc->yxc", rows, columns, pixels.astype(float))
    np.testing.assert_allclose(read[:, 1:-1], expected[:, 1:-1], atol=ROUNDINGS)


def test_crop_of_any_size() -> None:
    """509 pixels fitted to 128 once came out as a cut that began a hair before the picture."""
    wanted = replace(spec(128, 128, 1), fit="crop")
    for size in (*range(129, 700, 7), 509):
        for shape in [(1, size, size), (1, size, 2 * size), (1, 2 * size, size)]:
            assert fit_images(np.zeros(shape, np.uint8), wanted).shape == (1, *wanted.shape)


@pytest.mark.parametrize("height, width", [(24, 50), (50, 20)])
def test_stretch_fills_the_image(tmp_path: Path, height: int, width: int) -> None:
    pixels = noise(height, width)
    read = read_as(tmp_path, pixels, spec(12, 10), "stretch")
    np.testing.assert_allclose(read, resized(pixels, 12, 10), atol=ROUNDINGS)


@pytest.mark.parametrize("fit", ["pad", "crop", "stretch"])
def test_shrinking_averages(tmp_path: Path, fit: str) -> None:
    """Squares of 4x4 pixels become one; a smooth picture shows their mean."""
    smooth = ndimage.gaussian_filter(noise(64, 64, 1).astype(float), 8, mode="wrap", axes=(0, 1))
    smooth = 128 + 20 * (smooth - smooth.mean()) / smooth.std()
    pixels = smooth.round().clip(0, 255).astype(np.uint8)
    read = read_as(tmp_path, pixels, spec(16, 16, 1), fit)
    means = pixels.reshape(16, 4, 16, 4).mean((1, 3))
    # Half the curvature times how much more the triangle varies than the square, 4**2 / 6 and
    # 4**2 / 12 pixels squared, along both axes.
    curvature = max(np.abs(np.diff(smooth, 2, axis)).max() for axis in (0, 1))
    tolerance = ROUNDINGS + 2 * curvature / 2 * (4**2 / 6 - 4**2 / 12)
    assert tolerance < 4
    assert np.abs(read[1:-1, 1:-1, 0] - means[1:-1, 1:-1]).max() <= tolerance


def test_stripes_do_not_alias(tmp_path: Path) -> None:
    stripes = np.zeros((64, 64, 1), np.uint8)
    stripes[:, ::2] = 255
    read = read_as(tmp_path, stripes, spec(16, 16, 1), "stretch").astype(int)
    assert np.abs(read - 127.5).max() <= 0.05 * 255


@pytest.mark.parametrize("fit", ["pad", "crop", "stretch"])
def test_enlarging_interpolates(tmp_path: Path, fit: str) -> None:
    pixels = noise(5, 4)
    read = read_as(tmp_path, pixels, spec(20, 16), fit)
    np.testing.assert_allclose(read, resized(pixels, 20, 16), atol=ROUNDINGS)
    scipy_zoom = ndimage.zoom(
        pixels.astype(float), (4, 4, 1), order=1, mode="nearest", grid_mode=True
    )
    np.testing.assert_allclose(read, scipy_zoom, atol=ROUNDINGS)


@pytest.mark.parametrize("fit", ["pad", "crop", "stretch"])
def test_flat_pictures_stay_flat(tmp_path: Path, fit: str) -> None:
    read = read_as(tmp_path, np.full((37, 91, 3), 173, np.uint8), spec(16, 16, 3, EDGE), fit)
    assert (read == 173).all()


# Arrays.


def test_arrays_of_the_right_shape_are_themselves() -> None:
    images = np.stack([noise(), noise(seed=1)])
    assert fit_images(images, spec()) is images
    np.testing.assert_array_equal(fit_images(images[..., 0], spec(channels=1)), images[..., :1])


def test_arrays_are_fitted_like_pictures(tmp_path: Path) -> None:
    wanted = spec(16, 16, 3, (9, 90, 200))
    for channels in (1, 3, 4):
        pixels = noise(20, 31, channels)
        image = Image.fromarray(pixels[..., 0] if channels == 1 else pixels)
        path = saved(tmp_path / "x.png", image)
        fitted = fit_images(pixels[None], wanted)
        np.testing.assert_array_equal(fitted[0], read_picture(path, wanted))
        assert fitted.dtype == np.uint8
