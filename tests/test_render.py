"""The render stage: the normalisation, and what its images must have in common with MNIST."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from synth2real.sources.fonts.glyphs import Outline, draw_boxes, draw_digit
from synth2real.sources.fonts.outlines import digit_outlines
from synth2real.sources.fonts.render import Fonts, RenderConfig, render_fonts
from synth2real.sources.fonts.table import read_fonts_csv
from synth2real.spec import Background, ImageSpec
from tiny import DIGITS

FEW_ANGLES = RenderConfig(-47, 43, 30)


def font_paths(folder: Path) -> list[Path]:
    return [folder / font.file for font in read_fonts_csv(folder / "fonts.csv")]


def polygon(*contours: list[tuple[int, int]]) -> Outline:
    """An outline of straight lines."""
    points = np.array([point for contour in contours for point in contour], float)
    ends = np.cumsum([len(contour) for contour in contours]) - 1
    return Outline(points, np.ones(len(points), np.uint8), ends.astype(np.int16), 0)


def rectangle(left: int, bottom: int, right: int, top: int) -> list[tuple[int, int]]:
    return [(left, bottom), (left, top), (right, top), (right, bottom)]


def reference_box(path: Path, digit: int, angle: float) -> NDArray[np.float64]:
    """The same by other means: Pillow's raster at 400 pixels, turned, thresholded, shrunk."""
    font = ImageFont.truetype(str(path), 400, layout_engine=ImageFont.Layout.BASIC)
    if b"fvar" in path.read_bytes()[:500]:
        font.set_variation_by_name("Regular")
    canvas = Image.new("L", (1200, 1200))
    ImageDraw.Draw(canvas).text((600, 600), str(digit), 255, font, anchor="mm")
    canvas = canvas.rotate(angle, Image.Resampling.BILINEAR).point(lambda grey: 255 * (grey > 127))
    ink = canvas.crop(canvas.getbbox())
    side = max(ink.size)
    square = Image.new("L", (side, side))
    square.paste(ink, ((side - ink.width) // 2, (side - ink.height) // 2))
    small = np.asarray(square.resize((20, 20), Image.Resampling.BOX), float)
    return small * (255 / small.max())


def reference_placement(box: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """MNIST's step 4 in a plain loop: the centre of mass on 14 by whole pixels."""
    mass, row_mass, column_mass = 0.0, 0.0, 0.0
    for row in range(20):
        for column in range(20):
            mass += box[row, column]
            row_mass += box[row, column] * (row + 0.5)
            column_mass += box[row, column] * (column + 0.5)
    top, left = (min(max(int(15 - moment / mass), 0), 8) for moment in (row_mass, column_mass))
    return np.pad(box, ((top, 8 - top), (left, 8 - left)))


def test_rectangle_by_hand() -> None:
    image_HxW = draw_digit(polygon(rectangle(0, 0, 100, 200)), [0])[0]
    # 20 x 10 pixels; in the box the mass is centred on 10, so everything moves by 15 - 10 = 5.
    expected_HxW = np.zeros((28, 28), np.uint8)
    expected_HxW[5:25, 10:20] = 255
    np.testing.assert_array_equal(image_HxW, expected_HxW)


def test_half_covered_pixels_are_half_as_dark() -> None:
    # 13 pixels wide, centred in 20: 3.5 to 16.5.
    box_HxW = draw_boxes(polygon(rectangle(0, 0, 130, 200)), [0])[0]
    np.testing.assert_array_equal(box_HxW[:, 3], 128)
    np.testing.assert_array_equal(box_HxW[:, 4:16], 255)
    np.testing.assert_array_equal(box_HxW[:, 16], 128)
    assert not box_HxW[:, :3].any() and not box_HxW[:, 17:].any()


def test_thin_strokes_get_full_contrast() -> None:
    # Half a pixel wide, over the middle: a quarter of two columns, rescaled to all of them.
    box_HxW = draw_boxes(polygon(rectangle(0, 0, 10, 400)), [0])[0]
    np.testing.assert_array_equal(box_HxW[:, 9:11], 255)
    assert not box_HxW[:, :9].any() and not box_HxW[:, 11:].any()


def test_overlapping_contours_draw_as_their_union() -> None:
    whole = polygon(rectangle(0, 0, 110, 200))
    parts = polygon(rectangle(0, 0, 110, 130), rectangle(0, 70, 110, 200))
    np.testing.assert_array_equal(draw_boxes(parts, [0]), draw_boxes(whole, [0]))


def test_positive_angles_turn_counter_clockwise(few_fonts: Path) -> None:
    four = digit_outlines(font_paths(few_fonts)[1])[4]
    upright, turned = draw_boxes(four, [0, 90]).astype(int)
    assert np.abs(turned - np.rot90(upright)).max() <= 4  # np.rot90 turns counter-clockwise
    assert np.abs(turned - np.rot90(upright, -1)).max() > 200


@pytest.mark.parametrize("angle", [-47, -1, 0, 45])
def test_boxes_agree_with_a_thresholded_raster(few_fonts: Path, angle: int) -> None:
    for path in font_paths(few_fonts):
        for digit, outline in enumerate(digit_outlines(path)):
            difference = draw_boxes(outline, [angle])[0] - reference_box(path, digit, angle)
            # The raster's edges are off by up to half of its pixels, 1/20 of ours or 13 grey
            # levels; a wrong weight, angle or box gives more than 20.
            assert np.sqrt(np.mean(difference**2)) < 10, (path.name, digit)


def test_placement_agrees_with_a_plain_loop(few_fonts: Path) -> None:
    for path in font_paths(few_fonts):
        for outline in digit_outlines(path):
            box = draw_boxes(outline, [-47])[0]
            np.testing.assert_array_equal(draw_digit(outline, [-47])[0], reference_placement(box))


def few(few_fonts: Path) -> Fonts:
    return Fonts(few_fonts / "fonts.csv", few_fonts, FEW_ANGLES)


def test_order_and_labels(few_fonts: Path) -> None:
    fonts = few(few_fonts)
    everything = np.arange(4 * 10 * 4)
    images = fonts.read(everything, DIGITS)
    assert images.shape == (160, 28, 28, 1) and images.dtype == np.uint8
    # Fonts, then digits, then angles.
    assert list(fonts.labels()) == [str(n // 4 % 10) for n in everything]
    number = 2 * 40 + 7 * 4 + 2
    assert fonts.name(number) == f"{font_paths(few_fonts)[2]}, digit 7 at 13 degrees"
    alone = draw_digit(digit_outlines(font_paths(few_fonts)[2])[7], [13])
    np.testing.assert_array_equal(fonts.read(np.array([number]), DIGITS)[..., 0], alone)
    np.testing.assert_array_equal(images[number, ..., 0], alone[0])


def test_other_sizes_keep_mnists_proportions_and_colour_repeats_grey(few_fonts: Path) -> None:
    spec = ImageSpec(48, 56, 3, DIGITS.classes, "edge")
    images = few(few_fonts).read(np.arange(160), spec)
    assert images.shape == (160, 48, 56, 3)
    for channel in (1, 2):
        np.testing.assert_array_equal(images[..., channel], images[..., 0])
    ink = images[..., 0] > 0
    heights, widths = (extent(ink.any(axis=axis)) for axis in (2, 1))
    # 20 of 28 pixels: 34 of 48.
    assert (np.maximum(heights, widths) == 34).mean() > 0.95
    mass = images[..., 0].sum(axis=(1, 2), dtype=float)
    column = (images[..., 0].sum(axis=1, dtype=float) @ np.arange(56)) / mass
    assert column.min() > 26.9 and column.max() < 28.6


@pytest.mark.parametrize(
    "background, inverted",
    [((0,), False), ((120,), False), ("edge", False), ((255,), True), ((250, 240, 90), True)],
)
def test_ink_is_black_where_the_background_is_light(
    few_fonts: Path, background: Background, inverted: bool
) -> None:
    channels = 3 if len(background) == 3 else 1
    spec = ImageSpec(28, 28, channels, DIGITS.classes, background)
    images = few(few_fonts).read(np.arange(3), spec)[..., :1]
    white_on_black = few(few_fonts).read(np.arange(3), DIGITS)
    np.testing.assert_array_equal(images, 255 - white_on_black if inverted else white_on_black)


@pytest.fixture(scope="module")
def all_images(font_folder: Path) -> NDArray[np.uint8]:
    return render_fonts(font_paths(font_folder), RenderConfig())


@pytest.mark.slow
def test_the_papers_numbers(all_images: NDArray[np.uint8], font_folder: Path) -> None:
    assert all_images.shape == (70_030, 28, 28)
    labels = Fonts(font_folder / "fonts.csv", font_folder, RenderConfig()).labels()
    assert Counter(labels) == dict.fromkeys("0123456789", 149 * 47)


@pytest.mark.slow
def test_statistics_are_close_to_a_thresholded_rasters(all_images: NDArray[np.uint8]) -> None:
    """Against 149 fonts drawn at 200 pixels, thresholded and normalised as QMNIST's authors do.

    Thresholding drops the faintest edges, which exact coverage keeps: a few more pixels are not
    zero and a few less are full, the sums stay.  (MNIST itself: mean 0.1307, std 0.3081, 0.191
    not zero, 19.7 x 15.7 pixels.)
    """
    ink_NxHxW = all_images / np.float32(255)
    assert ink_NxHxW.mean() == pytest.approx(0.135, abs=0.001)
    assert ink_NxHxW.std() == pytest.approx(0.314, abs=0.002)
    some, full = (all_images > 0).mean(), (all_images == 255).mean()
    assert some == pytest.approx(0.194, abs=0.008)
    assert full / some == pytest.approx(0.38, abs=0.06)
    assert (all_images.max(axis=(1, 2)) == 255).all()


@pytest.mark.slow
def test_sizes_are_mnists(all_images: NDArray[np.uint8]) -> None:
    height_N, width_N = (extent(all_images.max(axis=axis) > 0) for axis in (2, 1))
    longer_N = np.maximum(height_N, width_N)
    assert longer_N.max() == 20
    assert (longer_N == 20).mean() >= 0.9999
    assert height_N.mean() == pytest.approx(19.9, abs=0.1)
    assert width_N.mean() == pytest.approx(16.6, abs=0.2)


@pytest.mark.slow
def test_centres_of_mass_are_on_the_centre(all_images: NDArray[np.uint8]) -> None:
    images_NxHxW = all_images.astype(np.float64)
    mass_N = images_NxHxW.sum(axis=(1, 2))
    for axis in (2, 1):
        centre_N = images_NxHxW.sum(axis=axis) @ np.arange(28) / mass_N
        assert centre_N.max() < 14.5 + 1e-9
        # One top-heavy 7 (EB Garamond) would leave the canvas at some angles, and stays inside.
        assert (centre_N < 13.5).sum() <= 10
        assert centre_N.min() > 13


def extent(any_ink_NxK: np.ndarray) -> np.ndarray:
    """From the first to the last row (or column) with ink, both included."""
    first_N, last_N = any_ink_NxK.argmax(axis=1), any_ink_NxK[:, ::-1].argmax(axis=1)
    return any_ink_NxK.shape[1] - first_N - last_N
