"""Stage figures, figure 3: see src/synth2real/figures/samples.py."""

from pathlib import Path

from synth2real.figures.samples import converted_images, load_pairs
from synth2real.job import start_job

start_job(snakemake.log[0], snakemake.threads)
font = Path(snakemake.input.font)
pairs = [load_pairs(font, Path(converted)) for converted in snakemake.input.converted]
converted_images(
    dict(zip(snakemake.params.ratios, pairs, strict=True)),
    Path(snakemake.output.png),
    Path(snakemake.output.svg),
)
