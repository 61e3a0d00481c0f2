"""What commands take as images, and how they say how far they are."""

import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from synth2real.errors import InputError
from synth2real.sources.base import Source, natural_order, show_names
from synth2real.sources.folder import Folder, Pictures
from synth2real.sources.idx import IdxFile
from synth2real.sources.npz import Npz

WHAT = "a folder of pictures, an .npz file with images, or an IDX file of images (plain or .gz)"


def open_images(path: Path, labelled: bool) -> Folder | Npz | IdxFile:
    """The source that a path leads to.

    Raises:
        InputError: there is none.
    """
    if path.is_dir():
        if sets := sorted(file.name for file in path.glob("*images*-ubyte*")):
            raise InputError(f"{path}: has IDX files; name one of them, like {path / sets[0]}")
        return Folder(path, fewest=1) if labelled else Pictures(path)
    if not path.is_file():
        raise InputError(f"{path} is not there; {WHAT} is needed")
    if path.suffix.lower() == ".npz":
        return Npz(path)
    if "-ubyte" in path.name:
        return IdxFile(path)
    raise InputError(f"{path}: {WHAT} is needed")


class Progress:
    """A line on standard error, written anew each second, if that is a terminal."""

    def __init__(self, total: int):
        self.total, self.begun, self.shown = total, time.monotonic(), 0.0
        self.first: int | None = None  # what was done before

    def update(self, done: int) -> None:
        if self.first is None:
            self.first = done
        now = time.monotonic()
        if not sys.stderr.isatty() or (now - self.shown < 1 and done < self.total):
            return
        self.shown = now
        rate = (done - self.first) / max(now - self.begun, 1e-9)
        left = (self.total - done) / max(rate, 1e-9)
        end = "\n" if done == self.total else ""
        text = f"\r{done:,} of {self.total:,} images, {rate:,.0f} a second, {left:,.0f} s left   "
        print(text, end=end, file=sys.stderr, flush=True)


class Found(NamedTuple):
    """What is at a place: how many images of each class, and from which size to which.

    Sizes are heights, widths and channels.
    """

    counts: Mapping[str, int]
    smallest: tuple[int, int, int]
    largest: tuple[int, int, int]

    @property
    def sizes(self) -> str:
        """From the smallest to the largest, in pixels and channels."""
        ends = dict.fromkeys((self.smallest, self.largest))
        return " to ".join("x".join(map(str, shape)) for shape in ends)

    @property
    def text(self) -> str:
        """All of it in a line, ten classes at most."""
        counts = [f"{name}: {count:,}" for name, count in self.counts.items() if name]
        classes = f": {show_names(counts)}" if counts else ""
        return f"{sum(self.counts.values()):,} images, {self.sizes}{classes}"


def look_at(source: Source) -> Found:
    """Looks at a source's images; none is decoded.

    Raises:
        InputError: they are not what they have to be.
    """
    counts = Counter(source.labels())
    shapes = sorted(source.shapes(np.arange(counts.total())))
    in_order = {name: counts[name] for name in natural_order(counts)}
    return Found(in_order, shapes[0], shapes[-1])
