"""Stage verdict: see src/synth2real/verdict/."""

from pathlib import Path

from synth2real.figures.table import Chain
from synth2real.job import start_job
from synth2real.verdict.predictions import read_right
from synth2real.verdict.report import write_verdict
from synth2real.verdict.scope import read_common

start_job(snakemake.log[0], snakemake.threads)
chains = (Chain(*chain) for chain in snakemake.params.chains)
predictions = map(Path, snakemake.input.predictions)
splits = (tuple(key) for key in snakemake.params.splits)
split_paths = map(Path, snakemake.input.splits)
write_verdict(
    read_right(dict(zip(chains, predictions, strict=True))),
    read_common(dict(zip(splits, split_paths, strict=True))),
    snakemake.params.titles,
    table=Path(snakemake.output.table),
    text=Path(snakemake.output.text),
    page=Path(snakemake.output.page),
)
