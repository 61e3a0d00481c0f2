"""Stage real: see src/synth2real/real.py."""

from pathlib import Path

from synth2real.images import ImagesConfig
from synth2real.job import start_job
from synth2real.real import RealConfig, write_real
from synth2real.sources import SOURCES

start_job(snakemake.log[0], snakemake.threads)
config = RealConfig(**snakemake.params.config)
kind, path = snakemake.params.source["kind"], snakemake.params.source["path"]
source, test = SOURCES[kind], None
if source.has_test:
    test = source.open(Path(path or ""), "test")
elif config.test:
    test = source.open(Path(config.test), "test")
train_paths, test_paths = map(Path, snakemake.output.train), map(Path, snakemake.output.test)
write_real(
    config,
    ImagesConfig(**snakemake.params.images),
    source.open(Path(path or ""), "train"),
    test,
    origin=f"real.{kind}",
    spec_path=Path(snakemake.output.spec),
    paths=list(zip(train_paths, test_paths, strict=True)),
)
