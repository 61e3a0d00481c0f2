"""What a job has done so far, so that it need not be done again when the job was stopped.

It lies in a folder of which Snakemake knows nothing: what it knows as output, it deletes when a job
starts or fails.
"""

import hashlib
import json
import logging
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from synth2real.environment import ONEDNN, versions, xla_flags
from synth2real.io.files import hold_lock, share_file, write_atomically

log = logging.getLogger(__name__)

DIGESTS = "digests.json"  # of files that are kept
NAMED = 5  # things that changed, in a message
PACKAGES = ("jax", "jaxlib", "flax", "optax", "numpy", "orbax-checkpoint", ONEDNN)


def fingerprint(files: Iterable[str | Path], **settings: Any) -> dict[str, str]:
    """What a training's bits follow from: settings, contents of files, versions of packages."""
    settings |= {"XLA_FLAGS": xla_flags()}
    contents = {str(path): _digest_file(path) for path in files}
    return {k: str(value) for k, value in settings.items()} | contents | versions(PACKAGES)


@contextmanager
def hold_folder(folder: Path, fingerprint: Mapping[str, str]) -> Iterator[None]:
    """Holds a folder for one job, with what it has done so far; what is of another is deleted.

    It is there until a run has succeeded: a job that has ended may have failed for Snakemake.

    Raises:
        InputError: another process holds the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with hold_lock(folder.with_name(f".{folder.name}.lock")):
        _discard_others(folder, fingerprint)
        yield


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
    with hold_folder(folder, fingerprint(files, **settings)):
        _discard_if_changed(folder)
        found = sum(path.exists() for path in kept)
        if found:
            log.info(f"{found} of {len(kept)} files were made before")
        yield kept
        with write_atomically(folder / DIGESTS) as temporary:
            temporary.write_text(json.dumps({path.name: _digest_file(path) for path in kept}))
        for source, path in zip(kept, paths, strict=True):
            path.unlink(missing_ok=True)
            share_file(source, path)


def remove_finished(folder: Path, outputs: Iterable[str] = ()) -> None:
    """Deletes what a job has kept, if its outputs beside the folder are all there.

    Args:
        folder: of files that are kept, or of a training's checkpoints.
        outputs: their names; by default those of the files, if the job has succeeded.
    """
    names = [*(outputs or _digests(folder))]
    if names and all(folder.with_name(name).exists() for name in names):
        shutil.rmtree(folder)


def _discard_if_changed(folder: Path) -> None:
    """Deletes all kept files if one was written to under its other name, the output's.

    A job may take its last file for a sign that it has made the others.
    """
    digests = _digests(folder)
    for name, digest in digests.items():
        if not (folder / name).exists() or _digest_file(folder / name) != digest:
            log.warning(f"{folder / name}: was changed; all files beside it are made again")
            for each in (DIGESTS, *digests):
                (folder / each).unlink(missing_ok=True)
            return


def _digests(folder: Path) -> dict[str, str]:
    """Of the files that a job has kept there, by name; none before it has succeeded."""
    path = folder / DIGESTS
    digests: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    return digests


def _digest_file(path: str | Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _discard_others(folder: Path, fingerprint: Mapping[str, str]) -> None:
    """Empties a folder of what came of other files or settings, and says what differs."""
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
