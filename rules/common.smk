# What all rules share: the checked configuration, wildcards, and the code that a script runs.

import itertools
import os
import re
from dataclasses import asdict, replace
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

REPEATED = r"(Select jobs to execute|Execute \d+ jobs|Finished jobid: )"

try:
    import synth2real
except ModuleNotFoundError:
    raise WorkflowError("synth2real is not installed; `make env` installs it")

PROJECT = Path(str(workflow.current_basedir)).parent
if not PROJECT.is_dir():
    # Snakemake fetches the rules of a hosted workflow alone; the rest is in the clone installed.
    PROJECT = Path(synth2real.__file__).parents[2]
# Relative, so that a finished experiment stays finished when the project moves with its results.
ROOT = Path(os.path.relpath(PROJECT))
SRC = ROOT / "src"

if not Path(synth2real.__file__).is_relative_to(SRC.resolve()):
    raise WorkflowError(
        f"synth2real is installed from {Path(synth2real.__file__).parents[1]}, not from "
        f"{SRC.resolve()}; the programs of {ROOT.resolve()}/.venv/bin are needed, which `rm -rf .venv; "
        "make env` makes there"
    )

from synth2real.classify.config import PRESETS as CLASSIFIERS
from synth2real.config import read_experiment
from synth2real.config.files import find_file_problems, lay_over, read_settings
from synth2real.convert.config import FORMATS
from synth2real.environment import (
    add_defaults,
    clean_environment,
    computes_on_gpus,
    list_gpus,
    xla_flags,
)
from synth2real.errors import InputError
from synth2real.figures.sizes import spread_sizes
from synth2real.gan.config import PRESETS as GANS
from synth2real.io.files import TEMPORARY
from synth2real.io.finished import remove_finished
from synth2real.modules import modules_used
from synth2real.sets import PSEUDO, PSEUDO_COST, SETS
from synth2real.sources import open_source
from synth2real.sources.folder import THREADS
from synth2real.sources.fonts.checks import count_renders
from synth2real.sources.fonts.own import fonts_digest
from synth2real.spec import LARGEST, LARGEST_BYTES, read_spec

clean_environment()
add_defaults()

# Of a job that begins or ends, which it says itself, a terminal need not see how Snakemake says it
# again; its log has all of it.
for handler in logger.handlers:
    if handler.name == "DefaultStreamHandler":
        handler.addFilter(lambda record: not re.match(REPEATED, record.getMessage()))
if workflow.deployment_settings.deployment_method:
    # An environment of conda's or a container has the pinned packages, but not this one.
    os.environ.update(PYTHONPATH=str(SRC.resolve()))

FONT_MANIFEST = ROOT / "resources" / "fonts.csv"
AUTHORS_RESULTS = ROOT / "resources" / "authors_results.csv"

# Whether jobs find an NVIDIA GPU that their JAX computes on; an environment of conda's or a
# container has one for each answer. Jobs inherit it, so that those on a cluster's nodes have the
# environment that was made for them.
if "SYNTH2REAL_GPU" not in os.environ:
    able = workflow.deployment_settings.deployment_method or computes_on_gpus()
    os.environ.update(SYNTH2REAL_GPU="1" if able and list_gpus() else "0")
GPU = os.environ.get("SYNTH2REAL_GPU")
if GPU not in ("0", "1"):
    raise WorkflowError(f"SYNTH2REAL_GPU={GPU}: must be 0 or 1 (1: jobs find a GPU)")
GPU = int(GPU)
# For --sdm conda, relative to rules/.
CONDA_ENV = f"../envs/{'gpu' if GPU else 'cpu'}.yaml"


# For --sdm apptainer; envs/container.def makes it.
container: str(ROOT / ".cache" / "synth2real.sif")


if problems := find_file_problems([Path(path) for path in workflow.configfiles]):
    raise WorkflowError("\n".join(problems))
try:
    # A workflow that has this one as a module gives its `config` instead of config.yaml's.
    config = lay_over(read_settings(ROOT / "config.yaml"), config)
    EXPERIMENT = read_experiment(config, FONT_MANIFEST)
except InputError as error:
    raise WorkflowError(str(error))

# Wildcards. A fold has a folder of its own, and without folds there is none.
FOLDS = [f"fold{fold}/" for fold in range(EXPERIMENT.real.folds)] if EXPERIMENT.real.folds else [""]
SIZES = {size.name: size for size in EXPERIMENT.sizes}
TITLES = {name: size.title(EXPERIMENT.splits.total) for name, size in SIZES.items()}
DRAWS = EXPERIMENT.splits.seeds
GAN_SEEDS = EXPERIMENT.gan_seeds
RUNS = range(EXPERIMENT.runs)

