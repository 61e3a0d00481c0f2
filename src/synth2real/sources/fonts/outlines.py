"""The outlines of a font's ten digits, at its Regular weight."""

import ctypes
from pathlib import Path

import freetype
import freetype.raw as ft
import numpy as np

from synth2real.errors import InputError, printable
from synth2real.sources.fonts.glyphs import DIGITS, Outline, draw_boxes

REGULAR = 400  # weight, of 1 to 1000
# Where symbol fonts, with no Unicode of their own, have what others have at 0 to 255.
_SYMBOLS = 0xF000
# Axes of variable fonts: their numbers are whole 1/65536, and their tags four letters.
_ONE = 1 << 16
_WEIGHT = int.from_bytes(b"wght", "big")


class FontError(InputError):
    """A font file or a list of fonts cannot be used."""


def digit_outlines(path: Path) -> list[Outline]:
    """The outlines of a font's ten digits, at its Regular weight.

    Raises:
        FontError: the font does not load, has no outlines, or lacks a digit.
    """
    name = printable(path)
    try:
        face = open_face(path)
        if not face.is_scalable:
            raise FontError(f"{name}: is a bitmap font; an outline font (TTF or OTF) is needed")
        outlines = _digits(face)
    except freetype.FT_Exception as error:
        reason = str(error).removeprefix("FT_Exception:").strip(" ()")
        raise FontError(f"{name}: is damaged or no font ({reason}); TTF or OTF is needed") from None
    missing = [digit for digit, outline in outlines.items() if outline is None]
    if missing:
        raise FontError(f"{name}: draws no {', '.join(missing)}; all of 0 to 9 are needed")
    return [outline for outline in outlines.values() if outline is not None]


def _digits(face: freetype.Face) -> dict[str, Outline | None]:
    """The outlines of digits, by the first encoding that has all of them, else by the best one.

    That of FreeType's choice, Unicode, comes first. Old fonts say in others which glyph is which.
    """
    found: dict[str, Outline | None] = {}
    for charmap in (None, *face.charmaps):
        if charmap is not None:
            face.set_charmap(charmap)
        outlines = {digit: _outline(face, digit) for digit in DIGITS}
        if not found or _count(outlines) > _count(found):
            found = outlines
        if _count(found) == len(DIGITS):
            break
    return found


def _count(outlines: dict[str, Outline | None]) -> int:
    return sum(outline is not None for outline in outlines.values())


def open_face(path: Path) -> freetype.Face:
    """Opens a font at its Regular weight.

    Many variable fonts default to another weight (Thin, say), and those of italics have no instance
    called Regular.

    Raises:
        freetype.FT_Exception: the file is no font that FreeType reads.
    """
    face = freetype.Face(str(path))
    if face.has_multiple_masters:
        try:
            names = [instance.name for instance in face.get_variation_info().instances]
        # freetype-py fails at names of instances or axes in languages that it does not know.
        except (TypeError, ValueError):
            names = []
        if "Regular" in names:
            face.set_var_named_instance("Regular")
        else:
            face.set_var_design_coords(_regular(face))
    return face


def _regular(face: freetype.Face) -> list[float]:
    """Where a variable font has the Regular weight; other axes stay as they are."""
    variations = ctypes.pointer(ft.FT_MM_Var())
    if error := ft.FT_Get_MM_Var(face._FT_Face, ctypes.byref(variations)):
        raise freetype.FT_Exception(error)
    found = variations.contents
    axes = [found.axis[number] for number in range(found.num_axis)]
    regular = REGULAR * _ONE
    places = [
        min(max(regular, axis.minimum), axis.maximum) if axis.tag == _WEIGHT else axis.default
        for axis in axes
    ]
    ft.FT_Done_MM_Var(freetype.get_handle(), variations)
    return [place / _ONE for place in places]


def _outline(face: freetype.Face, digit: str) -> Outline | None:
    """A glyph's outline, or None where the font has no such glyph or draws no ink."""
    index = face.get_char_index(digit) or face.get_char_index(_SYMBOLS + ord(digit))
    if index == 0:
        return None
    # Font units: neither hinted nor rounded to pixels, and no embedded bitmaps.
    face.load_glyph(index, freetype.FT_LOAD_NO_SCALE)
    glyph = face.glyph.outline
    if not glyph.points:
        return None
    outline = Outline(
        np.array(glyph.points, np.float64),
        np.array(glyph.tags, np.uint8),
        np.array(glyph.contours, np.int16),
        glyph.flags,
    )
    return outline if draw_boxes(outline, [0]).any() else None
