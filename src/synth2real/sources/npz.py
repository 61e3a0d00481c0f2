"""An .npz file with images and labels as a source."""

import functools
import math
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np

from synth2real.errors import InputError, printable, reason, whereabouts
from synth2real.io.arrays import save_arrays
from synth2real.sources.base import class_name, files_digest
from synth2real.sources.images import IMAGES_SHAPE, fit_images, is_images_shape
from synth2real.spec import ImageSpec, check_size

# What zipfile and NumPy raise for files that are damaged, encrypted or something else.
_ERRORS = (
    zipfile.BadZipFile,
    EOFError,
    ValueError,
    OSError,
    RuntimeError,
    OverflowError,
    struct.error,
    zlib.error,
)
_IMAGES = f"uint8 {IMAGES_SHAPE}"


class Npz:
    """`images`, uint8 [N, H, W] or [N, H, W, C], and `labels`, integers or text [N]."""

    def __init__(self, path: Path):
        self.path = path

    @functools.cached_property
    def _labels(self) -> np.ndarray:
        shape = self._check_images()
        label_shape, label_dtype = self._header("labels")
        if label_shape != shape[:1]:
            raise InputError(
                f"{self.path}: labels are {list(label_shape)} for {shape[0]:,} images; one for "
                f"each is needed, [{shape[0]}]"
            )
        if label_dtype.kind not in "iuUS":
            raise InputError(
                f"{self.path}: labels are {label_dtype}; whole numbers or text are needed"
            )
        return self._load("labels")

    def labels(self) -> list[str]:
        kind = self._labels.dtype.kind
        return [
            class_name(label if kind in "US" else str(label)) for label in self._labels.tolist()
        ]

    def name(self, index: int) -> str:
        return f"{self.path}, image {index}"

    def shapes(self, index_N: np.ndarray) -> set[tuple[int, int, int]]:
        shape = self._check_images()
        return {(shape[1], shape[2], 1 if len(shape) == 3 or shape[3] == 1 else 3)}

    def read(self, index_N: np.ndarray, spec: ImageSpec) -> np.ndarray:
        self._check_images()
        return fit_images(self._load("images")[index_N], spec)

    def digest(self) -> str:
        return files_digest([self.path])

    def count(self) -> int:
        """How many images there are; labels need not be."""
        return self._check_images()[0]

    def outputs(self, path: Path) -> list[Path]:
        """The files that `write_like` writes.

        Raises:
            InputError: the name is not one of such a file.
        """
        if path.suffix != ".npz":
            raise InputError(f"{path}: a name that ends in .npz is needed")
        return [path]

    def write_like(self, path: Path, images_NxHxWxC: np.ndarray, copies: int) -> None:
        """Writes other images with these labels, so many times over; grey ones as these are."""
        if len(self._check_images()) == 3 and images_NxHxWxC.shape[-1] == 1:
            images_NxHxWxC = images_NxHxWxC[..., 0]
        save_arrays(path, images=images_NxHxWxC, labels=np.tile(self._labels, copies))

    def _check_images(self) -> tuple[int, ...]:
        """Their shape.

        Raises:
            InputError: they are no such images.
        """
        shape, dtype = self._header("images")
        if np.issubdtype(dtype, np.floating):
            raise InputError(
                f"{self.path}: images are {dtype}, not {_IMAGES}; multiply them to be from 0 to "
                "255, round, and save them as uint8"
            )
        if shape[:1] == (0,):
            raise InputError(f"{self.path}: has no images; at least one is needed")
        if dtype != np.uint8 or not is_images_shape(shape):
            raise InputError(f"{self.path}: images are {dtype} {list(shape)}; {_IMAGES} is needed")
        return shape

    def _load(self, name: str) -> np.ndarray:
        self._header(name)
        try:
            with np.load(self.path, allow_pickle=False) as file:
                array: np.ndarray = file[name]
                return array
        except _ERRORS as error:
            raise InputError(
                f"{self.path}: {name} cannot be read ({reason(error)}); save the file again"
            ) from error

    def _header(self, name: str) -> tuple[tuple[int, ...], np.dtype]:
        """Shape and type of an array, without its numbers."""
        try:
            with zipfile.ZipFile(self.path) as archive:
                members = [member for member in archive.namelist() if member.endswith(".npy")]
                names = [member.removesuffix(".npy") for member in members]
                if name not in names:
                    there = printable(", ".join(names) or "none")
                    raise InputError(
                        f"{self.path}: has no array {name}, only {there}; images and labels are "
                        "needed"
                    )
                with archive.open(f"{name}.npy") as file:
                    version = np.lib.format.read_magic(file)
                    read = np.lib.format.read_array_header_1_0
                    if version != (1, 0):
                        read = np.lib.format.read_array_header_2_0
                    shape, _, dtype = read(file)
                check_size(f"{self.path}, {name}", math.prod(shape) * dtype.itemsize)
                return shape, dtype
        except IsADirectoryError as error:
            raise InputError(
                f"{self.path} is a folder, and no .npz file; the key folder is for folders"
            ) from error
        except FileNotFoundError as error:
            raise InputError(f"{self.path} is not there{whereabouts(self.path)}") from error
        except PermissionError as error:
            raise InputError(f"{self.path}: {error.strerror}; it must be readable") from error
        except _ERRORS as error:
            raise InputError(
                f"{self.path} is no .npz file, or not a whole one ({reason(error)}); save it again"
            ) from error
