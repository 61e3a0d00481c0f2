"""Stage figures, conversions of the same images: see src/synth2real/figures/conversions.py."""

from pathlib import Path

from synth2real.convert.convert import least_strength
from synth2real.figures.conversions import conversions, convert_often, first_of_each_class
from synth2real.gan.config import load_gan_config
from synth2real.gan.state import make_gan
from synth2real.job import start_job
from synth2real.nn.config import ComputeConfig
from synth2real.nn.convolution import use
from synth2real.spec import read_spec

start_job(snakemake.log[0], snakemake.threads, snakemake.resources.gpu)
use(ComputeConfig(**snakemake.params.compute))
files, params = snakemake.input, snakemake.params
spec = read_spec(Path(files.spec))
gan = make_gan(load_gan_config(params.gan), spec)
images, labels = first_of_each_class(spec, Path(files.synthetic))
converted = {}
for title, networks in zip(params.titles, files.networks, strict=True):
    least = least_strength(Path(networks), params.least_strength)
    converted[title] = convert_often(gan, Path(networks), least, images, labels)
conversions(spec, images, converted, Path(snakemake.output.png), Path(snakemake.output.svg))
