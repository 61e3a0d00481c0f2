"""Takes a run's tables over into this folder: `python docs/results/publish.py RUN EXPERIMENT`.

Of the run's sizes it replaces all rows; rows of others stay, as sizes may be measured one by one.
`runs.csv` then says what measured each: the commit, the processor, what convolved, and how long a
GAN took. A run has those if its `results/manifest.json` was made, too.
"""

import json
import sys
from collections.abc import Collection
from pathlib import Path

import pandas as pd

from synth2real.io.files import write_atomically
from tables import RUNS, of


def read(path: Path) -> pd.DataFrame:
    """A table as it is written: every cell a text."""
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def publish(run: Path, experiment: str) -> None:
    """Replaces the rows of a run's sizes in the tables of an experiment."""
    results = run / "results"
    sizes = read(results / "accuracy.csv")["size"].unique()
    for table in ("accuracy", "gap", "verdict"):
        merge(read(results / f"{table}.csv"), of(table, experiment), sizes)
    manifest = json.loads((results / "manifest.json").read_text())
    rows = [describe(results, experiment, size, manifest) for size in sizes]
    merge(pd.DataFrame(rows), RUNS, sizes, owner="experiment")


def merge(new: pd.DataFrame, path: Path, sizes: Collection[str], owner: str = "") -> None:
    """Writes a table with new rows for these sizes, and its own of others, by size.

    Rows without a size are of all. A column `owner`, where a table is of several experiments, says
    whose a row is: those of others stay.
    """
    old = read(path) if path.exists() else new[:0]
    stale = old["size"].isin(["", *sizes])
    if owner:
        stale &= old[owner].isin(new[owner])
    rows = pd.concat([old[~stale], new])
    numbers = rows["size"].map(lambda size: float(size[1:] or -1))
    order = [owner, "number"] if owner else ["number"]
    rows = rows.assign(number=numbers).sort_values(order, kind="stable")
    with write_atomically(path) as temporary:
        rows.drop(columns="number").to_csv(temporary, index=False, lineterminator="\n")


def describe(results: Path, experiment: str, size: str, manifest: dict) -> dict[str, str]:
    """What measured a size."""
    files = (results / "benchmarks").glob(f"**/{size}/draw*/gan_seed*.tsv")
    seconds = [pd.read_csv(file, sep="\t")["s"].iloc[-1] for file in files]
    return {
        "experiment": experiment,
        "size": size,
        "commit": manifest["commit"],
        "finished": manifest["finished"],
        "processor": manifest["machine"]["cpu"],
        "arithmetic": " and ".join(manifest["arithmetic"]),
        "gan_seconds_least": f"{min(seconds):.0f}",
        "gan_seconds_most": f"{max(seconds):.0f}",
    }


if __name__ == "__main__":
    publish(Path(sys.argv[1]), sys.argv[2])
