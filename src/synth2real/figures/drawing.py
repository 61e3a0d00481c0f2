"""What the curves share: means with spread and runs, the authors' points, the legend."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from synth2real.figures.data import AuthorsResult, Point
from synth2real.figures.style import GREY, Look

LineStyle = Literal["none", "--"]
# How many characters fit into a row of the legend, of which a line and marker take some.
ROW, HANDLE = 110, 8


def draw_points(
    axes: Axes,
    counts: Sequence[int],
    points: Sequence[Point],
    look: Look,
    label: str,
    *,
    floored: bool = False,
    linestyle: Literal["-", "--"] = "-",
) -> None:
    """Draws the mean, one standard deviation and every run of each point, in per cent.

    With `floored`, for a log axis, the least value drawn is half a test image.
    """
    floors = np.array([point.floor if floored else 0.0 for point in points])
    means = np.maximum([point.mean for point in points], floors)
    stds = np.array([point.std for point in points])
    bars = 100 * np.array([np.minimum(stds, means - floors), stds])
    axes.errorbar(
        counts,
        100 * means,
        bars,
        color=look.colour,
        marker=look.marker,
        linestyle=linestyle,
        capsize=3,
        label=label,
    )
    x = [count for count, point in zip(counts, points, strict=True) for _ in point.values]
    pairs = zip(floors, points, strict=True)
    values = [100 * max(value, floor) for floor, point in pairs for value in point.values]
    axes.scatter(x, values, s=14, alpha=0.35, linewidths=0, color=look.colour, zorder=1.5)


def draw_authors(
    axes: Axes,
    points: Sequence[tuple[int, float]],
    look: Look,
    linestyle: LineStyle,
    scale: float = 100,
) -> None:
    """Draws the authors' means as small open markers."""
    x, y = [count for count, _ in points], [scale * value for _, value in points]
    (line,) = axes.plot(x, y, color=look.colour, marker=look.marker, linestyle=linestyle)
    line.set(markersize=4, markerfacecolor="none", linewidth=0.9, alpha=0.8)


def runs(points: Sequence[Point]) -> str:
    """Number of runs behind a mean, "n = 5", or the range where ratios differ."""
    counts = sorted({point.n for point in points}) or [0]
    return f"n = {counts[0]}" if len(counts) == 1 else f"n = {counts[0]} to {counts[-1]}"


def authors_handle(authors: Sequence[AuthorsResult], linestyle: LineStyle) -> list[Line2D]:
    """Legend entry for the authors' points of any colour, if there are some."""
    if not authors:
        return []
    line = Line2D([], [], color=GREY, marker="o", linestyle=linestyle, label="authors (n = 5)")
    line.set(markersize=4, markerfacecolor="none", linewidth=0.9)
    return [line]


def legend(figure: Figure, *extra: Line2D) -> None:
    """Puts the legend above the figure, clear of the data."""
    handles, labels = figure.axes[0].get_legend_handles_labels()
    handles, labels = [*handles, *extra], [*labels, *(str(line.get_label()) for line in extra)]
    figure.legend(handles, labels, loc="outside upper center", ncols=_columns(labels))


def _columns(labels: Sequence[str]) -> int:
    """Into how many columns a legend's labels go, one below the other in each."""
    for columns in (3 if len(labels) > 4 else 4, 2):
        parts = np.array_split([len(label) + HANDLE for label in labels], columns)
        if sum(part.max(initial=0) for part in parts) <= ROW:
            return columns
    return 1
