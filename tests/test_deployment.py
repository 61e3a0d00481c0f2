"""The workflow as a module of another project's, from a folder and a host, and in a container."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from project import copy_project, planned, snakemake

OF_A_FOLDER = """
configfile: "mine.yaml"

module synth2real:
    snakefile: "../clone/Snakefile"
    config: config["digits"]

use rule * from synth2real as digits_*

rule mine:
    default_target: True
    input: "results/verdict.csv"
"""
# Says its version; else runs in no container what it was to run in one, and notes the image.
APPTAINER = """#!/bin/sh
[ "$1" = --version ] && echo apptainer version 1.3.6 && exit
for argument in "$@"; do
    shift
    case $argument in *.sif) echo "$argument" >> "$IMAGES"; exec "$@";; esac
done
"""
# As snakedeploy writes it.
OF_A_HOST = """
configfile: "mine.yaml"

module synth2real:
    snakefile: github("someone/synth2real", path="Snakefile", tag="v0.1.0")
    config: config

use rule * from synth2real
"""


OWN = "{real: {npz: real.npz, folds: 2}, synthetic: {npz: synthetic.npz}}"
SPLIT = "results/fold0/s0.5/draw0/splits/split.npz"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    (tmp_path / "clone").mkdir()
    return copy_project(tmp_path / "clone")


def write_project(folder: Path, snakefile: str, settings: str) -> Path:
    folder.mkdir()
    (folder / "Snakefile").write_text(snakefile)
    (folder / "mine.yaml").write_text(settings)
    return folder


def write_images(folder: Path) -> None:
    """The images that `OWN` names."""
    rng = np.random.default_rng(0)
    for name in ("real", "synthetic"):
        images = rng.integers(0, 256, (40, 16, 16, 1), np.uint8)
        np.savez(folder / f"{name}.npz", images=images, labels=np.arange(40) % 2)


def test_another_workflow_has_this_one_as_a_module(clone: Path, tmp_path: Path):
    settings = 'digits: {ratios: ["0.02"], classify: {controls: false}}'
    folder = write_project(tmp_path / "mine", OF_A_FOLDER, settings)
    jobs = planned(folder, PYTHONPATH=str(clone / "src"))
    sets = Counter(digits_classify_train=3, digits_classify_train_gan=2)
    assert sets <= jobs and jobs["mine"] == jobs["digits_gan"] == jobs["digits_verdict"] == 1
    assert not jobs["digits_report"] and not jobs["digits_convert_untrained"]


@pytest.mark.slow
def test_a_hosted_workflow_runs_with_the_clone_that_is_installed(clone: Path, tmp_path: Path):
    cache = tmp_path / "cache"
    hosted = "snakemake/snakemake/source-cache/snakemake-git-cache/github.com/someone/synth2real"
    (cache / hosted).parent.mkdir(parents=True)
    author = ["-c", "user.name=someone", "-c", "user.email=someone@example.org"]
    for arguments in (
        ["init", "--quiet", str(clone)],
        ["-C", str(clone), "add", "."],
        ["-C", str(clone), *author, "commit", "--quiet", "--message", "all"],
        ["-C", str(clone), "tag", "v0.1.0"],
        ["clone", "--quiet", "--bare", str(clone), str(cache / hosted)],
    ):
        subprocess.run(["git", *arguments], check=True)
    folder = write_project(tmp_path / "mine", OF_A_HOST, OWN)
    write_images(folder)
    found = {"PYTHONPATH": str(clone / "src"), "XDG_CACHE_HOME": str(cache)}
    result = snakemake(folder, "--cores", "1", SPLIT, **found)
    assert result.returncode == 0, result.stderr
    assert planned(folder, SPLIT, **found) == Counter()


@pytest.mark.slow
def test_jobs_run_in_the_container_and_find_the_package(clone: Path, tmp_path: Path):
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/apptainer"
    program.write_text(APPTAINER)
    program.chmod(0o755)
    (clone / "mine.yaml").write_text(OWN)
    write_images(clone)
    path = f"{program.parent}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    images = tmp_path / "images"
    arguments = ("--cores", "1", SPLIT, "--configfile", "mine.yaml", "--sdm", "apptainer")
    result = snakemake(clone, *arguments, PATH=path, IMAGES=str(images))
    assert result.returncode == 0, result.stderr
    assert (clone / SPLIT).exists()
    # Real images, synthetic ones, and the split.
    assert images.read_text().splitlines() == [".cache/synth2real.sif"] * 3
