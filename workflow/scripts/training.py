"""Stage figures, training of GANs: see src/synth2real/figures/training.py."""

from pathlib import Path

from synth2real.figures.training import read_metrics, training
from synth2real.job import start_job

start_job(snakemake.log[0], snakemake.threads)
gans: dict[str, list] = {}
for title, path in zip(snakemake.params.titles, snakemake.input.metrics, strict=True):
    gans.setdefault(title, []).append(read_metrics(Path(path)))
training(gans, Path(snakemake.output.png), Path(snakemake.output.svg))
