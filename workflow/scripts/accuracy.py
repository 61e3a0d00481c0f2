"""Stage figures, the table of all accuracies: see src/synth2real/figures/table.py."""

from pathlib import Path

from synth2real.figures.table import merge_tables
from synth2real.job import start_job

start_job(snakemake.log[0], snakemake.threads)
tables = map(Path, snakemake.input.tables)
merge_tables(
    dict(zip(snakemake.params.gans, tables, strict=True)),
    total=snakemake.params.total,
    path=Path(snakemake.output[0]),
)
