"""Measures this project's speed against PyTorch: `make benchmark` (see README.md here).

Workers, JAX, PyTorch in float32 and in bfloat16 autocast, each eager and compiled, and onnxruntime,
take turns, so that whatever else the machine does slows them alike. A figure is the median over the
rounds; a ratio is the median of the rounds' ratios.
"""

import argparse
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from stages import NAMES as STAGES
from stages import measure_stages
from table import PEAK, format_row, kept_rows, write_rows, write_table
from turns import DTYPES, Key, median, memory_ratios, rate_ratios, take_turns
from workers import (
    Worker,
    describe_machine,
    has_gpu,
    start_jax,
    start_onnx,
    start_torch,
    torch_modes,
)

from synth2real.environment import processor


class Benchmark(NamedTuple):
    """What is measured, and how many steps take a second or so.

    Jobs of the default settings use some, those of colour if the images are photographs. The
    networks in PyTorch take square images alone.
    """

    kind: str
    preset: str
    unit: str
    cpu_steps: int
    gpu_steps: int
    used: bool = False
    in_torch: bool = True

    @property
    def name(self) -> str:
        return f"{self.kind}/{self.preset}"

    @property
    def has_onnx(self) -> bool:
        return self.kind == "convert" and self.preset.startswith("synth2real")


BENCHMARKS = (
    Benchmark("gan", "synth2real", "samples/s", 6, 600, used=True),
    Benchmark("gan", "synth2real colour", "samples/s", 5, 500, used=True),
    Benchmark("gan", "synth2real colour 64", "samples/s", 1, 100),
    Benchmark("gan", "synth2real 27x31", "samples/s", 6, 600, in_torch=False),
    Benchmark("gan", "small", "samples/s", 8, 1000),
    Benchmark("gan", "pixelda-code", "samples/s", 1, 200),
    Benchmark("gan", "pixelda-text", "samples/s", 1, 200),
    Benchmark("classifier", "small", "samples/s", 30, 2000, used=True),
    Benchmark("augmented", "small", "samples/s", 30, 2000, used=True),
    Benchmark("classifier", "paper", "samples/s", 8, 1000),
    Benchmark("convert", "synth2real", "images/s", 6, 20, used=True),
    Benchmark("convert", "synth2real colour", "images/s", 4, 20, used=True),
    Benchmark("convert", "small", "images/s", 3, 20),
    Benchmark("convert", "pixelda-code", "images/s", 1, 10),
)
# Of the rows in the table.
ORDER = (*STAGES, PEAK, *(benchmark.name for benchmark in BENCHMARKS))


def types(device: str) -> tuple[str, ...]:
    """What there is to compare: a processor without bfloat16 takes minutes for a product of it."""
    flags = processor().get("flags", "").split()
    has_bfloat16 = {"avx512_bf16", "amx_bf16"} & {*flags}
    return DTYPES if device == "gpu" or has_bfloat16 else ("float32",)


def measure_peaks(device: str, threads: int, torch: str, dtypes: Sequence[str]) -> dict[str, float]:
    """GFLOP/s of a large matrix product, the better of both libraries, in each type."""
    workers = start_jax(device, threads, "native"), start_torch(torch, device, threads, "float32")
    peaks = {
        dtype: max(worker.ask(peak=dtype)["gflops"] for worker in workers for _ in range(3))
        for dtype in dtypes
    }
    for worker in workers:
        worker.stop()
    return peaks


def start_ours(
    benchmark: Benchmark, device: str, threads: int, cache: str
) -> tuple[dict[Key, Worker], dict[str, float]]:
    """A worker for each type that we multiply, the native first; seconds of the first step.

    `cache` is an empty folder for what the native ones compile.
    """
    make = [benchmark.kind, benchmark.preset]
    cold = start_jax(device, threads, "native", cache)
    native = cold.ask(version=0)["native"]
    first_step = {"cold": cold.ask(make=make)["seconds"]}
    cold.stop()
    ours = {("jax", native, ""): start_jax(device, threads, "native", cache)}
    first_step["from cache"] = ours["jax", native, ""].ask(make=make)["seconds"]
    if native != "float32":
        ours["jax", "float32", ""] = start_jax(device, threads, "float32")
        ours["jax", "float32", ""].ask(make=make)
    return ours, first_step


