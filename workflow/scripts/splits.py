"""Stage splits: see src/synth2real/splits.py."""

from pathlib import Path

from synth2real.job import start_job
from synth2real.spec import read_spec
from synth2real.splits import Size, write_split

start_job(snakemake.log[0], snakemake.threads)
write_split(
    Size(*snakemake.params.size),
    snakemake.params.total,
    int(snakemake.wildcards.draw),
    read_spec(Path(snakemake.input.spec)),
    stratify=snakemake.params.stratify,
    real_path=Path(snakemake.input.real),
    synthetic_path=Path(snakemake.input.synthetic),
    path=Path(snakemake.output[0]),
)
