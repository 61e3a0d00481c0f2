"""Stage figures, features of images: see src/synth2real/figures/features.py."""

from pathlib import Path

from synth2real.classify.config import ClassifierConfig
from synth2real.figures.features import features, load_features
from synth2real.job import start_job
from synth2real.nn.config import ComputeConfig
from synth2real.nn.convolution import use
from synth2real.spec import read_spec

start_job(snakemake.log[0], snakemake.threads, snakemake.resources.gpu)
use(ComputeConfig(**snakemake.params.compute))
files = snakemake.input
config = ClassifierConfig(**snakemake.params.config)
spec, judge = read_spec(Path(files.spec)), Path(files.judge)
real, synthetic = (
    load_features(config, spec, judge, Path(p)) for p in (files.real, files.synthetic)
)
seen = {
    title: {
        "real test": real,
        "synthetic": synthetic,
        "converted": load_features(config, spec, judge, Path(converted)),
    }
    for title, converted in zip(snakemake.params.titles, files.converted, strict=True)
}
features(spec, seen, Path(snakemake.output.png), Path(snakemake.output.svg))
