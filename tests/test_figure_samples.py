"""Figures 2 and 3: which images they show, where, and their files."""

import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from synth2real.figures import samples
from synth2real.figures.sizes import spread_sizes
from synth2real.spec import ImageSpec
from synth2real.splits import Size
from tiny import DIGITS

CELL = 28 + samples.GAP


def images() -> tuple[samples.Images, samples.Images]:
    """Twenty images of each digit, every one of a single grey of its own."""
    greys = np.arange(200, dtype=np.uint8)
    return np.tile(greys[:, None, None, None], (1, 28, 28, 1)), greys % 10


def draw(name: str, png: Path, svg: Path) -> Figure:
    """Draws figure 2 or 3."""
    pictures, labels = images()
    if name == "synthetic_images":
        return samples.synthetic_images(DIGITS, pictures, labels, 0, png, svg)
    pairs = samples.Pairs(pictures, 255 - pictures, labels, pictures)
    return samples.converted_images(DIGITS, {"r = 0.007": pairs, "r = 0.04": pairs}, png, svg)


def canvas_of(figure: Figure) -> samples.Images:
    """The pixels of a figure's first image."""
    return np.asarray(figure.axes[0].images[0].get_array())


@pytest.mark.parametrize("name", ["synthetic_images", "converted_images"])
def test_files_are_valid_and_the_same_on_a_second_run(name: str, tmp_path: Path) -> None:
    paths = [(tmp_path / f"{i}.png", tmp_path / f"{i}.svg") for i in range(2)]
    for png, svg in paths:
        draw(name, png, svg)
    (png, svg), (png_again, svg_again) = paths
    height, width, _ = imread(png).shape
    assert width == 1_600 and height >= 700
    assert ET.parse(svg).getroot().tag == "{http://www.w3.org/2000/svg}svg"
    assert png.read_bytes() == png_again.read_bytes()
    assert svg.read_bytes() == svg_again.read_bytes()


def test_figure_3_picks_sizes_evenly_in_log() -> None:
    def picked(*values: str) -> list[str]:
        return [size.value for size in spread_sizes(Size("ratio", value) for value in values)]

    many = ["0.9", "0.001", "0.003", "0.007", "0.008", "0.040", "0.056", "0.1", "0.3", "0.5"]
    assert picked(*many) == ["0.001", "0.008", "0.1", "0.9"]
    assert picked("0.1", "0.04") == ["0.04", "0.1"]
    assert len(picked("0.001", "0.6", "0.7", "0.8", "0.9")) == 4


def test_many_colour_classes_are_thinned_and_named(tmp_path: Path) -> None:
    names = tuple(f"a class with a long name {label}" for label in range(40))
    spec = ImageSpec(20, 30, 3, names, "edge")
    assert samples.shown_classes(spec) == [0, 4, 9, 13, 17, 22, 26, 30, 35, 39]
    labels = np.arange(80) % 40
    pictures = np.zeros((80, *spec.shape), np.uint8)
    pictures[..., 1] = labels[:, None, None]
    png, svg = tmp_path / "a.png", tmp_path / "a.svg"
    figure = samples.synthetic_images(spec, pictures, labels, 0, png, svg)
    canvas = canvas_of(figure)
    assert canvas[:: 20 + samples.GAP, 0].tolist() == [
        [0, label, 0] for label in samples.shown_classes(spec)
    ]
    ticks = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert ticks[0] == "a class with a …" and len(ticks) == 10


def test_figure_2_shows_each_digit_in_its_row_by_seed(tmp_path: Path) -> None:
    png, svg = tmp_path / "a.png", tmp_path / "a.svg"
    pictures, labels = images()
    figures = [
        samples.synthetic_images(DIGITS, pictures, labels, seed, png, svg) for seed in (0, 1)
    ]
    shown, other = (canvas_of(figure) for figure in figures)
    for row in range(10):
        greys = shown[row * CELL, ::CELL]
        assert len(set(greys)) == 12 and set(greys % 10) == {row}
    assert not np.array_equal(shown, other)


def test_figure_3_shows_synthetic_converted_and_nearest_real(tmp_path: Path) -> None:
    figure = draw("converted_images", tmp_path / "a.png", tmp_path / "a.svg")
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["r = 0.007", "r = 0.04"]
    canvas = canvas_of(figure)
    assert list(canvas[0, ::CELL]) == list(range(10))
    assert list(canvas[CELL, ::CELL]) == [255 - digit for digit in range(10)]
    # Real images have greys from 0 to 199.
    assert list(canvas[2 * CELL, ::CELL]) == [199] * 10


def test_a_missing_digit_leaves_its_cell_white(tmp_path: Path) -> None:
    pictures, labels = images()
    keep = labels != 3
    pairs = samples.Pairs(pictures[keep], pictures[keep], labels[keep], pictures[:1])
    figure = samples.converted_images(
        DIGITS, {"r = 0.1": pairs}, tmp_path / "a.png", tmp_path / "a.svg"
    )
    canvas = canvas_of(figure)
    assert np.all(canvas[: 2 * CELL, 3 * CELL : 4 * CELL] == 255)
