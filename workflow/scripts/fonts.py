"""Stage fonts: see src/synth2real/sources/fonts/fonts.py."""

from pathlib import Path

from synth2real.job import start_job
from synth2real.sources.fonts.fonts import write_fonts

start_job(snakemake.log[0], snakemake.threads)
own = snakemake.params.folder
write_fonts(
    Path(snakemake.input.manifest),
    snakemake.params.families,
    Path(own) if own else None,
    skip_bad=snakemake.params.skip_bad,
    folder=Path(snakemake.output.files),
    table=Path(snakemake.output.table),
    credits=Path(snakemake.output.credits),
    left_out_path=Path(snakemake.output.left_out),
)
