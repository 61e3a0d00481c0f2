"""Stage gap, the judge: see src/synth2real/gap/judge.py."""

from pathlib import Path

from synth2real.classify.config import ClassifierConfig
from synth2real.gap.judge import train_judge
from synth2real.job import start_job
from synth2real.nn.config import ComputeConfig
from synth2real.nn.convolution import use
from synth2real.spec import read_spec
from synth2real.training import load_images

start_job(snakemake.log[0], snakemake.threads, snakemake.resources.gpu)
use(ComputeConfig(**snakemake.params.compute))
train_judge(
    ClassifierConfig(**snakemake.params.config),
    read_spec(Path(snakemake.input.spec)),
    load_images(Path(snakemake.input.train)),
    load_images(Path(snakemake.input.test)),
    path=Path(snakemake.output.weights),
    table=Path(snakemake.output.table),
)
