"""Fixtures shared by the tests: real fonts, downloaded once a session."""

from pathlib import Path

import pytest

from synth2real.fonts import fetch_fonts, write_fonts_csv

MANIFEST = Path(__file__).parents[1] / "resources" / "fonts.csv"
# Static and variable ones (Dosis defaults to ExtraLight), of four styles, with an 8 that overlaps
# itself (Playfair Display) and a marked zero (Space Mono).
FEW_FAMILIES = ["Caveat", "Dosis", "Playfair Display", "Space Mono"]


def _fetch(families: list[str] | None, folder: Path) -> Path:
    write_fonts_csv(fetch_fonts(MANIFEST, families, folder), folder / "fonts.csv")
    return folder


@pytest.fixture(scope="session")
def few_fonts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of four fonts with their fonts.csv."""
    return _fetch(FEW_FAMILIES, tmp_path_factory.mktemp("few_fonts"))


@pytest.fixture(scope="session")
def font_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of all 149 fonts with their fonts.csv; takes half a minute."""
    return _fetch(None, tmp_path_factory.mktemp("fonts"))
