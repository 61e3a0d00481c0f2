"""Files in MNIST's format, IDX, as a source: MNIST, EMNIST, Fashion-MNIST, KMNIST and others."""

import functools
import gzip
import math
import os
import re
import zlib
from pathlib import Path

import numpy as np

from synth2real.errors import InputError, whereabouts
from synth2real.io.files import write_atomically
from synth2real.sources.base import files_digest
from synth2real.sources.images import IMAGES_SHAPE, fit_images, is_images_shape
from synth2real.sources.listing import entries
from synth2real.spec import ImageSpec, check_size

_PARTS = {"train": "train", "test": "(?:t10k|test)"}
_UINT8 = 8  # IDX's number for unsigned bytes
LONGEST_HEADER = 4 + 4 * 255


class Idx:
    """The training or test part of IDX files: images uint8 [N, H, W(, C)], labels uint8 [N].

    `path` is their folder, or that and how their names begin, if there are several sets in it.
    """

    def __init__(self, path: Path, part: str):
        self.folder, self.begin = (path, "") if os.path.isdir(path) else (path.parent, path.name)
        self.part = part

    @functools.cached_property
    def paths(self) -> tuple[Path, Path]:
        """The files of images and of labels.

        Raises:
            InputError: one of them is missing, or there are several.
        """
        if not os.path.isdir(self.folder):
            raise InputError(f"{self.folder} is no folder{whereabouts(self.folder)}")
        images, labels = (self._find(kind) for kind in ("images", "labels"))
        return images, labels

    def _find(self, kind: str) -> Path:
        rank = {"images": r"idx\d", "labels": "idx1"}[kind]
        pattern = re.compile(rf"(.*[-_.])?{_PARTS[self.part]}-{kind}[-.]{rank}-ubyte(\.gz)?")
        found = sorted(
            self.folder / entry.name
            for entry in entries(self.folder)
            if entry.name.startswith(self.begin) and pattern.fullmatch(entry.name)
        )
        # Plain and packed are the same.
        names = {path.name.removesuffix(".gz"): path for path in reversed(found)}
        if not names:
            raise InputError(
                f"{self.folder} holds no file {self.begin}*{self.part}-{kind}-idx*-ubyte, plain or "
                ".gz; a data set has four, train and t10k (or test), images and labels"
            )
        if len(names) > 1:
            begin = re.split(rf"-{_PARTS[self.part]}-{kind}", min(names))[0]
            raise InputError(
                f"{self.folder} holds several: {', '.join(sorted(names))}; say how the names "
                f"begin, too, like {self.folder / begin}"
            )
        return next(iter(names.values()))

    @functools.cached_property
    def _labels(self) -> np.ndarray:
        """Labels; of the images no more is read than their shape."""
        shape, labels_N = self._shape, read_idx(self.paths[1])
        if not is_images_shape(shape) or labels_N.shape != shape[:1]:
            raise InputError(
                f"{self.paths[0]} holds {list(shape)} and {self.paths[1].name} "
                f"{list(labels_N.shape)}; images {IMAGES_SHAPE}, and labels [N] are needed"
            )
        return labels_N

    @functools.cached_property
    def _shape(self) -> tuple[int, ...]:
        return read_shape(self.paths[0])

    def labels(self) -> list[str]:
        return [str(label) for label in self._labels.tolist()]

    def name(self, index: int) -> str:
        return f"{self.paths[0]}, image {index}"

    def shapes(self, index_N: np.ndarray) -> set[tuple[int, int, int]]:
        _, height, width, *channels = self._shape
        return {(height, width, 1 if channels in ([], [1]) else 3)}

    def read(self, index_N: np.ndarray, spec: ImageSpec) -> np.ndarray:
        return fit_images(read_idx(self.paths[0])[index_N], spec)

    def digest(self) -> str:
        return files_digest(self.paths)


