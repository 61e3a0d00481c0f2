"""Stage convert: see src/synth2real/convert.py."""

from pathlib import Path

from synth2real.classify.config import ClassifierConfig
from synth2real.convert import write_converted
from synth2real.gan.config import load_gan_config
from synth2real.job import start_job

start_job(snakemake.log[0], snakemake.threads)
classifier = snakemake.params.classifier
write_converted(
    load_gan_config(snakemake.params.config),
    classifier and ClassifierConfig(**classifier),
    gan_path=Path(snakemake.input.networks),
    split_path=Path(snakemake.input.split),
    mnist_path=Path(snakemake.input.mnist),
    font_train_path=Path(snakemake.input.font_train),
    font_test_path=Path(snakemake.input.font_test),
    seed=int(snakemake.wildcards.seed),
    train_path=Path(snakemake.output.train),
    test_path=Path(snakemake.output.test),
)
