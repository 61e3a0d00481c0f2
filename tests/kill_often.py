"""Kills a run again and again at random moments; what is left at the end must be the same.

    python tests/kill_often.py [times] [seconds between kills, at most]

It runs the tiny experiment in two copies of the project, one undisturbed, the other killed (-9,
with its jobs) and started again, and compares every file of results that does not tell times.
"""

import random
import sys
import tempfile
import time
from pathlib import Path

from project import TINY, begin_snakemake, copy_project, kill, snakemake

# These tell when they were written, or how long a job took.
TELL_TIMES = ("logs", "benchmarks", "report.html", "manifest.json")


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a run's results, but for those that tell times, and for hidden ones."""
    results = folder / "results"
    names = {str(path.relative_to(results)): path for path in results.rglob("[!.]*")}
    return {
        name: path.read_bytes()
        for name, path in names.items()
        if path.is_file() and not name.startswith(TELL_TIMES)
    }


def main(times: int, seconds: float) -> None:
    arguments = ("--cores", "2", *TINY)
    with tempfile.TemporaryDirectory() as temporary:
        undisturbed, killed = (Path(temporary) / name for name in ("undisturbed", "killed"))
        for folder in (undisturbed, killed):
            folder.mkdir()
            copy_project(folder)
        result = snakemake(undisturbed, *arguments)
        assert result.returncode == 0, result.stderr
        random.seed(0)
        done = 0
        for number in range(times):
            with begin_snakemake(killed, *arguments) as run:
                deadline = time.monotonic() + random.uniform(1, seconds)
                while time.monotonic() < deadline and run.poll() is None:
                    time.sleep(0.1)
                if run.poll() == 0:  # it was done
                    done += 1
                    for path in (killed / "results").rglob("*"):
                        if path.name in ("networks.safetensors", "train.npz"):
                            path.unlink()  # much of it has to run again
                kill(run)
            snakemake(killed, "--unlock", *TINY)
            print(f"killed {number + 1} times, done {done} times", flush=True)
        result = snakemake(killed, *arguments)
        assert result.returncode == 0, result.stderr
        one, other = contents(undisturbed), contents(killed)
        assert one.keys() == other.keys(), one.keys() ^ other.keys()
        different = [name for name in one if one[name] != other[name]]
        assert not different, different
        print(f"{len(one)} files, the same after {times} kills")


if __name__ == "__main__":
    main(int((sys.argv[1:] or ["50"])[0]), float((sys.argv[2:] or ["40"])[0]))
