"""Stage gap, the table of all measurements: see src/synth2real/gap/table.py."""

from pathlib import Path

from synth2real.gap.table import Measured, merge_measurements
from synth2real.job import start_job
from synth2real.splits import read_split

start_job(snakemake.log[0], snakemake.threads)
measured = (Measured(*key) for key in snakemake.params.measured)
counts = [len(read_split(Path(path)).real) for path in snakemake.input.splits]
merge_measurements(
    dict(zip(measured, map(Path, snakemake.input.tables), strict=True)),
    dict(zip(map(tuple, snakemake.params.splits), counts, strict=True)),
    Path(snakemake.output[0]),
)
