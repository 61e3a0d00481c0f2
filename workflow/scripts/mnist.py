"""Stage mnist: see src/synth2real/mnist.py."""

from pathlib import Path

from synth2real.job import start_job
from synth2real.mnist import write_mnist

start_job(snakemake.log[0], snakemake.threads)
folder = snakemake.params.folder
write_mnist(
    Path(folder) if folder else None,
    train_path=Path(snakemake.output.train),
    test_path=Path(snakemake.output.test),
)
