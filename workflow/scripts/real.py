"""Stage real: see src/synth2real/real.py."""

from pathlib import Path

from synth2real.images import ImagesConfig
from synth2real.job import start_job
from synth2real.real import RealConfig, write_real
from synth2real.sources import SOURCES, open_source

start_job(snakemake.log[0], snakemake.threads)
config = RealConfig(**snakemake.params.config)
kind, path = snakemake.params.source["kind"], snakemake.params.source["path"]
test = None
if SOURCES[kind].has_test:
    test = open_source(kind, path, "test")
elif config.test:
    test = open_source(kind, config.test, "test")
train_paths, test_paths = map(Path, snakemake.output.train), map(Path, snakemake.output.test)
write_real(
    config,
    ImagesConfig(**snakemake.params.images),
    open_source(kind, path),
    test,
    origin=f"real.{kind}",
    spec_path=Path(snakemake.output.spec),
    paths=list(zip(train_paths, test_paths, strict=True)),
    left_out_path=Path(snakemake.output.left_out),
)
