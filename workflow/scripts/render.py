"""Stage render: see src/synth2real/render.py."""

from pathlib import Path

from synth2real.job import start_job
from synth2real.render import RenderConfig, render_dataset

start_job(snakemake.log[0], snakemake.threads)
render_dataset(
    Path(snakemake.input.fonts),
    Path(snakemake.input.files),
    RenderConfig(**snakemake.params.config),
    train_path=Path(snakemake.output.train),
    test_path=Path(snakemake.output.test),
)