def start_theirs(
    benchmark: Benchmark, device: str, threads: int, torch: str, dtypes: Sequence[str]
) -> tuple[dict[Key, Worker], float | None]:
    """Workers to compare with, if there are any, and the arithmetic of a sample in FLOPs."""
    if not benchmark.in_torch:
        return {}, None
    make = [benchmark.kind, benchmark.preset]
    theirs = {
        ("torch", dtype, mode): start_torch(torch, device, threads, dtype, mode)
        for dtype in dtypes
        for mode in torch_modes(device)
    }
    flops = [worker.ask(make=make)["flops"] for worker in theirs.values()][0]
    if benchmark.has_onnx and device == "cpu":
        theirs["onnxruntime", "float32", ""] = start_onnx(threads)
        theirs["onnxruntime", "float32", ""].ask(make=make)
    return theirs, flops


def measure_rate(
    benchmark: Benchmark, device: str, threads: int, peaks: Mapping[str, float], torch: str
) -> Iterator[dict]:
    """Rows of one benchmark: rates in each type that we multiply, memory, and time to start."""
    with tempfile.TemporaryDirectory() as cache:
        ours, first_step = start_ours(benchmark, device, threads, cache)
        theirs, flops = start_theirs(benchmark, device, threads, torch, [*peaks])
        steps = benchmark.cpu_steps if device == "cpu" else benchmark.gpu_steps
        rounds, memory = take_turns(ours | theirs, steps)
    native = next(iter(ours))
    used = benchmark.used and threads == 1 and device == ("gpu" if has_gpu() else "cpu")
    common = {"benchmark": benchmark.name, "device": device, "threads": threads}
    of_native = common | {"dtype": native[1]} | ({"used": "yes"} if used else {})
    for key in ours:
        rate = median(rounds, key)
        values = {"dtype": key[1], "value": rate, "unit": benchmark.unit}
        if flops:
            values["share_of_peak"] = rate * flops / 1e9 / peaks[key[1]]
        yield (of_native if key == native else common) | values | rate_ratios(rounds, key)
    name, ratios = f"{benchmark.name}: peak memory", memory_ratios(memory, native)
    yield of_native | {"benchmark": name, "value": memory[native] / 2**20, "unit": "MiB"} | ratios
    for state, seconds in first_step.items():
        name = f"{benchmark.name}: first step, {state}"
        yield of_native | {"benchmark": name, "value": seconds, "unit": "s"}


def measure(torch: str, fonts: Path, chosen: Collection[str]) -> Iterator[dict]:
    """Rows of the chosen ones."""
    yield from measure_stages(torch, fonts, chosen)
    settings = [("cpu", 1), ("cpu", 2)]
    if has_gpu():
        settings.append(("gpu", 1))
    for device, threads in settings:
        peaks = measure_peaks(device, threads, torch, types(device))
        for dtype, peak in peaks.items():
            yield {
                "benchmark": PEAK,
                "device": device,
                "threads": threads,
                "dtype": dtype,
                "value": peak,
                "unit": "GFLOP/s",
            }
        for benchmark in BENCHMARKS:
            if benchmark.name in chosen:
                yield from measure_rate(benchmark, device, threads, peaks, torch)


def main() -> None:
    names = [name for name in ORDER if name != PEAK]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--torch", required=True, help="a Python that has PyTorch")
    parser.add_argument("--fonts", type=Path, required=True, help="folder of fonts to render")
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"measure these alone, and keep other rows of the same machine: {', '.join(names)}",
    )
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(names):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    machine, native = describe_machine(arguments.torch)
    rows = kept_rows(native, machine, arguments.names) if arguments.names else []
    for row in measure(arguments.torch, arguments.fonts, arguments.names or names):
        new = format_row(row)
        print("  ".join(new.values()), flush=True)
        rows = write_rows([*rows, new], native, ORDER)
        write_table(rows, machine, native)  # each time: it says whose the rows of the file are


if __name__ == "__main__":
    main()
