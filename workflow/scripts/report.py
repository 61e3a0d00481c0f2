"""Stage report: see src/synth2real/report/."""

from pathlib import Path

from synth2real.job import start_job
from synth2real.report.page import write_report

start_job(snakemake.log[0], snakemake.threads)
files = snakemake.input
write_report(
    snakemake.params.titles,
    shown=snakemake.params.shown,
    verdict=Path(files.verdict),
    accuracy=Path(files.accuracy),
    gap=Path(files.gap),
    manifest=Path(files.manifest),
    figures={
        **dict(zip(snakemake.params.figures, map(Path, files.figures), strict=True)),
        "rulegraph": Path(files.rulegraph),
    },
    benchmarks=Path("results/benchmarks"),
    path=Path(snakemake.output[0]),
)
