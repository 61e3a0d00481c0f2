"""The figure of the gap: its numbers by hand, and its files."""

import math
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.image import imread

from synth2real.figures.gap import PANELS, Gap, gap, read_gap

TABLE = """size,n_real,gan_seed,images,metric,value,std,n
,,,real test,label_agreement,0.99,,10000
,,,synthetic,label_agreement,0.98,,10000
,,,synthetic,kernel_distance,0.5,0.01,10000
r0.007,420,0,converted,kernel_distance,0.002,0.001,10000
r0.1,6000,0,converted,kernel_distance,0.001,0.0005,10000
r0.1,6000,0,converted,label_agreement,0.91,,10000
r0.007,420,0,converted,label_agreement,0.6,,10000
r0.007,420,1,converted,label_agreement,0.8,,10000
"""


@pytest.fixture
def rows(tmp_path: Path) -> list[Gap]:
    (tmp_path / "gap.csv").write_text(TABLE)
    return read_gap(tmp_path / "gap.csv")


def series(figure: Figure, metric: str, images: str) -> list[tuple[float, float, float, float]]:
    """Number of real images, height, and the ends of the bar, of each point."""
    axes = figure.axes[list(PANELS).index(metric)]
    (bars,) = [
        c for c in axes.containers if isinstance(c, ErrorbarContainer) and c.get_label() == images
    ]
    segments = bars[2][0].get_segments() or []
    ends = [segment[:, 1] if len(segment) else (math.nan, math.nan) for segment in segments]
    return [(*point, *end) for point, end in zip(bars[0].get_xydata(), ends, strict=True)]


def levels(figure: Figure, metric: str) -> dict[str, float]:
    axes = figure.axes[list(PANELS).index(metric)]
    lines = [line for line in axes.lines if list(line.get_xdata()) == [0, 1]]
    names = {"--": "no gap", "-": "synthetic"}
    return {names[str(line.get_linestyle())]: line.get_ydata()[0] for line in lines}


def test_rows_are_typed(rows: list[Gap]) -> None:
    assert rows[3:5] == [
        Gap("r0.007", 420, 0, "converted", "kernel_distance", 0.002, 0.001),
        Gap("r0.1", 6000, 0, "converted", "kernel_distance", 0.001, 0.0005),
    ]
    assert (rows[1].n_real, rows[5].gan_seed) == (0, 0) and math.isnan(rows[1].std)


def test_bars_are_the_spread_of_seeds_or_the_metrics_own(rows: list[Gap], tmp_path: Path) -> None:
    figure = gap(rows, tmp_path / "a.png", tmp_path / "a.svg")
    few, many = series(figure, "label_agreement", "converted")
    spread = 100 * math.sqrt(2 * 0.1**2)  # of 60 and 80 %
    assert few == pytest.approx((420, 70, 70 - spread, 70 + spread))
    assert many == pytest.approx((6000, 91, math.nan, math.nan), nan_ok=True)
    assert series(figure, "kernel_distance", "converted") == [
        pytest.approx((420, 0.002, 0.001, 0.003)),
        pytest.approx((6000, 0.001, 0.0005, 0.0015)),
    ]
    scatters = [c for c in figure.axes[0].collections if isinstance(c, PathCollection)]
    dots = np.concatenate([np.asarray(scatter.get_offsets()) for scatter in scatters])
    assert sorted(map(tuple, dots.tolist())) == [(420, 60), (420, 80), (6000, 91)]


def test_what_no_size_has_a_part_in_is_a_line_across(rows: list[Gap], tmp_path: Path) -> None:
    figure = gap(rows, tmp_path / "a.png", tmp_path / "a.svg")
    assert levels(figure, "label_agreement") == pytest.approx({"synthetic": 98, "no gap": 99})
    assert levels(figure, "kernel_distance") == pytest.approx({"synthetic": 0.5, "no gap": 0})
    assert levels(figure, "domain_accuracy") == {"no gap": 50}
    assert levels(figure, "coverage") == {"no gap": 31 / 32}


def test_files_are_valid_and_the_same_on_a_second_run(rows: list[Gap], tmp_path: Path) -> None:
    paths = [(tmp_path / f"{i}.png", tmp_path / f"{i}.svg") for i in range(2)]
    for png, svg in paths:
        gap(rows, png, svg)
    (png, svg), (png_again, svg_again) = paths
    assert imread(png).shape[1] == 1_600
    assert ET.parse(svg).getroot().tag == "{http://www.w3.org/2000/svg}svg"
    assert png.read_bytes() == png_again.read_bytes()
    assert svg.read_bytes() == svg_again.read_bytes()


def test_every_panel_has_its_own_scale_and_the_lowest_name_the_real_images(
    rows: list[Gap], tmp_path: Path
) -> None:
    figure = gap(rows, tmp_path / "a.png", tmp_path / "a.svg")
    assert len(figure.axes) == len(PANELS) == 6
    assert all(axes.yaxis.get_tick_params()["labelleft"] for axes in figure.axes)
    named = [axes.get_xlabel() for axes in figure.axes]
    assert named == 4 * [""] + 2 * ["number of real images"]
