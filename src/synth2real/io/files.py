"""Output files that are whole or not there."""

import csv
import os
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from synth2real.errors import InputError


def check_new(path: Path) -> None:
    """Refuses a file that is there already, or that cannot be written.

    Raises:
        InputError: says which.
    """
    if path.exists():
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
    finally:
        temporary.unlink(missing_ok=True)


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Writes a table with a header line."""
    with (
        write_atomically(path) as temporary,
        open(temporary, "w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
