"""Errors that a user can mend: one line that names the key, file or value, and what is right."""

from pathlib import Path


class InputError(Exception):
    """A setting, a file or a download is not what it has to be."""


def no_memory(error: BaseException) -> bool:
    """Whether memory is full, a device's, too."""
    # XLA's kind of error takes a second to import.
    return isinstance(error, MemoryError) or str(error).startswith("RESOURCE_EXHAUSTED")


def printable(name: object) -> str:
    """A name as a message shows it, in one line: it may hold line breaks, or bytes of no text."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(name))


def whereabouts(path: str | Path) -> str:
    """The end of a message about a path that leads nowhere: where a relative one led."""
    path = Path(path)
    return "" if path.is_absolute() else f"; {printable(path.absolute())} was looked at"


def reason(error: Exception) -> str:
    """What a library says of a file, in one line."""
    return printable(" ".join(str(error).split()))
