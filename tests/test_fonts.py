"""The fonts stage: the manifest, one's own fonts, and what is refused."""

import itertools
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import freetype
import matplotlib
import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont
from fontTools.ttLib.tables._c_m_a_p import CmapSubtable

from synth2real.sources.fonts.fonts import fetch_fonts
from synth2real.sources.fonts.glyphs import draw_boxes
from synth2real.sources.fonts.outlines import FontError, digit_outlines
from synth2real.sources.fonts.own import ALIKE, check_font, font_files, read_font_folder
from synth2real.sources.fonts.table import Font, read_fonts_csv, write_credits, write_fonts_csv

MANIFEST = Path(__file__).parents[1] / "resources" / "fonts.csv"
BITMAP_FONT = """STARTFONT 2.1
FONT dots
SIZE 8 75 75
FONTBOUNDINGBOX 8 8 0 0
CHARS 1
STARTCHAR three
ENCODING 51
SWIDTH 500 0
DWIDTH 8 0
BBX 8 2 0 0
BITMAP
FF
FF
ENDCHAR
ENDFONT
"""


def changed_font(source: Path, target: Path, change: Callable[[TTFont], None]) -> Path:
    font = TTFont(source)
    change(font)
    font.save(target)
    return target


def remap(font: TTFont, digit: str, glyph: str | None) -> None:
    """Gives a digit another's glyph, or none."""
    for table in font["cmap"].tables:
        if ord(digit) in table.cmap:
            del table.cmap[ord(digit)]
            if glyph:
                table.cmap[ord(digit)] = font.getBestCmap()[ord(glyph)]


def empty(font: TTFont, digit: str) -> None:
    font["glyf"][font.getBestCmap()[ord(digit)]] = TTGlyphPen(None).glyph()


def boxes(path: Path) -> np.ndarray:
    """The upright digits [10, 400] of a font, 0..1."""
    return np.stack([draw_boxes(o, [0]).ravel() for o in digit_outlines(path)]) / 255


def test_manifest_has_149_families_of_open_licence() -> None:
    fonts = read_fonts_csv(MANIFEST)
    assert len({font.family for font in fonts}) == len({font.package for font in fonts}) == 149
    assert [font.package for font in fonts] == sorted(font.package for font in fonts)
    assert Counter(font.licence for font in fonts) == {"OFL-1.1": 145, "Apache-2.0": 4}
    assert Counter(font.style for font in fonts) == {
        **{"sans": 79, "serif": 32, "display": 19, "handwriting": 12, "mono": 7}
    }
    assert all(re.fullmatch("[0-9a-f]{64}", font.sha256) for font in fonts)


def test_fetched_fonts_are_in_the_manifests_order(few_fonts: Path) -> None:
    fonts = read_fonts_csv(few_fonts / "fonts.csv")
    assert [font.file for font in fonts] == [
        *("caveat.ttf", "dosis.ttf", "playfair-display.ttf", "space-mono.ttf")
    ]
    assert {path.name for path in few_fonts.iterdir()} == {font.file for font in fonts} | {
        "fonts.csv"
    }


def test_unknown_families_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(FontError, match="has no family Comic Sans, Dosys;"):
        fetch_fonts(MANIFEST, ["Dosys", "Abel", "Comic Sans"], tmp_path)


def test_variable_fonts_are_drawn_at_regular(few_fonts: Path) -> None:
    path = few_fonts / "dosis.ttf"
    face = freetype.Face(str(path))
    face.load_char("1", freetype.FT_LOAD_NO_SCALE)
    extra_light = np.array(face.glyph.outline.points)
    face.set_var_design_coords([400])
    face.load_char("1", freetype.FT_LOAD_NO_SCALE)
    np.testing.assert_array_equal(digit_outlines(path)[1].points_Px2, face.glyph.outline.points)
    assert not np.array_equal(digit_outlines(path)[1].points_Px2, extra_light)


def test_an_italic_variable_font_is_drawn_at_weight_400(few_fonts: Path, tmp_path: Path) -> None:
    def rename(font: TTFont) -> None:
        for instance in font["fvar"].instances:
            name = font["name"].getDebugName(instance.subfamilyNameID)
            italic = "Italic" if name == "Regular" else f"{name} Italic"
            font["name"].setName(italic, instance.subfamilyNameID, 3, 1, 0x409)

    italic = changed_font(few_fonts / "dosis.ttf", tmp_path / "italic.ttf", rename)
    np.testing.assert_array_equal(boxes(italic), boxes(few_fonts / "dosis.ttf"))


