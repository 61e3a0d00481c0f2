"""Stage gap, the judge: see src/synth2real/gap/judge.py."""

from pathlib import Path

from synth2real.classify.config import ClassifierConfig
from synth2real.gap.judge import train_judge
from synth2real.job import start_job
from synth2real.training import load_images

start_job(snakemake.log[0], snakemake.threads)
train_judge(
    ClassifierConfig(**snakemake.params.config),
    load_images(Path(snakemake.input.train)),
    load_images(Path(snakemake.input.test)),
    path=Path(snakemake.output.weights),
    table=Path(snakemake.output.table),
)
