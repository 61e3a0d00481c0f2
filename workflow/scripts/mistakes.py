"""Stage figures, confusion matrices and mistakes: see src/synth2real/figures/mistakes.py."""

from pathlib import Path

from synth2real.figures.mistakes import confusion, mistakes, read_votes
from synth2real.io.arrays import load_arrays
from synth2real.job import start_job
from synth2real.spec import read_spec

start_job(snakemake.log[0], snakemake.threads)
files, out = snakemake.input, snakemake.output
spec = read_spec(Path(files.spec))
votes = {
    title: read_votes(map(Path, files[size]), len(spec.classes))
    for size, title in snakemake.params.titles.items()
}
confusion(spec, votes, Path(out.confusion_png), Path(out.confusion_svg))
(images,) = load_arrays(Path(files.test), "images")
mistakes(spec, votes, images, Path(out.mistakes_png), Path(out.mistakes_svg))