@pytest.mark.parametrize("platform, encoding, start", [(3, 0, 0xF000), (1, 0, 0)])
def test_encodings_of_before_unicode_are_read(
    platform: int, encoding: int, start: int, few_fonts: Path, tmp_path: Path
) -> None:
    def recode(font: TTFont) -> None:
        glyphs = {start + code: font.getBestCmap()[code] for code in range(48, 58)}
        table = CmapSubtable.newSubtable(4 if start else 6)
        table.platformID, table.platEncID, table.language = platform, encoding, 0
        table.cmap = glyphs
        font["cmap"].tables = [table]

    old = changed_font(few_fonts / "caveat.ttf", tmp_path / "old.ttf", recode)
    np.testing.assert_array_equal(boxes(old), boxes(few_fonts / "caveat.ttf"))
    check_font(old)


def test_symbols_are_no_digits() -> None:
    folder = Path(matplotlib.get_data_path()) / "fonts/ttf"
    # An infinity sign for 1, and so on.
    with pytest.raises(FontError, match=r"cmsy10.ttf: what it draws for 0123456789 are no digits"):
        check_font(folder / "cmsy10.ttf")
    check_font(folder / "cmmi10.ttf")


def test_a_font_counts_once_wherever_it_lies(few_fonts: Path, tmp_path: Path) -> None:
    own, elsewhere, copied = (tmp_path / name for name in ("own", "elsewhere", "copied"))
    for folder in (own / "a", own / ".trash", elsewhere, copied):
        folder.mkdir(parents=True)
    caveat, dosis, mono = (few_fonts / f"{name}.ttf" for name in ("caveat", "dosis", "space-mono"))
    shutil.copy2(caveat, own / "a/first.TTF")
    shutil.copy2(caveat, own / "again.ttf")
    shutil.copy2(mono, own / ".trash/hidden.ttf")
    (own / "a/._first.ttf").write_bytes(b"AppleDouble")
    shutil.copy2(dosis, elsewhere / "dosis.ttf")
    (own / "linked").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(own)
    left_out: list[tuple[str, str]] = []
    fonts = read_font_folder(own, copied, left_out)
    assert [font.file for font in fonts] == ["a/first.TTF", "linked/dosis.ttf"]
    assert left_out == [(f"{own}/again.ttf", f"is {own}/a/first.TTF again")]
    (own / "gone.ttf").symlink_to(tmp_path / "nothing")
    with pytest.raises(FontError, match="gone.ttf: No such file"):
        font_files(own)


def test_own_fonts_are_described_by_their_name_tables(few_fonts: Path, tmp_path: Path) -> None:
    source, folder = tmp_path / "own", tmp_path / "results"
    (source / "serif").mkdir(parents=True)
    manifest = {font.file: font for font in read_fonts_csv(few_fonts / "fonts.csv")}
    targets = {"caveat.ttf": "Z.OTF", "space-mono.ttf": "m.ttf", "dosis.ttf": "serif/d.ttf"}
    for name, target in targets.items():
        (source / target).write_bytes((few_fonts / name).read_bytes())
    (source / "notes.txt").write_text("no font")
    fonts = read_font_folder(source, folder, [])
    assert [font.file for font in fonts] == ["Z.OTF", "m.ttf", "serif/d.ttf"]
    assert [font.style for font in fonts] == ["unknown", "mono", "unknown"]
    for font, name in zip(fonts, targets, strict=True):
        pinned = manifest[name]
        assert (font.family, font.licence, font.version, font.package) == (
            *(pinned.family, pinned.licence, pinned.version),
            "",
        )
        assert (folder / font.file).read_bytes() == (few_fonts / name).read_bytes()


def test_a_font_without_names_is_unknown(few_fonts: Path, tmp_path: Path) -> None:
    def forget(font: TTFont) -> None:
        font["name"].names = []

    (tmp_path / "own").mkdir()
    changed_font(few_fonts / "space-mono.ttf", tmp_path / "own" / "a.ttf", forget)
    font = read_font_folder(tmp_path / "own", tmp_path, [])[0]
    assert (font.licence, font.version) == ("unknown", "unknown")


def test_a_truncated_font_is_refused(few_fonts: Path, tmp_path: Path) -> None:
    path = tmp_path / "half.ttf"
    whole = (few_fonts / "space-mono.ttf").read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FontError, match=r"half.ttf: (is damaged or no font|draws no)"):
        check_font(path)
    path.write_text("not a font at all")
    with pytest.raises(FontError, match=r"half.ttf: is damaged or no font \(unknown file format\)"):
        check_font(path)


