"""What `make status` says of a run, from what Snakemake and jobs leave."""

import os
from pathlib import Path

import pytest

from synth2real.errors import InputError
from synth2real.report.status import status

PLAN = """Provided cores: 2
Job stats:
job                   count
------------------  -------
gan                       3
classify_train            2
classify_train_gan        3
total                     8

Select jobs to execute...
Execute 2 jobs...
"""
TIMES = {"r0.1/gan_seed0": 400, "r0.5/gan_seed0": 320, "r0.1/classify_train_GAN_seed0": 40}


def ends(jobid: int, rule: str) -> str:
    return f"[Thu Nov 26 12:00:00 2026]\nFinished jobid: {jobid} (Rule: {rule})\n3 of 8 steps\n"


def fails(jobid: int, rule: str) -> str:
    return (
        f"[Thu Nov 26 12:00:00 2026]\nError in rule {rule}:\n    message: None\n"
        f"    jobid: {jobid}\n    log: logs/{jobid}.log (check log file(s) for error details)\n"
    )


def write(folder: Path, text: str, name: str = "2026-11-26T120000.123456.snakemake.log") -> None:
    path = folder / ".snakemake/log" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    (folder / ".snakemake/locks").mkdir(exist_ok=True)
    (folder / ".snakemake/locks/0.input.lock").touch()


def test_finished_jobs_tell_how_long_the_others_take(tmp_path: Path) -> None:
    finished = ends(1, "gan") + ends(2, "gan") + ends(3, "classify_train_gan")
    write(tmp_path, PLAN + finished)
    # A dry run looked what there is to do, afterwards.
    write(tmp_path, PLAN.replace("Execute", "Would execute"), "2026-11-27T120000.1.snakemake.log")
    for name, seconds in TIMES.items():
        path = tmp_path / "results/benchmarks" / f"{name}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"s\th:m:s\n{seconds}\t0:00:00\n")
    logs = {"r0.1/gan_seed0": "ends", "r0.9/gan_seed0": "45% of 100 samples"}
    logs["r0.1/classify_train_original"] = "begins"
    for name, last in logs.items():
        path = tmp_path / "results/logs" / f"{name}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"12:00:00 begins\n12:00:01 {last}\n")
    # One GAN of 360 s, two classifiers with and two without a GAN of 40 s; one of each half done.
    seconds = (360 + 4 * 40 - 180 - 20) / 2
    assert status(tmp_path).splitlines() == [
        f"3 of 8 jobs done, 2 running, 3 to come; {seconds / 60:.0f} min or more to go",
        "r0.1/classify_train_original: 12:00:01 begins",
        "r0.9/gan_seed0: 12:00:01 45% of 100 samples",
    ]


def test_nothing_is_said_of_the_time_before_a_job_is_finished(tmp_path: Path) -> None:
    write(tmp_path, PLAN + fails(1, "gan"))
    assert status(tmp_path).splitlines() == [
        "0 of 8 jobs done, 0 running, 7 to come; nothing tells how long yet",
        "failed: gan, logs/1.log",
    ]


def test_running_jobs_say_how_long_they_take_and_the_rest_is_named(tmp_path: Path) -> None:
    write(tmp_path, PLAN)
    log = tmp_path / "results/logs/r0.1/gan_seed0.log"
    log.parent.mkdir(parents=True)
    line = "12:03:20 60% of 100 samples, 9 samples/s, 0:02:00 left"
    log.write_text(f"12:00:00 begins\n{line}, adversarial 0.50\n")
    # A GAN takes 300 s; of three 120 s of one and two whole ones are left, on two cores.
    assert status(tmp_path).splitlines() == [
        "0 of 8 jobs done, 1 running, 7 to come; 6 min or more to go",
        "not counted, as nothing tells yet how long they take: 5 classify_train",
        f"r0.1/gan_seed0: {line}",
    ]


def test_running_jobs_of_one_name_count_each(tmp_path: Path) -> None:
    write(tmp_path, PLAN)
    for size, left in (("r0.1", "0:02:00"), ("r0.9", "0:04:00")):
        log = tmp_path / f"results/logs/{size}/draw0/gan_seed0.log"
        log.parent.mkdir(parents=True)
        log.write_text(f"12:00:00 begins\n12:03:20 60% of 100 samples, 9 samples/s, {left} left\n")
    # GANs take 300 and 600 s, the third 450; 120, 240 and 450 s are left, on two cores.
    assert "; 7 min or more to go" in status(tmp_path).splitlines()[0]


def test_a_run_that_was_killed_is_told_by_its_lock_or_its_silence(tmp_path: Path) -> None:
    write(tmp_path, PLAN)
    log = next((tmp_path / ".snakemake/log").iterdir())
    os.utime(log, (0, 0))
    assert status(tmp_path).endswith("killed? snakemake --unlock")
    (tmp_path / ".snakemake/locks/0.input.lock").unlink()
    assert status(tmp_path) == "0 of 8 jobs done; the run has ended"


def test_a_run_that_has_ended_says_so(tmp_path: Path) -> None:
    write(tmp_path, PLAN + fails(1, "gan") + "Complete log(s): x\n")
    assert status(tmp_path).splitlines() == [
        "0 of 8 jobs done; the run has ended",
        "failed: gan, logs/1.log",
    ]


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing has run there"):
        status(tmp_path)


def test_a_run_that_is_being_planned_has_begun_nothing(tmp_path: Path) -> None:
    (tmp_path / ".snakemake/log").mkdir(parents=True)
    (tmp_path / ".snakemake/log/1.snakemake.log").write_text("Building DAG of jobs...\n")
    assert status(tmp_path) == "no job has begun yet"
