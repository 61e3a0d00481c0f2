"""Stage classify, training: see src/synth2real/classify/."""

import zlib
from pathlib import Path

from synth2real.classify.config import ClassifierConfig
from synth2real.classify.sets import load_training_set
from synth2real.classify.train import write_classifiers
from synth2real.job import start_job

start_job(snakemake.log[0], snakemake.threads)
dataset, converted = snakemake.wildcards.dataset, snakemake.input.get("converted")
write_classifiers(
    ClassifierConfig(**snakemake.params.config),
    load_training_set(
        dataset,
        Path(snakemake.input.split),
        Path(snakemake.input.mnist),
        Path(snakemake.input.font),
        Path(converted) if converted else None,
    ),
    # Every classifier of the experiment has its own seed: runs are independent.
    seeds=[zlib.crc32(path.encode()) for path in snakemake.output],
    paths=[Path(path) for path in snakemake.output],
    label=f"{dataset} r={snakemake.wildcards.ratio}",
)
