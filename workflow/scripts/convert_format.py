"""Stage convert: see src/synth2real/convert/formats.py."""

from pathlib import Path

from synth2real.convert.formats import write_format
from synth2real.job import start_job
from synth2real.nn.config import ComputeConfig
from synth2real.nn.convolution import use

start_job(snakemake.log[0], snakemake.threads, snakemake.resources.gpu)
use(ComputeConfig(**snakemake.params.compute))
write_format(
    snakemake.wildcards.format,
    gan_path=Path(snakemake.input.networks),
    split_path=Path(snakemake.input.split),
    converted_paths={
        "train": Path(snakemake.input.converted_train),
        "test": Path(snakemake.input.converted_test),
    },
    synthetic_paths={
        "train": Path(snakemake.input.synthetic_train),
        "test": Path(snakemake.input.synthetic_test),
    },
    gan_seed=int(snakemake.wildcards.seed),
    least_strength=snakemake.params.least_strength,
    folder=Path(snakemake.output[0]),
)
