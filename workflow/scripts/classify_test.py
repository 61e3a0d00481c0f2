"""Stage classify, testing: see src/synth2real/classify/accuracy.py."""

from pathlib import Path

from synth2real.classify.accuracy import test_classifiers
from synth2real.classify.config import ClassifierConfig
from synth2real.io.finished import keep_finished
from synth2real.job import start_job
from synth2real.nn.config import ComputeConfig
from synth2real.nn.convolution import use
from synth2real.sets import TEST_SETS
from synth2real.spec import read_spec
from synth2real.splits import Size, read_split
from synth2real.training import load_images

start_job(snakemake.log[0], snakemake.threads, snakemake.resources.gpu)
use(ComputeConfig(**snakemake.params.compute))
settings = dict(snakemake.params.items())
weights = map(Path, snakemake.input.weights)
with keep_finished(snakemake.output, snakemake.input, **settings) as files:
    accuracy, recall, predictions = files
    # Predictions are written last.
    if not predictions.exists():
        test_classifiers(
            ClassifierConfig(**snakemake.params.config),
            read_spec(Path(snakemake.input.spec)),
            Size(*snakemake.params.size),
            read_split(Path(snakemake.input.split)),
            weights=dict(zip(snakemake.params.classifiers, weights, strict=True)),
            test_sets={name: load_images(Path(snakemake.input[name])) for name in TEST_SETS},
            path=accuracy,
            recall_path=recall,
            predictions_path=predictions,
        )
