"""The verdict as a table, as a text, and as what a run prints at its end."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from string import Template

from markdown_it import MarkdownIt

from synth2real.io.files import write_atomically, write_csv
from synth2real.sets import RECIPES, SETS
from synth2real.verdict.comparisons import Comparison, Right, accuracy, by_strongest, compare
from synth2real.verdict.intervals import Estimate
from synth2real.verdict.scope import scope

PAGE = Path(__file__).with_name("page.html")
COLUMNS = (
    "size",
    "question",
    "dataset",
    "against",
    "difference",
    "low",
    "high",
    "verdict",
    "decided_by",
    "draws",
    "common",
    "n_test",
)


def write_verdict(
    results: Mapping[str, Mapping[str, Right]],
    common: Mapping[str, float],
    titles: Mapping[str, str],
    *,
    table: Path,
    text: Path,
    page: Path,
) -> None:
    """Writes all comparisons (CSV, in shares of 1) and what a person reads (Markdown, HTML).

    Args:
        results: for each size and set, whether its classifiers recognise the test images.
        common: for each size, how many real images draws have in common (`share_in_common`).
        titles: sizes as a person reads them.
    """
    comparisons = {size: list(compare(right, common[size])) for size, right in results.items()}
    rows = [_row(size, c) for size, found in comparisons.items() for c in found]
    write_csv(table, COLUMNS, rows)
    lines = ["# Do synthetic images help?", "", *_summary(comparisons, titles), ""]
    for size, found in comparisons.items():
        lines += [f"## {titles[size]}", "", *_sets(results[size]), "", *_table(found), ""]
    lines += _remarks({titles[size]: common[size] for size in results})
    said = "\n".join(lines) + "\n"
    with write_atomically(text) as temporary:
        temporary.write_text(said, encoding="utf-8")
    # Names of sets and sizes are plain words; no HTML is taken from what users call things.
    html = MarkdownIt("commonmark", {"html": False}).enable("table").render(said)
    with write_atomically(page) as temporary:
        temporary.write_text(
            Template(PAGE.read_text(encoding="utf-8")).substitute(text=html), encoding="utf-8"
        )


def _row(size: str, c: Comparison) -> tuple[object, ...]:
    numbers = (f"{n:.6f}" for n in (c.difference.mean, c.difference.low, c.difference.high))
    key = (size, c.question, c.dataset, c.against)
    return (*key, *numbers, c.word, c.decided_by, c.draws, f"{c.common:.4g}", c.n_test)


def _summary(
    comparisons: Mapping[str, Sequence[Comparison]], titles: Mapping[str, str]
) -> Iterator[str]:
    """One line for each size and question: what the strongest recipe says."""
    for size, found in comparisons.items():
        for c in itertools.compress(found, by_strongest([c.dataset for c in found])):
            title = f"{titles[size]}, {RECIPES[SETS[c.dataset].recipe]}"
            yield f"- {title}: {c.question}: **{c.word}**, {_points(c.difference)} points"


def _sets(right: Mapping[str, Right]) -> Iterator[str]:
    yield "| set | accuracy, % | 95 % interval |"
    yield "|---|---|---|"
    for name, values in right.items():
        found = accuracy(values)
        low, high = 100 * max(found.low, 0.0), 100 * min(found.high, 1.0)
        interval = "" if math.isnan(found.half_width) else f"{low:.2f} to {high:.2f}"
        yield f"| {name} | {100 * found.mean:.2f} | {interval} |"


def _table(comparisons: Sequence[Comparison]) -> Iterator[str]:
    yield "| question | set | against | points | verdict | what would decide it |"
    yield "|---|---|---|---|---|---|"
    for c in comparisons:
        cells = (
            c.question,
            c.dataset,
            c.against,
            _points(c.difference),
            c.word,
            c.decided_by,
        )
        yield f"| {' | '.join(cells)} |"


def _points(difference: Estimate) -> str:
    return points(difference.mean, difference.low, difference.high)


def points(difference: float, low: float, high: float) -> str:
    """A difference in accuracy in points, with its interval where there is one (else NaN)."""
    interval = "" if math.isnan(low) else f" [{100 * low:+.2f}, {100 * high:+.2f}]"
    return f"{100 * difference:+.2f}{interval}"


def _remarks(common: Mapping[str, float]) -> Iterator[str]:
    yield (
        "Points are of accuracy on real test images, in brackets the 95 % interval of the "
        "difference. *Helps* and *harms*: 0 is outside of it. Nothing corrects for the number of "
        "comparisons."
    )
    for line in scope(common):
        yield from ("", line)
