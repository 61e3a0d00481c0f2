"""Stage figures, training of GANs: see src/synth2real/figures/training.py."""

from pathlib import Path

from synth2real.figures.training import read_metrics, training
from synth2real.job import start_job

start_job(snakemake.log[0], snakemake.threads)
gans = {
    title: [read_metrics(Path(path)) for path in snakemake.input[size]]
    for size, title in snakemake.params.titles.items()
}
training(gans, Path(snakemake.output.png), Path(snakemake.output.svg))
