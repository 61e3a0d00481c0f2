"""Stage figures, figure 2: see src/synth2real/figures/samples.py."""

from pathlib import Path

from synth2real.figures.samples import font_images
from synth2real.job import start_job
from synth2real.render import FontImages

start_job(snakemake.log[0], snakemake.threads)
font = FontImages.load(Path(snakemake.input.font))
font_images(font.images, font.labels, 0, Path(snakemake.output.png), Path(snakemake.output.svg))
