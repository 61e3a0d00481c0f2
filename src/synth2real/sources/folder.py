"""A folder with one sub-folder of pictures a class as a source."""

import functools
import os
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, UnidentifiedImageError

from synth2real.errors import InputError, printable, reason, whereabouts
from synth2real.sources.base import class_name, files_digest, natural_order, show_names
from synth2real.sources.images import picture_shape, read_picture, try_picture
from synth2real.sources.listing import entries, files_below, is_folder
from synth2real.spec import ImageSpec

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif"}
# Pillow decodes without Python's lock, so that two threads keep two cores busy. Most of a small
# file is done under the lock, where they wait for each other: two threads are 0.4 to 0.7 times as
# fast as one at 28x28 pixels, as fast at 6,000 to 10,000 bytes, 1.4 times as fast at 36,000.
THREADS = 2
SMALL = 8_000  # bytes of a file
MANY = 100_000  # files that a workflow can look at one by one whenever it is planned
CHUNK = 256  # files that a thread takes at once
SHOWN = 100  # bad files that a message names
# Folders of these names alone are not classes, but a data set's parts, a level too high.
_PARTS = {"train", "training", "test", "testing", "val", "valid", "validation"}
# What Pillow raises for damaged files.
_UNREADABLE = (
    OSError,
    ValueError,
    SyntaxError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    struct.error,
    Image.DecompressionBombError,
)
_WHAT_IS_RIGHT = "a folder with a sub-folder of pictures for each class"


class Listing(NamedTuple):
    """Names of classes, paths below the folder, and the class of each path, int32 [N]."""

    classes: tuple[str, ...]
    paths: list[str]
    class_N: np.ndarray


