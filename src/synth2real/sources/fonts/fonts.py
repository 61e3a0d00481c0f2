"""Fonts stage: the font files, a table of them and their credits.

The project's own manifest, resources/fonts.csv, pins 149 openly licensed families by version and
sha256, one Regular each; the paper uses as many fonts but does not name them (section
Experiments).  They were chosen for variety: of 200 families packaged as wheels the closest pair
was looked up again and again, by the root mean square difference of the ten upright digits in
their 20x20 box, and of that pair the font with the nearer second neighbour was dropped, until 149
were left.  No two of them are closer than 0.16 of full contrast.

A folder of one's own TTF or OTF files serves as well.
"""

import csv
import hashlib
import itertools
import logging
import re
import shutil
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path

import freetype
import numpy as np

from synth2real.errors import printable
from synth2real.io.fetch import WheelPin, download_wheels
from synth2real.io.files import write_atomically, write_csv
from synth2real.settings import flag, setting
from synth2real.sources.fonts.glyphs import DIGITS, FontError, digit_outlines, draw_boxes, open_face
from synth2real.sources.fonts.likeness import check_digits
from synth2real.sources.listing import files_below
from synth2real.sources.usable import LeftOut, write_left_out

logger = logging.getLogger(__name__)

# Root mean square difference (of full contrast) below which two digits of a font count as one.
# Within the 149 fonts the closest pair, a condensed 6 and 8, is 0.128 apart; the same glyph drawn
# by two releases of one design stays below 0.05.
ALIKE = 0.06

UNKNOWN = "unknown"
SUFFIXES = {".ttf", ".otf"}
BAR = r"\|"  # as a Markdown table has it


@dataclass(frozen=True)
class FontsConfig:
    """Which fonts."""

    folder: str | None = setting(
        "a folder with your own .ttf and .otf files; null downloads the manifest's fonts",
        default=None,
        type=["string", "null"],
        minLength=1,
    )
    families: tuple[str, ...] | None = setting(
        "a list of families of resources/fonts.csv to download; null means all 149",
        default=None,
        type=["array", "null"],
        minItems=1,
        uniqueItems=True,
        items={"type": "string", "description": "a family of resources/fonts.csv"},
    )
    skip_bad: bool = flag(
        "leaves out fonts of fonts.folder from which ten digits cannot be drawn "
        "(results/fonts/left_out.csv)",
        default=False,
    )


_LICENCES = {"SIL Open Font License": "OFL-1.1", "Apache License": "Apache-2.0"}


@dataclass(frozen=True)
class Font:
    """A row of fonts.csv.

    Attributes:
        family: the family's name, with the style's unless that is Regular.
        style: sans, serif, display, handwriting, mono or unknown.
        licence: SPDX identifier, or unknown.
        version: the font's own version, or unknown.
        package: the wheel it comes from; empty for a font of one's own, as the next.
        package_version: the wheel's version.
        sha256: of the wheel, or of the file of a font of one's own.
        file: path of the font file, in the wheel (manifest) or in the font folder (stage output).
    """

    family: str
    style: str
    licence: str
    version: str
    package: str
    package_version: str
    sha256: str
    file: str


def write_fonts(
    manifest: Path,
    families: Sequence[str] | None,
    own: Path | None,
    *,
    skip_bad: bool,
    folder: Path,
    table: Path,
    credits: Path,
    left_out_path: Path,
) -> None:
    """Puts the font files into a folder, and writes their table and credits.

    Args:
        manifest: table of fonts to download, as resources/fonts.csv.
        families: those to take; None for all of them.
        own: a folder with fonts of one's own, to use instead; or None.
        skip_bad: leaves out those of one's own that cannot be used.
        folder, table, credits: what to write.
        left_out_path: a table of fonts that were left out, and why.

    Raises:
        FontError: a font cannot be used.
        FetchError: a font could not be downloaded.
    """
    folder.mkdir(parents=True)
    left_out: LeftOut = []
    if own:
        fonts = read_font_folder(own, folder, left_out, skip_bad=skip_bad)
    else:
        fonts = fetch_fonts(manifest, families, folder)
    for name, reason in left_out:
        logger.warning("%s: %s; left out", name, reason)
    write_fonts_csv(fonts, table)
    write_credits(fonts, credits)
    write_left_out(left_out, left_out_path)


def fetch_fonts(manifest: Path, families: Sequence[str] | None, folder: Path) -> list[Font]:
    """Downloads the manifest's fonts and stores each as `<package less fontpkg->.ttf`.

    Args:
        manifest: table of fonts, as resources/fonts.csv.
        families: the families to take; None for all of them.
        folder: existing folder for the font files.

    Returns:
        The fonts in the manifest's order.

    Raises:
        FontError: a family or a file is not where the manifest says.
        FetchError: a wheel could not be downloaded.
    """
    fonts = _choose(read_fonts_csv(manifest), families, manifest)
    pins = [WheelPin(font.package, font.package_version, font.sha256) for font in fonts]
    logger.info("downloading %d fonts", len(fonts))
    with tempfile.TemporaryDirectory() as temporary:
        wheels = download_wheels(pins, Path(temporary))
        return [_extract(font, wheels[font.package], folder) for font in fonts]