TRAINED = EXPERIMENT.sets
GAN_FREE = [name for name, kind in TRAINED.items() if not kind.needs_gan]
WITH_GAN = [name for name, kind in TRAINED.items() if kind.needs_gan]


wildcard_constraints:
    fold=r"(?:fold\d+/)?",
    size=r"[rns][\d.]+",
    draw=r"\d+",
    seed=r"\d+",
    run=r"\d+",


SPEC = "results/real/spec.json"
# Chains of stages, one for each draw: results/r0.007/draw0/, results/fold2/s0.5/draw0/.
CHAIN_KEYS = list(itertools.product(FOLDS, SIZES, DRAWS))
SPLITS = [f"results/{f}{s}/draw{d}/splits/split.npz" for f, s, d in CHAIN_KEYS]
# Each with the seed of a GAN, as tables name them.
CHAINS = [(f.strip("/"), s, d, seed) for f, s, d in CHAIN_KEYS for seed in GAN_SEEDS]


def look(digest):
    """What a function says that looks at files; what is wrong with them ends the plan in a line."""
    try:
        return digest()
    except InputError as error:
        raise WorkflowError(str(error))


def digest(source, part="train"):
    """What changes when the images of a source do: a new image makes its job stale."""
    return look(lambda: open_source(source.kind, source.path, part).digest())


# What the bits of jobs that compute depend on besides their inputs and settings.
COMPUTE = {"compute": asdict(EXPERIMENT.compute), "xla_flags": xla_flags()}

# Real images without labels, of a folder or left out by splits.
PICTURES = EXPERIMENT.unlabelled_source
UNLABELLED = "results/real/unlabelled.npz" if PICTURES else []


def code(script):
    """A script and the modules of src/ that it uses, to be inputs: an edit makes its jobs stale.

    Inputs count by content, so that a checkout that only touches them does not.
    """
    path = ROOT / "workflow" / "scripts" / script
    return [str(path), *modules_used(path, SRC)]


def classifiers(trainsets):
    """Weights of every run of training sets; a set is a folder below classify/."""
    return expand(
        "results/{fold}{size}/draw{draw}/classify/{trainset}/run{run}.safetensors",
        trainset=trainsets,
        run=RUNS,
        allow_missing=True,
    )


def of_chains(file):
    """A file that classifiers of each chain leave, in the order of `CHAINS`; {seed} is a GAN's."""
    return [
        f"results/{fold}{size}/draw{draw}/classify/{file}".format(seed=seed)
        for fold, size, draw in CHAIN_KEYS
        for seed in GAN_SEEDS
    ]


def conversions(wildcards):
    """The file of a set's conversions, by the GAN or by the generator that it began with."""
    prefix = "untrained_" if SETS[wildcards.dataset].conversions == "untrained" else ""
    return f"results/{{fold}}{{size}}/draw{{draw}}/convert/{prefix}seed{{seed}}/train.npz"


def unlabelled(wildcards):
    """The file of images without labels, for sets that need one."""
    return UNLABELLED if SETS[wildcards.dataset].recipe == PSEUDO else []


def remove_leftovers():
    """Deletes what killed jobs left, and what jobs kept that have their outputs.

    Of a target that needs little of it, others may go on from the rest.
    """
    folders = ["fonts", "synthetic", "figures"]
    folders += [f"{fold}{name}" for fold in FOLDS for name in ("real", "gap")]
    folders += [f"{fold}{size}/draw{draw}" for fold, size, draw in CHAIN_KEYS]
    paths = [*Path("results").glob("*")]
    paths += [path for folder in folders for path in Path("results", folder).rglob("*")]
    for path in paths:
        if path.suffix == ".finished":
            remove_finished(path)
        elif path.name == "checkpoints":
            remove_finished(path, ["networks.safetensors", "metrics.jsonl"])
        elif TEMPORARY.fullmatch(path.name):
            path.unlink(missing_ok=True)
    for lock in paths:
        # Another process may hold that of a folder that is still there.
        match = re.fullmatch(r"\.(.*)\.lock", lock.name)
        if match and not lock.with_name(match[1]).exists():
            lock.unlink(missing_ok=True)


def show_verdict(table, page):
    """Prints the verdict, a line for each question, and where the rest is."""
    if not table.exists():
        return
    # pandas takes a second that only this needs.
    from synth2real.report.tables import short_verdict

    shown = {size.name: TITLES[size.name] for size in spread_sizes(EXPERIMENT.sizes)}
    if said := short_verdict(table, shown):
        print(f"\nDo synthetic images help?\n{said}")
        print(f"All of it: {page if page.exists() else table}")


def figure(name):
    """PNG and SVG of a figure; the report shows the SVG."""
    return {suffix: f"results/figures/{name}.{suffix}" for suffix in ("png", "svg")}
