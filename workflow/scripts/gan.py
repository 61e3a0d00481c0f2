"""Stage gan: see src/synth2real/gan/."""

from pathlib import Path

from synth2real.gan.config import load_gan_config
from synth2real.gan.train import load_gan_data, train_gan
from synth2real.job import start_job

start_job(snakemake.log[0], snakemake.threads)
ratio, seed = snakemake.wildcards.ratio, int(snakemake.wildcards.seed)
train, validation = load_gan_data(
    Path(snakemake.input.split), Path(snakemake.input.mnist), Path(snakemake.input.font)
)
train_gan(
    load_gan_config(snakemake.params.config),
    train,
    validation,
    seed=seed,
    path=Path(snakemake.output.networks),
    metrics_path=Path(snakemake.output.metrics),
    label=f"GAN r={ratio} seed {seed}",
)
