"""How cost grows with samples, pixels, channels, classes, ratios and seeds: `make growth`.

Work of one to eight times the size is done in turns; seconds are the median over the rounds, memory
is a process' peak (see README.md here).
"""

import argparse
import csv
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from workers import HERE, ROOT, Worker

FACTORS = (1, 2, 4, 8)
ROUNDS = 5
# A worker's benchmark, and how many steps take half a second or so.
WORK = {
    "GAN training": (("gan", "synth2real"), 4),
    "classifier training with warps": (("augmented", "small"), 30),
    "conversion": (("convert", "synth2real"), 2),
}
SIZES = {1: (28, 28), 2: (28, 56), 4: (56, 56), 8: (56, 112)}
# What images are like instead of 28x28 grey pixels of ten classes, by what grows and how much.
IMAGES: Mapping[str, Mapping[int, dict]] = {
    "pixels": {n: {"height": height, "width": width} for n, (height, width) in SIZES.items()},
    "channels": {1: {}, 3: {"channels": 3, "background": [0, 0, 0]}},
    "classes": {n: {"classes": [str(i) for i in range(10 * n)]} for n in FACTORS},
}
RATIOS = yaml.safe_load((ROOT / "config" / "paper.yaml").read_text())["ratios"]
PLANS: Mapping[str, Callable[[int], dict]] = {
    "ratios": lambda n: {"ratios": [f"0.{i + 100}" for i in range(13 * n)]},
    "draws": lambda n: {"splits": {"seeds": list(range(3 * n))}},
    "GAN seeds": lambda n: {"gan": {"seeds": list(range(5 * n))}},
}
SNAKEMAKE = Path(sys.executable).with_name("snakemake")


def measure_samples(name: str) -> Iterator[tuple]:
    """Rows of one process that does more and more."""
    benchmark, steps = WORK[name]
    worker = start(benchmark)
    yield from measure(f"{name}: samples", {n: (worker, steps * n) for n in FACTORS})
    worker.stop()


def measure_images(name: str, quantity: str) -> Iterator[tuple]:
    """Rows of processes whose images differ, and which do the same number of them."""
    benchmark, steps = WORK[name]
    work = {n: (start(benchmark, **spec), steps) for n, spec in IMAGES[quantity].items()}
    yield from measure(f"{name}: {quantity}", work)
    for worker, _ in work.values():
        worker.stop()


def start(benchmark: tuple[str, str], **spec: Any) -> Worker:
    """A process that has taken its first step."""
    worker = Worker(sys.executable, "jax_worker.py", "cpu", "1", "native")
    worker.ask(make=benchmark, **spec)
    return worker


def measure(name: str, work: Mapping[int, tuple[Worker, int]]) -> Iterator[tuple]:
    """Rows of workers that take steps in turns; memory is that after the first turn."""
    seconds: dict[int, list[float]] = {factor: [] for factor in work}
    memory: dict[int, float] = {}
    for _ in range(ROUNDS):
        for factor, (worker, steps) in work.items():
            begin = time.perf_counter()
            worker.ask(run=steps)
            seconds[factor].append(time.perf_counter() - begin)
            memory.setdefault(factor, worker.ask(memory=0)["bytes"] / 2**20)
    for factor in work:
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


def plan(config: dict) -> float:
    """Seconds that a dry run takes, the median of three."""
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(3):
            begin = time.perf_counter()
            run = snakemake(folder, config, "--dry-run", "--quiet", "all")
            output, _ = run.communicate()
            if run.returncode:
                raise SystemExit(output)
            seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds)


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
        begin = time.perf_counter()
        run = snakemake(folder, {"ratios": [*RATIOS, "0.2"]}, "--cores", "all")
        assert run.stdout
        for line in run.stdout:
            if line.rstrip().endswith(": begins"):  # what a job says first
                seconds = time.perf_counter() - begin
                run.terminate()
                run.communicate()
                return seconds
        raise SystemExit("the added ratio started no job")


def rows() -> Iterator[tuple]:
    """All that is measured: what grew, by how much, seconds, and MiB or None."""
    for name in WORK:
        yield from measure_samples(name)
        for quantity in IMAGES:
            yield from measure_images(name, quantity)
    for quantity, settings in PLANS.items():
        for factor in FACTORS:
            yield f"dry run: {quantity}", factor, plan(settings(factor)), None
    large = {"ratios": RATIOS, "splits": {"seeds": [*range(6)]}, "gan": {"seeds": [0, 1, 2]}}
    yield "dry run: 13 ratios, 6 draws, 3 GANs", 1, plan(large), None
    yield "first job of a ratio added to 13", 1, measure_added_ratio(), None


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    measured = []
    for name, factor, seconds, memory in rows():
        measured.append((name, factor, f"{seconds:.3g}", f"{memory:.0f}" if memory else ""))
        print(*measured[-1], sep="  ", flush=True)
    with open(HERE / "growth.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("quantity", "factor", "seconds", "peak_MiB"))
        writer.writerows(measured)


if __name__ == "__main__":
    main()
