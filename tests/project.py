"""The project as its users run it: copies of it, and Snakemake in them."""

import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
SOURCES = ["Snakefile", "config.yaml", "config", "envs", "profiles", "resources", "rules", "src"]
SOURCES += ["workflow", "docs/rulegraph.svg"]
# XLA compiles in a quarter of the time if it need not compile well.
COMPILE_FAST = "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"
# What conftest.py sets for networks in the tests' own process.
THREADS = {"NPROC", "OMP_NUM_THREADS"}
TINY = ("--configfile", "config/tiny.yaml")
# The experiment that is disturbed: its GANs train long enough to be stopped on the way.
# Of 300 steps, with a checkpoint after each 100.
GAN = {"samples": 4_800, "batch_size": 8, "seeds": [0, 1, 2]}
DISTURBED = {"ratios": ["0.1"], "gan": GAN}


def copy_project(folder: Path) -> Path:
    """Copies what a clone has, so that a test may run and change it."""
    for name in SOURCES:
        source = ROOT / name
        (folder / name).parent.mkdir(exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, folder / name)
    return folder


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Callable[[str], None]]:
    """Has a disk of so many bytes ("400k") at a folder; yields what gives it another size.

    Skips the test where there is no leave to mount one.
    """

    def mount(options: str) -> int:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder]
        return subprocess.run(command, capture_output=True).returncode

    def resize(size: str) -> None:
        assert mount(f"remount,size={size}") == 0

    if mount(f"size={size}"):
        pytest.skip("needs leave to mount a small disk")
    try:
        yield resize
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "snakemake", *arguments]


def environment(folder: Path) -> dict[str, str]:
    """Ours, without what conftest.py sets for networks that run in the tests themselves.

    The copy's own package comes before the installed one.
    """
    ours = {key: value for key, value in os.environ.items() if key not in THREADS}
    flags = f"{ours.get('XLA_FLAGS', '')} {COMPILE_FAST}"
    return ours | {"PYTHONPATH": str(folder / "src"), "XLA_FLAGS": flags}


def snakemake(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs Snakemake to its end, with more variables in its environment."""
    return subprocess.run(
        command(*arguments),
        cwd=folder,
        env=environment(folder) | variables,
        capture_output=True,
        text=True,
    )


def planned(folder: Path, *arguments: str, **variables: str) -> Counter[str]:
    """The jobs that a dry run plans, by rule."""
    result = snakemake(folder, "--dry-run", *arguments, **variables)
    assert result.returncode == 0, result.stderr
    text = result.stdout + result.stderr
    assert "Nothing to be done" in text or "Job stats:" in text
    counts = re.findall(r"^(\w+) +(\d+)$", text, flags=re.MULTILINE)
    return Counter({rule: int(count) for rule, count in counts if rule != "total"})


def overlay(folder: Path, settings: dict) -> tuple[str, ...]:
    """Command line for the tiny experiment with some settings replaced."""
    (folder / "overlay.yaml").write_text(yaml.safe_dump(settings))
    return (*TINY, "overlay.yaml")


@contextmanager
def begin_snakemake(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Starts Snakemake, with output to snakemake.log; at the end it is killed with its jobs."""
    with open(folder / "snakemake.log", "w") as log:
        run = subprocess.Popen(
            command(*arguments),
            cwd=folder,
            env=environment(folder),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield run
    finally:
        kill(run)


@contextmanager
def in_terminal(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Starts Snakemake in a terminal of its own; what is written to the number is typed there."""
    keyboard, terminal = pty.openpty()
    run = subprocess.Popen(
        ["setsid", "--ctty", *command(*arguments)],
        cwd=folder,
        env=environment(folder),
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
    )
    os.close(terminal)
    try:
        yield run, keyboard
    finally:
        kill(run)
        os.close(keyboard)


def read_terminal(keyboard: int) -> str:
    """All that a terminal shows until its last program has ended."""
    shown = b""
    with suppress(OSError):  # how Linux says that it was closed
        while part := os.read(keyboard, 65536):
            shown += part
    return shown.decode()


def kill(run: subprocess.Popen[str]) -> None:
    """Kills Snakemake and the jobs that it started on this machine, if any is left."""
    with suppress(ProcessLookupError):
        os.killpg(run.pid, signal.SIGKILL)
    run.wait()


def wait_for(condition: Callable[[], object], what: str, seconds: float = 600) -> None:
    """Returns when a condition holds; fails a test where it does not come about."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.1)


def last_checkpoint(folder: Path, seed: int) -> int:
    """The step of a GAN's last whole checkpoint; -1 where there is none."""
    steps = (folder / f"results/r0.1/draw0/gan/seed{seed}/checkpoints").glob("[0-9]*")
    return max((int(step.name) for step in steps if step.name.isdigit()), default=-1)


def forget_gan(folder: Path, seed: int) -> None:
    """Deletes a GAN and what follows from it."""
    results = folder / "results"
    for path in (f"gan/seed{seed}", f"convert/seed{seed}", f"classify/*GAN/seed{seed}"):
        for found in results.glob(f"r0.1/draw0/{path}"):
            shutil.rmtree(found)
    for table in ("accuracy", "recall"):
        (results / f"r0.1/draw0/classify/{table}_seed{seed}.csv").unlink()
        (results / f"{table}.csv").unlink()
