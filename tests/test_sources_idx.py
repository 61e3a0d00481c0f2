"""Files in MNIST's format: their names, and files that are something else."""

import gzip
import re
from pathlib import Path

import numpy as np
import pytest

from synth2real.errors import InputError
from synth2real.sources.idx import Idx, read_idx
from synth2real.spec import ImageSpec

SPEC = ImageSpec(9, 8, 1, ("0", "1"), (0,))


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def idx(array: np.ndarray) -> bytes:
    """The format as Yann LeCun's page has it."""
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return b"\0\0\x08" + bytes([array.ndim]) + sizes + array.astype(np.uint8).tobytes()


def write(path: Path, array: np.ndarray) -> None:
    data = idx(array)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


def refused(source: Idx) -> str:
    with pytest.raises(InputError) as error:
        source.labels()
        source.read(np.arange(1), SPEC)
    assert str(error.value).isprintable()
    return str(error.value)


def test_the_format_is_numpys_order(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 10, 11, 12, 13, 14, 255]))
    array = read_idx(path)
    assert array.tolist() == [[10, 11, 12], [13, 14, 255]] and array.dtype == np.uint8


NAMES = {
    "MNIST": ("train-{}-ubyte", "t10k-{}-ubyte"),
    "Fashion-MNIST": ("train-{}-ubyte.gz", "t10k-{}-ubyte.gz"),
    "EMNIST": ("emnist-letters-train-{}-ubyte.gz", "emnist-letters-test-{}-ubyte.gz"),
    "EMNIST unpacked": ("emnist-letters-train-{}-ubyte", "emnist-letters-test-{}-ubyte"),
    "KMNIST": ("k49.train-{}-ubyte.gz", "k49.t10k-{}-ubyte.gz"),
}


@pytest.mark.parametrize("dot", [False, True], ids=["dash", "dot"])
@pytest.mark.parametrize("kind", NAMES)
def test_names_of_data_sets(tmp_path: Path, kind: str, dot: bool) -> None:
    for seed, (part, name) in enumerate(zip(["train", "test"], NAMES[kind], strict=True)):
        images, labels = noise(4 + seed, 9, 8, seed=seed), np.arange(4 + seed)
        separator = "." if dot else "-"
        write(tmp_path / name.format(f"images{separator}idx3"), images)
        write(tmp_path / name.format(f"labels{separator}idx1"), labels)
        (tmp_path / "README.md").write_text("")
        source = Idx(tmp_path, part)
        assert source.labels() == [str(label) for label in labels]
        assert source.shapes(np.arange(4)) == {(9, 8, 1)}
        read = source.read(np.array([3, 1]), SPEC)
        np.testing.assert_array_equal(read[..., 0], images[[3, 1]])
        assert source.name(2) == f"{source.paths[0]}, image 2"


def sets(folder: Path, *begins: str) -> None:
    for seed, begin in enumerate(begins):
        for part in ("train", "test"):
            write(folder / f"{begin}{part}-images-idx3-ubyte.gz", noise(2 + seed, 9, 8))
            write(folder / f"{begin}{part}-labels-idx1-ubyte.gz", np.zeros(2 + seed))


def test_several_sets_are_told_apart_by_their_beginning(tmp_path: Path) -> None:
    sets(tmp_path, "emnist-letters-", "emnist-digits-")
    for part in ("train", "test"):
        message = refused(Idx(tmp_path, part))
        assert message == (
            f"{tmp_path} holds several: emnist-digits-{part}-images-idx3-ubyte, "
            f"emnist-letters-{part}-images-idx3-ubyte; say how the names begin, too, like "
            f"{tmp_path}/emnist-digits"
        )
        # What the message proposes is right.
        assert len(Idx(Path(message.split()[-1]), part).labels()) == 3
        assert len(Idx(tmp_path / "emnist-letters-", part).labels()) == 2
    assert "emnist-letters" in refused(Idx(tmp_path / "emnist", "train"))


def test_plain_and_packed_are_one_set(tmp_path: Path) -> None:
    sets(tmp_path, "")
    write(tmp_path / "train-images-idx3-ubyte", noise(2, 9, 8))
    assert len(Idx(tmp_path, "train").labels()) == 2


@pytest.mark.parametrize("kind", ["images", "labels"])
def test_missing_files_are_named(tmp_path: Path, kind: str) -> None:
    sets(tmp_path, "")
    next(tmp_path.glob(f"train-{kind}-*")).unlink()
    message = refused(Idx(tmp_path, "train"))
    assert f"{tmp_path} holds no file *train-{kind}-idx*-ubyte, plain or .gz; a data set" in message
    assert len(Idx(tmp_path, "test").labels()) == 2
    assert "holds no file nothing*train-images-idx" in refused(Idx(tmp_path / "nothing", "train"))