def font_files(source: Path, *, skip_bad: bool = False) -> list[Path]:
    """The TTF and OTF files of a folder, sub-folders included, in the order of their paths.

    Of files with the same content only the first counts; bad ones do unless they are to be skipped.
    """
    return _choose_files(source, skip_bad)[0]


def _choose_files(source: Path, skip_bad: bool) -> tuple[list[Path], LeftOut]:
    """The fonts of a folder that count, and the others with what is wrong with them."""
    files: dict[Path | bytes, Path] = {}
    left_out: LeftOut = []
    for path, content in _contents(source):
        if content in files:
            left_out.append((str(path), f"is {files[content]} again"))
        elif skip_bad and (fault := _fault(path)):
            left_out.append((str(path), fault.removeprefix(f"{path}: ")))
        else:
            files[content] = path
    return list(files.values()), left_out


def _contents(source: Path) -> Iterator[tuple[Path, Path | bytes]]:
    """Each font file of a folder, and what is the same for two of the same content."""
    names = files_below(source, SUFFIXES) if source.is_dir() else ()
    paths = sorted(source / name for name in names)
    try:
        sizes = [path.stat().st_size for path in paths]
        counts = Counter(sizes)
        for path, size in zip(paths, sizes, strict=True):
            # Most need not be read: no other is as large.
            alone = counts[size] == 1
            yield path, path if alone else hashlib.sha256(path.read_bytes()).digest()
    except OSError as error:  # a link to nothing, a file that nobody may read
        raise FontError(f"{error.filename}: {error.strerror}; TTF or OTF is needed") from error


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
        raise FontError(f"{source}: has no .ttf or .otf file to use; put your fonts there")
    # Those that were to be skipped are not among them any more.
    faults = [] if skip_bad else [fault for path in paths if (fault := _fault(path))]
    if faults:
        raise FontError("\n".join(faults))
    fonts = [replace(_describe(path), file=path.relative_to(source).as_posix()) for path in paths]
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
        raise FontError(f"{path}: draws {', '.join(alike)} alike; ten different digits are needed")
    check_digits(path, outlines)


def read_fonts_csv(path: Path) -> list[Font]:
    """Reads a table of fonts.

    Raises:
        FontError: the columns are not those of `Font`, or there is no row.
    """
    columns = [field.name for field in fields(Font)]
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if not rows or any(list(row) != columns or None in row.values() for row in rows):
        raise FontError(f"{path}: must have at least one row and the columns {','.join(columns)}")
    return [Font(**row) for row in rows]


def known_families(manifest: Path) -> set[str]:
    """The families of a table of fonts."""
    return {font.family for font in read_fonts_csv(manifest)}


def write_fonts_csv(fonts: Iterable[Font], path: Path) -> None:
    """Writes a table of fonts; its order is the one that the images count them by."""
    write_csv(path, [field.name for field in fields(Font)], [astuple(font) for font in fonts])


def write_credits(fonts: Iterable[Font], path: Path) -> None:
    """Writes the fonts' names, versions and packages as Markdown, by licence."""
    lines = ["# Fonts", ""]
    by_licence = sorted(fonts, key=lambda font: (font.licence, font.family.casefold()))
    for licence, group in itertools.groupby(by_licence, key=lambda font: font.licence):
        lines += [f"## {licence}", "", "| family | version | package |", "|---|---|---|"]
        for font in group:
            cells = (font.family, font.version, _origin(font))
            lines.append(f"| {' | '.join(cell.replace('|', BAR) for cell in cells)} |")
        lines.append("")
    with write_atomically(path) as temporary:
        temporary.write_text("\n".join(lines), encoding="utf-8")


def _choose(fonts: list[Font], families: Sequence[str] | None, manifest: Path) -> list[Font]:
    if families is None:
        return fonts
    unknown = sorted(set(families) - {font.family for font in fonts})
    if unknown:
        raise FontError(f"{manifest}: has no family {', '.join(unknown)}; its column family does")
    return [font for font in fonts if font.family in families]


def _extract(font: Font, wheel: Path, folder: Path) -> Font:
    name = f"{font.package.removeprefix('fontpkg-')}.ttf"
    try:
        with zipfile.ZipFile(wheel) as archive:
            (folder / name).write_bytes(archive.read(font.file))
    except KeyError:
        raise FontError(f"{font.package}: the wheel has no file {font.file}") from None
    return replace(font, file=name)


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
        licence=next((spdx for text, spdx in _LICENCES.items() if text in licence_text), UNKNOWN),
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


def _origin(font: Font) -> str:
    return f"{font.package} {font.package_version}" if font.package else "-"
