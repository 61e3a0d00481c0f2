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
from synth2real.environment import DEFAULTS  # noqa: E402
from synth2real.report.manifest import cpu  # noqa: E402
from synth2real.sources.fonts.fonts import font_files  # noqa: E402
from synth2real.sources.fonts.render import RenderConfig, render_fonts  # noqa: E402

HERE = Path(__file__).parent
ROUNDS = 5
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
            env=os.environ | DEFAULTS | {"PYTHONPATH": str(ROOT / "src")} | environment,
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


def start_jax(device: str, threads: int, dtype: str, cache: str = "") -> Worker:
    """A worker that keeps what it compiles in a folder, if one is given."""
    environment = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    if cache:
        environment["JAX_COMPILATION_CACHE_DIR"] = cache
    return Worker(sys.executable, "jax_worker.py", device, str(threads), dtype, **environment)


def start_torch(torch: str, device: str, threads: int, dtype: str) -> Worker:
    """A worker on `cuda` where JAX says `gpu`."""
    device = "cuda" if device == "gpu" else device
    return Worker(torch, "torch_worker.py", device, str(threads), dtype)


def measure_peaks(device: str, threads: int, torch: str) -> dict[str, float]:
    """GFLOP/s of a large matrix product, the better of both libraries, in each type."""
    workers = start_jax(device, threads, "native"), start_torch(torch, device, threads, "float32")
    peaks = {
        dtype: max(worker.ask(peak=dtype)["gflops"] for worker in workers for _ in range(3))
        for dtype in ("float32", "bfloat16")
    }
    for worker in workers:
        worker.stop()
    return peaks


def measure_rate(kind, preset, unit, steps, device, threads, peaks, torch) -> Iterator[dict]:
    """Rows of one benchmark: rates in each type that we multiply, memory, and time to start."""
    with tempfile.TemporaryDirectory() as cache:
        cold = start_jax(device, threads, "native", cache)
        native = cold.ask(version=0)["native"]
        first_step = {"cold": cold.ask(make=[kind, preset])["seconds"]}
        cold.stop()
        ours = {native: start_jax(device, threads, "native", cache)}
        first_step["from cache"] = ours[native].ask(make=[kind, preset])["seconds"]
        if native != "float32":
            ours["float32"] = start_jax(device, threads, "float32")
            ours["float32"].ask(make=[kind, preset])
        theirs = {dtype: start_torch(torch, device, threads, dtype) for dtype in peaks}
        flops = [worker.ask(make=[kind, preset])["flops"] for worker in theirs.values()][0]
        workers = [*ours.values(), *theirs.values()]
        rounds = [[worker.ask(run=steps)["rate"] for worker in workers] for _ in range(ROUNDS)]
        memory = [worker.ask(memory=0)["bytes"] for worker in workers]
        for worker in workers:
            worker.stop()
    common = {"device": device, "threads": threads}
    for i, dtype in enumerate(ours):
        rate = statistics.median(turn[i] for turn in rounds)
        yield common | {
            "benchmark": f"{kind}/{preset}",
            "dtype": dtype,
            "value": rate,
            "unit": unit,
            "ratio_to_torch": statistics.median(turn[i] / turn[-2] for turn in rounds),
            "ratio_to_torch_bf16": statistics.median(turn[i] / turn[-1] for turn in rounds),
            "share_of_peak": rate * flops / 1e9 / peaks[dtype],
        }
    common["dtype"] = native
    yield common | {
        "benchmark": f"{kind}/{preset}: peak memory",
        "value": memory[0] / 2**20,
        "unit": "MiB",
        "ratio_to_torch": memory[-2] / memory[0],
        "ratio_to_torch_bf16": memory[-1] / memory[0],
    }
    for state, seconds in first_step.items():
        name = f"{kind}/{preset}: first step, {state}"
        yield common | {"benchmark": name, "value": seconds, "unit": "s"}


def measure_rendering(fonts: Path) -> dict:
    """Images/s of the render stage, which keeps to one core."""
    paths = font_files(fonts)
    rates = []
    for _ in range(3):
        start = time.perf_counter()
        images = render_fonts(paths, RenderConfig())
        rates.append(len(images) / (time.perf_counter() - start))
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
    if has_gpu():
        settings.append(("gpu", 1))
    for device, threads in settings:
        peaks = measure_peaks(device, threads, torch)
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
            yield from measure_rate(kind, preset, unit, steps, device, threads, peaks, torch)


def format_row(row: dict) -> dict:
    """Figures as text: three digits are as many as repeat."""

    def text(value) -> str:
        if isinstance(value, float):
            return f"{value:.0f}" if value >= 99.5 else f"{value:.3g}"
        return str(value)

    return {name: text(value) for name, value in row.items()}


def describe_machine(torch: str) -> str:
    """One line: processor, cores, GPU, system and versions."""
    workers = [start_jax("cpu", 1, "native"), start_torch(torch, "cpu", 1, "float32")]
    if has_gpu():
        workers.append(start_jax("gpu", 1, "native"))
    answers = [worker.ask(version=0) for worker in workers]
    for worker in workers:
        worker.stop()
    gpus = [answer["device"] for answer in answers[2:]]
    versions = [answer["version"] for answer in answers[:2]]
    python = f"Python {platform.python_version()}"
    return ", ".join(
        [f"{cpu()}, {os.cpu_count()} cores", *gpus, platform.system(), python, *versions]
    )


def has_gpu() -> bool:
    """Whether there is an NVIDIA GPU."""
    return shutil.which("nvidia-smi") is not None


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
    with open(HERE / "results.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for row in measure(arguments.torch, arguments.fonts):
            rows.append(format_row(row))
            writer.writerow(rows[-1])
            file.flush()
            print("  ".join(rows[-1].values()), flush=True)
    write_table(rows, machine)


if __name__ == "__main__":
    main()
