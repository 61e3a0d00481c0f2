"""The verdict's table as figures, report and documents read it."""

from pathlib import Path

import pandas as pd

from synth2real.sets import SETS
from synth2real.verdict.report import points


def read_verdict(path: Path) -> pd.DataFrame:
    """The table as it is written, and the recipe of each row; numbers that are missing stay so."""
    table = pd.read_csv(path, dtype={"decided_by": str}).fillna({"decided_by": ""})
    return table.assign(recipe=[SETS[name].recipe for name in table["dataset"]])


def all_points(table: pd.DataFrame) -> list[str]:
    """The differences in points of accuracy."""
    return [*map(points, table["difference"], table["low"], table["high"])]
