"""`accuracy.csv` and `recall.csv`: every size, draw, GAN, classifier and test set in one table."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from synth2real.io.files import write_csv
from synth2real.sets import SETS


class Chain(NamedTuple):
    """Which classifiers a table is of: those of one GAN, and those of its split without a GAN."""

    fold: str
    size: str
    draw: int
    gan_seed: int


def merge_tables(tables: Mapping[Chain, Path], path: Path) -> None:
    """Writes one table from those of each chain.

    A classifier that saw no converted image is tested once for each GAN, on that GAN's images. Its
    rows on the other test sets are the same each time; they are kept once, without a GAN seed.
    """
    rows, seen = [], set()
    columns: tuple[str, ...] = ()
    for chain, table in tables.items():
        with open(table, newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                columns = tuple(row)
                has_gan = SETS[row["dataset"]].needs_gan or row["test_set"] == "converted"
                key = (
                    chain[:3],
                    *(row.get(name) for name in ("dataset", "run", "test_set", "class")),
                )
                if not has_gan and key in seen:
                    continue
                seen.add(key)
                gan_seed = chain.gan_seed if has_gan else ""
                rows.append((chain.size, chain.fold, chain.draw, gan_seed, *row.values()))
    write_csv(path, ("size", "fold", "draw", "gan_seed", *columns), rows)
