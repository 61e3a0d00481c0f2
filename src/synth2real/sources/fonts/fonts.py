"""Fonts stage: the font files, a table of them and their credits.

The project's own manifest, resources/fonts.csv, pins 149 openly licensed families by version and
sha256, one Regular each; the paper uses as many fonts but does not name them (section
Experiments).  They were chosen for variety: of 200 families packaged as wheels the closest pair
was looked up again and again, by the root mean square difference of the ten upright digits in
their 20x20 box, and of that pair the font with the nearer second neighbour was dropped, until 149
were left.  No two of them are closer than 0.16 of full contrast.

A folder of one's own TTF or OTF files serves as well.
"""

import logging
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from synth2real.io.fetch import WheelPin, download_wheels
from synth2real.settings import flag, setting
from synth2real.sources.fonts.outlines import FontError
from synth2real.sources.fonts.own import read_font_folder
from synth2real.sources.fonts.table import Font, read_fonts_csv, write_credits, write_fonts_csv
from synth2real.sources.usable import LeftOut, write_left_out

logger = logging.getLogger(__name__)


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
