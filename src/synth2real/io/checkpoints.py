"""Checkpoints, from which a training that was stopped goes on as if nothing had happened."""

import errno
import hashlib
import logging
import os
import shutil
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import orbax.checkpoint as ocp

from synth2real.errors import InputError
from synth2real.io.finished import hold_folder
from synth2real.io.trees import from_arrays, to_arrays

log = logging.getLogger(__name__)

KEPT = 2  # the last one, and one to fall back to
# Of a training's time, a hundredth at most goes into checkpoints, however slow the disk is.
TIME_BETWEEN_SAVES = 100  # times what the last one took
STOP_SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)


class CheckpointError(InputError):
    """A training cannot go on now, but a later run can."""


@contextmanager
def open_checkpoints(folder: Path, fingerprint: Mapping[str, str]) -> Iterator["Checkpoints"]:
    """Holds a folder of checkpoints for one training (`hold_folder`).

    SIGTERM and SIGUSR1, with which a cluster says that a job's time is up, and SIGINT, which Ctrl-C
    sends, make the next `save` the last; a second SIGINT ends the training at once.

    Raises:
        InputError: another process holds the folder.
    """
    with hold_folder(folder, fingerprint):
        checkpoints = Checkpoints(folder)
        handlers = {number: signal.signal(number, checkpoints.stop) for number in STOP_SIGNALS}
        try:
            yield checkpoints
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)


class Checkpoints:
    """A training's last states, each with the metrics up to there."""

    def __init__(self, folder: Path):
        self._folder = folder
        # Orbax would delete what is half written in the background, beside a training that may
        # have ended and deletes the folder.
        for path in folder.glob(f"*{ocp.path.step.TMP_DIR_SUFFIX}"):
            shutil.rmtree(path)
        self._manager = ocp.CheckpointManager(
            folder.absolute(),
            options=ocp.CheckpointManagerOptions(
                max_to_keep=KEPT,
                # A state is spent when the next chunk starts.
                enable_async_checkpointing=False,
            ),
        )
        self._signal: str | None = None
        self._last_save, self._cost = time.monotonic(), 0.0

    def stop(self, number: int, _frame: Any) -> None:
        """Signal handler: training stops at the next `save`, or at Ctrl-C pressed again."""
        if self._signal and number == signal.SIGINT:
            raise KeyboardInterrupt
        self._signal = signal.Signals(number).name
        again = "; Ctrl-C again stops at once" if number == signal.SIGINT else ""
        log.info(f"{self._signal}: stopping after this chunk of steps{again}")

    def check(self) -> None:
        """Ends what goes before the first step, of which nothing is kept, if it is to stop.

        Raises:
            CheckpointError: the process was told to stop.
        """
        if self._signal:
            raise CheckpointError(f"stopped by {self._signal}; the next run begins it anew")

    def restore(self, start: Any) -> tuple[Any, list[dict[str, Any]]]:
        """Returns the last state that can be read, shaped like `start`, and its metrics.

        Where there is none that is `start` itself, and no metrics.
        """
        for step in sorted(self._manager.all_steps(), reverse=True):
            try:
                arrays, metrics = self._read(step)
            # Whatever a damaged file raises in the libraries below.
            except Exception as error:
                if _passes(error):
                    raise CheckpointError(f"{self._folder}/{step}: {_reason(error)}") from error
                log.warning(f"{self._folder}/{step}: cannot be read ({_reason(error)}), left out")
                self._manager.delete(step)
                continue
            log.info(f"{self._folder}/{step}: going on after {step:,} steps")
            return from_arrays(start, arrays), metrics
        return start, []

    def _read(self, step: int) -> tuple[dict[str, np.ndarray], list[dict[str, Any]]]:
        items = {"leaves": ocp.args.StandardRestore(), "rest": ocp.args.JsonRestore()}
        saved = self._manager.restore(step, args=ocp.args.Composite(**items))
        if _digest_arrays(saved.leaves) != saved.rest["digest"]:
            raise ValueError("its digest is another")
        return saved.leaves, saved.rest["metrics"]

    def save(self, state: Any, metrics: list[dict[str, Any]]) -> None:
        """Saves a state that has a field `step`, if it is time to.

        Raises:
            CheckpointError: the process was told to stop; or the disk takes no more.
        """
        begin = time.monotonic()
        if not self._signal and begin - self._last_save < TIME_BETWEEN_SAVES * self._cost:
            return
        # NumPy's arrays belong to no device: another one may go on with them.
        arrays = to_arrays(state)
        rest = {"digest": _digest_arrays(arrays), "metrics": metrics}
        items = {"leaves": ocp.args.StandardSave(arrays), "rest": ocp.args.JsonSave(rest)}
        step = int(state.step)
        size = sum(array.nbytes for array in arrays.values())
        try:
            # The library that writes would say so in ten tracebacks.
            if shutil.disk_usage(self._folder).free < size:
                takes = f"{os.strerror(errno.ENOSPC)}; a checkpoint takes {size / 1e6:.1f} MB"
                raise OSError(errno.ENOSPC, takes)
            self._manager.save(step, args=ocp.args.Composite(**items))
        # A full disk comes as an error of the library that writes.
        except (OSError, ValueError) as error:
            message = f"{self._folder}: cannot be written ({_reason(error)})"
            raise CheckpointError(message) from error
        self._last_save = time.monotonic()
        self._cost = self._last_save - begin
        if self._signal:
            raise CheckpointError(
                f"stopped by {self._signal} after {step:,} steps; the next run goes on from there"
            )


def _reason(error: Exception) -> str:
    """The start of what a library says, which may be pages."""
    return str(error).partition("\n")[0][:200]


def _passes(error: Exception) -> bool:
    """Whether it is the machine that cannot read now; a file that is damaged stays so."""
    system = isinstance(error, (MemoryError, OSError))
    return system and not isinstance(error, FileNotFoundError)


def _digest_arrays(arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(name.encode() + arrays[name].tobytes())
    return digest.hexdigest()