class IdxFile:
    """One IDX file of images, with its labels in a file of like name beside it."""

    def __init__(self, path: Path):
        self.path = path

    def count(self) -> int:
        """How many images there are; labels need not be."""
        return read_shape(self.path)[0]

    def labels(self) -> list[str]:
        return [str(label) for label in self._labels.tolist()]

    @functools.cached_property
    def _labels(self) -> np.ndarray:
        beside = _labels_path(self.path)
        if not beside.exists():
            raise InputError(f"{self.path}: its labels are needed, too; {beside} is not there")
        labels_N = read_idx(beside)
        if labels_N.shape != (self.count(),):
            raise InputError(
                f"{self.path} holds {self.count():,} images and {beside.name} "
                f"{list(labels_N.shape)}; a label for each image is needed"
            )
        return labels_N

    def name(self, index: int) -> str:
        return f"{self.path}, image {index}"

    def read(self, index_N: np.ndarray, spec: ImageSpec) -> np.ndarray:
        images_NxHxW = read_idx(self.path)
        if not is_images_shape(images_NxHxW.shape):
            raise InputError(
                f"{self.path} holds {list(images_NxHxW.shape)}; images {IMAGES_SHAPE} are needed"
            )
        return fit_images(images_NxHxW[index_N], spec)

    def outputs(self, path: Path) -> list[Path]:
        """The files that `write_like` writes.

        Raises:
            InputError: the name is not one of such a file.
        """
        return [path, _labels_path(path)]

    def write_like(self, path: Path, images_NxHxWxC: np.ndarray, copies: int) -> None:
        """Writes other images, and these labels, so many times over, beside them."""
        grey = images_NxHxWxC.shape[-1] == 1
        write_idx(_labels_path(path), np.tile(self._labels, copies))
        write_idx(path, images_NxHxWxC[..., 0] if grey else images_NxHxWxC)


def _labels_path(path: Path) -> Path:
    """train-labels-idx1-ubyte of train-images-idx3-ubyte."""
    name = re.sub(r"idx\d", "idx1", path.name.replace("images", "labels"))
    if name == path.name:
        raise InputError(f"{path}: a name like train-images-idx3-ubyte is needed")
    return path.with_name(name)


def write_idx(path: Path, array: np.ndarray) -> None:
    """Writes unsigned bytes as an IDX file, packed if the name ends in .gz."""
    data = to_idx(array)
    with write_atomically(path) as temporary:
        temporary.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)


def to_idx(array: np.ndarray) -> bytes:
    """What an IDX file of unsigned bytes holds; `parse_idx` is the inverse."""
    header = bytes([0, 0, _UINT8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return header + array.astype(np.uint8).tobytes()


def read_idx(path: Path) -> np.ndarray:
    """Reads an IDX file of unsigned bytes, plain or .gz.

    Raises:
        InputError: it is another file, or truncated, or says that it holds too much.
    """
    shape = read_shape(path)
    # A packed file may hold far more than it says.
    whole = 4 + 4 * len(shape) + math.prod(shape)
    check_size(str(path), whole)
    return parse_idx(_read(path, whole + 1), str(path))


def read_shape(path: Path) -> tuple[int, ...]:
    """The shape that an IDX file says it has, from its first bytes.

    Raises:
        InputError: it is another file, or truncated.
    """
    return tuple(_parse_header(_read(path, LONGEST_HEADER), str(path)))


def _read(path: Path, count: int) -> bytes:
    """The first bytes of a file, plain or .gz."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
            return file.read(count)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(
            f"{path} cannot be read: truncated, or no gzip file ({error}); get it again"
        ) from error
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; a file that can be read is needed") from error


def parse_idx(data: bytes, name: str) -> np.ndarray:
    """What an IDX file of unsigned bytes holds, read-only.

    The format: two zero bytes, the type, the rank, big-endian sizes, the data.

    Raises:
        InputError: it is another file, or truncated.
    """
    shape = _parse_header(data, name)
    header = 4 + 4 * len(shape)
    if len(data) - header != math.prod(shape):
        raise InputError(
            f"{name} is truncated or not whole: {len(data) - header:,} bytes for {shape}; get it "
            "again"
        )
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)


def _parse_header(data: bytes, name: str) -> list[int]:
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] != _UINT8 or not data[3]:
        raise InputError(f"{name} is no IDX file of unsigned bytes; get it again")
    header = 4 + 4 * data[3]
    if len(data) < header:
        raise InputError(
            f"{name} is truncated: its header of {header} bytes is not whole; get it again"
        )
    return [int(size) for size in np.frombuffer(data[4:header], ">u4")]
