"""A folder of one's own TTF and OTF files."""

import hashlib
import itertools
import os
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import freetype
import numpy as np

from synth2real.errors import printable
from synth2real.sources.base import files_digest
from synth2real.sources.fonts.glyphs import DIGITS, draw_boxes
from synth2real.sources.fonts.likeness import check_digits
from synth2real.sources.fonts.outlines import FontError, digit_outlines, open_face
from synth2real.sources.fonts.table import Font
from synth2real.sources.listing import files_below
from synth2real.sources.usable import LeftOut

# Root mean square difference (of full contrast) below which two digits of a font count as one.
# Within the 149 fonts the closest pair, a condensed 6 and 8, is 0.128 apart; the same glyph drawn
# by two releases of one design stays below 0.05.
ALIKE = 0.06

UNKNOWN = "unknown"
SUFFIXES = {".ttf", ".otf"}
LICENCES = {"SIL Open Font License": "OFL-1.1", "Apache License": "Apache-2.0"}


def font_files(source: Path, *, skip_bad: bool = False) -> list[Path]:
    """The TTF and OTF files of a folder, sub-folders included, in the order of their paths.

    Of files with the same content only the first counts; bad ones do unless they are to be skipped.
    """
    return _choose_files(source, skip_bad)[0]


def fonts_digest(source: Path) -> str:
    """Changes when the fonts of a folder do."""
    return files_digest(_paths(source), gone=True)


def _paths(source: Path) -> list[Path]:
    """All font files of a folder, in order; none if it is no folder."""
    names = files_below(source, SUFFIXES) if os.path.isdir(source) else ()
    return sorted(source / name for name in names)


def _choose_files(source: Path, skip_bad: bool) -> tuple[list[Path], LeftOut]:
    """The fonts of a folder that count, and the others with what is wrong with them."""
    files: dict[Path | bytes, Path] = {}
    left_out: LeftOut = []
    unreadable: LeftOut = []
    for path, content in _contents(source, unreadable):
        if content in files:
            left_out.append((printable(path), f"is {printable(files[content])} again"))
        elif skip_bad and (fault := _fault(path)):
            left_out.append((printable(path), fault.removeprefix(f"{printable(path)}: ")))
        else:
            files[content] = path
    if unreadable and not skip_bad:
        raise FontError("\n".join(f"{name}: {fault}" for name, fault in unreadable))
    return list(files.values()), left_out + unreadable


def _contents(source: Path, unreadable: LeftOut) -> Iterator[tuple[Path, Path | bytes]]:
    """Each font file of a folder, and what is the same for two of the same content.

    Adds links to nothing, and files that nobody may read, to those that are unreadable.
    """
    sizes = {}
    for path in _paths(source):
        try:
            with open(path, "rb"):
                sizes[path] = path.stat().st_size
        except OSError as error:
            unreadable.append((printable(path), f"{error.strerror}; TTF or OTF is needed"))
    counts = Counter(sizes.values())
    for path, size in sizes.items():
        # Most need not be read: no other is as large.
        yield path, path if counts[size] == 1 else hashlib.sha256(path.read_bytes()).digest()


def read_font_folder(
    source: Path, folder: Path, left_out: LeftOut, *, skip_bad: bool = False
) -> list[Font]:
    """Copies one's own TTF and OTF files, those of `font_files`; adds others to those left out.

    Raises:
        FontError: there are none, or some cannot be used; names each of these in a line.
    """
    paths, others = _choose_files(source, skip_bad)
    left_out += others
    if not paths:
        raise FontError(
            f"{printable(source)}: has no .ttf or .otf file to use; put your fonts there"
        )
    # Those that were to be skipped are not among them any more.
    faults = [] if skip_bad else [fault for path in paths if (fault := _fault(path))]
    if faults:
        raise FontError("\n".join(faults))
    # Names that are no text would fit into no table.
    names = (printable(path.relative_to(source).as_posix()) for path in paths)
    fonts = [replace(_describe(path), file=name) for path, name in zip(paths, names, strict=True)]
    for path, font in zip(paths, fonts, strict=True):
        target = folder / font.file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    return fonts


def check_font(path: Path) -> None:
    """Refuses a font from which ten different digits cannot be drawn.

    Raises:
        FontError: one line: the file does not load, has only bitmaps, lacks a digit, draws two
            digits alike or symbols in their place.
    """
    outlines = digit_outlines(path)
    boxes_10xP = np.stack([draw_boxes(outline, [0]).ravel() for outline in outlines])
    ink_10xP = boxes_10xP / 255
    alike = [
        f"{a} and {b}"
        for a, b in itertools.combinations(range(len(DIGITS)), 2)
        if np.sqrt(np.mean((ink_10xP[a] - ink_10xP[b]) ** 2)) < ALIKE
    ]
    if alike:
        raise FontError(
            f"{printable(path)}: draws {', '.join(alike)} alike; ten different digits are needed"
        )
    check_digits(path, outlines)


def _fault(path: Path) -> str:
    """What is wrong with a font, if anything is."""
    try:
        check_font(path)
    except FontError as error:
        return str(error)
    return ""


def _describe(path: Path) -> Font:
    """What a font file says of itself in its name table."""
    face = open_face(path)
    family, style = (
        printable((name or b"").decode(errors="replace"))
        for name in (face.family_name, face.style_name)
    )
    licence_text = " ".join(_names(face, freetype.TT_NAME_ID_LICENSE))
    version = re.search(r"\d+\.\d+", " ".join(_names(face, freetype.TT_NAME_ID_VERSION_STRING)))
    return Font(
        family=(family if style == "Regular" else f"{family} {style}").strip() or UNKNOWN,
        style="mono" if face.is_fixed_width else UNKNOWN,
        licence=next((spdx for text, spdx in LICENCES.items() if text in licence_text), UNKNOWN),
        version=version.group() if version else UNKNOWN,
        package="",
        package_version="",
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        file=path.name,
    )


def _names(face: freetype.Face, name_id: int) -> list[str]:
    """All entries of one kind; Macintosh ones are single bytes, the others UTF-16."""
    entries = [face.get_sfnt_name(index) for index in range(face.sfnt_name_count)]
    return [
        entry.string.decode("mac-roman" if entry.platform_id == 1 else "utf-16-be", "replace")
        for entry in entries
        if entry.name_id == name_id
    ]
