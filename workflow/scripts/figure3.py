"""Stage figures, figure 3: see src/synth2real/figures/samples.py."""

from pathlib import Path

from synth2real.figures.samples import converted_images, load_pairs
from synth2real.job import start_job
from synth2real.spec import read_spec

start_job(snakemake.log[0], snakemake.threads)
synthetic = Path(snakemake.input.synthetic)
pairs = [load_pairs(synthetic, Path(converted)) for converted in snakemake.input.converted]
converted_images(
    read_spec(Path(snakemake.input.spec)),
    dict(zip(snakemake.params.titles, pairs, strict=True)),
    Path(snakemake.output.png),
    Path(snakemake.output.svg),
)
