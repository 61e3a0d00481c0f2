"""Stage verdict: see src/synth2real/verdict/."""

from pathlib import Path

from synth2real.figures.table import Chain
from synth2real.job import start_job
from synth2real.verdict.predictions import read_right
from synth2real.verdict.report import write_verdict

start_job(snakemake.log[0], snakemake.threads)
chains = (Chain(*chain) for chain in snakemake.params.chains)
predictions = map(Path, snakemake.input.predictions)
write_verdict(
    read_right(dict(zip(chains, predictions, strict=True))),
    snakemake.params.titles,
    table=Path(snakemake.output.table),
    text=Path(snakemake.output.text),
    page=Path(snakemake.output.page),
)
