"""Stage report, the manifest: see src/synth2real/report/manifest.py."""

from pathlib import Path

from synth2real.job import start_job
from synth2real.report.manifest import write_manifest

start_job(snakemake.log[0], snakemake.threads)
write_manifest(
    snakemake.params.config,
    root=Path(snakemake.params.root),
    lock=Path(snakemake.input.lock),
    accuracy=Path(snakemake.input.accuracy),
    path=Path(snakemake.output[0]),
)
