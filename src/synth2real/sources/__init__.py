"""Where images come from. One more source is a module here and a line of `SOURCES`."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from synth2real.sources.base import Source
from synth2real.sources.folder import Folder, Pictures
from synth2real.sources.idx import Idx
from synth2real.sources.mnist import Mnist
from synth2real.sources.npz import Npz


class SourceKind(NamedTuple):
    """How a kind of source is opened.

    Attributes:
        open: makes the source of a path and of "train" or "test".
        place: what its path is; None for a source that has none.
        has_test: whether it has test images of its own.
    """

    open: Callable[[Path, str], Source]
    place: str | None
    has_test: bool


# By the names that settings have for them; `pictures` have no labels (real.unlabelled). The fonts
# (sources/fonts/) are a source, too, opened once they are downloaded.
SOURCES = {
    "mnist": SourceKind(lambda _, part: Mnist(part), None, True),
    "folder": SourceKind(
        lambda path, _: Folder(path), "a folder with one sub-folder of images a class", False
    ),
    "pictures": SourceKind(lambda path, _: Pictures(path), None, False),
    "npz": SourceKind(
        lambda path, _: Npz(path),
        "an .npz file with images uint8 [N, H, W] or [N, H, W, C] and labels [N]",
        False,
    ),
    "idx": SourceKind(Idx, "a folder with IDX files, or that and how their names begin", True),
}
# What has no path, as a person calls it; it is downloaded when it is needed.
NAMES = {"mnist": "MNIST", "fonts": "digits of fonts"}
PLACES = {kind: source.place for kind, source in SOURCES.items() if source.place}


@functools.cache
def open_source(kind: str, path: str | None, part: str = "train") -> Source:
    """A source by its name in `SOURCES`; the same one again, which need not look twice."""
    return SOURCES[kind].open(Path(path or ""), part)
