"""What lies in a user's folder, sub-folders and linked ones included."""

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from synth2real.errors import InputError, printable


def files_below(
    folder: Path, suffixes: Collection[str], name: str = "", above: tuple[str, ...] = ()
) -> Iterator[str]:
    """Yields the paths, below a folder, of its files with one of the suffixes, in any case.

    Hidden files and folders are left out.

    Args:
        name: what comes before the paths, with a slash.
        above: the real paths of the folders that it is in, to which no link may lead back.

    Raises:
        InputError: a folder cannot be read, or a link leads to where runs write and delete.
    """
    here = os.path.realpath(folder)
    if here in above:
        return
    if above and in_results(here) and not in_results(above[0]):
        raise InputError(
            f"{printable(folder)} leads into results/, where runs write and delete; take that link "
            "out"
        )
    for entry in entries(folder):
        if is_folder(entry):
            inside = f"{name}{entry.name}/"
            yield from files_below(folder / entry.name, suffixes, inside, (*above, here))
        elif os.path.splitext(entry.name)[1].lower() in suffixes and _is_file(entry):
            yield f"{name}{entry.name}"


def entries(folder: Path) -> list[os.DirEntry[str]]:
    """What is in a folder and not hidden; macOS and Windows hide files of their own there."""
    try:
        with os.scandir(folder) as found:
            return [entry for entry in found if not entry.name.startswith((".", "__MACOSX"))]
    except OSError as error:
        raise InputError(
            f"{printable(folder)}: {error.strerror}; a folder that can be read is needed"
        ) from error


def in_results(path: str | Path) -> bool:
    """Whether a path lies in the folder of results, or is it."""
    return _inside(path).startswith(_inside("results"))


def meets_outputs(path: str) -> bool:
    """Whether a path lies where something is written or deleted, or has results in itself."""
    real = _inside(path)
    outputs = tuple(map(_inside, ("results", ".snakemake", ".venv")))
    return real.startswith(outputs) or outputs[0].startswith(real)


def real_path(path: str | Path) -> str:
    """Where a path leads; itself if it is none."""
    try:
        return os.path.realpath(path)
    except ValueError:  # a zero byte
        return str(path)


def _inside(folder: str | Path) -> str:
    """What the real paths of all that is in a folder begin with."""
    return f"{real_path(folder).rstrip(os.sep)}{os.sep}"


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Whether it is a file, a link to one or to nothing; a pipe would be waited for."""
    try:
        return entry.is_file() or not os.path.exists(entry.path)
    except OSError:  # a link to itself
        return True


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder, or a link to one."""
    try:
        return entry.is_dir(follow_symlinks=True)
    except OSError:  # a link to itself
        return False
