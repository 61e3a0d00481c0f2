"""Pinned wheels and atomic writes."""

from pathlib import Path

import pytest

from synth2real.io.fetch import FetchError, WheelPin, download_wheels
from synth2real.io.files import write_atomically
from synth2real.sources.fonts.table import read_fonts_csv

MANIFEST = Path(__file__).parents[1] / "resources" / "fonts.csv"


def pin(family: str) -> WheelPin:
    font = next(font for font in read_fonts_csv(MANIFEST) if font.family == family)
    return WheelPin(font.package, font.package_version, font.sha256)


def test_wheels_are_returned_by_package(tmp_path: Path) -> None:
    pins = [pin("Space Mono"), pin("Abel")]
    wheels = download_wheels(pins, tmp_path)
    assert list(wheels) == ["fontpkg-space-mono", "fontpkg-abel"]
    assert wheels["fontpkg-abel"].name.startswith("fontpkg_abel-")
    assert sorted(wheels.values()) == sorted(tmp_path.iterdir())


def test_another_hash_is_refused_by_name(tmp_path: Path) -> None:
    wrong = WheelPin(pin("Abel").package, pin("Abel").version, "0" * 64)
    with pytest.raises(FetchError) as error:
        download_wheels([pin("Space Mono"), wrong], tmp_path)
    message = str(error.value)
    assert message.startswith(f"cannot download {wrong.requirement}: ")
    assert "HASHES" in message and "space-mono" not in message and "\n" not in message


def test_a_version_that_does_not_exist_is_refused_by_name(tmp_path: Path) -> None:
    missing = WheelPin("fontpkg-abel", "0.0.1", "0" * 64)
    with pytest.raises(FetchError, match=r"^cannot download fontpkg-abel==0.0.1: [^\n]+$"):
        download_wheels([missing], tmp_path)


def test_an_unreachable_index_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", "https://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(FetchError, match=r"^cannot download fontpkg-abel==.*reachable\?$"):
        download_wheels([pin("Abel")], tmp_path)


def test_an_atomic_write_replaces_the_file(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("old")
    with write_atomically(path) as temporary:
        temporary.write_text("new")
        assert temporary.suffix == ".csv"
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("old")
    with pytest.raises(RuntimeError), write_atomically(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
