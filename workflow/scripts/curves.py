"""Stage figures, figures of the accuracies: see src/synth2real/figures/curves.py."""

from pathlib import Path

from synth2real.figures import curves
from synth2real.figures.data import read_accuracy, read_authors
from synth2real.job import start_job

start_job(snakemake.log[0], snakemake.threads)
draw = getattr(curves, snakemake.params.function)
authors = snakemake.input.get("authors")
draw(
    read_accuracy(Path(snakemake.input.accuracy)),
    read_authors(Path(authors)) if authors else [],
    Path(snakemake.output.png),
    Path(snakemake.output.svg),
)
