# What all rules share: the checked configuration, wildcards, and the code that a script runs.

import os
import re
import shutil
import sys
from dataclasses import asdict, replace
from pathlib import Path

from snakemake.exceptions import WorkflowError

# Relative, so that a finished experiment stays finished when the project moves with its results.
ROOT = Path(os.path.relpath(workflow.basedir))
SRC = ROOT / "src"
# Scripts import synth2real from here; it need not be installed.
sys.path.insert(0, os.path.abspath(SRC))
os.environ.update(
    PYTHONPATH=os.pathsep.join([os.path.abspath(SRC), *filter(None, [os.getenv("PYTHONPATH")])])
)
# Jobs share what XLA compiled, and a GPU's memory.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", os.path.abspath(".cache/jax"))
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

from synth2real.config import read_experiment
from synth2real.errors import InputError
from synth2real.figures.ratios import spread_ratios
from synth2real.fonts import font_files
from synth2real.job import KEEP_MEMORY
from synth2real.modules import modules_used

os.environ.update(KEEP_MEMORY | dict(os.environ))

FONT_MANIFEST = ROOT / "resources" / "fonts.csv"
AUTHORS_RESULTS = ROOT / "resources" / "authors_results.csv"

# Whether jobs find an NVIDIA GPU. Jobs inherit the answer, so that those on a cluster's nodes have
# the conda environment that was made for them.
GPU = os.environ.setdefault("SYNTH2REAL_GPU", "1" if shutil.which("nvidia-smi") else "0")
if GPU not in ("0", "1"):
    raise WorkflowError(f"SYNTH2REAL_GPU={GPU}: must be 0 or 1 (1: jobs find a GPU)")
GPU = int(GPU)
# For --sdm conda, relative to rules/.
CONDA_ENV = f"../envs/{'gpu' if GPU else 'cpu'}.yaml"

try:
    EXPERIMENT = read_experiment(
        config, ROOT / "workflow" / "schemas" / "config.schema.yaml", FONT_MANIFEST
    )
except InputError as error:
    raise WorkflowError(str(error))

# Ratios are taken as they are written in the configuration: 0.1 and 0.10 are different paths.
RATIOS = EXPERIMENT.ratios
GAN_SEEDS = EXPERIMENT.gan_seeds
RUNS = range(EXPERIMENT.runs)
# The user's own fonts, so that a change among them is noticed.
FONT_FILES = font_files(Path(EXPERIMENT.font_folder)) if EXPERIMENT.font_folder else []
# The paper's training sets.
GAN_FREE = ["original", "font", "original+font"]
WITH_GAN = ["GAN", "original+GAN"]
# Baselines of our own; see src/synth2real/classify/sets.py.
if EXPERIMENT.augmented:
    GAN_FREE += ["augmented-original", "augmented-original+font"]
    WITH_GAN += ["augmented-original+GAN"]


wildcard_constraints:
    ratio=r"0\.\d+",
    seed=r"\d+",
    run=r"\d+",


# What one CPU core does in a second: PixelDA and classifiers without bfloat16 units
# (benchmarks/README.md), synth2real beside another job.
GAN_SAMPLES, CONVERSIONS = (
    (40, 160) if config["gan"]["preset"].startswith("pixelda") else (500, 4000)
)
CLASSIFIER_SAMPLES = {"paper": 900, "small": 6900}[config["classify"]["preset"]]
DAY = 24 * 60


def more(value):
    """A resource of which a job that failed gets more when it is tried again."""
    return lambda wildcards, attempt: value * attempt


def minutes(*work, jobs=1):
    """Twice the time of (items, items a second), and ten minutes; more when tried again.

    A day at most for as many jobs as are one entry of a cluster's queue (profiles/slurm): clusters
    commonly allow no more. A GAN that needs longer goes on from its checkpoint when tried again.
    """
    needed = 10 + 2 * sum(items / rate for items, rate in work) / 60
    return lambda wildcards, attempt: min(round(needed * attempt), DAY // jobs)


def code(script):
    """A script and the modules of src/ that it uses, to be inputs: an edit makes its jobs stale.

    Inputs count by content, so that a checkout that only touches them does not.
    """
    path = ROOT / "workflow" / "scripts" / script
    return [str(path), *modules_used(path, SRC)]


def classifiers(trainsets):
    """Weights of every run of training sets; a set is a folder below classify/."""
    return expand(
        "results/r{{ratio}}/classify/{trainset}/run{run}.npz", trainset=trainsets, run=RUNS
    )


def figure(name):
    """PNG and SVG of a figure; the report shows the SVG."""
    path = f"results/figures/{name}"
    caption = f"../workflow/report/{name}.rst"
    return {
        "png": f"{path}.png",
        "svg": report(f"{path}.svg", caption=caption, category="Figures"),
    }
