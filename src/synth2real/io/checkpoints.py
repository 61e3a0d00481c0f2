"""Checkpoints, from which a training that was stopped goes on as if nothing had happened.

They lie in a folder of which Snakemake knows nothing: what it knows as output, it deletes when a
job starts or fails.
"""

import errno
import hashlib
import importlib.metadata
import json
import logging
import os
import shutil
import signal
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import orbax.checkpoint as ocp

from synth2real.errors import InputError
from synth2real.io.files import hold_lock, share_file, write_atomically
from synth2real.io.trees import from_arrays, to_arrays

log = logging.getLogger(__name__)

DIGESTS = "digests.json"  # of files that are kept
NAMED = 5  # things that changed, in a message
KEPT = 2  # the last one, and one to fall back to
# Of a training's time, a hundredth at most goes into checkpoints, however slow the disk is.
TIME_BETWEEN_SAVES = 100  # times what the last one took
STOP_SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)
PACKAGES = ("jax", "jaxlib", "flax", "optax", "numpy", "orbax-checkpoint")


class CheckpointError(InputError):
    """A training cannot go on now, but a later run can."""


def fingerprint(files: Iterable[str | Path], **settings: Any) -> dict[str, str]:
    """What a training's bits follow from: settings, contents of files, versions of packages."""
    settings |= {"XLA_FLAGS": os.environ.get("XLA_FLAGS", "").split()}
    contents = {str(path): _digest_file(path) for path in files}
    versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {name: str(value) for name, value in settings.items()} | contents | versions


@contextmanager
def hold_folder(
    folder: Path, fingerprint: Mapping[str, str], *, keep: bool = False
) -> Iterator[None]:
    """Holds a folder for one job, with what it has done so far.

    What has another fingerprint is deleted at once, and the folder itself when the job has
    succeeded, unless it is to be kept.

    Raises:
        InputError: another process holds the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with hold_lock(folder.with_name(f".{folder.name}.lock")):
        _discard_others(folder, fingerprint)
        yield
        if not keep:
            shutil.rmtree(folder)


@contextmanager
def keep_finished(
    outputs: Iterable[str | Path], files: Iterable[str | Path], **settings: Any
) -> Iterator[list[Path]]:
    """Yields where to make a job's outputs: those that lie there need not be made again.

    Of an entry of a cluster's queue that is killed, Snakemake deletes what its finished jobs made,
    too. So outputs are second names of files in a folder `*.finished` beside them, which is there
    until a run has succeeded.

    Args:
        files, settings: what the outputs follow from (`fingerprint`).

    Raises:
        InputError: another process holds the folder.
    """
    paths = [Path(path) for path in outputs]
    folder = paths[0].with_suffix(".finished")
    kept = [folder / path.name for path in paths]
    with hold_folder(folder, fingerprint(files, **settings), keep=True):
        _discard_changed(folder)
        found = sum(path.exists() for path in kept)
        if found:
            log.info(f"{found} of {len(kept)} files were made before")
        yield kept
        with write_atomically(folder / DIGESTS) as temporary:
            temporary.write_text(json.dumps({path.name: _digest_file(path) for path in kept}))
        for source, path in zip(kept, paths, strict=True):
            path.unlink(missing_ok=True)
            share_file(source, path)


def _discard_changed(folder: Path) -> None:
    """Deletes kept files that were written to under their other names, the outputs'."""
    path = folder / DIGESTS
    digests = json.loads(path.read_text()) if path.exists() else {}
    for name, digest in digests.items():
        if (folder / name).exists() and _digest_file(folder / name) != digest:
            log.warning(f"{folder / name}: was changed, left out")
            (folder / name).unlink()


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


def _digest_file(path: str | Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _discard_others(folder: Path, fingerprint: Mapping[str, str]) -> None:
    """Empties a folder whose checkpoints belong to another training, and says what differs."""
    path = folder / "fingerprint.json"
    try:
        old = json.loads(path.read_text())
    # None was written yet, or it was deleted before the rest was.
    except (FileNotFoundError, ValueError):
        old = {}
    changed = [name for name in old.keys() | fingerprint if old.get(name) != fingerprint.get(name)]
    if changed and any(folder.iterdir()):
        names = [*sorted(changed)[:NAMED], *(["others"] if len(changed) > NAMED else [])]
        reason = f"{', '.join(names)} changed" if old else "whose they are is not known"
        log.info(f"{folder}: not used, {reason}; starting afresh")
        shutil.rmtree(folder)
        folder.mkdir()
    with write_atomically(path) as temporary:
        temporary.write_text(json.dumps(fingerprint, indent=1))
