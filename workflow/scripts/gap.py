"""Stage gap, measuring: see src/synth2real/gap/measure.py."""

from pathlib import Path

from synth2real.classify.config import ClassifierConfig
from synth2real.gap.measure import measure_gap
from synth2real.io.finished import keep_finished
from synth2real.job import start_job
from synth2real.nn.config import ComputeConfig
from synth2real.nn.convolution import use
from synth2real.spec import read_spec
from synth2real.splits import read_split
from synth2real.training import load_images

start_job(snakemake.log[0], snakemake.threads, snakemake.resources.gpu)
use(ComputeConfig(**snakemake.params.compute))
settings, split = dict(snakemake.params.items()), snakemake.input.get("split")
with keep_finished(snakemake.output, snakemake.input, **settings) as (table,):
    if not table.exists():
        measure_gap(
            ClassifierConfig(**snakemake.params.config),
            read_spec(Path(snakemake.input.spec)),
            Path(snakemake.input.judge),
            load_images(Path(snakemake.input.real)),
            load_images(Path(snakemake.input.images)),
            load_images(Path(snakemake.input.real_train), read_split(Path(split)).real_train)
            if split
            else None,
            path=table,
        )
