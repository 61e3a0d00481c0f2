"""What programs here take from their environment, and what they must not."""

import fcntl
import hashlib
import importlib.metadata
import itertools
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterable, MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import IO

from synth2real.errors import InputError, reason

CACHE = "JAX_COMPILATION_CACHE_DIR"
PROCESSOR = "processor-"  # begins the name of a folder in there
# oneDNN for Linux on x86-64: the newest package that needs nothing else.
ONEDNN = "onednn-cpu-gomp"
# Compiled programs are shared, small ones too, and wherever their folder lies: with XLA's own
# caches (of GPU kernels' choices) its path would be part of what a program is known by.
SHARED = {
    "JAX_PERSISTENT_CACHE_ENABLE_XLA_CACHES": "none",
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
}
# For the environment of whoever starts jobs; what a user has set there stays (in the cache's folder
# there will be others).
DEFAULTS = {
    # XLA allocates a step's memory anew each time; glibc would give it back in between, and
    # zeroing it again took a fifth of a training step.
    "GLIBC_TUNABLES": "glibc.malloc.arena_max=1"
    ":glibc.malloc.mmap_max=0"
    ":glibc.malloc.trim_threshold=17179869184",
    # Jobs share what was compiled: a first step takes 8 to 32 s of compiling, 1 to 6 s from there.
    CACHE: os.path.abspath(".cache/jax"),
    **SHARED,
    # Jobs may share a GPU's memory, of which JAX would take three quarters at once.
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
}
# JAX reads all of its settings from variables; these change where it computes, not what.
KEPT = re.compile("JAX_PLATFORMS$|JAX_COMPILATION_CACHE|JAX_PERSISTENT_CACHE")
# As many devices as it says share a CPU's threads, and sums have another order.
DEVICES = re.compile(r"--xla_force_host_platform_device_count=\S*")
# What /proc/cpuinfo says of a processor that programs depend on.
KIND = ("vendor_id", "cpu family", "model", "flags", "CPU", "Features")  # "model name", too
CUDA = ("jax-cuda12-plugin", "jax-cuda13-plugin")
JOBS_OF_GPU = 16  # at most; what comes then is shown all GPUs
SECONDS = 20  # that a driver may take to answer
_locks: list[IO[str]] = []  # open as long as the process lives


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Of packages, those that are installed."""
    found = {}
    for name in packages:
        with suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def clean_environment(environ: MutableMapping[str, str] = os.environ) -> None:
    """Takes out what would change numbers or figures without a word, or make jobs fail.

    Such as another random number generator, 64 bits, or the backend for figures that Jupyter sets.
    A user's matplotlibrc is not even read: it may be no UTF-8. To be called before jax and
    matplotlib are imported, in the process itself or above it.
    """
    for name in [*environ]:
        if name == "MPLBACKEND" or (name.startswith("JAX_") and not KEPT.match(name)):
            del environ[name]
    if "XLA_FLAGS" in environ:
        environ["XLA_FLAGS"] = DEVICES.sub("", environ["XLA_FLAGS"])
    environ["MATPLOTLIBRC"] = os.devnull


def add_defaults(environ: MutableMapping[str, str] = os.environ) -> None:
    """Sets what is not set yet, for jobs on this machine.

    Compiled programs lie in a folder for each kind of processor, since JAX would hand one's to
    another, which may lack the instructions: the nodes of a cluster share a project's folder.
    """
    environ.update(DEFAULTS | dict(environ))
    if environ[CACHE]:
        folder = Path(environ[CACHE])
        if folder.name.startswith(PROCESSOR):  # of the machine that submitted the job
            folder = folder.parent
        environ[CACHE] = str(folder / (PROCESSOR + _kind()))


def keep_programs(environ: MutableMapping[str, str] = os.environ) -> None:
    """Has a command keep what it compiles among the user's caches, if nothing says where.

    To be called before jax is imported.
    """
    if CACHE in environ:
        return
    caches = environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    folder = Path(caches, "synth2real", PROCESSOR + _kind())
    if folder.is_absolute():  # there is a home
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            if os.access(folder, os.W_OK):
                environ.update(SHARED | dict(environ) | {CACHE: str(folder)})


def processor() -> dict[str, str]:
    """What Linux says of the first processor; nothing elsewhere."""
    try:
        first = Path("/proc/cpuinfo").read_text().partition("\n\n")[0]
    except OSError:
        return {}
    fields = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in fields}


def cpu() -> str:
    """The processor's name, as well as this system tells it."""
    return processor().get("model name") or platform.processor() or platform.machine()


def _kind() -> str:
    """A name for processors that run the same programs."""
    fields = processor() or {"CPU": f"{platform.machine()} {platform.processor()}"}
    kind = [f"{name}: {value}" for name, value in fields.items() if name.startswith(KIND)]
    return hashlib.sha256("\n".join(kind).encode()).hexdigest()[:8]


def xla_flags() -> list[str]:
    """What XLA is told besides; some of it changes the last digits of every result."""
    return os.environ.get("XLA_FLAGS", "").split()


def list_gpus() -> list[str]:
    """The GPUs that NVIDIA's driver knows here, or those of them that the environment shows."""
    if not shutil.which("nvidia-smi"):
        return []
    try:
        found = subprocess.run(
            ["nvidia-smi", "--list-gpus"],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    lines = found.stdout.splitlines() if found.returncode == 0 else []
    there = [str(number) for number in range(sum(line.startswith("GPU ") for line in lines))]
    shown = os.environ.get("CUDA_VISIBLE_DEVICES")
    if shown is None or not there:
        return there
    # The first that is no GPU ends the list: "-1" shows none.
    return list(itertools.takewhile(lambda gpu: gpu and gpu[0] != "-", shown.split(",")))


def computes_on_gpus() -> bool:
    """Whether the JAX that is installed here may compute on NVIDIA's GPUs."""
    asked = os.environ.get("JAX_PLATFORMS") or "cuda"
    return bool(versions(CUDA)) and not {"cuda", "gpu"}.isdisjoint(asked.split(","))


def take_gpu(folder: Path) -> None:
    """Shows this process one GPU, of those that the fewest jobs of this user have here.

    Locks in a folder, one for each job that a GPU may have, end with their processes. To be called
    before jax starts.
    """
    gpus = list_gpus()
    if len(gpus) < 2:  # also where SLURM shows a job its own
        return
    folder.mkdir(exist_ok=True)
    for number, gpu in itertools.product(range(JOBS_OF_GPU), gpus):
        file = open(folder / f"{gpu}.{number}", "a")  # noqa: SIM115
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            continue
        _locks.append(file)
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
        return


def check_device() -> None:
    """Refuses a device that JAX_PLATFORMS asks for and that is not there.

    Raises:
        InputError: says what was asked for.
    """
    asked = os.environ.get("JAX_PLATFORMS")
    if not asked:
        return
    # It takes a second that others need not wait.
    import jax

    try:
        jax.devices()
    # A platform that this JAX does not know is an AssertionError.
    except (RuntimeError, AssertionError) as error:
        raise InputError(
            f"JAX_PLATFORMS={asked}: there is no such device, or no JAX for it "
            f"({reason(error)[:100] or type(error).__name__}); unset it, or make env ENV=gpu"
        ) from error
