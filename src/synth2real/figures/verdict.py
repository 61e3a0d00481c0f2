"""Draws the verdict as a forest plot: each comparison's difference and its interval."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from synth2real.figures.drawing import legend
from synth2real.figures.style import GREY, STYLE, Look, new_figure, save
from synth2real.verdict.comparisons import HARMS, HELPS, NOT_SHOWN, TOO_FEW

# A marker tells the words apart without colour.
WORDS = {
    HELPS: Look("#009E73", "^"),
    NOT_SHOWN: Look(GREY, "o"),
    HARMS: Look("#D55E00", "v"),
    TOO_FEW: Look(GREY, "x"),
}
ROW, HEAD = 0.3, 0.9  # inches


@dataclass(frozen=True)
class Difference:
    """One row of `verdict.csv`; `difference`, `low` and `high` in accuracy, NaN if unknown."""

    size: str
    dataset: str
    against: str
    difference: float
    low: float
    high: float
    verdict: str


def read_verdict(path: Path) -> list[Difference]:
    """Reads `verdict.csv`."""
    with path.open(newline="", encoding="utf-8") as lines:
        return [
            Difference(
                size=row["size"],
                dataset=row["dataset"],
                against=row["against"],
                difference=float(row["difference"]),
                low=float(row["low"]),
                high=float(row["high"]),
                verdict=row["verdict"],
            )
            for row in csv.DictReader(lines)
        ]


@matplotlib.rc_context(STYLE)
def verdict(rows: Sequence[Difference], titles: Mapping[str, str], png: Path, svg: Path) -> Figure:
    """A panel for each size; in it the difference in accuracy of each pair of sets."""
    sizes = list(dict.fromkeys(row.size for row in rows))
    most = max(sum(row.size == size for row in rows) for size in sizes)
    figure = new_figure(height=len(sizes) * (HEAD + ROW * most))
    panels = figure.subplots(len(sizes), 1, squeeze=False)[:, 0]
    for axes, size in zip(panels, sizes, strict=True):
        _draw_panel(axes, [row for row in rows if row.size == size])
        axes.set_title(titles[size], loc="left")
    panels[-1].set_xlabel("difference in accuracy on real test images (points)")
    shown = [word for word in WORDS if any(row.verdict == word for row in rows)]
    legend(figure, *(_sample(word) for word in shown))
    save(figure, png, svg)
    return figure


def _draw_panel(axes: Axes, rows: Sequence[Difference]) -> None:
    for height, row in enumerate(rows):
        look = WORDS[row.verdict]
        mean, low, high = (100 * value for value in (row.difference, row.low, row.high))
        axes.plot([low, high], [height, height], color=look.colour)
        axes.plot(mean, height, look.marker, color=look.colour, markersize=7)
    axes.axvline(0, color=GREY, linestyle="--", linewidth=1)
    axes.set_yticks(range(len(rows)), [f"{row.dataset} − {row.against}" for row in rows])
    axes.tick_params(axis="y", labelsize=9)
    axes.set_ylim(len(rows) - 0.5, -0.5)


def _sample(word: str) -> Line2D:
    look = WORDS[word]
    return Line2D([], [], color=look.colour, marker=look.marker, markersize=7, label=word)
