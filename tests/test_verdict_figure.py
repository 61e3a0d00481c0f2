"""The forest plot: its numbers, its order and its files."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from matplotlib.image import imread

from synth2real.figures.verdict import WORDS, read_verdict, verdict

TABLE = """size,question,dataset,against,difference,low,high,verdict,decided_by,draws,n_test
n20,a,original+GAN,original,0.10,0.05,0.15,helps,,1,500
n20,b,original+synthetic,original,-0.02,-0.05,0.01,not shown,2.0 times as many runs,1,500
n90,a,original+GAN,original,-0.03,-0.04,-0.02,harms,,1,500
n90,b,original+synthetic,original,0.01,nan,nan,not shown,more than one classifier of each set,1,500
"""


def test_a_row_for_each_comparison_in_a_panel_of_its_size(tmp_path: Path) -> None:
    (tmp_path / "verdict.csv").write_text(TABLE)
    rows = read_verdict(tmp_path / "verdict.csv")
    paths = [(tmp_path / f"{i}.png", tmp_path / f"{i}.svg") for i in range(2)]
    titles = {"n20": "20 real images", "n90": "90 real images"}
    few, many = (figures := [verdict(rows, titles, *pair) for pair in paths])[0].axes
    assert [axes.get_title(loc="left") for axes in (few, many)] == list(titles.values())
    bar, mark = few.lines[:2]
    assert list(bar.get_xdata()) == pytest.approx([5, 15]) and list(bar.get_ydata()) == [0, 0]
    assert list(mark.get_xdata()) == pytest.approx([10])
    assert mark.get_color() == WORDS["helps"].colour and mark.get_marker() == "^"
    named = [label.get_text() for label in few.get_yticklabels()]
    assert named == ["original+GAN − original", "original+synthetic − original"]
    assert few.get_ylim()[0] > few.get_ylim()[1]  # the first row on top
    (legend,) = figures[0].legends
    assert [text.get_text() for text in legend.get_texts()] == ["helps", "not shown", "harms"]
    assert imread(paths[0][0]).shape[1] == 1_600
    assert ET.parse(paths[0][1]).getroot().tag == "{http://www.w3.org/2000/svg}svg"
    assert [a.read_bytes() for a in paths[0]] == [b.read_bytes() for b in paths[1]]
