"""Digits drawn from font outlines and normalised as MNIST's were.

A glyph is never rasterised and then rotated: its outline is rotated, fitted into the box and
only then drawn, by FreeType's exact coverage and without hinting.  47 rotations of a digit take
about a millisecond.

The normalisation is the one of LeCun's MNIST description: the longer side of the ink's tight box
becomes 20 pixels with the aspect ratio kept, and the 20x20 image is placed into 28x28 by its
centre of mass. Other sizes keep that proportion.
"""

import ctypes
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import freetype
import freetype.raw as ft
import numpy as np
from numpy.typing import NDArray

DIGITS = "0123456789"
BOX = 20  # of a canvas of 28 pixels
CANVAS = 28

# FreeType flattens curves to within a fraction of a pixel, and where contours overlap (as they do
# in many variable fonts) it adds up the coverages of edges that share a pixel.  Drawn four times
# as large and averaged, both errors stay around three grey levels of 255 at worst in most images.
OVERSAMPLING = 4
# FreeType's coordinates are whole 1/64 pixels.
_UNITS_PER_PIXEL = 64
# Extra bits for rotated font units, so that the measured box is exact to 1/64 unit.
_BOX_BITS = 6


class Outline(NamedTuple):
    """A glyph's contours in font units, y upwards; fields as in FreeType's FT_Outline."""

    points_Px2: NDArray[np.float64]
    tags_P: NDArray[np.uint8]
    contour_ends_C: NDArray[np.int16]
    flags: int


def draw_digit(
    outline: Outline, angles_A: Sequence[float], height: int = CANVAS, width: int = CANVAS
) -> NDArray[np.uint8]:
    """Draws a digit once per angle, normalised as MNIST's digits.

    Args:
        outline: the upright digit, with ink.
        angles_A: rotations in degrees, positive counter-clockwise.
        height, width: of the images, in pixels.

    Returns:
        uint8 images [A, height, width], ink up to exactly 255 on 0.
    """
    box = round(min(height, width) * BOX / CANVAS)
    return _centre(draw_boxes(outline, angles_A, box), height, width)


def draw_boxes(outline: Outline, angles_A: Sequence[float], box: int = BOX) -> NDArray[np.uint8]:
    """As `draw_digit`, before the centring: uint8 [A, box, box], blank if there is no ink."""
    points_AxPx2 = _rotate(outline.points_Px2, angles_A)
    return _full_contrast(_rasterise(outline, _fit_box(outline, points_AxPx2), box))


def _rotate(points_Px2: NDArray[np.float64], angles_A: Sequence[float]) -> NDArray[np.float64]:
    """Rotated copies [A, P, 2], counter-clockwise with y upwards."""
    radians_A = np.deg2rad(np.asarray(angles_A, np.float64))
    cos_A, sin_A = np.cos(radians_A), np.sin(radians_A)
    turn_Ax2x2: NDArray[np.float64] = np.array([[cos_A, sin_A], [-sin_A, cos_A]]).transpose(2, 0, 1)
    return points_Px2 @ turn_Ax2x2


