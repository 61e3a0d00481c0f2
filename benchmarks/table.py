"""The measured figures: a CSV file and a table in README.md for each kind of processor."""

import csv
from collections.abc import Collection, Sequence
from pathlib import Path

from workers import HERE

README = HERE / "README.md"
PEAK = "matrix product"
COLUMNS = (
    "benchmark",
    "device",
    "threads",
    "dtype",
    "value",
    "unit",
    "ratio_to_torch",
    "ratio_to_torch_bf16",
    "ratio_to_onnxruntime",
    "share_of_peak",
    "used",
)


def format_row(row: dict) -> dict:
    """Figures as text: three digits are as many as repeat."""

    def text(value) -> str:
        if isinstance(value, float):
            return f"{value:.0f}" if value >= 99.5 else f"{value:.3g}"
        return str(value)

    return {name: text(value) for name, value in row.items()}


def results(native: str) -> Path:
    """The CSV file of processors that multiply a type natively."""
    return HERE / f"results-{native}.csv"


def kept_rows(native: str, machine: str, chosen: Collection[str]) -> list[dict]:
    """Rows of the file but for those of chosen benchmarks, and of peaks, which go before them."""
    path = results(native)
    if not path.exists():
        return []
    if _heading(machine, native) not in README.read_text():
        raise SystemExit(
            f"{path.name} is of another machine or other versions, where what is measured "
            "here has no place; measure all, or delete it to begin anew"
        )
    with open(path, newline="") as file:
        return [row for row in csv.DictReader(file) if _name(row) not in {PEAK, *chosen}]


def write_rows(rows: Sequence[dict], native: str, order: Sequence[str]) -> list[dict]:
    """Writes the file anew, in the order of benchmarks, and returns its rows so."""

    def place(row: dict) -> tuple[bool, str, str, int]:
        number = order.index(_name(row))
        return number >= order.index(PEAK), row["device"], row["threads"], number

    rows = sorted(rows, key=place)
    with open(results(native), "w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return rows


def write_table(rows: Sequence[dict], machine: str, native: str) -> None:
    """Puts the table of processors that multiply a type natively between its markers."""
    end = "<!-- end of table -->\n"
    head, _, rest = README.read_text().partition(_marker(native))
    _, _, tail = rest.partition(end)
    lines = [" | ".join(COLUMNS), "|".join("---" for _ in COLUMNS)]
    lines += [" | ".join(str(row.get(name, "")) for name in COLUMNS) for row in rows]
    table = "\n".join(f"| {line} |" for line in lines)
    README.write_text(f"{head}{_heading(machine, native)}\n\n{table}\n{end}{tail}")


def _marker(native: str) -> str:
    return f"<!-- table: {native} -->\n"


def _heading(machine: str, native: str) -> str:
    """Where a table begins, and whose figures it has; another kind's may be of the same machine."""
    return f"{_marker(native)}Measured on {machine}."


def _name(row: dict) -> str:
    """The benchmark of a row, of memory and of first steps, too."""
    return row["benchmark"].partition(":")[0]