def test_no_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    message = refused(Idx(Path("no/where"), "train"))
    assert message == f"no is no folder; {tmp_path}/no was looked at"
    with pytest.raises(InputError):
        Idx(Path("no/where"), "train").digest()


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_truncated_files_are_refused_by_name(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"train-images-idx3-ubyte{suffix}"
    write(path, noise(3, 9, 8))
    write(tmp_path / "train-labels-idx1-ubyte", np.zeros(3))
    data = path.read_bytes()
    lengths = range(len(data)) if not suffix else [0, 1, 9, 15, 40, len(data) - 9, len(data) - 1]
    for kept in lengths:
        path.write_bytes(data[:kept])
        message = refused(Idx(tmp_path, "train"))
        assert message.startswith(str(path)) and message.endswith("get it again")
    path.write_bytes(data + b"\1\2\3\4")
    assert str(path) in refused(Idx(tmp_path, "train"))


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize(
    "data",
    [
        b"<html>Not found</html>",
        b"\0\0\x0d" + idx(noise(3, 9, 8))[3:],  # floats
        b"\0\1" + idx(noise(3, 9, 8))[2:],
        b"\0\0\x08\0",
        idx(noise(3, 9, 8)) + b"\0",
    ],
)
def test_other_files_are_refused_by_name(tmp_path: Path, data: bytes, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    path.write_bytes(gzip.compress(data) if suffix else data)
    with pytest.raises(InputError, match=f"^{re.escape(str(path))} is .*get it again$"):
        read_idx(path)


@pytest.mark.parametrize("sizes", [[2**32 - 1] * 3, [2**20, 2**20], [2**31]])
def test_a_size_beyond_memory_is_refused_before_it_is_read(tmp_path: Path, sizes: list) -> None:
    path = tmp_path / "train-labels-idx1-ubyte"
    path.write_bytes(bytes([0, 0, 8, len(sizes)]) + np.array(sizes, ">u4").tobytes())
    right = "says that it holds .* GB; at most" if np.prod(sizes, dtype=float) > 2**32 else "trunc"
    with pytest.raises(InputError, match=right):
        read_idx(path)


def test_a_name_of_gz_that_is_plain(tmp_path: Path) -> None:
    (tmp_path / "x.gz").write_bytes(idx(noise(3, 9, 8)))
    with pytest.raises(InputError, match="truncated, or no gzip file"):
        read_idx(tmp_path / "x.gz")


@pytest.mark.parametrize(
    "images, labels",
    [((3, 9, 8), (4,)), ((3, 9, 8), (3, 1)), ((3, 9), (3,)), ((3, 9, 8, 2), (3,)), ((3,), (3,))],
)
def test_other_shapes_are_refused(tmp_path: Path, images: tuple, labels: tuple) -> None:
    write(tmp_path / "train-images-idx3-ubyte", noise(*images))
    write(tmp_path / "train-labels-idx1-ubyte", np.zeros(labels))
    message = refused(Idx(tmp_path, "train"))
    assert f"train-images-idx3-ubyte holds {list(images)} and train-labels-idx1-ubyte" in message
    assert f"{list(labels)}; images [N, H, W] or [N, H, W, C] with C of 1, 3 or 4" in message


def test_labels_may_start_at_one(tmp_path: Path) -> None:
    write(tmp_path / "train-images-idx3-ubyte", noise(27, 9, 8))
    write(tmp_path / "train-labels-idx1-ubyte", np.arange(27) % 26 + 1)
    labels = Idx(tmp_path, "train").labels()
    assert labels[0] == "1" and labels[25] == "26" and "0" not in labels


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_images_with_channels(tmp_path: Path, channels: int) -> None:
    images = noise(3, 9, 8, channels)
    write(tmp_path / "train-images-idx4-ubyte", images)
    write(tmp_path / "train-labels-idx1-ubyte", np.arange(3))
    source = Idx(tmp_path, "train")
    kept = 1 if channels == 1 else 3
    assert source.shapes(np.arange(3)) == {(9, 8, kept)}
    read = source.read(np.arange(3), ImageSpec(9, 8, kept, ("0", "1"), (0,) * kept))
    expected = images[..., :3] * (images[..., 3:] / 255) if channels == 4 else images
    np.testing.assert_allclose(read, expected, atol=1 if channels == 4 else 0)


def test_digest_is_that_of_its_files(tmp_path: Path) -> None:
    sets(tmp_path, "")
    train, test = (Idx(tmp_path, part).digest() for part in ("train", "test"))
    assert train != test
    write(tmp_path / "test-labels-idx1-ubyte.gz", np.ones(7))
    assert Idx(tmp_path, "train").digest() == train
    assert Idx(tmp_path, "test").digest() != test
