"""Stage classify, testing: see src/synth2real/classify/accuracy.py."""

from pathlib import Path

from synth2real.classify.accuracy import test_classifiers
from synth2real.classify.config import ClassifierConfig
from synth2real.job import start_job
from synth2real.training import load_images

start_job(snakemake.log[0], snakemake.threads)
paths = map(Path, snakemake.input.weights)
test_classifiers(
    ClassifierConfig(**snakemake.params.config),
    weights=dict(zip(snakemake.params.classifiers, paths, strict=True)),
    test_sets={
        "MNIST": load_images(Path(snakemake.input.mnist)),
        "font": load_images(Path(snakemake.input.font)),
        "GAN": load_images(Path(snakemake.input.gan)),
    },
    path=Path(snakemake.output[0]),
)
