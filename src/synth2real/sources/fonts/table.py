"""The table of fonts, and their credits."""

import csv
import itertools
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from synth2real.io.files import write_atomically, write_csv
from synth2real.sources.fonts.outlines import FontError

BAR = r"\|"  # as a Markdown table has it


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


def _origin(font: Font) -> str:
    return f"{font.package} {font.package_version}" if font.package else "-"
