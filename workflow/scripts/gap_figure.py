"""Stage figures, figure of the gap: see src/synth2real/figures/gap.py."""

from pathlib import Path

from synth2real.figures.gap import gap, read_gap
from synth2real.job import start_job

start_job(snakemake.log[0], snakemake.threads)
gap(
    read_gap(Path(snakemake.input.gap)),
    Path(snakemake.output.png),
    Path(snakemake.output.svg),
)
