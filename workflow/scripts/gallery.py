"""Stage figures, training images: see src/synth2real/figures/gallery.py."""

from pathlib import Path

from synth2real.figures.gallery import gallery, load_training_images
from synth2real.job import start_job
from synth2real.spec import read_spec

start_job(snakemake.log[0], snakemake.threads)
files = snakemake.input
sets = [
    load_training_images(Path(files.real), Path(files.synthetic), Path(converted), Path(split))
    for converted, split in zip(files.converted, files.splits, strict=True)
]
gallery(
    read_spec(Path(files.spec)),
    dict(zip(snakemake.params.titles, sets, strict=True)),
    Path(snakemake.output.png),
    Path(snakemake.output.svg),
)
