"""Stage synthetic: see src/synth2real/synthetic.py."""

from pathlib import Path

from synth2real.job import start_job
from synth2real.sources import open_source
from synth2real.sources.base import Source
from synth2real.sources.fonts.render import Fonts, RenderConfig
from synth2real.spec import read_spec
from synth2real.synthetic import SyntheticConfig, write_synthetic

start_job(snakemake.log[0], snakemake.threads)
kind, path = snakemake.params.source["kind"], snakemake.params.source["path"]
if kind == "fonts":
    render = RenderConfig(**snakemake.params.render)
    source: Source = Fonts(Path(snakemake.input.fonts), Path(snakemake.input.files), render)
else:
    source = open_source(kind, path)
write_synthetic(
    source,
    SyntheticConfig(**snakemake.params.config),
    read_spec(Path(snakemake.input.spec)),
    origin=f"synthetic.{kind}",
    real_test_paths=[Path(path) for path in snakemake.input.real_tests],
    train_path=Path(snakemake.output.train),
    test_path=Path(snakemake.output.test),
    skip_bad=snakemake.params.skip_bad,
    left_out_path=Path(snakemake.output.left_out),
)
