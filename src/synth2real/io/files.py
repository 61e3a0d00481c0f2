"""Output files that are whole or not there."""

import csv
import fcntl
import logging
import os
import re
import shutil
import socket
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from synth2real.errors import InputError

log = logging.getLogger(__name__)

# The name of a temporary file, with that of its file before and behind eight digits.
TEMPORARY = re.compile(r"\.(.*)\.[0-9a-f]{8}((?:\.[^.]+)?)", re.DOTALL)

LONGEST_NAME = 245  # bytes; a temporary name has ten more, and file systems allow 255


def check_new(path: Path) -> None:
    """Refuses a file that is there already, or that cannot be written.

    Raises:
        InputError: says which.
    """
    if os.path.lexists(path):  # a link that leads nowhere, too
        raise InputError(f"{path} is there already; name another file, or delete it")
    if not path.parent.is_dir():
        raise InputError(f"{path}: {path.parent} is no folder")
    if not os.access(path.parent, os.W_OK):
        raise InputError(f"{path}: {path.parent} cannot be written to")


@contextmanager
def write_atomically(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside `path`, renamed to it when the block succeeds.

    A killed job so never leaves half a file under the final name, and an older file stays until
    the new one is whole.  The temporary name keeps the suffix, from which some writers take the
    format.  On failure the temporary file is removed.
    """
    temporary = path.with_name(f".{path.stem}.{uuid.uuid4().hex[:8]}{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        error.filename = error.filename or str(path)  # a full disk names no file
        raise
    finally:
        temporary.unlink(missing_ok=True)


def leftovers(paths: Iterable[Path]) -> Iterator[Path]:
    """What `write_atomically` had begun of files when its process was killed."""
    names: dict[Path, set[str]] = {}
    for path in paths:
        names.setdefault(path.parent, set()).add(path.name)
    for folder, wanted in names.items():
        for entry in folder.iterdir() if folder.is_dir() else ():
            match = TEMPORARY.fullmatch(entry.name)
            if match and match[1] + match[2] in wanted:
                yield entry


def remove_leftovers(paths: Iterable[Path]) -> None:
    """Deletes the `leftovers` of files."""
    for leftover in [*leftovers(paths)]:
        leftover.unlink()


def share_file(source: Path, path: Path) -> None:
    """Gives a file a second name, or where the file system has none, makes a copy."""
    try:
        os.link(source, path)
    except OSError:
        with write_atomically(path) as temporary:
            shutil.copyfile(source, temporary)


@contextmanager
def hold_lock(path: Path) -> Iterator[None]:
    """Holds a file's lock, which ends with the process however that ends.

    Raises:
        InputError: another process holds it.
    """
    with open(path, "a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise InputError(
                f"{path.parent}: in use by {file.read()}; wait for it, or stop it"
            ) from None
        except OSError as error:
            # Lustre and NFS may have no locks. They only protect from another process.
            log.warning(
                f"{path}: cannot be locked ({error.strerror}); see that no other job has it"
            )
        job = os.getenv("SLURM_JOB_ID")
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}")
        file.write(f", SLURM job {job}" if job else "")
        file.flush()
        yield


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Writes a table with a header line."""
    with (
        write_atomically(path) as temporary,
        open(temporary, "w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
