"""What the environment does to jobs: nothing, or one line that says what is wrong."""

import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from project import ROOT, environment
from synth2real import environment as module
from synth2real.environment import (
    CACHE,
    add_defaults,
    clean_environment,
    computes_on_gpus,
    keep_programs,
    list_gpus,
)
from synth2real.errors import InputError
from synth2real.io.checkpoints import open_checkpoints

# As a notebook, a debugging session or another program may leave them.
ODD = {
    "JAX_ENABLE_X64": "1",
    "JAX_DEFAULT_PRNG_IMPL": "rbg",
    "JAX_THREEFRY_PARTITIONABLE": "0",
    "JAX_NUMPY_RANK_PROMOTION": "raise",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "XLA_FLAGS": "--xla_force_host_platform_device_count=8",
}


def test_what_would_change_numbers_is_taken_out_and_places_stay() -> None:
    places = {"JAX_PLATFORMS": "cpu", "JAX_COMPILATION_CACHE_DIR": "cache", "HOME": "/home"}
    environ = ODD | places | {"XLA_FLAGS": f"--xla_dump_to=x {ODD['XLA_FLAGS']}"}
    clean_environment(environ)
    assert environ == places | {"XLA_FLAGS": "--xla_dump_to=x ", "MATPLOTLIBRC": "/dev/null"}


def test_a_matplotlibrc_that_is_no_text_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "matplotlib" / "matplotlibrc"
    path.parent.mkdir()
    path.write_bytes(b"# \xe4\nfigure.dpi: 33\n")
    environ = environment(tmp_path) | {"XDG_CONFIG_HOME": str(tmp_path)}
    load = "import matplotlib; print(matplotlib.rcParams['figure.dpi'])"
    clean = "from synth2real.environment import clean_environment; clean_environment()"
    command = [sys.executable, "-c"]
    assert subprocess.run([*command, load], env=environ, capture_output=True).returncode == 1
    result = subprocess.run([*command, f"{clean}\n{load}"], env=environ, capture_output=True)
    assert result.stdout == b"100.0\n"


def test_each_kind_of_processor_has_compiled_programs_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    environ = {CACHE: "mine"}
    add_defaults(environ)
    here = environ[CACHE]
    assert Path(here).parent == Path("mine") and environ["XLA_PYTHON_CLIENT_PREALLOCATE"] == "false"
    add_defaults(environ)  # as a job of a cluster does that was submitted from here
    assert environ[CACHE] == here
    text = Path("/proc/cpuinfo").read_text().replace("flags\t\t: fpu", "flags\t\t: amx_int8 fpu")
    monkeypatch.setattr(Path, "read_text", lambda path: text)
    add_defaults(environ)
    assert Path(environ[CACHE]).parent == Path("mine") and environ[CACHE] != here
    off = {CACHE: ""}
    add_defaults(off)
    assert off[CACHE] == ""


def test_commands_keep_programs_among_the_users_caches(tmp_path: Path) -> None:
    environ = {"XDG_CACHE_HOME": str(tmp_path / "caches")}
    keep_programs(environ)
    here = Path(environ[CACHE])
    assert here.is_dir() and here.parent == tmp_path / "caches/synth2real"
    for environ in ({"XDG_CACHE_HOME": str(tmp_path), CACHE: "mine"}, {"XDG_CACHE_HOME": "caches"}):
        before = dict(environ)
        keep_programs(environ)
        assert environ == before
    (tmp_path / "file").touch()
    nowhere = {"XDG_CACHE_HOME": str(tmp_path / "file")}
    keep_programs(nowhere)
    assert CACHE not in nowhere


def test_a_device_that_is_not_there_is_refused_in_one_line(tmp_path: Path) -> None:
    script = f"from synth2real.job import start_job; start_job({str(tmp_path / 'log')!r}, 1)"
    environ = environment(tmp_path) | {"JAX_PLATFORMS": "tpu"}
    result = subprocess.run(
        [sys.executable, "-c", script], env=environ | {"PYTHONPATH": ""}, capture_output=True
    )
    _, said, _ = (tmp_path / "log").read_text().splitlines()  # between begins and ends
    assert result.returncode == 1 and "JAX_PLATFORMS=tpu: there is no such device" in said


THREE_GPUS = "for n in 0 1 2; do echo GPU $n: fake; done"


def write_driver(folder: Path, program: str) -> None:
    """A program of the driver's name, for a PATH that begins with the folder."""
    (folder / "nvidia-smi").write_text(f"#!/bin/sh\n{program}\n")
    (folder / "nvidia-smi").chmod(0o755)


@pytest.mark.parametrize(
    "program, found",
    [
        ("echo 'GPU 0: NVIDIA H100 (UUID: GPU-1)'", ["0"]),
        ("printf 'GPU 0: a\\nGPU 1: a\\n'", ["0", "1"]),
        ("echo NVIDIA-SMI has failed; exit 9", []),
        ("echo No devices were found", []),
        ("printf 'GPU 0: a \\351\\n'", ["0"]),  # in Latin-1
    ],
)
def test_the_driver_is_asked_for_a_gpu(
    program: str, found: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_driver(tmp_path, program)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert list_gpus() == found


@pytest.mark.parametrize(
    "shown, found",
    [("1,2", ["1", "2"]), ("GPU-a", ["GPU-a"]), ("-1", []), ("", []), ("2,-1,0", ["2"])],
)
def test_the_environment_may_show_some_gpus(
    shown: str, found: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_driver(tmp_path, THREE_GPUS)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", shown)
    assert list_gpus() == found


@pytest.mark.parametrize(
    "installed, asked, right",
    [(False, "", False), (True, "", True), (True, "cuda,cpu", True), (True, "cpu", False)],
)
def test_a_gpu_is_of_use_if_the_jax_that_is_installed_computes_on_it(
    installed: bool, asked: str, right: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = {"jax-cuda13-plugin": "0.10"} if installed else {}
    monkeypatch.setattr(module, "versions", lambda names: plugin)
    monkeypatch.setenv("JAX_PLATFORMS", asked)
    assert computes_on_gpus() == right


def test_jobs_at_once_have_gpus_of_their_own(tmp_path: Path) -> None:
    write_driver(tmp_path, THREE_GPUS)
    # The second and the third of three, and what each of three jobs is shown.
    environ = environment(tmp_path) | {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "src"),
        "TMPDIR": str(tmp_path),
        "CUDA_VISIBLE_DEVICES": "1,2",
    }
    script = (
        "import os, sys; from synth2real.job import start_job; start_job(sys.argv[1], 1, gpu=1); "
        "print(os.environ['CUDA_VISIBLE_DEVICES'], flush=True); input()"
    )
    jobs = []
    for number in range(3):
        jobs.append(
            subprocess.Popen(
                [sys.executable, "-c", script, tmp_path / f"{number}.log"],
                env=environ,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
    shown = sorted(job.stdout.readline().strip() for job in jobs)
    for job in jobs:
        job.communicate("\n")
    # There are more jobs than GPUs.
    assert shown.count("1") + shown.count("2") == len(shown) == 3 and len({*shown}) == 2


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_warned_of(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog
) -> None:
    def refuse(*_) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with open_checkpoints(tmp_path / "checkpoints", {}):
        assert "cannot be locked" in caplog.text
    monkeypatch.undo()
    with (
        open_checkpoints(tmp_path / "checkpoints", {}),
        pytest.raises(InputError, match="in use by process"),
        open_checkpoints(tmp_path / "checkpoints", {}),
    ):
        pass
