"""A source without the images that cannot be used: images.skip_bad."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from synth2real.errors import InputError, printable
from synth2real.io.files import write_csv
from synth2real.sources.base import Source, find_duplicates, refuse_test_images
from synth2real.sources.folder import Folder
from synth2real.spec import ImageSpec

LeftOut = list[tuple[str, str]]  # what was left out, and why


class Usable:
    """Some of a source's images, in its order; each is known by its place among them."""

    def __init__(self, source: Source, kept_N: np.ndarray):
        self.source, self.kept_N = source, kept_N

    def labels(self) -> Sequence[str]:
        labels = self.source.labels()
        return [labels[index] for index in self.kept_N]

    def name(self, index: int) -> str:
        return self.source.name(int(self.kept_N[index]))

    def shapes(self, index_N: np.ndarray) -> set[tuple[int, int, int]]:
        return self.source.shapes(self.kept_N[index_N])

    def read(self, index_N: np.ndarray, spec: ImageSpec) -> np.ndarray:
        return self.source.read(self.kept_N[index_N], spec)

    def digest(self) -> str:
        return self.source.digest()


def numbers_in_source(source: Source, index_N: np.ndarray) -> np.ndarray:
    """The numbers of images among all of their source, whatever is left out of it."""
    return source.kept_N[index_N] if isinstance(source, Usable) else index_N


def skip_unreadable(source: Source, left_out: LeftOut) -> Source:
    """The source without pictures that cannot be read, which are added to those left out.

    It decodes every picture once. Other sources are one file each, which is whole or not.

    Raises:
        InputError: none can be read.
    """
    if not isinstance(source, Folder):
        return source
    faults = source.faults
    left_out += [(source.name(index), reason) for index, reason in faults.items()]
    if len(faults) == source.count():
        raise InputError(
            f"{printable(source.path)}: of {source.count():,} pictures none can be read; "
            f"{source.name(0)}: {faults[0]}"
        )
    return Usable(source, np.delete(np.arange(source.count()), [*faults])) if faults else source


def keep_no_test_images(
    origin: str,
    source: Source,
    index_N: np.ndarray,
    images_NxHxWxC: np.ndarray,
    test_MxHxWxC: np.ndarray,
    left_out: LeftOut,
) -> np.ndarray:
    """The places of images that are no test images, too; the others are added to those left out.

    Raises:
        InputError: all are; `origin` is the key of the images.
    """
    twins = [place for place, _ in find_duplicates(images_NxHxWxC, test_MxHxWxC)]
    left_out += [(source.name(int(index_N[place])), "is a real test image, too") for place in twins]
    if len(twins) == len(index_N):
        raise InputError(
            f"{origin}: all images ({len(twins):,}) are real test images, too, pixel for pixel; "
            "others are needed"
        )
    return np.delete(np.arange(len(index_N)), twins)


def read_without_test_images(
    origin: str,
    source: Source,
    index_N: np.ndarray,
    spec: ImageSpec,
    tests: Iterable[np.ndarray],
    left_out: LeftOut | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Reads images that a classifier is to learn from; the places of those kept, and their pixels.

    Args:
        origin: the key of the images, which messages name.
        index_N: their places in the source.
        tests: real test images, uint8 [M, H, W, C] each.
        left_out: gets those that are real test images, too; None refuses them.

    Raises:
        InputError: an image cannot be read, or one (with `left_out`, each) is a real test image.
    """
    images_NxHxWxC = source.read(index_N, spec)
    for test_MxHxWxC in tests:
        if left_out is None:
            refuse_test_images(origin, source, index_N, images_NxHxWxC, test_MxHxWxC)
        else:
            kept_N = keep_no_test_images(
                origin, source, index_N, images_NxHxWxC, test_MxHxWxC, left_out
            )
            index_N, images_NxHxWxC = index_N[kept_N], images_NxHxWxC[kept_N]
    return index_N, images_NxHxWxC


def write_left_out(left_out: Iterable[tuple[str, str]], path: Path) -> None:
    """Writes a table of what was left out and why; often of nothing."""
    write_csv(path, ("name", "reason"), sorted(set(left_out)))
