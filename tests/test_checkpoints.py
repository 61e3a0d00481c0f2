"""Checkpoints: what a stopped training goes on from, and what it must not go on from."""

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from project import small_disk
from synth2real.errors import InputError
from synth2real.io import checkpoints as module
from synth2real.io.checkpoints import CheckpointError, Checkpoints, open_checkpoints

SOURCE = Path(__file__).parents[1] / "src"
ORIGIN = {"learning_rate": "0.1", "src/step.py": "ab12"}


class State(NamedTuple):
    step: jax.Array
    params: dict[str, jax.Array]


def state(step: int) -> State:
    rng = np.random.default_rng(step)
    params = {name: jnp.asarray(rng.normal(size=100), "float32") for name in ("kernel", "bias")}
    return State(jnp.asarray(step, "int32"), params)


def assert_same(one: State, two: State) -> None:
    assert jax.tree.structure(one) == jax.tree.structure(two)
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(two), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


@pytest.fixture(autouse=True)
def save_always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIME_BETWEEN_SAVES", 0)


@pytest.fixture
def stopped(tmp_path: Path) -> Path:
    """A folder with checkpoints of steps 200 and 300."""
    folder = tmp_path / "checkpoints"
    with pytest.raises(ZeroDivisionError), open_checkpoints(folder, ORIGIN) as checkpoints:
        for step in (100, 200, 300):
            checkpoints.save(state(step), [{"samples": step, "loss": 0.1}])
        raise ZeroDivisionError
    return folder


def restored(folder: Path, origin: dict[str, str] = ORIGIN) -> tuple[State, list]:
    with open_checkpoints(folder, origin) as checkpoints:
        return checkpoints.restore(state(0))


def files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def test_last_state_and_its_metrics_come_back(stopped: Path) -> None:
    last, metrics = restored(stopped)
    assert_same(last, state(300))
    assert metrics == [{"samples": 300, "loss": 0.1}]


def test_without_checkpoints_training_starts(tmp_path: Path) -> None:
    first, metrics = restored(tmp_path / "new")
    assert_same(first, state(0))
    assert metrics == []


def test_two_are_kept_also_when_training_is_done(stopped: Path) -> None:
    for _ in range(2):
        assert sorted(path.name for path in stopped.iterdir()) == ["200", "300", "fingerprint.json"]
        restored(stopped)


def test_saves_are_few_where_they_are_slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIME_BETWEEN_SAVES", 1e6)
    folder = tmp_path / "checkpoints"
    checkpoints = Checkpoints(folder)
    for step in (100, 200):
        checkpoints.save(state(step), [])
    assert [path.name for path in folder.iterdir()] == ["100"]


# --- damage -----------------------------------------------------------------------------------


