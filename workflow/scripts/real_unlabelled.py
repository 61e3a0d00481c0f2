"""Stage real, images without labels: see src/synth2real/unlabelled.py."""

from pathlib import Path

from synth2real.job import start_job
from synth2real.sources import open_source
from synth2real.spec import read_spec
from synth2real.unlabelled import write_unlabelled

start_job(snakemake.log[0], snakemake.threads)
write_unlabelled(
    open_source("pictures", snakemake.params.folder),
    read_spec(Path(snakemake.input.spec)),
    real_test_paths=[Path(path) for path in snakemake.input.real_tests],
    path=Path(snakemake.output.images),
    skip_bad=snakemake.params.skip_bad,
    left_out_path=Path(snakemake.output.left_out),
)
