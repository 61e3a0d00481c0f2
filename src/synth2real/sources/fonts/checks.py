"""What can be said of the fonts before any is downloaded or drawn."""

import os
from collections.abc import Iterator
from pathlib import Path

from synth2real.errors import printable, whereabouts
from synth2real.sources.fonts.fonts import FontsConfig
from synth2real.sources.fonts.glyphs import DIGITS
from synth2real.sources.fonts.own import SUFFIXES, font_files
from synth2real.sources.fonts.render import RenderConfig
from synth2real.sources.fonts.table import known_families
from synth2real.sources.listing import files_below, meets_outputs


def find_font_problems(fonts: FontsConfig, render: RenderConfig, manifest: Path) -> Iterator[str]:
    """Yields a line for each mistake in the settings of fonts."""
    own = fonts.folder
    if own and not os.path.isdir(own):
        yield f"fonts.folder: {printable(own)} is no folder{whereabouts(own)}; null downloads fonts"
    # Where no folder may be, which is said elsewhere, none is looked through.
    elif own and not meets_outputs(own) and not any(files_below(Path(own), SUFFIXES)):
        yield f"fonts.folder: {printable(own)} has no .ttf or .otf file; null downloads fonts"
    if own and fonts.families:
        yield "fonts.families: choose from the downloaded fonts; with fonts.folder it must be null"
    known = known_families(manifest)
    unknown = [name for name in fonts.families or () if name not in known]
    if unknown:
        yield f"fonts.families: {', '.join(unknown)} not among the {len(known)} of {manifest}"
    if not render.angles:
        yield "fonts.angle_stop: must not be below fonts.angle_start"


def count_fonts(fonts: FontsConfig, manifest: Path) -> int:
    """How many fonts the settings name; none where no folder may be."""
    if fonts.folder and meets_outputs(fonts.folder):
        return 0
    if fonts.folder:
        return len(font_files(Path(fonts.folder), skip_bad=fonts.skip_bad))
    return len(fonts.families or known_families(manifest))


def count_renders(fonts: FontsConfig, render: RenderConfig, manifest: Path) -> int:
    """How many images the fonts make: every digit at every angle."""
    return count_fonts(fonts, manifest) * len(DIGITS) * len(render.angles)


def explain_renders(fonts: FontsConfig, render: RenderConfig, manifest: Path) -> str:
    """That number, and where it comes from."""
    number = count_renders(fonts, render, manifest)
    factors = f"{count_fonts(fonts, manifest)} x {len(DIGITS)} x {len(render.angles)}"
    return f"{factors} (fonts, digits, angles) make {number:,}"
