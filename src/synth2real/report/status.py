"""What a run does now: `python -m synth2real.report.status runs/mine`.

Read from Snakemake's log of the run, which says how many jobs there are and which are finished,
from the logs of jobs, whose last lines say how far they are, and from the times of finished ones.
"""

import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import pandas as pd

from synth2real.errors import InputError
from synth2real.job import ENDS

LONG = 300  # seconds; jobs that train say something twice a minute
METRICS = re.compile(r"(?<= left), .*")  # behind what a log's line says of the time
LEFT = re.compile(r"(\d+)% of .* (\d+):(\d\d):(\d\d) left")
# Rules whose jobs take more than a moment; others have names like theirs.
SLOW = ("gan", "convert", "classify_train", "classify_test", "gap_converted")


class Run(NamedTuple):
    """What Snakemake's log tells of a run.

    Attributes:
        planned: how many jobs of each rule there are, and in `total`.
        done: how many of each rule are finished.
        failed: rules of which a job ended with an error, and its log.
        at_once: how many jobs run beside each other at most.
        ended: whether the run is over.
    """

    planned: Counter[str]
    done: Counter[str]
    failed: Sequence[tuple[str, str]]
    at_once: int
    ended: bool


def read_run(text: str) -> Run:
    """Reads Snakemake's log."""
    stats = re.search(r"^Job stats:\n.*\n-+ .*\n((?:\w+ +\d+\n)+)", text, re.MULTILINE)
    lines = stats[1].splitlines() if stats else []
    planned = Counter({name: int(count) for name, count in map(str.split, lines)})
    done = Counter(re.findall(r"^Finished jobid: \d+ \(Rule: (\w+)\)", text, re.MULTILINE))
    errors = r"^Error in rule (\w+):\n(?:    .*\n)*?    log: (\S+)"
    failed = re.findall(errors, text, re.MULTILINE)
    provided = re.search(r"^Provided (?:cores|remote nodes): (\d+)", text, re.MULTILINE)
    ended = re.search(r"^(Complete log|Nothing to be done)", text, re.MULTILINE) is not None
    return Run(planned, done, failed, int(provided[1]) if provided else 1, ended)


def seconds_left(run: Run, seconds: Mapping[str, float], running: Mapping[str, str]) -> float:
    """What unfinished jobs take; nothing is counted of rules of which nothing is known.

    A running job that does not say how much is left is taken to be half done.

    Args:
        run: the run.
        seconds: what a job of each rule takes, as far as it is known.
        running: the last lines of running jobs by their logs, whose names begin with their rules'.
    """
    left = 0.0
    for rule, count in run.planned.items():
        left += seconds.get(_like(rule, seconds), 0.0) * max(count - run.done[rule], 0)
    for job, line in running.items():
        whole, to_go = _said(line)
        left -= whole - to_go if whole else 0.5 * seconds.get(_like(job, seconds), 0.0)
    return max(left, 0.0) / run.at_once


def _said(line: str) -> tuple[float, float]:
    """Seconds that a job takes in all, and that are left, as its log's line says; else zeros."""
    found = LEFT.search(line)
    if not found:
        return 0.0, 0.0
    share, hours, minutes, seconds = map(int, found.groups())
    left = 3600.0 * hours + 60 * minutes + seconds
    return left / (1 - share / 100) if share < 100 else 0.0, left


def _uncounted(run: Run, seconds: Mapping[str, float]) -> dict[str, int]:
    """Unfinished jobs of slow rules of which nothing is known, by the rule they are like."""
    left: Counter[str] = Counter()
    for rule, count in run.planned.items():
        left[_like(rule, SLOW)] += max(count - run.done[rule], 0)
    return {rule: left[rule] for rule in SLOW if left[rule] and rule not in seconds}


def _like(name: str, rules: Iterable[str]) -> str:
    """The rule that a name begins with, of a log without its folder; "" if there is none.

    Of several it is the longest.

    The jobs of classify_train_gan are like those of classify_train, and have names like them.
    """
    job = Path(name).name
    return max((rule for rule in rules if job.startswith(rule)), key=len, default="")


def status(folder: Path) -> str:
    """What the newest run in a folder does, a line for all of it and one for each running job.

    Raises:
        InputError: nothing has run there.
    """
    logs = sorted((folder / ".snakemake/log").glob("*.log"), reverse=True)
    texts = ((log, log.read_text(encoding="utf-8")) for log in logs)
    # Others only looked what there is to do.
    log, text = next(((log, text) for log, text in texts if "\nExecute " in text), (None, ""))
    if log is None and logs:
        return "no job has begun yet"
    if log is None:
        raise InputError(
            f"{folder}: nothing has run there; start a run, or name its folder, like runs/mine"
        )
    run = read_run(text)
    done, total = run.done.total(), run.planned["total"]
    failed = [f"failed: {rule}, {path}" for rule, path in run.failed]
    locked = any((folder / ".snakemake/locks").glob("*"))
    if run.ended or done == total or not locked:
        return "\n".join([f"{done} of {total} jobs done; the run has ended", *failed])
    running = _running(folder / "results/logs", log)
    left = seconds_left(run, seconds := _seconds(folder, run, running), running)
    waiting = total - done - len(running) - len(failed)
    first = f"{done} of {total} jobs done, {len(running)} running, {waiting} to come; "
    first += f"{_minutes(left)} or more to go" if left else "nothing tells how long yet"
    lines = [first, *failed, *(f"{name}: {line}" for name, line in running.items())]
    if left and (uncounted := _uncounted(run, seconds)):
        jobs = ", ".join(f"{count} {rule}" for rule, count in uncounted.items())
        lines.insert(1, f"not counted, as nothing tells yet how long they take: {jobs}")
    silent = time.time() - max(
        path.stat().st_mtime for path in [log, *(folder / "results/logs").rglob("*.log")]
    )
    if silent > LONG:
        lines.append(f"no sign of life for {_minutes(silent)}; killed? snakemake --unlock")
    return "\n".join(lines)


def _running(folder: Path, log: Path) -> dict[str, str]:
    """The jobs that have begun in this run and not ended, by name, with their logs' last lines."""
    begun = datetime.strptime(log.name[:17], "%Y-%m-%dT%H%M%S").timestamp()
    found = {}
    for path in sorted(folder.rglob("*.log")):
        lines = path.read_text(encoding="utf-8").splitlines()
        if path.stat().st_mtime >= begun and lines and not lines[-1].endswith(ENDS):
            name = str(path.relative_to(folder).with_suffix(""))
            found[name] = METRICS.sub("", lines[-1])
    return found


def _seconds(folder: Path, run: Run, running: Mapping[str, str]) -> dict[str, float]:
    """What a job of each rule takes: the mean of those finished, else of what running ones say."""
    said, times = defaultdict(list), defaultdict(list)
    for job, line in running.items():
        if whole := _said(line)[0]:
            said[_like(job, run.planned)].append(whole)
    for path in (folder / "results/benchmarks").rglob("*.tsv"):
        times[_like(path.stem, run.planned)].append(pd.read_csv(path, sep="\t")["s"].iloc[-1])
    return {rule: fmean(seconds) for rule, seconds in (said | times).items() if rule}


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


if __name__ == "__main__":
    try:
        print(status(Path(*sys.argv[1:2])))
    except InputError as error:
        sys.exit(f"{error}")
