"""Writes the tables of the documents anew from the CSV files here: `python docs/results/tables.py`.

A comment above a table, like <!-- accuracy: draws -->, says which it is: `accuracy`, `verdict`,
`gap`, `goals`, `authors` or `runs`, of one or several experiments, whose files begin with their
names (of the default one with nothing). So no figure in them can differ from its file; a test
looks.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pandas as pd

from synth2real.figures.data import read_authors
from synth2real.report.tables import METRICS, mean_and_spread, show_measures
from synth2real.sets import AUGMENTED, PLAIN, PSEUDO, SETS
from synth2real.verdict.comparisons import QUESTIONS
from synth2real.verdict.table import all_points, read_verdict

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PAGES = ("README.md", "docs/results.md", "docs/other-images.md", "docs/goals.md")
DOCUMENTS = [ROOT / name for name in PAGES]
AUTHORS = read_authors(ROOT / "resources" / "authors_results.csv")
RUNS = HERE / "runs.csv"
MARKED = re.compile(r"<!-- (\w+): ([\w ]+) -->\n\n((?:\|.*\n)*)")
# What was wanted on MNIST, by the number of real images: of conversions at most or at least so
# much, of sets so many per cent, and between sets so many points, shown to be above 0.
GAPS = {
    "frechet_distance": ("at most", {60: 30, 420: 12, 1440: 10, 6000: 8}),
    "label_agreement": ("at least", {60: 97, 420: 99, 1440: 99, 6000: 99}),
    "coverage": ("at least", {60: 0.5, 420: 0.65, 1440: 0.7, 6000: 0.75}),
    "domain_accuracy": ("at most", {60: 95, 420: 92, 1440: 90, 6000: 85}),
}
SET_GOALS = {
    "augmented-original+GAN": {60: 96.8, 420: 98.6, 1440: 99.0, 6000: 99.2},
    "pseudo-original+GAN": {60: 98.9, 420: 99.1, 1440: 99.2},
}
*_, AGAINST_NONE, AGAINST_SYNTHETIC, AGAINST_UNTRAINED = QUESTIONS
POINTS = {
    ("augmented-original+GAN", AGAINST_UNTRAINED): {60: 0.3, 420: 0.3, 1440: 0.15},
    ("pseudo-original+GAN", AGAINST_SYNTHETIC): {60: 0.2, 420: 0.1},
    ("original+GAN", AGAINST_NONE): {60: 0, 420: 0},
    ("original+GAN", AGAINST_SYNTHETIC): {60: 0, 420: 0},
}
NAMES = {PLAIN: "plain", AUGMENTED: "with warps", PSEUDO: "and images without labels"}


def of(table: str, experiment: str) -> Path:
    """The file of an experiment's table."""
    return HERE / (f"{table}.csv" if experiment == "default" else f"{experiment}_{table}.csv")


def read(table: str, experiments: str) -> pd.DataFrame:
    """The tables of experiments, which differ in their numbers of real images, as one."""
    reader = read_verdict if table == "verdict" else pd.read_csv
    return pd.concat([reader(of(table, name)) for name in experiments.split()], ignore_index=True)


def read_accuracies(experiments: str) -> pd.DataFrame:
    """Those on real test images."""
    return read("accuracy", experiments).query("test_set == 'real'")


def accuracy(experiments: str) -> Iterator[list[str]]:
    """Accuracy on real test images, a row for each size and recipe, a column for each plain set.

    The spread is that of draws' means, or of one draw that of its classifiers.
    """
    table = read_accuracies(experiments)
    columns = [name for name, kind in SETS.items() if kind.recipe == PLAIN]
    yield ["real images", "recipe", *columns]
    for n_real, of_size in table.groupby("n_real"):
        cells = {name: spread(rows) for name, rows in of_size.groupby("dataset")}
        for recipe, words in NAMES.items():
            by_parts = {
                SETS[name].parts: cell
                for name, cell in cells.items()
                if SETS[name].recipe == recipe
            }
            if by_parts:
                found = (by_parts.get(SETS[name].parts, "") for name in columns)
                yield [f"{n_real:,}", words, *found]


def spread(rows: pd.DataFrame) -> str:
    """Mean ± standard deviation in per cent."""
    draws = rows.groupby("draw")["accuracy"].mean()
    return mean_and_spread(draws if len(draws) > 1 else rows["accuracy"])


def sizes_of(accuracies: pd.DataFrame) -> pd.Series:
    """Numbers of real images by the names of their sizes, ascending."""
    return accuracies.groupby("size")["n_real"].first().sort_values()


def verdict(experiments: str) -> Iterator[list[str]]:
    """A word and the points with their interval, a column for each question of every recipe."""
    table = read("verdict", experiments)
    table = table.assign(cell=table["verdict"] + ", " + pd.Series(all_points(table)))
    sizes = sizes_of(read_accuracies(experiments))
    yield ["real images", "recipe", *QUESTIONS]
    for size, n_real in sizes.items():
        for recipe, words in NAMES.items():
            rows = table[(table["size"] == size) & (table["recipe"] == recipe)]
            cells = dict(zip(rows["question"], rows["cell"], strict=True))
            if cells:
                yield [f"{n_real:,}", words, *(cells.get(question, "") for question in QUESTIONS)]


