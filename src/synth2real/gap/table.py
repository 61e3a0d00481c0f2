"""`gap.csv`: the measurements of every set of images in one table."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from synth2real.io.files import write_csv


class Measurement(NamedTuple):
    """A metric of one set of images: its value, its own deviation if any, and how many images."""

    metric: str
    value: float
    std: float | None
    n: int


class Measured(NamedTuple):
    """Which images were measured; "" where no fold, size, draw or GAN has a part in them.

    `images` is synthetic, converted or untrained (conversions by a GAN before its training), all of
    the synthetic test set, or real train or real test.
    """

    fold: str
    size: str
    draw: int | str
    gan_seed: int | str
    images: str


COLUMNS = ("size", "fold", "draw", "n_real", "gan_seed", "images", *Measurement._fields)


def write_measurements(path: Path, measurements: Iterable[Measurement]) -> None:
    """Writes the measurements of one set of images."""
    write_csv(
        path,
        Measurement._fields,
        [
            (m.metric, f"{m.value:.6g}", "" if m.std is None else f"{m.std:.6g}", m.n)
            for m in measurements
        ],
    )


def merge_measurements(
    tables: Mapping[Measured, Path], n_real: Mapping[tuple[str, str, int | str], int], path: Path
) -> None:
    """Writes `gap.csv` from the tables of each set of images.

    `n_real` gives the number of real images of each (fold, size, draw).
    """
    rows = []
    for (fold, size, draw, gan_seed, images), table in tables.items():
        count = n_real.get((fold, size, draw), "")
        with open(table, newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                rows.append((size, fold, draw, count, gan_seed, images, *row.values()))
    write_csv(path, COLUMNS, rows)
