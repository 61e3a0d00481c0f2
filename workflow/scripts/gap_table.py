"""Stage gap, the table of all measurements: see src/synth2real/gap/table.py."""

from pathlib import Path

from synth2real.gap.table import Source, merge_measurements
from synth2real.job import start_job

start_job(snakemake.log[0], snakemake.threads)
sources = [Source(*source) for source in snakemake.params.sources]
tables = map(Path, snakemake.input.tables)
merge_measurements(
    dict(zip(sources, tables, strict=True)),
    total=snakemake.params.total,
    path=Path(snakemake.output[0]),
)
