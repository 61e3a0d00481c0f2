"""Draws the gap between real and other images against the number of real images."""

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from synth2real.figures.drawing import legend
from synth2real.figures.style import GREY, LOOKS, STYLE, Look, new_figure, real_images_axis, save
from synth2real.gap.metrics import NEIGHBOURS

SERIES = {
    "synthetic": LOOKS["synthetic"],
    "converted": LOOKS["converted"],
}
KNOWN = "real test"


class Panel(NamedTuple):
    """A metric's title, the scale it is drawn at, and its value where there is no gap."""

    title: str
    scale: float
    closed: float


PANELS = {
    "label_agreement": Panel("agreement with labels (%) ↑", 100, math.nan),  # the judge's accuracy
    "domain_accuracy": Panel("accuracy at telling from real (%) ↓", 100, 0.5),
    "frechet_distance": Panel("Fréchet distance ↓", 1, 0),
    "kernel_distance": Panel("kernel distance ↓", 1, 0),
    "density": Panel("density (best at 1)", 1, 1),
    "coverage": Panel("coverage ↑", 1, 1 - 2**-NEIGHBOURS),
}


@dataclass(frozen=True)
class Gap:
    """One row of `gap.csv`.

    `n_real` is 0 where no split had a part, `gan_seed` None where no GAN had one, `std` NaN
    where the metric has none.
    """

    size: str
    n_real: int
    gan_seed: int | None
    images: str
    metric: str
    value: float
    std: float


def read_gap(path: Path) -> list[Gap]:
    """Reads `gap.csv`."""
    with path.open(newline="", encoding="utf-8") as lines:
        return [
            Gap(
                size=row["size"],
                n_real=int(row["n_real"] or 0),
                gan_seed=int(row["gan_seed"]) if row["gan_seed"] else None,
                images=row["images"],
                metric=row["metric"],
                value=float(row["value"]),
                std=float(row["std"] or "nan"),
            )
            for row in csv.DictReader(lines)
        ]


@matplotlib.rc_context(STYLE)
def gap(rows: Sequence[Gap], png: Path, svg: Path) -> Figure:
    """A panel for each metric: synthetic and converted images against real test ones.

    Its title says which way is better.

    Bars are one standard deviation either way: between folds, draws and GAN seeds, or the metric's
    own where there is one; faint dots are single ones. Synthetic images have no size and are a
    level line.
    """
    figure = new_figure(height=8.0)
    panels = figure.subplots(3, 2, sharex=True).flat
    counts = [row.n_real for row in rows if row.n_real]
    for axes, (metric, panel) in zip(panels, PANELS.items(), strict=True):
        of_metric = [row for row in rows if row.metric == metric]
        closed = [row.value for row in of_metric if row.images == KNOWN] or [panel.closed]
        for name, look in SERIES.items():
            chosen = [row for row in of_metric if row.images == name]
            draw = _draw_level if name == "synthetic" else _draw_series
            draw(axes, chosen, panel, look, name)
        axes.axhline(panel.scale * float(np.mean(closed)), color=GREY, linestyle="--", linewidth=1)
        real_images_axis(axes, counts, steps=(1, 3))
        axes.set_title(panel.title)
    for axes in figure.axes[:-2]:  # all but the lowest
        axes.set_xlabel("")
    legend(figure, Line2D([], [], color=GREY, linestyle="--", linewidth=1, label="no gap"))
    save(figure, png, svg)
    return figure


def _draw_level(axes: Axes, rows: Sequence[Gap], panel: Panel, look: Look, label: str) -> None:
    """Draws what no size has a part in as a line across, its deviation as a band."""
    if not rows:
        return
    value, std = (np.mean([(row.value, row.std) for row in rows], axis=0)).tolist()
    axes.axhline(panel.scale * value, color=look.colour, label=label)
    low, high = (panel.scale * (value + sign * std) for sign in (-1, 1))
    if math.isfinite(std):
        axes.axhspan(low, high, color=look.colour, alpha=0.2, linewidth=0)


def _draw_series(axes: Axes, rows: Sequence[Gap], panel: Panel, look: Look, label: str) -> None:
    """Draws the mean of each number of real images, its deviation, and where seeds differ each."""
    by_size = {row.size: [other for other in rows if other.size == row.size] for row in rows}
    groups = sorted(by_size.values(), key=lambda group: group[0].n_real)
    # Folds may differ by an image.
    counts = [round(fmean(row.n_real for row in group)) for group in groups]
    means = panel.scale * np.array([np.mean([row.value for row in group]) for group in groups])
    stds = panel.scale * np.array([_spread(group) for group in groups])
    axes.errorbar(
        counts, means, stds, color=look.colour, marker=look.marker, capsize=3, label=label
    )
    seeds = [row for row in rows if row.gan_seed is not None]
    x, values = [row.n_real for row in seeds], [panel.scale * row.value for row in seeds]
    axes.scatter(x, values, s=14, alpha=0.35, linewidths=0, color=look.colour, zorder=1.5)


def _spread(group: Sequence[Gap]) -> float:
    """Sample standard deviation between seeds; the metric's own, or NaN, where there is one."""
    return float(np.std([row.value for row in group], ddof=1)) if len(group) > 1 else group[0].std