def test_a_bitmap_font_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "dots.ttf"
    path.write_text(BITMAP_FONT)
    with pytest.raises(FontError, match="dots.ttf: is a bitmap font; an outline font"):
        check_font(path)


def test_missing_digits_are_refused_by_name(few_fonts: Path, tmp_path: Path) -> None:
    def change(font: TTFont) -> None:
        remap(font, "3", None)
        empty(font, "7")

    path = changed_font(few_fonts / "space-mono.ttf", tmp_path / "gaps.ttf", change)
    with pytest.raises(FontError, match="gaps.ttf: draws no 3, 7; all of 0 to 9 are needed"):
        check_font(path)


def test_a_line_without_area_is_no_digit(tmp_path: Path) -> None:
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    pen.lineTo((100, 300))
    pen.closePath()
    builder = FontBuilder(1000)
    builder.setupGlyphOrder([".notdef", "line"])
    builder.setupCharacterMap({ord(digit): "line" for digit in "0123456789"})
    builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "line": pen.glyph()})
    builder.setupHorizontalMetrics({".notdef": (500, 0), "line": (500, 0)})
    builder.setupHorizontalHeader()
    builder.setupPost()
    builder.save(tmp_path / "line.ttf")
    with pytest.raises(FontError, match="line.ttf: draws no 0, 1, 2, 3, 4, 5, 6, 7, 8, 9;"):
        check_font(tmp_path / "line.ttf")


def test_two_digits_alike_are_refused_by_name(few_fonts: Path, tmp_path: Path) -> None:
    path = changed_font(
        few_fonts / "space-mono.ttf", tmp_path / "twins.ttf", lambda font: remap(font, "4", "9")
    )
    with pytest.raises(FontError, match="twins.ttf: draws 4 and 9 alike; ten different"):
        check_font(path)


def test_all_bad_fonts_of_a_folder_are_named(few_fonts: Path, tmp_path: Path) -> None:
    source = tmp_path / "own"
    source.mkdir()
    (source / "good.ttf").write_bytes((few_fonts / "dosis.ttf").read_bytes())
    (source / "bad.ttf").write_text("no font")
    changed_font(
        few_fonts / "space-mono.ttf", source / "worse.ttf", lambda font: remap(font, "0", None)
    )
    with pytest.raises(FontError) as error:
        read_font_folder(source, tmp_path / "results", [])
    lines = str(error.value).splitlines()
    assert [Path(line.split(":")[0]).name for line in lines] == ["bad.ttf", "worse.ttf"]
    assert not (tmp_path / "results").exists()