def truncate(folder: Path) -> None:
    for path in files(folder):
        os.truncate(path, path.stat().st_size // 2)


def lose_last_bytes_of_arrays(folder: Path) -> None:
    path = max(files(folder / "leaves"), key=lambda path: path.stat().st_size)
    os.truncate(path, path.stat().st_size - 1)


def flip_a_bit_of_arrays(folder: Path) -> None:
    path = max(files(folder / "leaves"), key=lambda path: path.stat().st_size)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def lose_metrics(folder: Path) -> None:
    for path in files(folder / "rest"):
        path.unlink()


def write_half(folder: Path) -> None:
    """What a process leaves that was killed while saving."""
    folder.rename(folder.with_name(f"{folder.name}.orbax-checkpoint-tmp"))


@pytest.mark.parametrize(
    "damage", [truncate, lose_last_bytes_of_arrays, flip_a_bit_of_arrays, lose_metrics, write_half]
)
def test_damaged_checkpoint_falls_back_to_the_one_before(stopped: Path, damage) -> None:
    damage(stopped / "300")
    last, metrics = restored(stopped)
    assert_same(last, state(200))
    assert metrics == [{"samples": 200, "loss": 0.1}]


def test_half_written_checkpoint_is_gone_before_training_starts(stopped: Path) -> None:
    write_half(stopped / "300")
    with open_checkpoints(stopped, ORIGIN):
        assert sorted(path.name for path in stopped.iterdir()) == ["200", "fingerprint.json"]


def test_damaged_checkpoint_is_named_and_written_anew(
    stopped: Path, caplog: pytest.LogCaptureFixture
) -> None:
    truncate(stopped / "300")
    with open_checkpoints(stopped, ORIGIN) as checkpoints:
        checkpoints.restore(state(0))
        checkpoints.save(state(300), [])
        assert_same(checkpoints.restore(state(0))[0], state(300))
    (warning,) = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert "checkpoints/300: cannot be read" in warning and "\n" not in warning


def test_only_damaged_checkpoints_are_none(stopped: Path) -> None:
    for step in ("200", "300"):
        truncate(stopped / step)
    assert_same(restored(stopped)[0], state(0))


@pytest.mark.slow
def test_full_disk_is_one_line_and_leaves_the_last_checkpoint(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    with small_disk(tmp_path, "400k"):
        with (
            pytest.raises(CheckpointError, match=r"checkpoints: cannot be written \(.*space"),
            open_checkpoints(folder, ORIGIN) as checkpoints,
        ):
            checkpoints.save(state(100), [])
            (tmp_path / "filler").write_bytes(bytes(os.statvfs(tmp_path).f_bavail * 4096))
            checkpoints.save(state(200), [])
        (tmp_path / "filler").unlink()
        assert_same(restored(folder)[0], state(100))


# --- another training -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("origin", "changed"),
    [
        (ORIGIN | {"learning_rate": "0.2"}, "learning_rate"),
        (ORIGIN | {"src/step.py": "cd34", "src/new.py": "ef"}, "src/new.py, src/step.py"),
    ],
)
def test_other_trainings_checkpoints_are_not_used_and_the_log_says_why(
    stopped: Path, caplog: pytest.LogCaptureFixture, origin: dict[str, str], changed: str
) -> None:
    with caplog.at_level(logging.INFO):
        first, metrics = restored(stopped, origin)
    assert_same(first, state(0))
    assert metrics == []
    assert f"{stopped}: not used, {changed} changed; starting afresh" in caplog.messages


@pytest.mark.parametrize("content", ['{"learning_r', None], ids=["half", "none"])
def test_checkpoints_without_a_fingerprint_are_not_used(
    stopped: Path, caplog: pytest.LogCaptureFixture, content: str | None
) -> None:
    path = stopped / "fingerprint.json"
    path.unlink() if content is None else path.write_text(content)
    with caplog.at_level(logging.INFO):
        assert_same(restored(stopped)[0], state(0))
    assert f"{stopped}: not used, whose they are is not known; starting afresh" in caplog.messages


# --- signals and other processes --------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_signal_saves_and_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    monkeypatch.setattr(module, "TIME_BETWEEN_SAVES", 1e6)
    folder, before = tmp_path / "checkpoints", signal.getsignal(number)
    message = f"^stopped by {number.name} after 200 steps; the next run goes on from there$"
    with (
        pytest.raises(CheckpointError, match=message),
        open_checkpoints(folder, ORIGIN) as checkpoints,
    ):
        checkpoints.save(state(100), [])
        os.kill(os.getpid(), number)
        checkpoints.save(state(200), [])
    assert signal.getsignal(number) == before
    assert_same(restored(folder)[0], state(200))


HOLD = """
import sys, time
from pathlib import Path
from synth2real.io.checkpoints import open_checkpoints
with open_checkpoints(Path(sys.argv[1]), {}):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.mark.slow
def test_second_process_is_told_who_holds_the_folder_until_that_one_dies(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    command = [sys.executable, "-c", HOLD, str(folder)]
    environment = os.environ | {"SLURM_JOB_ID": "4711", "PYTHONPATH": str(SOURCE)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as holder:
        assert holder.stdout and holder.stdout.readline() == b"held\n"
        message = f"in use by process {holder.pid} on .*, SLURM job 4711; wait for it, or stop it"
        with pytest.raises(InputError, match=message), open_checkpoints(folder, {}):
            pass
        holder.kill()
    with open_checkpoints(folder, {}):
        pass
