"""Writes the accuracies of several runs as one table: `make ablations`.

    python docs/results/collect.py TABLE RUN/results/accuracy.csv ...

Its first column, `settings`, is the name of each run's folder.
"""

import csv
import sys
from pathlib import Path


def collect(table: Path, paths: list[Path]) -> None:
    with open(table, "w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out, lineterminator="\n")
        for number, path in enumerate(paths):
            with open(path, newline="", encoding="utf-8") as file:
                columns, *rows = csv.reader(file)
            if number == 0:
                writer.writerow(["settings", *columns])
            writer.writerows([path.parents[1].name, *row] for row in rows)


if __name__ == "__main__":
    collect(Path(sys.argv[1]), [Path(path) for path in sys.argv[2:]])