def gap(experiments: str) -> Iterator[list[str]]:
    """All measures, a row for each kind of images."""
    table = read("gap", experiments)
    # What has no size was measured by each experiment's own judge: the first one's is shown.
    table = table[table["size"].notna() | ~table.duplicated(["size", "images", "metric"])]
    values = table.groupby(["images", "n_real", "metric"], dropna=False)["value"].mean()
    cells = show_measures(values.unstack())
    yield ["images", "real images", *cells.columns]
    cells = cells.reindex(
        ["synthetic", "untrained", "converted", "real train", "real test"], level="images"
    )
    for (images, n_real), texts in cells.iterrows():
        yield [images, "" if pd.isna(n_real) else f"{n_real:,.0f}", *texts]


def runs(experiments: str) -> Iterator[list[str]]:
    """What measured each size: draws and GANs, code, processor, and how long a GAN took on it."""
    yield ["real images", "draws x GANs", "code", "processor", "convolutions", "a GAN, s"]
    table, found = pd.read_csv(RUNS, dtype=str, keep_default_na=False), []
    for experiment in experiments.split():
        known = table[table["experiment"] == experiment].set_index("size")
        for (n_real, size), rows in read_accuracies(experiment).groupby(["n_real", "size"]):
            found.append((n_real, known.loc[size], rows.query("gan_seed.notna()")))
    for n_real, by, rows in sorted(found, key=lambda one: one[0]):
        times = sorted({by["gan_seconds_least"], by["gan_seconds_most"]})
        yield [
            f"{n_real:,}",
            f"{rows['draw'].nunique()} x {rows['gan_seed'].nunique()}",
            by["commit"][:7] or f"of {by['finished']} or before",
            by["processor"],
            by["arithmetic"].split()[-1],
            " to ".join(times),
        ]


def authors(experiments: str) -> Iterator[list[str]]:
    """Accuracy on MNIST's test images of the authors' sets and of ours, at each of our ratios."""
    table = read_accuracies(experiments)
    ours = 100 * table.groupby(["ratio", "dataset"])["accuracy"].mean()
    columns = ["original", "original+synthetic", "GAN", "original+GAN"]
    yield ["r", "whose", *columns]
    theirs = {(row.ratio, row.dataset): 100 * row.mnist_test_accuracy for row in AUTHORS}
    for ratio in table["ratio"].unique():
        for whose, found in (("authors", theirs), ("ours", ours)):
            yield [f"{ratio:g}", whose, *(f"{found[ratio, name]:.1f}" for name in columns)]


# What was wanted and found of something, by the number of real images; found: by how much more than
# was wanted, and as a text.
Goal = tuple[str, Mapping[int, float], Mapping[int, tuple[float, str]]]


def goals(experiments: str) -> Iterator[list[str]]:
    """What was wanted, and what was found, in bold where it was reached; a column a size."""
    table = read_accuracies(experiments)
    sizes = sizes_of(table)
    yield ["goal", *(f"{n:,} real" for n in sizes)]
    verdicts = read("verdict", experiments)
    verdicts = verdicts.assign(points=all_points(verdicts), n_real=verdicts["size"].map(sizes))
    gaps = read("gap", experiments).query("images == 'converted'")
    for words, wanted, found in (*_gaps(gaps), *_accuracies(table), *_points(verdicts)):
        cells = []
        for n in sizes:
            by, text = found.get(n, (-1.0, ""))
            cells.append(f"**{text}**" if n in wanted and by >= 0 else text)
            if n in wanted:
                cells[-1] = f"{wanted[n]:g}: {cells[-1]}"
        if found:
            yield [words, *cells]


def _gaps(table: pd.DataFrame) -> Iterator[Goal]:
    for metric, (words, factor, digits) in METRICS.items():
        if metric in GAPS:
            kind, wanted = GAPS[metric]
            sign = 1 if kind == "at least" else -1
            means = factor * table[table["metric"] == metric].groupby("n_real")["value"].mean()
            found = {n: (sign * (v - wanted[n]), f"{v:.{digits}f}") for n, v in means.items()}
            yield f"conversions: {words}, {kind}", wanted, found


def _accuracies(table: pd.DataFrame) -> Iterator[Goal]:
    for name, wanted in SET_GOALS.items():
        means = 100 * table[table["dataset"] == name].groupby("n_real")["accuracy"].mean()
        found = {n: (v - wanted.get(n, 0), f"{v:.2f}") for n, v in means.items()}
        yield f"{name}: accuracy, %, at least", wanted, found


def _points(table: pd.DataFrame) -> Iterator[Goal]:
    for (name, question), wanted in POINTS.items():
        rows = table[(table["dataset"] == name) & (table["question"] == question)]
        by = 100 * rows["difference"] - rows["n_real"].map(wanted).fillna(0)
        by = by.where(rows["low"] > 0, -1.0)
        found = dict(zip(rows["n_real"], zip(by, rows["points"], strict=True), strict=True))
        yield f"{name}: {question}, points, shown and at least", wanted, found


TABLES: dict[str, Callable[[str], Iterator[list[str]]]] = {
    "accuracy": accuracy,
    "verdict": verdict,
    "gap": gap,
    "goals": goals,
    "authors": authors,
    "runs": runs,
}


def filled(text: str) -> str:
    """A document with its tables as the files have them."""

    def table(match: re.Match[str]) -> str:
        header, *rows = TABLES[match[1]](match[2])
        lines = (f"| {' | '.join(line)} |\n" for line in (header, *rows))
        rule = "|" + "---|" * len(header) + "\n"
        end = "" if match[3] else "\n"  # behind a table that was not there before
        return f"<!-- {match[1]}: {match[2]} -->\n\n{next(lines)}{rule}{''.join(lines)}{end}"

    return MARKED.sub(table, text)


if __name__ == "__main__":
    for path in DOCUMENTS:
        path.write_text(filled(path.read_text(encoding="utf-8")), encoding="utf-8")
