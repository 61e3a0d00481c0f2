"""Stage gap, measuring: see src/synth2real/gap/measure.py."""

from pathlib import Path

from synth2real.classify.config import ClassifierConfig
from synth2real.gap.measure import measure_gap
from synth2real.job import start_job
from synth2real.splits import read_split
from synth2real.training import load_images

start_job(snakemake.log[0], snakemake.threads)
# Real images come with a split that says which of MNIST's training images they are.
split = snakemake.input.get("split")
measure_gap(
    ClassifierConfig(**snakemake.params.config),
    Path(snakemake.input.judge),
    load_images(Path(snakemake.input.mnist)),
    load_images(Path(snakemake.input.images), read_split(Path(split)).real if split else None),
    known_to_judge=split is not None,
    path=Path(snakemake.output[0]),
)
