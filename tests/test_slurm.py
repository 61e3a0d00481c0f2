"""The experiment on a real SLURM cluster of two nodes, while its jobs are killed.

One run has all of it: the first GAN's job is requeued, the second's runs out of time, the third's
is cancelled. `pytest -rP` shows the seconds for docs/cluster.md.
"""

import csv
import os
import re
import signal
import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

import slurm_cluster
from project import (
    DISTURBED,
    begin_snakemake,
    copy_project,
    kill,
    last_checkpoint,
    overlay,
    snakemake,
    wait_for,
)

WHY_NOT = slurm_cluster.missing()
pytestmark = [pytest.mark.slow, pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT))]
SLURM = ("--workflow-profile", "profiles/slurm")
# The profile's 40 s are for a cluster that others use, too.
OFTEN = ("--slurm-init-seconds-before-status-checks", "3")
REQUEUED, OUT_OF_TIME, CANCELLED = 0, 1, 2


def slurm(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def gan_log(folder: Path, seed: int) -> str:
    path = folder / f"results/logs/r0.1/draw0/gan_seed{seed}.log"
    return path.read_text() if path.exists() else ""


def holder(folder: Path, seed: int) -> tuple[int, str]:
    """The process that trains a GAN, and its SLURM job."""
    text = (folder / f"results/r0.1/draw0/gan/seed{seed}/.checkpoints.lock").read_text()
    match = re.fullmatch(r"process (\d+) on .+, SLURM job (\d+)", text)
    assert match, text
    return int(match[1]), match[2]


def disturb(folder: Path, seed: int) -> None:
    """Does to the job of a GAN that has a checkpoint what is planned for it."""
    process, job = holder(folder, seed)
    if seed == REQUEUED:
        slurm("scontrol", "requeue", job)
    elif seed == OUT_OF_TIME:
        # A minute is the least that there is; stopped, the job does not end before.
        slurm("scontrol", "update", f"JobId={job}", "TimeLimit=1")
        os.kill(process, signal.SIGSTOP)
    else:
        slurm("scancel", job)


def with_checkpoint(folder: Path, seeds: set[int]) -> set[int]:
    return {seed for seed in seeds if last_checkpoint(folder, seed) > 0}


def begun_entries(folder: Path) -> list[Path]:
    """The last file of a trained set, where the entry has another set to train."""
    files = [*(folder / "results/r0.1/draw0/classify").glob("*GAN/seed*/run1.safetensors")]
    seeds = Counter(path.parent.name for path in files)
    return [path for path in files if seeds[path.parent.name] == 1]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("cluster")
    slurm_cluster.start(folder)
    yield folder
    slurm_cluster.stop(folder)


@pytest.fixture(scope="module")
def finished_on_slurm(cluster: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The tiny experiment with three GANs after a run on the cluster, each GAN disturbed once."""
    folder = copy_project(tmp_path_factory.mktemp("on_slurm"))
    begin = time.monotonic()
    left = {REQUEUED, OUT_OF_TIME, CANCELLED}
    with begin_snakemake(folder, *SLURM, *OFTEN, *overlay(folder, DISTURBED)) as run:
        while left:
            wait_for(
                lambda: run.poll() is not None or with_checkpoint(folder, left), "a checkpoint"
            )
            assert run.poll() is None, (folder / "snakemake.log").read_text()
            seed = with_checkpoint(folder, left).pop()
            disturb(folder, seed)
            left.remove(seed)
            print(f"disturbed GAN {seed} after {time.monotonic() - begin:.0f} s")
        # An entry that has trained the first of its sets and not the second.
        wait_for(lambda: begun_entries(folder), "a trained set")
        lock = begun_entries(folder)[0].with_name(".run0.finished.lock")
        slurm("scancel", re.findall(r"SLURM job (\d+)", lock.read_text())[0])
        assert run.wait(900) == 0, (folder / "snakemake.log").read_text()
    print(f"finished after {time.monotonic() - begin:.0f} s")
    yield folder
    # A cancelled job's Snakemake may wait for ever; this cluster has no cgroups to end it by.
    for process in psutil.process_iter(["cmdline"]):
        if any(str(folder) in word for word in process.info["cmdline"] or []):
            process.kill()


def test_all_targets_appear(finished_on_slurm: Path):
    results = finished_on_slurm / "results"
    for name in ("accuracy.csv", "gap.csv", "fonts/credits.md", "figures/gap.svg"):
        assert (results / name).stat().st_size > 0, name


@pytest.mark.parametrize("seed", [REQUEUED, OUT_OF_TIME, CANCELLED])
def test_training_goes_on_where_it_was_stopped(finished_on_slurm: Path, seed: int):
    steps = re.search(r"going on after (\d+) steps", gan_log(finished_on_slurm, seed))
    assert steps and int(steps[1]) in (100, 200)
    assert last_checkpoint(finished_on_slurm, seed) == -1


def test_an_entry_makes_nothing_twice(finished_on_slurm: Path):
    logs = (finished_on_slurm / "results/logs/r0.1/draw0").glob("*.log")
    made = {log.name: text for log in logs if "were made before" in (text := log.read_text())}
    assert {name.partition("_")[0] for name in made} == {"convert", "classify"}
    assert all("2 of 2 files" in text and "samples" not in text for text in made.values())


def test_files_are_those_of_an_undisturbed_local_run(finished_on_slurm: Path, undisturbed: Path):
    names = ["accuracy.csv"]
    names += [
        f"r0.1/draw0/gan/seed{seed}/{name}"
        for seed in range(3)
        for name in ("networks.safetensors", "metrics.jsonl")
    ]
    for name in names:
        ours, theirs = (folder / "results" / name for folder in (finished_on_slurm, undisturbed))
        assert ours.read_bytes() == theirs.read_bytes(), name


def test_jobs_share_no_gpu(finished_on_slurm: Path, cluster: Path):
    holders: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    with open(cluster / "gpus.tsv", newline="") as file:
        for event, _, job, node, gpus in csv.reader(file, delimiter="\t"):
            # n2 has none, and every job on the cluster asks for one.
            assert node == "n1" and gpus in ("0", "1"), (job, node, gpus)
            jobs = holders[node, gpus]
            jobs.add(job) if event == "start" else jobs.discard(job)
            assert len(jobs) <= 1, (node, gpus, jobs)
    assert set(holders) == {("n1", "0"), ("n1", "1")}


def test_queue_has_few_entries(finished_on_slurm: Path):
    log = (finished_on_slurm / "snakemake.log").read_text()
    entries = re.findall(r"Job (\S+) has been submitted with SLURM jobid \d+", log)
    # Three GANs and two of them again (a requeued job keeps its entry); the conversion of each and
    # its sets, one again; the judge, two gaps; the sets that need no GAN; tests and gaps.
    assert len(entries) == 3 + 2 + 3 + 1 + 3 + 1 + 1, Counter(entries)


def test_entries_ask_for_what_their_jobs_need_in_turn(finished_on_slurm: Path):
    asked = slurm("squeue", "--states=all", "--noheader", "--format=%k|%l|%m|%C")
    entries: defaultdict[str, list[str]] = defaultdict(list)
    for line in asked.splitlines():
        comment, _, rest = line.partition("|")
        entries[comment.split("_")[1]].append(rest)
    # Ten minutes and twice 4,800 samples at 500 a second; more of both when tried again. (The one
    # that ran out of time was given a minute by the test.)
    again = ["21:00|8009M|1"] * 2
    assert sorted(entries["gan"]) == ["10:00|4004M|1"] * 2 + ["1:00|4004M|1"] + again
    # Three sets each, and three tests of 11 minutes with three gaps of 10.
    assert entries["real"] == ["30:00|4004M|1"]
    assert sorted(entries["converted"]) == ["1:00:00|8009M|1"] + ["30:00|4004M|1"] * 3
    assert entries["measured"] == ["1:03:00|4004M|1"]


@pytest.mark.usefixtures("cluster")
def test_job_that_outlives_snakemake_keeps_its_training(begun: Path, undisturbed: Path):
    target = "results/r0.1/draw0/gan/seed0/networks.safetensors"
    arguments = (target, *SLURM, *OFTEN, "--retries", "0", *overlay(begun, DISTURBED))
    with begin_snakemake(begun, *arguments) as run:
        wait_for(lambda: with_checkpoint(begun, {0}), "a checkpoint")
        kill(run)
    process, job = holder(begun, 0)
    # Or it would be done before the second starts; scancel wakes it.
    os.kill(process, signal.SIGSTOP)
    assert snakemake(begun, "--unlock", *overlay(begun, DISTURBED)).returncode == 0
    second = snakemake(begun, *arguments)
    assert second.returncode != 0 and f"SLURM job {job}; wait for it" in gan_log(begun, 0)
    slurm("scancel", job)
    third = snakemake(begun, *arguments)
    assert third.returncode == 0, third.stderr
    assert "going on after" in gan_log(begun, 0)
    assert (begun / target).read_bytes() == (undisturbed / target).read_bytes()
