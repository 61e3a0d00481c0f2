"""What can be said of the fonts before any is downloaded or drawn."""

from collections.abc import Iterator
from pathlib import Path

from synth2real.sources.fonts.fonts import FontsConfig
from synth2real.sources.fonts.glyphs import DIGITS
from synth2real.sources.fonts.own import font_files
from synth2real.sources.fonts.render import RenderConfig
from synth2real.sources.fonts.table import known_families


def find_font_problems(fonts: FontsConfig, render: RenderConfig, manifest: Path) -> Iterator[str]:
    """Yields a line for each mistake in the settings of fonts."""
    own = fonts.folder
    if own and not Path(own).is_dir():
        yield (
            f"fonts.folder: {own} is no folder, {Path(own).absolute()} was looked at; null "
            "downloads fonts"
        )
    elif own and not font_files(Path(own)):
        yield f"fonts.folder: {own} has no .ttf or .otf file; null downloads fonts"
    if own and fonts.families:
        yield "fonts.families: choose from the downloaded fonts; with fonts.folder it must be null"
    known = known_families(manifest)
    unknown = [name for name in fonts.families or () if name not in known]
    if unknown:
        yield f"fonts.families: {', '.join(unknown)} not among the {len(known)} of {manifest}"
    if not render.angles:
        yield "fonts.angle_stop: must not be below fonts.angle_start"


def count_fonts(fonts: FontsConfig, manifest: Path) -> int:
    """How many fonts the settings name."""
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