def _fit_box(outline: Outline, points_AxPx2: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scales and moves the outlines so that their ink fills a square of side 1.

    The longer side of the exact box (that of the curves, not of their control points) becomes 1
    and the shorter one is centred.
    """
    fine_AxPx2 = points_AxPx2 * 2**_BOX_BITS
    boxes_Ax2x2 = np.empty((len(fine_AxPx2), 2, 2))
    box = ft.FT_BBox()
    for index, pointer in enumerate(_freetype_outlines(outline, fine_AxPx2)):
        ft.FT_Outline_Get_BBox(pointer, ctypes.byref(box))
        boxes_Ax2x2[index] = (box.xMin, box.yMin), (box.xMax, box.yMax)
    low_Ax2, high_Ax2 = boxes_Ax2x2[:, 0], boxes_Ax2x2[:, 1]
    # An outline without extent has no ink, and would divide by 0.
    side_A = (high_Ax2 - low_Ax2).max(axis=1).clip(1)
    middle_Ax2 = (high_Ax2 + low_Ax2) / 2
    fitted: NDArray[np.float64] = (fine_AxPx2 - middle_Ax2[:, None]) / side_A[:, None, None] + 0.5
    return fitted


def _rasterise(
    outline: Outline, points_AxPx2: NDArray[np.float64], box: int
) -> NDArray[np.float64]:
    """Coverage [A, box, box] in 0..255 of outlines in the unit square; row 0 is the top."""
    side = box * OVERSAMPLING
    large_AxHxW = np.zeros((len(points_AxPx2), side, side), np.uint8)
    bitmap = ft.FT_Bitmap(
        rows=side,
        width=side,
        pitch=side,
        num_grays=256,
        pixel_mode=freetype.FT_PIXEL_MODE_GRAY,
    )
    library = freetype.get_handle()
    pointers = _freetype_outlines(outline, points_AxPx2 * (side * _UNITS_PER_PIXEL))
    for image_HxW, pointer in zip(large_AxHxW, pointers, strict=True):
        bitmap.buffer = ctypes.cast(image_HxW.ctypes.data, type(bitmap.buffer))
        error = ft.FT_Outline_Get_Bitmap(library, pointer, ctypes.byref(bitmap))
        if error:
            raise freetype.FT_Exception(error)
    # Rows, then columns, in small integers: a quarter of the time of one mean over both.
    rows_AxHxW = large_AxHxW.reshape(-1, box, OVERSAMPLING, side).sum(axis=2, dtype=np.uint16)
    coverage_AxHxW: NDArray[np.float64] = (
        rows_AxHxW.reshape(-1, box, box, OVERSAMPLING).sum(axis=3) / OVERSAMPLING**2
    )
    return coverage_AxHxW


def _freetype_outlines(outline: Outline, points_AxPx2: NDArray[np.float64]) -> Iterator[Any]:
    """Yields a pointer to FT_Outline for each row of points, rounded to whole units.

    The pointer is good until the next one is asked for.
    """
    vectors_AxPx2 = np.rint(points_AxPx2).astype(ctypes.c_long)
    structure = ft.FT_Outline(
        n_contours=len(outline.contour_ends_C), n_points=len(outline.tags_P), flags=outline.flags
    )
    structure.tags = ctypes.cast(outline.tags_P.ctypes.data, type(structure.tags))
    structure.contours = ctypes.cast(outline.contour_ends_C.ctypes.data, type(structure.contours))
    for vectors_Px2 in vectors_AxPx2:
        structure.points = ctypes.cast(vectors_Px2.ctypes.data, type(structure.points))
        yield ctypes.byref(structure)


def _full_contrast(coverage_AxHxW: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Rescales each image to a maximum of 255; a blank one stays blank."""
    peak_Ax1x1: NDArray[np.float64] = coverage_AxHxW.max(axis=(1, 2), keepdims=True)
    peak_Ax1x1[peak_Ax1x1 == 0] = 1
    return np.rint(coverage_AxHxW * (255 / peak_Ax1x1)).astype(np.uint8)


def _centre(boxes_AxBxB: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Places boxes into larger images, the centre of mass on the centre by whole pixels.

    At 28x28, in index terms, the centre of mass ends in 13.5..14.5 except where the box would then
    leave the canvas: it stays inside.
    """
    box = boxes_AxBxB.shape[-1]
    mass_A = boxes_AxBxB.sum(axis=(1, 2), dtype=np.float64)
    position_K = np.arange(box) + 0.5
    row_A = boxes_AxBxB.sum(axis=2, dtype=np.float64) @ position_K / mass_A
    column_A = boxes_AxBxB.sum(axis=1, dtype=np.float64) @ position_K / mass_A
    size_2, mass_Ax2 = np.array([height, width]), np.stack([row_A, column_A], axis=1)
    shift_Ax2 = np.floor(size_2 / 2 + 1 - mass_Ax2).astype(int)
    images_AxHxW = np.zeros((len(boxes_AxBxB), height, width), np.uint8)
    corners_Ax2 = shift_Ax2.clip(0, size_2 - box)
    for image_HxW, box_BxB, (top, left) in zip(images_AxHxW, boxes_AxBxB, corners_Ax2, strict=True):
        image_HxW[top : top + box, left : left + box] = box_BxB
    return images_AxHxW
