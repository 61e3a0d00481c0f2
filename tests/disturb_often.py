"""Disturbs a whole run again and again; in the end it must have left what an undisturbed one does.

    python tests/disturb_often.py kill [times] [seconds between kills, at most]
    python tests/disturb_often.py fill [times] [first file]

`kill` kills the tiny experiment (-9, with its jobs) at random moments and starts it again. `fill`
has its results on a disk that is full in the middle of a file, and of a later one each time; that
takes leave to mount one. Files count from 0 in the order of an undisturbed run. Both compare every
file of results that does not tell times.
"""

import itertools
import random
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from project import TINY, begin_snakemake, copy_project, kill, small_disk, snakemake

# These tell when they were written, or how long a job took.
TELL_TIMES = ("logs", "benchmarks", "report.html", "manifest.json")
DOWNLOADED = ("fonts", "real")  # stay when the killed run was done and begins anew
BLOCK = 4096  # bytes of a disk that go to one file
FULL = re.compile(r"^[\d:]{8} (\S+): .*No space left", re.MULTILINE)
ARGUMENTS = ("--cores", "2", *TINY)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a run's results, but for those that tell times, and for hidden ones.

    Hidden are locks, which name processes, and what a killed job had begun to write.
    """
    results = folder / "results"
    names = {str(path.relative_to(results)): path for path in results.rglob("[!.]*")}
    return {
        name: path.read_bytes()
        for name, path in names.items()
        if path.is_file() and not name.startswith(TELL_TIMES)
    }


def compare(undisturbed: Path, disturbed: Path) -> int:
    """How many files both have; they must be the same."""
    one, other = contents(undisturbed), contents(disturbed)
    assert one.keys() == other.keys(), one.keys() ^ other.keys()
    different = [name for name in one if one[name] != other[name]]
    assert not different, different
    return len(one)


def run(folder: Path) -> None:
    """Runs to the end."""
    result = snakemake(folder, *ARGUMENTS)
    assert result.returncode == 0, result.stderr


def kill_often(undisturbed: Path, killed: Path, times: int = 50, seconds: int = 40) -> None:
    random.seed(0)
    done = 0
    for number in range(times):
        with begin_snakemake(killed, *ARGUMENTS) as process:
            deadline = time.monotonic() + random.uniform(1, seconds)
            while time.monotonic() < deadline and process.poll() is None:
                time.sleep(0.1)
            if process.poll() == 0:
                done += 1
                for path in (killed / "results").iterdir():
                    if path.name not in DOWNLOADED:
                        shutil.rmtree(path) if path.is_dir() else path.unlink()
            assert process.poll() in (None, 0), (killed / "snakemake.log").read_text()
            kill(process)
        snakemake(killed, "--unlock", *TINY)
        print(f"killed {number + 1} times, done {done} times", flush=True)
    run(killed)
    print(f"{compare(undisturbed, killed)} files, the same after {times} kills")


def fill_often(undisturbed: Path, filled: Path, times: int = 40, first: int = 0) -> None:
    results = filled / "results"
    results.mkdir()
    failed: set[str] = set()
    with small_disk(results, "4k") as resize:
        for number, size in enumerate(sizes(undisturbed / "results", times, first)):
            resize(str(size))
            result = snakemake(filled, *ARGUMENTS)
            assert "Traceback" not in result.stderr, result.stderr
            assert result.returncode == 0 or "No space left" in result.stderr, result.stderr
            jobs = set(FULL.findall(result.stderr))
            failed |= jobs
            print(f"full {number + 1} times: {', '.join(sorted(jobs))}", flush=True)
        resize("1g")
        assert failed
        run(filled)
        print(f"{compare(undisturbed, filled)} files, the same; full in {len(failed)} jobs")


def sizes(results: Path, times: int, first: int) -> Iterator[int]:
    """Bytes of disks that are full in the middle of a file; so many, from the first file on."""
    files = [path for path in results.rglob("*") if path.is_file()]
    files.sort(key=lambda path: path.stat().st_mtime)
    blocks = [-(-path.stat().st_size // BLOCK) * BLOCK for path in files]
    before = [0, *itertools.accumulate(blocks)]
    for number in range(times):
        place = first + number * (len(files) - first) // times
        yield before[place] + blocks[place] // 2


def main(how: str, *numbers: str) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        undisturbed, disturbed = (Path(temporary) / name for name in ("undisturbed", "disturbed"))
        for folder in (undisturbed, disturbed):
            folder.mkdir()
            copy_project(folder)
        run(undisturbed)
        disturb = {"kill": kill_often, "fill": fill_often}[how]
        disturb(undisturbed, disturbed, *map(int, numbers))


if __name__ == "__main__":
    main(*sys.argv[1:])
