"""The tables of the page, from those of the stages."""

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from synth2real.sets import RECIPES, SETS
from synth2real.verdict.comparisons import TOO_FEW, by_strongest
from synth2real.verdict.scope import scope
from synth2real.verdict.table import all_points, read_verdict

METRICS = {
    "label_agreement": ("agreement with labels, %", 100, 1),
    "frechet_distance": ("Fréchet distance", 1, 1),
    "kernel_distance": ("kernel distance", 1, 3),
    "density": ("density", 1, 2),
    "coverage": ("coverage", 1, 2),
    "domain_accuracy": ("told from real, %", 100, 1),
    "nearer_to_training": ("nearer to a training image, %", 100, 1),
}


def verdict_table(path: Path, titles: Mapping[str, str]) -> pd.DataFrame:
    """All comparisons; points of accuracy."""
    table = read_verdict(path)
    return pd.DataFrame(
        {
            "real images": table["size"].map(titles),
            "question": table["question"],
            "set": table["dataset"],
            "against": table["against"],
            "points": all_points(table),
            "verdict": table["verdict"],
            "what would decide it": table["decided_by"],
        }
    )


class Answers(NamedTuple):
    """What the strongest recipe says.

    Attributes:
        recipe: as a person reads it.
        draws: of the real images; 1 where all are the same.
        scope: sentences of what the intervals do not allow for.
        words, points: a row for each question, a column for each size as a person reads it. Where
            test images are too few, the points are how many are needed.
    """

    recipe: str
    draws: int
    scope: list[str]
    words: pd.DataFrame
    points: pd.DataFrame


def answers(path: Path, titles: Mapping[str, str]) -> Answers:
    """Reads them from the verdict's table, for those sizes of `titles` that it has."""
    table = read_verdict(path)
    points = pd.Series(all_points(table)).mask(table["verdict"] == TOO_FEW, table["decided_by"])
    table = table.assign(points=points, size=table["size"].map(titles))
    table = table[by_strongest([*table["dataset"]])].dropna(subset="size")
    found = set(table["size"])
    order = table["question"].unique(), [title for title in titles.values() if title in found]
    words, points = (
        table.pivot(index="question", columns="size", values=name).loc[order]
        for name in ("verdict", "points")
    )
    recipe = RECIPES[table["recipe"].iloc[0]]
    common = dict(zip(table["size"], table["common"], strict=True))
    same = all(share == 1 for share in common.values())
    draws = 1 if same else int(table["draws"].iloc[0])
    return Answers(recipe, draws, scope(common), words, points)


def short_verdict(path: Path, titles: Mapping[str, str]) -> str:
    """What the strongest recipe says: a line for each question, a column for each size.

    Nothing where the table is one of other sizes.
    """
    if not read_verdict(path)["size"].isin(titles).any():
        return ""
    recipe, _, said, words, points = answers(path, titles)
    cells = words + " " + points.replace(r" \[.*", "", regex=True)
    lines = cells.rename_axis(index=None, columns=None).to_string()
    return "\n".join(
        [f"Points of accuracy, {recipe}:", lines, *(textwrap.fill(line, 100) for line in said)]
    )


def accuracy_table(path: Path, titles: Mapping[str, str]) -> pd.DataFrame:
    """Mean accuracy on real test images and standard deviation of classifiers, by set and size."""
    table = pd.read_csv(path)
    found = table[table["test_set"] == "real"].groupby(["dataset", "size"])["accuracy"]
    cells = found.agg(mean_and_spread).unstack()
    cells = cells.reindex(index=[name for name in SETS if name in cells.index], columns=[*titles])
    cells.columns = [f"{titles[size]}, %" for size in cells.columns]
    cells.insert(0, "what it is", [SETS[name].words for name in cells.index])
    cells.insert(1, "classifiers", found.count().unstack()[[*titles]].max(axis=1))
    return cells.rename_axis("set").reset_index()


def mean_and_spread(accuracies: pd.Series) -> str:
    """In per cent; one classifier has no spread."""
    spread = f" ± {100 * accuracies.std():.2f}" if len(accuracies) > 1 else ""
    return f"{100 * accuracies.mean():.2f}{spread}"


def data_table(path: Path, titles: Mapping[str, str]) -> pd.DataFrame:
    """How many images there are of each kind at each size."""
    table = pd.read_csv(path).query("test_set == 'real'")
    of_folds = table.groupby(["size", "fold"], dropna=False)["n_test"].first()
    tests = of_folds.groupby("size").sum()  # each fold has images of its own
    table = table.groupby("size").first().assign(n_test=tests).loc[[*titles]]
    return pd.DataFrame(
        {
            "size": [*titles.values()],
            "real": table["n_real"].map("{:,}".format).to_numpy(),
            "synthetic": table["n_synthetic"].map("{:,}".format).to_numpy(),
            "real test images": table["n_test"].map("{:,}".format).to_numpy(),
        }
    )


def gap_table(path: Path, titles: Mapping[str, str]) -> pd.DataFrame:
    """Means of the measures of the gap, over folds, draws and GANs."""
    table = pd.read_csv(path)
    order = {"": -1} | {size: number for number, size in enumerate(titles)}
    table = table.assign(size=table["size"].fillna(""))
    means = table.groupby(["size", "images", "metric"])["value"].mean().unstack()
    means = means.sort_index(level=0, key=lambda sizes: sizes.map(order))
    result = show_measures(means).reset_index()
    result["size"] = result["size"].map({"": "all"} | dict(titles))
    return result.rename(columns={"size": "real images"})


def show_measures(means: pd.DataFrame) -> pd.DataFrame:
    """Measures of the gap, a column each, in their order and as text; none where one is missing."""
    texts = {}
    for metric, (name, factor, digits) in METRICS.items():
        values = means.get(metric, pd.Series(float("nan"), means.index))
        texts[name] = ["" if pd.isna(v) else f"{factor * v:.{digits}f}" for v in values]
    return pd.DataFrame(texts, means.index)


def stages_table(benchmarks: Path) -> pd.DataFrame:
    """Seconds and memory of each stage's jobs, of all that left their times."""
    # One without a row is of a job that ends just now, and that the page does not need.
    files = [f for f in sorted(benchmarks.rglob("*.tsv")) if len(f.read_text().splitlines()) > 1]
    columns = ["s", "cpu_time", "max_rss"]
    # Snakemake cannot measure the memory of a job that ends at once.
    lasts = [pd.read_csv(file, sep="\t", na_values="-")[columns].iloc[-1] for file in files]
    table = pd.DataFrame(lasts, columns=columns).fillna(0).reset_index(drop=True)
    found = table.groupby([file.stem.partition("_")[0] for file in files]).agg(
        jobs=("s", "count"),
        s=("s", "sum"),
        longest=("s", "max"),
        cpu=("cpu_time", "sum"),
        memory=("max_rss", "max"),
    )
    found = found.sort_values("s", ascending=False).round(0).astype(int)
    names = ["jobs", "seconds", "longest job, s", "seconds of a core", "memory at most, MB"]
    return found.set_axis(names, axis=1).rename_axis("stage").reset_index()
