"""Stage convert: see src/synth2real/convert/."""

from pathlib import Path

from synth2real.convert.config import ConvertConfig
from synth2real.convert.convert import write_converted
from synth2real.gan.config import load_gan_config
from synth2real.gan.state import make_gan
from synth2real.io.finished import keep_finished
from synth2real.job import start_job
from synth2real.nn.config import ComputeConfig
from synth2real.nn.convolution import use
from synth2real.seeds import gan_seed
from synth2real.spec import read_spec

start_job(snakemake.log[0], snakemake.threads, snakemake.resources.gpu)
use(ComputeConfig(**snakemake.params.compute))
settings, wildcards = dict(snakemake.params.items()), snakemake.wildcards
with keep_finished(snakemake.output, snakemake.input, **settings) as (train, test):
    # The test set is written last.
    if not test.exists():
        write_converted(
            make_gan(load_gan_config(snakemake.params.gan), read_spec(Path(snakemake.input.spec))),
            ConvertConfig(**snakemake.params.config),
            trained=snakemake.params.trained,
            gan_path=Path(snakemake.input.networks),
            split_path=Path(snakemake.input.split),
            synthetic_train_path=Path(snakemake.input.synthetic_train),
            synthetic_test_path=Path(snakemake.input.synthetic_test),
            seed=gan_seed(wildcards.fold, wildcards.size, wildcards.draw, wildcards.seed),
            train_path=train,
            test_path=test,
        )
