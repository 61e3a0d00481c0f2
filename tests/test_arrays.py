"""Files of arrays and of trees: whole or not there, and the same bytes for the same content."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from synth2real.errors import InputError
from synth2real.io.arrays import load_arrays, save_arrays
from synth2real.io.files import write_csv
from synth2real.io.weights import load_weights, read_about, save_weights


class Pair(NamedTuple):
    first: jax.Array
    second: list[jax.Array]


def test_arrays_round_trip_in_the_order_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    save_arrays(path, images=np.arange(6, dtype=np.uint8).reshape(2, 3), labels=np.array([-1, 5]))
    labels, images = load_arrays(path, "labels", "images")
    assert labels.tolist() == [-1, 5] and labels.dtype == np.int64
    assert images.tolist() == [[0, 1, 2], [3, 4, 5]] and images.dtype == np.uint8


def test_the_same_arrays_make_the_same_bytes(tmp_path: Path) -> None:
    arrays = dict(x=np.arange(10.0), y=np.ones((2, 2), bool))
    for name in ("a.npz", "b.npz"):
        save_arrays(tmp_path / name, **arrays)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    # No clock in it, which two quick writes would not show.
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_a_failed_save_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    save_arrays(path, x=np.arange(3))
    old = path.read_bytes()
    with pytest.raises(ValueError, match="pickle|Object"):
        save_arrays(path, x=np.arange(4), y=np.array([object()]))
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


def test_objects_are_not_loaded(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.array([{}]))
    with pytest.raises(InputError, match="a.npz: cannot be read"):
        load_arrays(tmp_path / "a.npz", "x")


@pytest.mark.parametrize("kept", [0.0, 0.5, 0.99])
def test_a_truncated_file_is_refused_by_name(tmp_path: Path, kept: float) -> None:
    path = tmp_path / "train.npz"
    save_arrays(path, x=np.arange(1000))
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    with pytest.raises(InputError, match=r"train\.npz: cannot be read .*; delete it") as error:
        load_arrays(path, "x")
    assert "\n" not in str(error.value)


def test_a_changed_byte_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "train.npz"
    save_arrays(path, x=np.zeros(1000, np.uint8))
    data = bytearray(path.read_bytes())
    data[data.rfind(b"\0" * 500) + 250] = 1
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"train\.npz: cannot be read .*CRC"):
        load_arrays(path, "x")


def test_a_text_file_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "train.npz"
    path.write_text("not found")
    with pytest.raises(InputError, match=r"train\.npz: cannot be read"):
        load_arrays(path, "x")


def test_a_missing_array_is_refused_by_name(tmp_path: Path) -> None:
    save_arrays(tmp_path / "a.npz", images=np.zeros(1))
    with pytest.raises(InputError, match=r"a\.npz: .*labels"):
        load_arrays(tmp_path / "a.npz", "images", "labels")


def test_a_table_is_written_with_its_header_and_line_feeds(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", ("name", "value"), [("x", 1), ("y, z", "")])
    assert (tmp_path / "a.csv").read_bytes() == b'name,value\nx,1\n"y, z",\n'


def test_a_table_whose_rows_fail_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        write_csv(tmp_path / "a.csv", ["value"], ([1 / x] for x in (1, 0)))
    assert list(tmp_path.iterdir()) == []


ABOUT = {"network": "GAN", "config": {"samples": 7, "names": ["a"]}}


def test_a_full_disk_names_the_file(tmp_path: Path) -> None:
    def rows() -> Iterator[list[int]]:
        yield [1]
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left on device: '.*/table.csv'"):
        write_csv(tmp_path / "table.csv", ["a"], rows())
    assert not list(tmp_path.iterdir())


def test_weights_round_trip_under_readable_names(tmp_path: Path) -> None:
    tree = {"net": Pair(jnp.arange(3.0), [jnp.ones((2, 2)), jnp.array(7)])}
    path = tmp_path / "tree.safetensors"
    save_weights(path, tree, ABOUT)
    assert sorted(load_file(path)) == ["net/first", "net/second/0", "net/second/1"]
    loaded = load_weights(path, jax.eval_shape(lambda: tree))
    assert jax.tree.structure(loaded) == jax.tree.structure(tree)
    jax.tree.map(np.testing.assert_array_equal, loaded, tree)


def test_some_of_the_weights_can_be_loaded(tmp_path: Path) -> None:
    save_weights(tmp_path / "tree", {"a": jnp.zeros(2), "b": jnp.ones(3)}, ABOUT)
    assert load_weights(tmp_path / "tree", {"b": jnp.zeros(3)})["b"].tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("like", "says"),
    [
        ({"a": jnp.zeros(2), "b": {"c": jnp.zeros(1)}}, r"tree: cannot be read .*b/c"),
        ({"a": jnp.zeros((2, 1))}, r"tree: a is \(2,\) where these settings make it \(2, 1\)"),
    ],
)
def test_weights_of_another_network_are_refused_by_name(
    tmp_path: Path, like: dict, says: str
) -> None:
    save_weights(tmp_path / "tree", {"a": jnp.zeros(2)}, ABOUT)
    with pytest.raises(InputError, match=says):
        load_weights(tmp_path / "tree", like)


def test_weights_say_what_they_are(tmp_path: Path) -> None:
    save_weights(tmp_path / "tree", {"a": jnp.zeros(2)}, ABOUT)
    assert read_about(tmp_path / "tree", "GAN") == {"version": 1, **ABOUT}
    with pytest.raises(InputError, match="is a GAN's file, and a classifier's is needed"):
        read_about(tmp_path / "tree", "classifier")


def test_other_files_and_other_versions_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "tree"
    with pytest.raises(InputError, match="/tree: is not there$"):
        read_about(path, "GAN")
    path.write_bytes(b"no weights")
    with pytest.raises(InputError, match="tree: cannot be read as weights"):
        read_about(path, "GAN")
    save_file({"a": np.zeros(2)}, path)
    with pytest.raises(InputError, match="has no weights of synth2real"):
        read_about(path, "GAN")
    save_file({"a": np.zeros(2)}, path, {"synth2real": '{"version": 2, "network": "GAN"}'})
    with pytest.raises(InputError, match="version 2 of the format.* reads version 1"):
        read_about(path, "GAN")
