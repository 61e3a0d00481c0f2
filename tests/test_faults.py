"""What a run on one machine survives; `pytest -rP` shows the seconds for docs/cluster.md."""

import os
import random
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from project import (
    COMPILE_FAST,
    DISTURBED,
    TINY,
    begin_snakemake,
    in_terminal,
    kill,
    last_checkpoint,
    overlay,
    read_terminal,
    small_disk,
    snakemake,
    wait_for,
)

pytestmark = pytest.mark.slow
ACCURACY = "results/accuracy.csv"


def arguments(folder: Path) -> tuple[str, ...]:
    return (ACCURACY, "--cores", "2", *overlay(folder, DISTURBED))


def restore(folder: Path, undisturbed: Path, name: str) -> None:
    """Puts back some of what was deleted; times of modification come along."""
    source, target = (path / "results/r0.1/draw0" / name for path in (undisturbed, folder))
    shutil.copytree(source, target)


def locked(folder: Path) -> bool:
    return any((folder / ".snakemake/locks").glob("*"))


def run_again(folder: Path, undisturbed: Path) -> None:
    """Runs what is left, to the end, which must be the undisturbed run's."""
    begin = time.monotonic()
    result = snakemake(folder, *arguments(folder))
    assert result.returncode == 0, result.stderr
    print(f"ran again: {time.monotonic() - begin:.0f} s")
    assert (folder / ACCURACY).read_bytes() == (undisturbed / ACCURACY).read_bytes()


def assert_whole(folder: Path) -> None:
    """Whatever has the name of a result can be read."""
    for path in (folder / "results").rglob("[!.]*.npz"):
        with np.load(path) as file:
            assert all(file[name].size >= 0 for name in file.files), path
    for path in (folder / "results").rglob("[!.]*.safetensors"):
        assert load_file(path), path


def test_kill_9_at_a_random_moment(begun: Path, undisturbed: Path):
    begin = time.monotonic()
    with begin_snakemake(begun, *arguments(begun)) as run:
        wait_for(lambda: locked(begun), "Snakemake's lock")
        time.sleep(random.uniform(0, 20))
        kill(run)
    print(f"killed after {time.monotonic() - begin:.1f} s")
    assert_whole(begun)
    refused = snakemake(begun, *arguments(begun))
    assert refused.returncode != 0 and "--unlock" in refused.stderr
    assert snakemake(begun, "--unlock", *overlay(begun, DISTURBED)).returncode == 0
    run_again(begun, undisturbed)


def test_second_snakemake_is_refused_and_the_first_goes_on(begun: Path, undisturbed: Path):
    restore(begun, undisturbed, "gan/seed0")
    begin = time.monotonic()
    with begin_snakemake(begun, *arguments(begun)) as run:
        wait_for(lambda: locked(begun), "Snakemake's lock")
        second = snakemake(begun, *arguments(begun))
        assert second.returncode != 0 and "cannot be locked" in second.stderr
        assert run.wait(600) == 0, (begun / "snakemake.log").read_text()
    print(f"the first ran for {time.monotonic() - begin:.0f} s")
    assert (begun / ACCURACY).read_bytes() == (undisturbed / ACCURACY).read_bytes()


def test_full_disk(begun: Path, undisturbed: Path):
    results, moved = begun / "results", begun / "moved"
    results.rename(moved)
    results.mkdir()
    used = sum(-(-path.stat().st_size // 4096) * 4096 for path in moved.rglob("*.*"))
    with small_disk(results, f"{used + 100_000}") as resize:
        subprocess.run(["cp", "-a", f"{moved}/.", str(results)], check=True)
        begin = time.monotonic()
        result = snakemake(begun, *arguments(begun))
        print(f"failed after {time.monotonic() - begin:.0f} s")
        assert result.returncode != 0 and "No space left" in result.stderr
        assert not (begun / ACCURACY).exists()
        assert_whole(begun)
        resize("1g")
        run_again(begun, undisturbed)


def test_truncated_file_of_an_earlier_run(begun: Path, undisturbed: Path):
    for name in ("gan/seed0", "convert/seed0"):
        restore(begun, undisturbed, name)
    path = begun / "results/r0.1/draw0/convert/seed0/train.npz"
    os.truncate(path, path.stat().st_size // 2)
    result = snakemake(begun, *arguments(begun))
    assert result.returncode != 0
    log = (begun / "results/logs/r0.1/draw0/classify_train_GAN_seed0.log").read_text().splitlines()
    assert [line for line in log if f"{path.relative_to(begun)}: cannot be read" in line]
    assert "delete it" in log[-2]  # the last says that the job ends
    path.unlink()
    run_again(begun, undisturbed)


def test_ctrl_c_in_a_terminal(begun: Path, undisturbed: Path):
    log = begun / "results/logs/r0.1/draw0/gan_seed0.log"
    log.unlink()  # of the undisturbed run
    with in_terminal(begun, *arguments(begun)) as (run, keyboard):
        wait_for(lambda: log.exists() and "4,800 samples" in log.read_text(), "a GAN's training")
        os.write(keyboard, b"\x03")
        shown = read_terminal(keyboard)
        assert run.wait() != 0
    assert "SIGINT: stopping after this chunk of steps; Ctrl-C again stops at once" in shown
    assert "the next run goes on from there" in shown and "Traceback" not in shown
    assert last_checkpoint(begun, 0) >= 100
    run_again(begun, undisturbed)


def test_one_core_variables_and_a_matplotlibrc_change_no_bit(experiment: Path):
    """The same experiment ran on two cores, without any of them."""
    made = [
        "results/real/train.npz",
        "results/synthetic/train.npz",
        "results/r0.1/draw0/splits/split.npz",
        "results/r0.1/draw0/gan/seed0/networks.safetensors",
        "results/r0.1/draw0/convert/seed0/train.npz",
        "results/r0.1/draw0/convert/seed0/test.npz",
        "results/r0.1/draw0/classify/original/run0.safetensors",
        "results/r0.1/draw0/classify/original/run1.safetensors",
        "results/r0.1/draw0/classify/original+GAN/seed0/run0.safetensors",
        "results/r0.1/draw0/classify/original+GAN/seed0/run1.safetensors",
        "results/gap/judge.safetensors",
        "results/gap/judge.csv",
        "results/r0.1/draw0/gap/converted_seed0.csv",
        "results/figures/figure5.svg",
    ]
    before = [(experiment / path).read_bytes() for path in made]
    for path in made:
        (experiment / path).unlink()
    (experiment / "matplotlibrc").write_text("text.usetex: True\naxes.facecolor: black\n")
    variables = {
        "JAX_ENABLE_X64": "1",
        "JAX_DEFAULT_PRNG_IMPL": "rbg",
        "JAX_THREEFRY_PARTITIONABLE": "0",
        "JAX_NUMPY_RANK_PROMOTION": "raise",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "XLA_FLAGS": f"{COMPILE_FAST} --xla_force_host_platform_device_count=8",
    }
    result = snakemake(experiment, "--cores", "1", *TINY, "--", *made, **variables)
    assert result.returncode == 0, result.stderr
    assert [(experiment / path).read_bytes() for path in made] == before