class Folder:
    """The pictures of a folder, by class and then by path.

    Sub-folders of a class' folder, and linked ones, belong to it. Hidden files and folders are left
    out, and so are files of other kinds than `SUFFIXES`.
    """

    def __init__(self, path: Path, fewest: int = 2):
        self.path, self.fewest = path, fewest
        self._shown = printable(path)

    @functools.cached_property
    def listing(self) -> Listing:
        """What is in the folder.

        Raises:
            InputError: it is no folder, has too few sub-folders, or one without pictures.
        """
        self._check(_WHAT_IS_RIGHT)
        folders: dict[str, list[str]] = {}
        for entry in entries(self.path):
            if is_folder(entry):
                folders.setdefault(class_name(os.fsencode(entry.name)), []).append(entry.name)
        classes = natural_order(folders)
        self._check_classes(classes)
        root = (os.path.realpath(self.path),)
        found_by_class = [
            sorted(
                path
                for name in folders[c]
                for path in files_below(self.path / name, SUFFIXES, f"{name}/", root)
            )
            for c in classes
        ]
        if empty := [
            name for name, found in zip(classes, found_by_class, strict=True) if not found
        ]:
            raise InputError(
                f"{self._shown}: no picture ({', '.join(sorted(SUFFIXES))}) is in "
                f"{show_names(empty)}; a class needs some, or its folder has to go"
            )
        counts = [len(found) for found in found_by_class]
        paths = [path for found in found_by_class for path in found]
        return Listing(classes, paths, np.repeat(np.arange(len(classes), dtype=np.int32), counts))

    def _check(self, right: str) -> None:
        if not os.path.isdir(self.path):
            raise InputError(
                f"{self._shown} is no folder{whereabouts(self.path)}; {right} is needed"
            )

    def _check_classes(self, classes: tuple[str, ...]) -> None:
        if set(map(str.lower, classes)) <= _PARTS and len(classes) > 1:
            # The part to train on, if there is one.
            first = max(classes, key=lambda name: name.lower().startswith("train"))
            raise InputError(
                f"{self._shown} has {show_names(classes)}, which are parts of a data set and no "
                f"classes; name the folders themselves, like {self._shown}/{first}"
            )
        if len(classes) < self.fewest:
            found = f"only the sub-folder {printable(classes[0])}" if classes else "no sub-folder"
            least = ", two at least" if self.fewest == 2 else ""
            raise InputError(f"{self._shown} has {found}; {_WHAT_IS_RIGHT} is needed{least}")

    def count(self) -> int:
        """How many pictures there are."""
        return len(self.listing.paths)

    def labels(self) -> list[str]:
        classes, _, class_N = self.listing
        return [classes[number] for number in class_N]

    def name(self, index: int) -> str:
        return printable(self.path / self.listing.paths[index])

    def shapes(self, index_N: np.ndarray) -> set[tuple[int, int, int]]:
        shapes: set[tuple[int, int, int]] = set()
        self._for_each(index_N, lambda _, path: shapes.add(picture_shape(path)))
        return shapes

    def read(self, index_N: np.ndarray, spec: ImageSpec) -> np.ndarray:
        images_NxHxWxC = np.empty((len(index_N), *spec.shape), np.uint8)

        def read_one(place: int, path: Path) -> None:
            images_NxHxWxC[place] = read_picture(path, spec)

        self._for_each(index_N, read_one)
        return images_NxHxWxC

    def digest(self) -> str:
        """Of all files; of more than 100,000 only their folders' times, which new files change.

        A link to nothing is noticed when it is read, or left out.
        """
        paths = self.listing.paths
        if len(paths) > MANY:
            paths = sorted({os.path.dirname(path) for path in paths})
        return files_digest((f"{self.path}/{path}" for path in paths), gone=True)

    @functools.cached_property
    def faults(self) -> dict[int, str]:
        """What is wrong with each picture that cannot be read, by its place; decodes all."""
        return self._try_each(np.arange(self.count()), lambda _, path: try_picture(path))

    def _for_each(self, index_N: np.ndarray, function: Callable[[int, Path], Any]) -> None:
        """Calls a function with the place and the path of each picture, in threads.

        Raises:
            InputError: a line for each picture that cannot be read, a hundred at most.
        """
        found = self._try_each(index_N, function)
        if found:
            more = [f"and {len(found) - SHOWN:,} more files"] if len(found) > SHOWN else []
            faults = [
                f"{self.name(index_N[place])}: {fault}" for place, fault in [*found.items()][:SHOWN]
            ]
            raise InputError("\n".join([*faults, *more]))

    def _try_each(
        self, index_N: np.ndarray, function: Callable[[int, Path], Any]
    ) -> dict[int, str]:
        """What is wrong with each picture at which the function fails, by its place."""

        def run(start: int) -> dict[int, str]:
            faults = {}
            for place in range(start, min(start + CHUNK, len(index_N))):
                path = self.path / self.listing.paths[index_N[place]]
                try:
                    function(place, path)
                except _UNREADABLE as error:
                    faults[place] = _reason(error)
            return faults

        with ThreadPoolExecutor(self._threads(index_N)) as threads:
            parts = threads.map(run, range(0, len(index_N), CHUNK))
            return {place: fault for part in parts for place, fault in part.items()}

    def _threads(self, index_N: np.ndarray) -> int:
        """As many threads as are fastest, by the first files."""
        paths = [self.path / self.listing.paths[index] for index in index_N[:CHUNK]]
        sizes = [os.path.getsize(path) for path in paths if os.path.exists(path)]
        return THREADS if sum(sizes) > SMALL * len(sizes) else 1


class Pictures(Folder):
    """All pictures of a folder and its sub-folders, whatever they show: without labels."""

    @functools.cached_property
    def listing(self) -> Listing:
        """What is in the folder, as one class without a name.

        Raises:
            InputError: it is no folder, or has no picture.
        """
        self._check("a folder with pictures")
        paths = sorted(files_below(self.path, SUFFIXES))
        if not paths:
            raise InputError(
                f"{self._shown}: no picture ({', '.join(sorted(SUFFIXES))}) is in it or its "
                "sub-folders"
            )
        return Listing(("",), paths, np.zeros(len(paths), np.int32))


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "is no picture, whatever its name says; replace or delete it"
    if isinstance(error, PermissionError):
        return f"{error.strerror}; it must be readable"
    return f"cannot be read as a picture ({reason(error)}); replace or delete it"
