"""How cost grows with samples, images, ratios and seeds: `make growth` (see README.md here).

Work of one, two and four times the size is done in turns by one process a quantity; seconds are
the median over the rounds, memory is the process's peak after it did the size for the first time.
"""

import argparse
import csv
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml
from workers import HERE, ROOT, Worker

FACTORS = (1, 2, 4)
ROUNDS = 5
RATIOS = yaml.safe_load((ROOT / "config" / "paper.yaml").read_text())["ratios"]
SNAKEMAKE = Path(sys.executable).with_name("snakemake")


def measure_work(name: str, kind: str, steps: int) -> Iterator[tuple]:
    """Rows of a worker's benchmark with the preset `small`."""
    worker = Worker(sys.executable, "jax_worker.py", "cpu", "1", "native")
    worker.ask(make=[kind, "small"])
    seconds: dict[int, list[float]] = {factor: [] for factor in FACTORS}
    memory = {}
    for _ in range(ROUNDS):
        for factor in FACTORS:
            start = time.perf_counter()
            worker.ask(run=steps * factor)
            seconds[factor].append(time.perf_counter() - start)
            memory.setdefault(factor, worker.ask(memory=0)["bytes"] / 2**20)
    worker.stop()
    for factor in FACTORS:
        yield name, factor, statistics.median(seconds[factor]), memory[factor]


def snakemake(folder: str, config: dict, *arguments: str) -> subprocess.Popen:
    """Starts Snakemake on the tiny experiment with settings laid over it."""
    overlay = Path(folder) / "overlay.json"
    overlay.write_text(json.dumps(config))
    configs = ROOT / "config" / "tiny.yaml", overlay
    command = [SNAKEMAKE, *arguments, "--directory", folder, "--configfile", *configs]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def measure_plan(name: str, settings: Callable[[int], dict]) -> Iterator[tuple]:
    """Rows of a dry run: how many seconds it takes to plan the jobs of a larger experiment."""
    with tempfile.TemporaryDirectory() as folder:
        for factor in FACTORS:
            seconds = []
            for _ in range(3):
                start = time.perf_counter()
                run = snakemake(folder, settings(factor), "--dry-run", "--quiet", "all")
                output, _ = run.communicate()
                if run.returncode:
                    raise SystemExit(output)
                seconds.append(time.perf_counter() - start)
            yield name, factor, statistics.median(seconds), None


def measure_added_ratio() -> float:
    """Seconds until the first job starts, a ratio being added to 13 that are finished.

    Their files are empty: planning looks at names, times and records, not at what is in them.
    """
    with tempfile.TemporaryDirectory() as folder:
        config = {"ratios": RATIOS}
        summary, _ = snakemake(folder, config, "--summary").communicate()
        for line in summary.splitlines():
            path = Path(folder, line.split("\t")[0])
            if "results/" in line and path.name == "files":
                path.mkdir(parents=True, exist_ok=True)
            elif line.startswith("results/"):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
        snakemake(folder, config, "--touch", "--cores", "1").communicate()
        nothing, _ = snakemake(folder, config, "--dry-run").communicate()
        if "Nothing to be done" not in nothing:
            raise SystemExit(nothing)
        start = time.perf_counter()
        run = snakemake(folder, {"ratios": [*RATIOS, "0.2"]}, "--cores", "all")
        assert run.stdout
        for line in run.stdout:
            if line.startswith(("rule ", "localrule ")):
                seconds = time.perf_counter() - start
                run.terminate()
                run.communicate()
                return seconds
        raise SystemExit("the added ratio started no job")


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    rows = [
        *measure_work("GAN training: samples", "gan", 8),
        *measure_work("classifier training: samples", "classifier", 40),
        *measure_work("conversion: images", "convert", 3),
        *measure_plan(
            "dry run: ratios", lambda n: {"ratios": [f"0.{i + 10}" for i in range(13 * n)]}
        ),
        *measure_plan("dry run: GAN seeds", lambda n: {"gan": {"seeds": list(range(5 * n))}}),
    ]
    rows.append(("first job of a ratio added to 13", 1, measure_added_ratio(), None))
    with open(HERE / "growth.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("quantity", "factor", "seconds", "peak_MiB"))
        for name, factor, seconds, memory in rows:
            row = (name, factor, f"{seconds:.3g}", f"{memory:.0f}" if memory else "")
            writer.writerow(row)
            print(*row, sep="  ")


if __name__ == "__main__":
    main()
