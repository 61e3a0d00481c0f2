"""Stage figures, figure of the verdict: see src/synth2real/figures/verdict.py."""

from pathlib import Path

from synth2real.figures.verdict import verdict
from synth2real.job import start_job
from synth2real.verdict.table import read_verdict

start_job(snakemake.log[0], snakemake.threads)
verdict(
    read_verdict(Path(snakemake.input.verdict)),
    snakemake.params.titles,
    Path(snakemake.output.png),
    Path(snakemake.output.svg),
)
