"""Stage classify, training: see src/synth2real/classify/."""

from pathlib import Path

from synth2real.classify.config import ClassifierConfig
from synth2real.classify.sets import load_training_set
from synth2real.classify.train import write_classifiers
from synth2real.io.finished import keep_finished
from synth2real.job import start_job
from synth2real.nn.config import ComputeConfig
from synth2real.nn.convolution import use
from synth2real.seeds import classifier_seed
from synth2real.sets import SETS
from synth2real.spec import read_spec

start_job(snakemake.log[0], snakemake.threads, snakemake.resources.gpu)
config, compute = snakemake.params.config, snakemake.params.compute
use(ComputeConfig(**compute))
dataset, wildcards = snakemake.wildcards.dataset, snakemake.wildcards
converted, unlabelled = snakemake.input.get("converted"), snakemake.input.unlabelled
training_set = load_training_set(
    SETS[dataset],
    Path(snakemake.input.split),
    Path(snakemake.input.real),
    Path(snakemake.input.synthetic),
    Path(converted) if converted else None,
    Path(unlabelled) if unlabelled else None,
)
key = (wildcards.fold, wildcards.size, wildcards.draw, dataset, wildcards.get("seed"))
with keep_finished(snakemake.output, snakemake.input, compute=compute, **config) as paths:
    write_classifiers(
        ClassifierConfig(**config),
        read_spec(Path(snakemake.input.spec)),
        training_set,
        seeds=[classifier_seed(*key, run) for run in snakemake.params.runs],
        paths=paths,
    )