def test_bad_fonts_are_left_out_if_that_is_wanted(few_fonts: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    shutil.copy2(few_fonts / "caveat.ttf", own)
    (own / "broken.ttf").write_bytes(b"no font")
    assert len(font_files(own)) == 2 and len(font_files(own, skip_bad=True)) == 1
    left_out: list[tuple[str, str]] = []
    fonts = read_font_folder(own, tmp_path / "copied", left_out, skip_bad=True)
    assert [font.file for font in fonts] == ["caveat.ttf"]
    ((name, reason),) = left_out
    assert name == str(own / "broken.ttf") and reason.startswith("is damaged or no font")


def test_names_that_are_no_text_and_links_to_nothing(few_fonts: Path, tmp_path: Path) -> None:
    first, second, third, *_ = sorted(few_fonts.glob("*.ttf"))
    (tmp_path / "own").mkdir()
    names = [b"{brace}.ttf", b"new\nline.ttf", b"lat\xe9n.ttf"]
    for font, name in zip((first, second, third), names, strict=True):
        shutil.copy(os.fsencode(font), os.fsencode(tmp_path / "own") + b"/" + name)
    (tmp_path / "own/gone.ttf").symlink_to("nowhere")
    os.mkfifo(tmp_path / "own/pipe.ttf")
    with pytest.raises(FontError, match=r"^.*/gone.ttf: No such file or directory; TTF or OTF"):
        font_files(tmp_path / "own")
    left_out: list = []
    fonts = read_font_folder(tmp_path / "own", tmp_path / "files", left_out, skip_bad=True)
    assert [font.file for font in fonts] == [r"lat\udce9n.ttf", r"new\nline.ttf", "{brace}.ttf"]
    assert all((tmp_path / "files" / font.file).is_file() for font in fonts)
    assert [Path(name).name for name, _ in left_out] == ["gone.ttf"]
    write_fonts_csv(fonts, tmp_path / "fonts.csv")
    assert read_fonts_csv(tmp_path / "fonts.csv") == fonts


def test_an_instance_may_have_names_in_any_language(few_fonts: Path, tmp_path: Path) -> None:
    def rename(font: TTFont) -> None:
        for instance in font["fvar"].instances:
            font["name"].setName("Dünn", instance.subfamilyNameID, 3, 1, 0x407)

    font = changed_font(few_fonts / "dosis.ttf", tmp_path / "de.ttf", rename)
    np.testing.assert_array_equal(boxes(font), boxes(few_fonts / "dosis.ttf"))


def test_an_encoding_without_digits_hides_no_other(few_fonts: Path, tmp_path: Path) -> None:
    def split(font: TTFont) -> None:
        unicode, *_ = [table for table in font["cmap"].tables if table.isUnicode()]
        symbols = CmapSubtable.newSubtable(4)
        symbols.platformID, symbols.platEncID, symbols.language = 3, 0, 0
        symbols.cmap = {0xF000 + ord(c): unicode.cmap[ord(c)] for c in "0123456789"}
        unicode.cmap = {code: name for code, name in unicode.cmap.items() if code > 0x80}
        font["cmap"].tables = [unicode, symbols]

    font = changed_font(few_fonts / "caveat.ttf", tmp_path / "split.ttf", split)
    np.testing.assert_array_equal(boxes(font), boxes(few_fonts / "caveat.ttf"))


def test_a_folder_without_fonts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FontError, match="has no .ttf or .otf file"):
        read_font_folder(tmp_path, tmp_path / "results", [])


def test_fonts_csv_round_trip(tmp_path: Path) -> None:
    fonts = read_fonts_csv(MANIFEST)
    write_fonts_csv(fonts, tmp_path / "fonts.csv")
    assert (tmp_path / "fonts.csv").read_bytes() == MANIFEST.read_bytes()
    (tmp_path / "short.csv").write_text("family,file\nAbel,abel.ttf\n")
    with pytest.raises(FontError, match="short.csv: must have .* family,style,licence,version,"):
        read_fonts_csv(tmp_path / "short.csv")


def test_credits_are_grouped_by_licence(tmp_path: Path) -> None:
    fonts = [
        Font("Zed", "sans", "OFL-1.1", "1.003", "fontpkg-zed", "1.3", "", "zed.ttf"),
        Font("Mine", "unknown", "unknown", "2.0", "", "", "", "mine.ttf"),
        Font("abc", "sans", "OFL-1.1", "1.000", "fontpkg-abc", "1.0", "", "abc.ttf"),
        Font("a|b", "sans", "unknown", "1", "", "", "", "a|b.ttf"),
    ]
    write_credits(fonts, tmp_path / "credits.md")
    text = (tmp_path / "credits.md").read_text()
    rows = [
        line for line in text.splitlines() if line.startswith(("##", "| ")) if "family" not in line
    ]
    assert rows == [
        "## OFL-1.1",
        "| abc | 1.000 | fontpkg-abc 1.0 |",
        "| Zed | 1.003 | fontpkg-zed 1.3 |",
        "## unknown",
        r"| a\|b | 1 | - |",
        "| Mine | 2.0 | - |",
    ]


@pytest.mark.slow
def test_all_fonts_are_good_and_different(font_folder: Path) -> None:
    paths = [font_folder / font.file for font in read_fonts_csv(font_folder / "fonts.csv")]
    for path in paths:
        check_font(path)
    boxes_Fx10xP = np.stack([boxes(path) for path in paths])
    pairs = itertools.combinations(boxes_Fx10xP, 2)
    closest = min(np.sqrt(np.mean((a - b) ** 2)) for a, b in pairs)
    assert closest == pytest.approx(0.167, abs=0.002)


@pytest.mark.slow
def test_the_threshold_for_alike_is_far_from_every_font(font_folder: Path) -> None:
    closest = min(
        np.sqrt(np.mean((a - b) ** 2))
        for font in read_fonts_csv(font_folder / "fonts.csv")
        for a, b in itertools.combinations(boxes(font_folder / font.file), 2)
    )
    assert closest == pytest.approx(0.128, abs=0.002) and closest > 2 * ALIKE
