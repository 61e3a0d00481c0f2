"""`accuracy.csv`: the accuracies of every ratio, GAN, classifier and test set in one table."""

import csv
from collections.abc import Mapping
from pathlib import Path

from synth2real.files import write_csv
from synth2real.splits import count_images

COLUMNS = (
    "ratio",
    "n_real",
    "n_synthetic",
    "gan_seed",
    "dataset",
    "run",
    "test_set",
    "accuracy",
)


def merge_tables(tables: Mapping[tuple[str, int], Path], total: int, path: Path) -> None:
    """Writes `accuracy.csv` from the tables of each (ratio, GAN seed).

    A classifier that saw no GAN image is tested once for each GAN, on that GAN's images. Its
    rows on the other test sets are the same each time; they are kept once, without a GAN seed.
    """
    rows, seen = [], set()
    for (ratio, seed), table in tables.items():
        with open(table, newline="") as file:
            for row in csv.DictReader(file):
                without_gan = "GAN" not in (*row["dataset"].split("+"), row["test_set"])
                key = (ratio, row["dataset"], row["run"], row["test_set"])
                if without_gan and key in seen:
                    continue
                seen.add(key)
                gan_seed = "" if without_gan else seed
                rows.append((ratio, *count_images(ratio, total), gan_seed, *row.values()))
    write_csv(path, COLUMNS, rows)
