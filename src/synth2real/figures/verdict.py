"""Draws the verdict as a forest plot: each comparison's difference and its interval."""

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from synth2real.figures.drawing import legend
from synth2real.figures.style import GREY, STYLE, Look, new_figure, save
from synth2real.sets import RECIPES
from synth2real.verdict.comparisons import HARMS, HELPS, NOT_SHOWN, TOO_FEW

# A marker tells the words apart without colour.
WORDS = {
    HELPS: Look("#009E73", "^"),
    NOT_SHOWN: Look(GREY, "o"),
    HARMS: Look("#D55E00", "v"),
    TOO_FEW: Look(GREY, "x"),
}
ROW, HEAD = 0.26, 0.8  # inches


@matplotlib.rc_context(STYLE)
def verdict(table: pd.DataFrame, titles: Mapping[str, str], png: Path, svg: Path) -> Figure:
    """A panel for each size of `titles` and recipe; in it a row for each question.

    Each panel has its own scale: with warps differences are a tenth of what they are without.
    """
    table = table[table["size"].isin(titles)]
    questions = table["question"].unique().tolist()
    recipes = [name for name in RECIPES if (table["recipe"] == name).any()]
    figure = new_figure(height=0.7 + len(titles) * (HEAD + ROW * len(questions)))
    panels = figure.subplots(len(titles), len(recipes), squeeze=False, sharey=True)
    for line, (size, title) in zip(panels, titles.items(), strict=True):
        for axes, recipe in zip(line, recipes, strict=True):
            shown = table[(table["size"] == size) & (table["recipe"] == recipe)]
            _draw_panel(axes, shown, questions)
            axes.set_title(textwrap.fill(RECIPES[recipe], 26), loc="left", fontsize=9)
        line[0].set_title(f"{title}\n{RECIPES[recipes[0]]}", loc="left", fontsize=9)
    figure.supxlabel("difference in accuracy on real test images (points)", fontsize=10)
    used = [word for word in WORDS if (table["verdict"] == word).any()]
    legend(figure, *(_sample(word) for word in used))
    save(figure, png, svg)
    return figure


def _draw_panel(axes: Axes, rows: pd.DataFrame, questions: Sequence[str]) -> None:
    for row in rows.itertuples():
        look, height = WORDS[row.verdict], questions.index(row.question)
        mean, low, high = (100 * value for value in (row.difference, row.low, row.high))
        axes.plot([low, high], [height, height], color=look.colour)
        axes.plot(mean, height, look.marker, color=look.colour, markersize=6)
    axes.axvline(0, color=GREY, linestyle="--", linewidth=1)
    axes.set_yticks(range(len(questions)), questions)
    axes.tick_params(labelsize=9)
    axes.set_ylim(len(questions) - 0.5, -0.5)


def _sample(word: str) -> Line2D:
    look = WORDS[word]
    return Line2D([], [], color=look.colour, marker=look.marker, markersize=6, label=word)
