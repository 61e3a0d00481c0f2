"""What a run does now: `python -m synth2real.report.status runs/mine`.

Read from Snakemake's log of the run, which says when jobs began and ended, and from the logs of
jobs, whose last lines say how far they are.
"""

import re
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from synth2real.errors import InputError

TIME = "%a %b %d %H:%M:%S %Y"


class Job(NamedTuple):
    """A job that has begun; its name is its rule's, and the wildcards that tell it from others."""

    rule: str
    name: str
    log: str
    begun: datetime


class Run(NamedTuple):
    """What Snakemake's log tells of a run.

    Attributes:
        planned: how many jobs of each rule there are, and in `total`.
        done: how many of each rule are finished.
        seconds: what those took whose beginning is known: of an entry of a cluster's queue it is
            not.
        running: jobs that have begun and not ended, by their numbers.
        failed: jobs that ended with an error, and were not tried again.
        at_once: how many jobs run beside each other at most.
        ended: whether the run is over.
    """

    planned: Counter
    done: Counter
    seconds: Mapping[str, list[float]]
    running: Mapping[str, Job]
    failed: Mapping[str, Job]
    at_once: int
    ended: bool


def read_run(text: str) -> Run:
    """Reads Snakemake's log."""
    planned: Counter = Counter()
    done: Counter = Counter()
    seconds: dict[str, list[float]] = defaultdict(list)
    running: dict[str, Job] = {}
    failed: dict[str, Job] = {}
    stats = re.search(r"^Job stats:\n.*\n-+ .*\n((?:\w+ +\d+\n)+)", text, re.MULTILINE)
    if stats:
        planned.update({n: int(k) for n, k in map(str.split, stats[1].splitlines())})
    # A time, what happened then, and its lines, which are indented.
    events = re.findall(r"^\[(.*? \d{4})\]\n(.+)\n((?:    .*\n)*)", text, re.MULTILINE)
    for when, what, lines in events:
        time = datetime.strptime(when, TIME)
        facts = dict(re.findall(r"^    (\w+): (.*)$", lines, re.MULTILINE))
        if begins := re.fullmatch(r"(?:local)?(?:rule|checkpoint) (\w+):", what):
            wildcards = facts.get("wildcards", "").removeprefix("fold=, ")  # one without folds
            name = f"{begins[1]} {wildcards}".strip()
            job = Job(begins[1], name, facts.get("log", ""), time)
            running[facts["jobid"]] = job
            failed.pop(facts["jobid"], None)
        elif ends := re.match(r"Finished jobid: (\d+) \(Rule: (\w+)\)", what):
            done[ends[2]] += 1
            if ends[1] in running:
                seconds[ends[2]].append((time - running.pop(ends[1]).begun).total_seconds())
        elif what.startswith("Error in") and facts.get("jobid") in running:
            failed[facts["jobid"]] = running.pop(facts["jobid"])
    provided = re.search(r"^Provided (?:cores|remote nodes): (\d+)", text, re.MULTILINE)
    ended = re.search(r"^(Complete log|Nothing to be done)", text, re.MULTILINE) is not None
    return Run(planned, done, seconds, running, failed, int(provided[1]) if provided else 1, ended)


def seconds_left(run: Run, now: datetime) -> float:
    """What unfinished jobs take, if they take as long as those of their rules that are finished.

    Too little where a rule has none yet.
    """
    left = 0.0
    for rule, count in run.planned.items():
        if rule != "total" and run.seconds.get(rule):
            left += fmean(run.seconds[rule]) * max(count - run.done[rule], 0)
    for job in run.running.values():
        if times := run.seconds.get(job.rule):
            left -= min((now - job.begun).total_seconds(), fmean(times))
    return left / run.at_once


def status(folder: Path, now: datetime) -> str:
    """What the newest run in a folder does, a line for all of it and one for each running job.

    Raises:
        InputError: nothing has run there.
    """
    logs = sorted((folder / ".snakemake/log").glob("*.log"))
    texts = (log.read_text(encoding="utf-8") for log in reversed(logs))
    # Others only looked what there is to do.
    started = (text for text in texts if "\nFinished jobid" in text or "\nExecute " in text)
    if not (text := next(started, "")):
        raise InputError(f"{folder}: nothing has run there; give a run's folder, like runs/mine")
    run = read_run(text)
    done, total = run.done.total(), run.planned["total"]
    lines = [f"{done} of {total} jobs done"]
    if run.ended or done == total:
        lines[0] += "; the run has ended"
    else:
        waiting = total - done - len(run.running) - len(run.failed)
        lines[0] += f", {len(run.running)} running, {waiting} to come; "
        left = seconds_left(run, now)
        lines[0] += f"{_minutes(left)} or more to go" if left > 0 else "nothing tells how long yet"
    lines += [f"failed: {job.name}, {job.log}" for job in run.failed.values()]
    if not run.ended:
        for job in run.running.values():
            time = _minutes((now - job.begun).total_seconds())
            lines.append(f"running: {job.name}, for {time}: {_last(folder / job.log)}")
    return "\n".join(lines)


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _last(log: Path) -> str:
    """The last line of a job's log."""
    lines = log.read_text(encoding="utf-8").splitlines() if log.is_file() else []
    return lines[-1] if lines else "begins"


if __name__ == "__main__":
    try:
        print(status(Path(*sys.argv[1:2]), datetime.now()))
    except InputError as error:
        sys.exit(f"{error}")
