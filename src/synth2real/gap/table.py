"""`gap.csv`: the measurements of every set of images in one table."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from synth2real.files import write_csv
from synth2real.splits import count_images


class Measurement(NamedTuple):
    """A metric of one set of images: its value, its own deviation if any, and how many images."""

    metric: str
    value: float
    std: float | None
    n: int


class Source(NamedTuple):
    """Which images were measured; "" where no ratio or no GAN has a part in them.

    `images` is font or converted (of the font test set), GAN (the set of that name, which
    classifiers learn from), real (all of a ratio's), or MNIST test.
    """

    ratio: str
    gan_seed: int | str
    images: str


COLUMNS = ("ratio", "n_real", "gan_seed", "images", *Measurement._fields)


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


def merge_measurements(tables: Mapping[Source, Path], total: int, path: Path) -> None:
    """Writes `gap.csv` from the tables of each set of images; `total` as in the splits' config."""
    rows = []
    for (ratio, gan_seed, images), table in tables.items():
        n_real = count_images(ratio, total)[0] if ratio else ""
        with open(table, newline="") as file:
            for row in csv.DictReader(file):
                rows.append((ratio, n_real, gan_seed, images, *row.values()))
    write_csv(path, COLUMNS, rows)
