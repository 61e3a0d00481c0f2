"""Stage figures, the tables of all classifiers: see src/synth2real/figures/table.py."""

from pathlib import Path

from synth2real.figures.table import Chain, merge_tables
from synth2real.job import start_job

start_job(snakemake.log[0], snakemake.threads)
chains = (Chain(*chain) for chain in snakemake.params.chains)
tables = map(Path, snakemake.input.tables)
merge_tables(dict(zip(chains, tables, strict=True)), Path(snakemake.output[0]))
