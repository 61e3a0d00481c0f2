"""Stage figures, figure 3: see src/synth2real/figures/samples.py."""

from pathlib import Path

from synth2real.figures.samples import converted_images, load_pairs
from synth2real.job import start_job
from synth2real.spec import read_spec

start_job(snakemake.log[0], snakemake.threads)
files = snakemake.input
pairs = [
    load_pairs(Path(files.synthetic), Path(converted), Path(files.real), Path(split))
    for converted, split in zip(files.converted, files.splits, strict=True)
]
converted_images(
    read_spec(Path(files.spec)),
    dict(zip(snakemake.params.titles, pairs, strict=True)),
    Path(snakemake.output.png),
    Path(snakemake.output.svg),
)
