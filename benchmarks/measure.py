"""Measures this project's speed against PyTorch: `make benchmark` (see README.md here).

Workers, JAX and PyTorch in float32 and in bfloat16 autocast, take turns, so that whatever else the
machine does slows them alike. A figure is the median over the rounds; a ratio is the median of the
rounds' ratios.
"""

import argparse
import csv
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from synth2real.fonts import font_files  # noqa: E402
from synth2real.job import KEEP_MEMORY  # noqa: E402
from synth2real.render import RenderConfig, render_fonts  # noqa: E402

HERE = Path(__file__).parent
ROUNDS = 9
COLUMNS = (
    "benchmark",
    "device",
    "threads",
    "dtype",
    "value",
    "unit",
    "ratio_to_torch",
    "ratio_to_torch_bf16",
    "share_of_peak",
)
# Kind, preset, unit of the rate, and steps a turn on a CPU and on a GPU: a second or so each.
BENCHMARKS = (
    ("gan", "small", "samples/s", 8, 1000),
    ("gan", "pixelda-code", "samples/s", 1, 200),
    ("classifier", "small", "samples/s", 30, 2000),
    ("classifier", "paper", "samples/s", 8, 1000),
    ("convert", "small", "images/s", 3, 20),
    ("convert", "pixelda-code", "images/s", 1, 10),
)


class Worker:
    """A process that measures; `ask` sends it a request and waits for the answer."""

    def __init__(self, python: str, script: str, *arguments: str, **environment: str):
        self.process = subprocess.Popen(
            [python, str(HERE / script), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # The same allocator for all: PyTorch gains from it too.
            env=os.environ | KEEP_MEMORY | {"PYTHONPATH": str(ROOT / "src")} | environment,
        )

    def ask(self, **request) -> dict:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.process.args}: the worker died; its error stands above")
        return json.loads(line)

    def stop(self) -> None:
        """Ends the process."""
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def start_workers(device: str, threads: int, cache: str, torch: str) -> dict[str, Worker]:
    """JAX, and PyTorch in both types."""
    arguments = device, str(threads)
    torch_arguments = "cuda" if device == "gpu" else device, str(threads)
    return {
        "jax": Worker(sys.executable, "jax_worker.py", *arguments, JAX_COMPILATION_CACHE_DIR=cache),
        "float32": Worker(torch, "torch_worker.py", *torch_arguments, "float32"),
        "bfloat16": Worker(torch, "torch_worker.py", *torch_arguments, "bfloat16"),
    }


def measure_peak(device: str, threads: int, torch: str) -> dict[str, float]:
    """GFLOP/s of a large matrix product, the better of both libraries, in each type."""
    workers = start_workers(device, threads, "", torch)
    peaks = {
        dtype: max(
            workers[name].ask(peak=dtype)["gflops"] for name in ("jax", "float32") for _ in range(3)
        )
        for dtype in ("float32", "bfloat16")
    }
    for worker in workers.values():
        worker.stop()
    return peaks


def measure_rate(kind, preset, unit, steps, device, threads, peak, torch) -> Iterator[dict]:
    """Rows of one benchmark: rate, memory, and compile time."""
    common = {"device": device, "threads": threads, "dtype": "float32"}
    with tempfile.TemporaryDirectory() as cache:
        cold = Worker(
            sys.executable,
            "jax_worker.py",
            device,
            str(threads),
            JAX_COMPILATION_CACHE_DIR=cache,
        )
        seconds = cold.ask(make=[kind, preset])["seconds"]
        cold.stop()
        workers = start_workers(device, threads, cache, torch)
        made = {name: worker.ask(make=[kind, preset]) for name, worker in workers.items()}
        rounds = [
            {name: worker.ask(run=steps)["rate"] for name, worker in workers.items()}
            for _ in range(ROUNDS)
        ]
        memory = {name: worker.ask(memory=0)["bytes"] for name, worker in workers.items()}
        for worker in workers.values():
            worker.stop()
    rate = statistics.median(turn["jax"] for turn in rounds)
    yield common | {
        "benchmark": f"{kind}/{preset}",
        "value": rate,
        "unit": unit,
        "ratio_to_torch": statistics.median(turn["jax"] / turn["float32"] for turn in rounds),
        "ratio_to_torch_bf16": statistics.median(turn["jax"] / turn["bfloat16"] for turn in rounds),
        "share_of_peak": rate * made["float32"]["flops"] / 1e9 / peak,
    }
    yield common | {
        "benchmark": f"{kind}/{preset}: peak memory",
        "value": memory["jax"] / 2**20,
        "unit": "MiB",
        "ratio_to_torch": memory["float32"] / memory["jax"],
        "ratio_to_torch_bf16": memory["bfloat16"] / memory["jax"],
    }
    for state, value in (("cold", seconds), ("from cache", made["jax"]["seconds"])):
        yield common | {
            "benchmark": f"{kind}/{preset}: first step, {state}",
            "value": value,
            "unit": "s",
        }


