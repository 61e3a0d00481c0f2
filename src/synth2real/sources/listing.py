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
        InputError: a folder cannot be read.
    """
    here = os.path.realpath(folder)
    if here in above:
        return
    for entry in entries(folder):
        if is_folder(entry):
            inside = f"{name}{entry.name}/"
            yield from files_below(folder / entry.name, suffixes, inside, (*above, here))
        elif os.path.splitext(entry.name)[1].lower() in suffixes:
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


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder, or a link to one."""
    try:
        return entry.is_dir(follow_symlinks=True)
    except OSError:  # a link to itself
        return False
