"""The forest plot: its numbers, its order and its files."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from matplotlib.image import imread

from synth2real.figures.verdict import WORDS, verdict
from synth2real.verdict.table import read_verdict

TABLE = """size,question,dataset,against,difference,low,high,verdict,decided_by,draws,common,n_test
n20,a,original+GAN,original,0.10,0.05,0.15,helps,,1,1,500
n20,b,original+synthetic,original,-0.02,-0.05,0.01,not shown,2.0 times as many runs,1,1,500
n20,b,augmented-original+synthetic,augmented-original,0.02,0.01,0.03,helps,,1,1,500
n50,a,original+GAN,original,0.07,0.05,0.09,helps,,1,1,500
n90,a,original+GAN,original,-0.03,-0.04,-0.02,harms,,1,1,500
n90,b,original+synthetic,original,0.01,nan,nan,not shown,more than one classifier of each set,1,1,500
"""  # noqa: E501


def test_a_row_for_each_question_in_a_panel_of_its_size_and_recipe(tmp_path: Path) -> None:
    (tmp_path / "verdict.csv").write_text(TABLE)
    rows = read_verdict(tmp_path / "verdict.csv")
    paths = [(tmp_path / f"{i}.png", tmp_path / f"{i}.svg") for i in range(2)]
    titles = {"n20": "20 real images", "n90": "90 real images"}  # n50 has no room
    figures = [verdict(rows, titles, *pair) for pair in paths]
    few, warped, many, empty = figures[0].axes
    assert [axes.get_title(loc="left") for axes in (few, warped, many)] == [
        "20 real images\nwithout warps",
        "with random warps",
        "90 real images\nwithout warps",
    ]
    bar, mark = few.lines[:2]
    assert list(bar.get_xdata()) == pytest.approx([5, 15]) and list(bar.get_ydata()) == [0, 0]
    assert list(mark.get_xdata()) == pytest.approx([10])
    assert mark.get_color() == WORDS["helps"].colour and mark.get_marker() == "^"
    # The second question's row, though it is the panel's only one.
    assert list(warped.lines[1].get_xdata()) == pytest.approx([2])
    assert list(warped.lines[1].get_ydata()) == [1]
    assert len(empty.lines) == 1  # at zero
    assert [label.get_text() for label in few.get_yticklabels()] == ["a", "b"]
    assert few.get_ylim()[0] > few.get_ylim()[1]  # the first row on top
    (legend,) = figures[0].legends
    assert [text.get_text() for text in legend.get_texts()] == ["helps", "not shown", "harms"]
    assert imread(paths[0][0]).shape[1] == 1_600
    assert ET.parse(paths[0][1]).getroot().tag == "{http://www.w3.org/2000/svg}svg"
    assert [a.read_bytes() for a in paths[0]] == [b.read_bytes() for b in paths[1]]
