"""Stage gan: see src/synth2real/gan/."""

from pathlib import Path

from synth2real.gan.config import load_gan_config
from synth2real.gan.state import make_gan
from synth2real.gan.train import load_gan_data, train_gan
from synth2real.io.checkpoints import open_checkpoints
from synth2real.io.finished import fingerprint
from synth2real.job import start_job
from synth2real.nn.config import ComputeConfig
from synth2real.nn.convolution import use
from synth2real.seeds import gan_seed
from synth2real.spec import read_spec

start_job(snakemake.log[0], snakemake.threads, snakemake.resources.gpu)
use(ComputeConfig(**snakemake.params.compute))
config, wildcards = snakemake.params.config, snakemake.wildcards
networks = Path(snakemake.output.networks)
gan = make_gan(load_gan_config(config), read_spec(Path(snakemake.input.spec)))
unlabelled = snakemake.input.unlabelled
train, validation = load_gan_data(
    gan.config,
    Path(snakemake.input.split),
    Path(snakemake.input.real),
    Path(snakemake.input.synthetic),
    Path(unlabelled) if unlabelled else None,
)
seed = gan_seed(wildcards.fold, wildcards.size, wildcards.draw, wildcards.seed)
origin = fingerprint(
    [Path(file) for file in snakemake.input],
    seed=seed,
    compute=snakemake.params.compute,
    **config,
)
with open_checkpoints(networks.with_name("checkpoints"), origin) as checkpoints:
    train_gan(
        gan,
        train,
        validation,
        seed=seed,
        path=networks,
        metrics_path=Path(snakemake.output.metrics),
        checkpoints=checkpoints,
    )
