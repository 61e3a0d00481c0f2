"""Stage figures, figure 2: see src/synth2real/figures/samples.py."""

from pathlib import Path

from synth2real.figures.samples import synthetic_images
from synth2real.io.arrays import load_arrays
from synth2real.job import start_job
from synth2real.spec import read_spec

start_job(snakemake.log[0], snakemake.threads)
synthetic_images(
    read_spec(Path(snakemake.input.spec)),
    *load_arrays(Path(snakemake.input.synthetic), "images", "labels"),
    seed=0,
    png=Path(snakemake.output.png),
    svg=Path(snakemake.output.svg),
)
