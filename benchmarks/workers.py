"""Processes that measure: what `measure.py` and `growth.py` start."""

import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from synth2real.environment import add_defaults, cpu, processor

HERE = Path(__file__).parent
ROOT = HERE.resolve().parent


class Worker:
    """A process that measures; `ask` sends it a request and waits for the answer."""

    def __init__(self, python: str, script: str, *arguments: str, **environment: str):
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), **environment}
        # The same allocator for all: PyTorch gains from it too.
        add_defaults(environment)
        self.process = subprocess.Popen(
            [python, str(HERE / script), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
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
    # NumPy's threads are as many as Snakemake lets a job have.
    environment = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", "OMP_NUM_THREADS": str(threads)}
    if cache:
        environment["JAX_COMPILATION_CACHE_DIR"] = cache
    return Worker(sys.executable, "jax_worker.py", device, str(threads), dtype, **environment)


def start_torch(torch: str, device: str, threads: int, dtype: str, mode: str = "eager") -> Worker:
    """A worker on `cuda` where JAX says `gpu`; its mode is eager or compiled."""
    device = "cuda" if device == "gpu" else device
    return Worker(torch, "torch_worker.py", device, str(threads), dtype, mode)


def start_onnx(threads: int) -> Worker:
    """A worker that converts with onnxruntime."""
    return Worker(sys.executable, "onnx_worker.py", str(threads))


def torch_modes(device: str) -> list[str]:
    """How PyTorch computes: on a GPU compiled, on a CPU also compiled, if there is a compiler."""
    if device == "gpu":
        return ["compiled"]
    return ["eager", "compiled"] if shutil.which(os.environ.get("CXX", "g++")) else ["eager"]


def has_gpu() -> bool:
    """Whether there is an NVIDIA GPU."""
    return shutil.which("nvidia-smi") is not None


def describe_machine(torch: str) -> tuple[str, str]:
    """One line: processor, cores, GPU, system and versions; and what our convolutions multiply."""
    workers = [start_jax("cpu", 1, "native"), start_torch(torch, "cpu", 1, "float32")]
    workers.append(start_onnx(1))
    if has_gpu():
        workers.append(start_jax("gpu", 1, "native"))
    answers = [worker.ask(version=0) for worker in workers]
    for worker in workers:
        worker.stop()
    versions = [answer["version"] for answer in answers[:3]]
    gpus = [answer["device"] for answer in answers[3:]]
    python = f"Python {platform.python_version()}"
    # Virtual machines call different processors the same.
    found = processor()
    name = f"{cpu()} (family {found.get('cpu family')}, model {found.get('model')})"
    machine = [f"{name}, {os.cpu_count()} cores", *gpus, platform.system(), python, *versions]
    return ", ".join(machine), answers[0]["native"]
