"""What `make status` says of a run, from the logs that Snakemake and jobs leave."""

from datetime import datetime
from pathlib import Path

import pytest

from synth2real.errors import InputError
from synth2real.report.status import status

NOW = datetime(2026, 11, 26, 12, 10, 0)
PLAN = """Provided cores: 2
Job stats:
job               count
--------------  -------
gan                   3
classify_train        5
total                 8

Select jobs to execute...
Execute 2 jobs...
"""


def begins(time: str, jobid: int, rule: str, wildcards: str) -> str:
    return (
        f"[Thu Nov 26 {time} 2026]\nlocalrule {rule}:\n    input: a, b\n"
        f"    log: logs/{jobid}.log\n    jobid: {jobid}\n    wildcards: fold=, {wildcards}\n"
    )


def ends(time: str, jobid: int, rule: str) -> str:
    return f"[Thu Nov 26 {time} 2026]\nFinished jobid: {jobid} (Rule: {rule})\n3 of 8 steps\n"


def fails(time: str, jobid: int, rule: str) -> str:
    return f"[Thu Nov 26 {time} 2026]\nError in rule {rule}:\n    jobid: {jobid}\n"


def write(folder: Path, text: str, name: str = "2026-11-26.log") -> None:
    path = folder / ".snakemake/log" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_finished_jobs_tell_how_long_the_others_take(tmp_path: Path) -> None:
    text = (
        PLAN
        + begins("12:00:00", 1, "gan", "size=r0.1")
        + begins("12:00:00", 2, "gan", "size=r0.5")
        + ends("12:05:00", 1, "gan")
        + begins("12:05:00", 3, "classify_train", "dataset=GAN")
        + ends("12:05:40", 3, "classify_train")
        + ends("12:07:00", 2, "gan")
        + begins("12:07:00", 4, "gan", "size=r0.9")
        + begins("12:09:30", 5, "classify_train", "dataset=original")
    )
    write(tmp_path, text)
    # A dry run looked what there is to do, afterwards.
    write(tmp_path, PLAN.replace("Execute", "Would execute"), "2026-11-27.log")
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/4.log").write_text("compiling\n45 % of 100 samples\n")
    # GANs take 360 s, of which 180 are over; classifiers 40, four of them, 30 over: on two cores.
    assert status(tmp_path, NOW).splitlines() == [
        f"3 of 8 jobs done, 2 running, 3 to come; {(360 - 180 + 4 * 40 - 30) / 2 / 60:.0f} min or "
        "more to go",
        "running: gan size=r0.9, for 3 min: 45 % of 100 samples",
        "running: classify_train dataset=original, for 30 s: begins",
    ]


def test_a_failed_job_is_named_unless_it_is_tried_again(tmp_path: Path) -> None:
    both = begins("12:00:00", 1, "gan", "size=r0.1") + begins("12:00:00", 2, "gan", "size=r0.5")
    failed = both + fails("12:01:00", 1, "gan") + fails("12:01:00", 2, "gan")
    write(tmp_path, PLAN + failed + begins("12:02:00", 2, "gan", "size=r0.5"))
    assert status(tmp_path, NOW).splitlines() == [
        "0 of 8 jobs done, 1 running, 6 to come; nothing tells how long yet",
        "failed: gan size=r0.1, logs/1.log",
        "running: gan size=r0.5, for 8 min: begins",
    ]


def test_a_run_that_has_ended_says_so(tmp_path: Path) -> None:
    text = PLAN + begins("12:00:00", 1, "gan", "size=r0.1") + fails("12:01:00", 1, "gan")
    write(tmp_path, text + "Complete log(s): x\n")
    assert status(tmp_path, NOW).splitlines() == [
        "0 of 8 jobs done; the run has ended",
        "failed: gan size=r0.1, logs/1.log",
    ]


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing has run there"):
        status(tmp_path, NOW)
