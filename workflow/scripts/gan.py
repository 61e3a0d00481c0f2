"""Stage gan: see src/synth2real/gan/."""

from pathlib import Path

from synth2real.checkpoints import fingerprint, open_checkpoints
from synth2real.gan.config import load_gan_config
from synth2real.gan.train import load_gan_data, train_gan
from synth2real.job import start_job

start_job(snakemake.log[0], snakemake.threads)
config, ratio, seed = snakemake.params.config, snakemake.wildcards.ratio, snakemake.wildcards.seed
networks = Path(snakemake.output.networks)
train, validation = load_gan_data(
    Path(snakemake.input.split), Path(snakemake.input.mnist), Path(snakemake.input.font)
)
origin = fingerprint([Path(file) for file in snakemake.input], seed=seed, **config)
with open_checkpoints(networks.with_name("checkpoints"), origin) as checkpoints:
    train_gan(
        load_gan_config(config),
        train,
        validation,
        seed=int(seed),
        path=networks,
        metrics_path=Path(snakemake.output.metrics),
        label=f"GAN r={ratio} seed {seed}",
        checkpoints=checkpoints,
    )
