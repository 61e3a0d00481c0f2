"""The tables of the measured figures, in README.md: one for each kind of processor."""

from workers import HERE

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


def write_table(rows: list[dict], machine: str, native: str) -> None:
    """Puts the table of processors that multiply a type natively between its markers."""
    readme = HERE / "README.md"
    begin, end = f"<!-- table: {native} -->\n", "<!-- end of table -->\n"
    head, _, rest = readme.read_text().partition(begin)
    _, _, tail = rest.partition(end)
    lines = [" | ".join(COLUMNS), "|".join("---" for _ in COLUMNS)]
    lines += [" | ".join(str(row.get(name, "")) for name in COLUMNS) for row in rows]
    table = "\n".join(f"| {line} |" for line in lines)
    readme.write_text(f"{head}{begin}Measured on {machine}.\n\n{table}\n{end}{tail}")
