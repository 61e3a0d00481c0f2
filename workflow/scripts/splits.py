"""Stage splits: see src/synth2real/splits.py."""

from pathlib import Path

from synth2real.job import start_job
from synth2real.splits import SplitsConfig, write_split

start_job(snakemake.log[0], snakemake.threads)
write_split(
    snakemake.wildcards.ratio,
    SplitsConfig(**snakemake.params.config),
    mnist_path=Path(snakemake.input.mnist),
    font_path=Path(snakemake.input.font),
    path=Path(snakemake.output[0]),
)
