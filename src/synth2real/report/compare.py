"""Experiments side by side: `python -m synth2real.report.compare runs/*/results`.

Which settings differ, what classifiers recognise, and what the verdicts are.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from synth2real.errors import InputError
from synth2real.report.tables import mean_and_spread
from synth2real.sets import SETS
from synth2real.verdict.table import all_points, read_verdict


def compare(folders: Sequence[Path]) -> str:
    """A text of three tables, a column for each results folder.

    Raises:
        InputError: a folder is not that of a finished experiment, or there is but one.
    """
    if len(folders) < 2:
        raise InputError("name two results folders or more, like runs/*/results")
    for folder in folders:
        if not (folder / "manifest.json").exists():
            raise InputError(f"{folder}: no manifest.json; give results folders of finished runs")
    parts = {
        "Settings that differ": _column_each(folders, _settings, differing=True),
        "Accuracy on real test images, %": _column_each(folders, _accuracies),
        "Verdicts": _column_each(folders, _verdicts),
    }
    return "\n".join(
        f"{title}\n\n{table.to_string() if len(table) else 'none'}\n"
        for title, table in parts.items()
    )


def _column_each(folders: Sequence[Path], read: Any, differing: bool = False) -> pd.DataFrame:
    """What is read of each folder in a column; with `differing`, the rows that differ."""
    columns = {str(folder): read(folder) for folder in folders}
    # In the order of the first folder that has a row.
    rows = list(dict.fromkeys(key for column in columns.values() for key in column.index))
    table = pd.DataFrame({name: column.reindex(rows) for name, column in columns.items()})
    table = table.fillna("")
    return table[table.nunique(axis=1) > 1] if differing else table


def _settings(folder: Path) -> pd.Series:
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    kept = {key: manifest[key] for key in ("commit", "lock", "python", "xla_flags", "arithmetic")}
    settings = _flat(kept | manifest["machine"] | manifest["packages"] | manifest["config"])
    return pd.Series(settings, dtype=str)


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested settings by dotted keys."""
    flat: dict[str, str] = {}
    for key, value in values.items():
        nested = isinstance(value, Mapping)
        flat |= _flat(value, f"{prefix}{key}.") if nested else {prefix + key: json.dumps(value)}
    return flat


def _accuracies(folder: Path) -> pd.Series:
    table = pd.read_csv(folder / "accuracy.csv").query("test_set == 'real'")
    order = table["dataset"].map([*SETS].index)
    table = table.assign(order=order).sort_values(["n_real", "order"], kind="stable")
    return table.groupby(["size", "dataset"], sort=False)["accuracy"].agg(mean_and_spread)


def _verdicts(folder: Path) -> pd.Series:
    table = read_verdict(folder / "verdict.csv")
    said = [", ".join(pair) for pair in zip(table["verdict"], all_points(table), strict=True)]
    names = [f"{row.dataset} against {row.against}" for row in table.itertuples()]
    return pd.Series(said, pd.MultiIndex.from_arrays([table["size"], names]), dtype=str)


if __name__ == "__main__":
    try:
        print(compare([Path(folder) for folder in sys.argv[1:]]))
    except InputError as error:
        sys.exit(f"{error}")
