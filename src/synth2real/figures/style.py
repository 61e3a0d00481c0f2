"""One look for all figures, and bytes that depend on nothing but the data.

Figures are made without pyplot, so no window, backend or list of open figures is shared.
"""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from synth2real.io.files import write_atomically
from synth2real.sets import SETS

# A matplotlibrc in this folder is for its user's figures.
matplotlib.rcdefaults()


class Look(NamedTuple):
    """Colour and marker of a data set; the marker tells it apart without colour."""

    colour: str
    marker: str


LOOKS = {name: Look(kind.colour, kind.marker) for name, kind in SETS.items()}
# The synthetic test set, converted: no set to train on, and in the figure of the gap alone.
LOOKS["converted"] = Look("#CC79A7", "D")
GREY = "#767676"

# Used as a decorator on every function that draws: `@matplotlib.rc_context(STYLE)`.
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so it is the same on every machine
    "font.size": 10,
    "axes.labelsize": 11,
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "legend.fontsize": 10,
    "lines.linewidth": 1.6,
    "lines.markersize": 5,
    "svg.fonttype": "path",
    "svg.hashsalt": "synth2real",  # without it every run draws new random element names
}


def new_figure(width: float = 8.0, height: float = 5.0) -> Figure:
    """A figure of the given size in inches; 8 inches fill a README's width."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


@matplotlib.rc_context(STYLE)
def save(figure: Figure, png: Path, svg: Path) -> None:
    """Writes the figure as PNG (200 dots per inch) and SVG, each whole or not at all.

    The same figure gives the same bytes: no date, and no version of matplotlib.
    """
    with write_atomically(png) as temporary:
        figure.savefig(temporary, dpi=200, metadata={"Software": None})
    with write_atomically(svg) as temporary:
        figure.savefig(temporary, metadata={"Date": None, "Creator": None})


def log_limits(values: Iterable[float]) -> tuple[float, float]:
    """Limits of a log axis around values above zero: at least a decade, even for one value."""
    values = list(values)
    low, high = min(values), max(values)
    margin = max(1.3, math.sqrt(10 * low / high))
    return low / margin, high * margin


def log_axis(axis: Axis, steps: tuple[int, ...] = (1, 2, 5)) -> None:
    """Puts a log axis' tick labels at `steps` of each decade, in plain numbers: 10,000."""
    axis.set_major_locator(LogLocator(subs=steps, numticks=30))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axis.set_minor_locator(LogLocator(subs=range(2, 10), numticks=30))
    axis.set_minor_formatter(NullFormatter())


def real_images_axis(
    axes: Axes, counts: Iterable[float], steps: tuple[int, ...] = (1, 2, 5)
) -> None:
    """Makes x the number of real images, log."""
    axes.set_xscale("log")
    axes.set_xlim(*log_limits(counts))
    log_axis(axes.xaxis, steps)
    axes.set_xlabel("number of real images")
