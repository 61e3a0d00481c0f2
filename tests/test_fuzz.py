"""Settings and files that nobody would write: an answer or one clear line, never a traceback.

More of each: `pytest tests/test_fuzz.py --hypothesis-profile=thorough`, 2,000 cases.
"""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from settings import DEFAULTS, MANIFEST, SCHEMA
from synth2real.config import Experiment, read_experiment
from synth2real.config.files import lay_over
from synth2real.errors import InputError
from synth2real.sources.folder import Folder
from synth2real.sources.fonts.own import check_font
from synth2real.sources.idx import parse_idx, read_idx, write_idx
from synth2real.sources.npz import Npz
from synth2real.spec import ImageSpec

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP")
SPEC = ImageSpec(16, 16, 3, ("a", "b"), "edge")

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["0.007", "0.5", "mnist", "src", "1e-3", "/dev/null", "~", "."]),
    lambda inside: (
        st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=4), inside, max_size=3)
    ),
    max_leaves=4,
)


def keys_of(schema: dict[str, Any], above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The path of every key that a configuration may have."""
    paths = []
    for name, below in schema.get("properties", {}).items():
        paths += [(*above, name), *keys_of(below, (*above, name))]
    return paths


KEYS = st.sampled_from(keys_of(SCHEMA)) | st.lists(st.text(max_size=5), min_size=1).map(tuple)


@given(st.lists(st.tuples(KEYS, VALUES), min_size=1, max_size=3))
def test_settings_are_taken_or_refused_in_lines(changes: list[tuple[tuple[str, ...], Any]]) -> None:
    config: dict[str, Any] = DEFAULTS
    for path, value in changes:
        for name in reversed(path):
            value = {name: value}
        config = lay_over(config, value)
    try:
        assert isinstance(read_experiment(config, MANIFEST), Experiment)
    except InputError as error:
        lines = str(error).splitlines()
        assert lines and all(line.isprintable() and len(line) < 1000 for line in lines)


MUTATIONS = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=12)


def mutate(data: bytes, changes: list[tuple[int, int]], keep: int) -> bytes:
    """A file with some bytes changed, and cut after so many thousandths of it."""
    changed = bytearray(data)
    for place, value in changes:
        changed[place % len(changed)] = value
    return bytes(changed[: max(1, len(changed) * keep // 1000)])


KEEPING = st.just(1000) | st.integers(0, 1000)


@given(st.sampled_from(FORMATS), MUTATIONS, KEEPING)
def test_pictures_are_read_or_named(
    tmp_path_factory: pytest.TempPathFactory, kind: str, changes: list[tuple[int, int]], keep: int
) -> None:
    file = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (20, 24, 3), np.uint8)
    Image.fromarray(pixels).save(file, kind)
    folder = tmp_path_factory.mktemp("pictures", numbered=True)
    for name in "ab":
        (folder / name).mkdir()
        (folder / name / f"0.{kind.lower()}").write_bytes(mutate(file.getvalue(), changes, keep))
    source = Folder(folder)
    try:
        source.shapes(np.arange(2))
        images = source.read(np.arange(2), SPEC)
        assert images.shape == (2, 16, 16, 3) and images.dtype == np.uint8
    except InputError as error:
        lines = str(error).splitlines()
        assert len(lines) == 2 and str(folder) in lines[0] and all(map(str.isprintable, lines))


@given(st.sampled_from(["caveat", "dosis", "space-mono"]), MUTATIONS, KEEPING)
def test_fonts_are_drawn_or_named(
    few_fonts: Path,
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    changes: list[tuple[int, int]],
    keep: int,
) -> None:
    path = tmp_path_factory.mktemp("fonts", numbered=True) / "font.ttf"
    path.write_bytes(mutate((few_fonts / f"{name}.ttf").read_bytes(), changes, keep))
    try:
        check_font(path)
    except InputError as error:
        (line,) = str(error).splitlines()
        assert line.startswith(str(path)) and line.isprintable()


@given(MUTATIONS, KEEPING)
def test_arrays_are_read_or_named(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]], keep: int
) -> None:
    folder = tmp_path_factory.mktemp("arrays", numbered=True)
    np.savez(folder / "a.npz", images=np.zeros((6, 9, 9), np.uint8), labels=np.arange(6) % 2)
    (folder / "a.npz").write_bytes(mutate((folder / "a.npz").read_bytes(), changes, keep))
    write_idx(folder / "a-ubyte.gz", np.zeros((6, 9, 9), np.uint8))
    packed = folder / "a-ubyte.gz"
    packed.write_bytes(mutate(packed.read_bytes(), changes, keep))

    def read_npz() -> None:
        source = Npz(folder / "a.npz")
        source.labels()
        source.read(np.arange(6), SPEC)

    for read in (read_npz, lambda: read_idx(packed)):
        try:
            read()
        except InputError as error:
            assert str(folder) in str(error) and str(error).isprintable()


@given(st.binary(max_size=40))
def test_any_bytes_are_an_idx_file_or_none(data: bytes) -> None:
    try:
        parse_idx(data, "a file")
    except InputError as error:
        assert str(error).startswith("a file ")
    json.dumps(str(data))