def measure_rendering(fonts: Path) -> dict:
    """Images/s of the render stage, which keeps to one core."""
    paths = font_files(fonts)
    rates = []
    for _ in range(3):
        start = time.perf_counter()
        images = render_fonts(paths, RenderConfig())
        rates.append(len(images.labels) / (time.perf_counter() - start))
    return {
        "benchmark": "render",
        "device": "cpu",
        "threads": 1,
        "value": statistics.median(rates),
        "unit": "images/s",
    }


def measure(torch: str, fonts: Path) -> Iterator[dict]:
    """All rows."""
    yield measure_rendering(fonts)
    settings = [("cpu", 1), ("cpu", 2)]
    if shutil.which("nvidia-smi"):
        settings.append(("gpu", 1))
    for device, threads in settings:
        peaks = measure_peak(device, threads, torch)
        for dtype, peak in peaks.items():
            yield {
                "benchmark": "matrix product",
                "device": device,
                "threads": threads,
                "dtype": dtype,
                "value": peak,
                "unit": "GFLOP/s",
            }
        for kind, preset, unit, cpu_steps, gpu_steps in BENCHMARKS:
            steps = cpu_steps if device == "cpu" else gpu_steps
            peak = peaks["float32"]
            yield from measure_rate(kind, preset, unit, steps, device, threads, peak, torch)


def format_row(row: dict) -> dict:
    """Figures as text: three digits are as many as repeat."""
    return {
        name: f"{value:.3g}" if isinstance(value, float) and value < 1000 else
        f"{value:.0f}" if isinstance(value, float) else value
        for name, value in row.items()
    }  # fmt: skip


def describe_machine(torch: str) -> str:
    """One line: processor, cores, system and versions."""
    model = platform.processor() or platform.machine()
    if (cpuinfo := Path("/proc/cpuinfo")).exists():
        lines = cpuinfo.read_text().splitlines()
        model = next((line.split(": ")[1] for line in lines if "model name" in line), model)
    versions = [
        worker.ask(version=0)["version"]
        for name, worker in start_workers("cpu", 1, "", torch).items()
        if name != "bfloat16"
    ]
    python = f"Python {platform.python_version()}"
    return ", ".join([f"{model}, {os.cpu_count()} cores", platform.system(), python, *versions])


def write_table(rows: list[dict], machine: str) -> None:
    """Puts the table between the markers of README.md."""
    readme = HERE / "README.md"
    head, _, rest = readme.read_text().partition("<!-- table -->\n")
    _, _, tail = rest.partition("<!-- end of table -->\n")
    lines = [" | ".join(COLUMNS), "|".join("---" for _ in COLUMNS)]
    lines += [" | ".join(str(row.get(name, "")) for name in COLUMNS) for row in rows]
    table = "\n".join(f"| {line} |" for line in lines)
    readme.write_text(
        f"{head}<!-- table -->\nMeasured on {machine}.\n\n{table}\n<!-- end of table -->\n{tail}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--torch", required=True, help="a Python that has PyTorch")
    parser.add_argument("--fonts", type=Path, required=True, help="folder of fonts to render")
    arguments = parser.parse_args()
    machine = describe_machine(arguments.torch)
    rows = []
    for row in measure(arguments.torch, arguments.fonts):
        rows.append(format_row(row))
        print("  ".join(str(value) for value in rows[-1].values()), flush=True)
    with open(HERE / "results.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    write_table(rows, machine)


if __name__ == "__main__":
    main()
