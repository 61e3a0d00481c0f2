"""Arrays on disk: .npz files, whole or not there, with the same bytes for the same content."""

import zipfile
from pathlib import Path

import numpy as np

from synth2real.errors import InputError
from synth2real.io.files import write_atomically


def save_arrays(path: Path, **arrays: np.ndarray) -> None:
    """Writes named arrays, uncompressed: they are read far more often than written."""
    with write_atomically(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def load_arrays(path: Path, *names: str) -> list[np.ndarray]:
    """Reads the named arrays of a file.

    Raises:
        InputError: the file is truncated, is no .npz, or lacks one of the arrays.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            return [file[name] for name in names]
    except (zipfile.BadZipFile, EOFError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: cannot be read ({error}); delete it, and the next run makes it again"
        ) from error
