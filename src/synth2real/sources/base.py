"""What a source of labelled images is, and what all of them share."""

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from synth2real.errors import InputError, printable, whereabouts
from synth2real.spec import ImageSpec

NAMED = 10  # of many, so many are named


class Source(Protocol):
    """Labelled images somewhere, in a fixed order; each is known by its place in it.

    All methods raise InputError, with one line that names the file or class and says what is right.
    """

    def labels(self) -> Sequence[str]:
        """The class name of every image; none is decoded for it."""

    def name(self, index: int) -> str:
        """What to call an image in a message."""

    def shapes(self, index_N: np.ndarray) -> set[tuple[int, int, int]]:
        """Heights, widths and channels (1 or 3) of images, from their headers."""

    def read(self, index_N: np.ndarray, spec: ImageSpec) -> np.ndarray:
        """Images as a spec says, uint8 [n, H, W, C]; those of another shape are fitted."""

    def digest(self) -> str:
        """Changes when the images do. It is asked for whenever the workflow is planned."""


def class_name(name: str | bytes) -> str:
    """The name of a class as text that JSON and CSV can hold: Latin-1 if it is no UTF-8.

    Letters with accents are one character, the same on all systems: macOS sets accents apart.
    """
    if isinstance(name, bytes):
        try:
            text = name.decode()
        except UnicodeDecodeError:
            text = name.decode("latin-1")
    else:
        text = name
    return unicodedata.normalize("NFC", text)


def natural_order(names: Iterable[str]) -> tuple[str, ...]:
    """Different names in the order of people: 2 before 10."""

    def key(name: str) -> list[tuple[int, int, str]]:
        parts = re.split(r"(\d+)", name)
        return [number(part) if part.isdecimal() else (1, 0, part) for part in parts if part]

    def number(text: str) -> tuple[int, int, str]:
        # By length and digits: Python refuses to read a number of thousands of digits.
        digits = "".join(str(unicodedata.decimal(digit)) for digit in text).lstrip("0")
        return 0, len(digits), digits

    return tuple(sorted(set(names), key=lambda name: (key(name), name)))


def class_labels(names: Sequence[str], classes: tuple[str, ...], origin: str) -> np.ndarray:
    """The label of each class name, int32 [N].

    Raises:
        InputError: a name is no class.
    """
    label = {name: number for number, name in enumerate(classes)}
    unknown = natural_order(name for name in set(names) if name not in label)
    if unknown:
        raise InputError(
            f"{origin}: {show_names(unknown)}: no such class; there are {show_names(classes)}"
        )
    return np.array([label[name] for name in names], np.int32)


def check_same_classes(
    real: tuple[str, ...], other: tuple[str, ...], names: tuple[str, str] = ("real", "synthetic")
) -> None:
    """Refuses two kinds of images that do not show the same classes.

    Raises:
        InputError: names the classes that one of them lacks, and all of both.
    """
    problems = []
    for kind, has, lacks in [(names[1], other, real), (names[0], real, other)]:
        if missing := [name for name in lacks if name not in has]:
            problems.append(f"no {kind} image shows {show_names(missing)}")
    if problems:
        raise InputError(
            f"classes: {', and '.join(problems)}; {names[0]} are {show_names(real)}, {names[1]} "
            f"are {show_names(other)}: both must be the same"
        )


def show_names(names: Sequence[str]) -> str:
    """Names as a message shows them: ten, and how many more there are."""
    shown = ", ".join(printable(name) for name in names[:NAMED])
    return shown if len(names) <= NAMED else f"{shown} and {len(names) - NAMED:,} more"


def find_duplicates(train_NxHxWxC: np.ndarray, test_MxHxWxC: np.ndarray) -> list[tuple[int, int]]:
    """Each training image that is a test image, too, pixel for pixel, and which: their places."""
    test = {_fingerprint(image): place for place, image in reversed([*enumerate(test_MxHxWxC)])}
    twins = ((place, test.get(_fingerprint(image))) for place, image in enumerate(train_NxHxWxC))
    return [(place, twin) for place, twin in twins if twin is not None]


def refuse_test_images(
    origin: str,
    source: Source,
    index_N: np.ndarray,
    images_NxHxWxC: np.ndarray,
    test_MxHxWxC: np.ndarray,
) -> None:
    """Refuses real test images among others that a classifier would learn from.

    Raises:
        InputError: names them; `origin` is the key of the others.
    """
    if twins := find_duplicates(images_NxHxWxC, test_MxHxWxC):
        found = show_names([source.name(int(index_N[place])) for place, _ in twins])
        raise InputError(
            f"{origin}: {len(twins):,} images are real test images, too, pixel for pixel; take "
            f"them out of one side: {found}"
        )


def _fingerprint(image: np.ndarray) -> bytes:
    return hashlib.blake2b(image.tobytes(), digest_size=16).digest()


def files_digest(paths: Iterable[str | Path], *, gone: bool = False) -> str:
    """A digest of files' paths, sizes and times of modification.

    Raises:
        InputError: a file cannot be looked at, unless that `gone` are counted, too.
    """
    digest = hashlib.blake2b(digest_size=16)
    for path in paths:
        try:
            stat = os.stat(path)
            numbers = f"\0{stat.st_size}\0{stat.st_mtime_ns}\0"
        except OSError as error:
            if not gone:
                raise InputError(
                    f"{printable(path)}: {error.strerror}{whereabouts(path)}"
                ) from error
            numbers = "\0gone\0"
        digest.update(os.fsencode(path) + numbers.encode())
    return digest.hexdigest()
