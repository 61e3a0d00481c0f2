"""Folders of pictures: which belong to a class, names of any kind, and what is refused."""

import csv
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synth2real.errors import InputError
from synth2real.io.files import write_csv
from synth2real.sources.base import natural_order
from synth2real.sources.folder import CHUNK, THREADS, Folder
from synth2real.spec import ImageSpec, read_spec, write_spec

SPEC = ImageSpec(8, 8, 1, ("a", "b"), (0,))


def picture(path: Path | bytes, grey: int = 0) -> None:
    """Writes a PNG file of one grey."""
    path = os.fsencode(path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        Image.fromarray(np.full((8, 8), grey, np.uint8)).save(file, "png")


def tree(root: Path, names: Iterable[str]) -> Folder:
    """Pictures of these names; the grey of each is its place among them."""
    for place, name in enumerate(names):
        picture(root / name, place % 256)
    return Folder(root)


def everything(folder: Folder, spec: ImageSpec = SPEC) -> np.ndarray:
    return folder.read(np.arange(len(folder.labels())), spec)


def greys(folder: Folder) -> list[int]:
    return everything(folder)[:, 0, 0, 0].tolist()


def refused(folder: Folder) -> str:
    """What a folder is refused with, which must be one line."""
    with pytest.raises(InputError) as error:
        everything(folder)
    assert "\n" not in str(error.value)
    return str(error.value)


# Order and membership.


def test_classes_in_natural_order_then_paths(tmp_path: Path) -> None:
    names = ["10/a.png", "2/b.png", "2/a.png", "1/x10.png", "1/x9.png"]
    folder = tree(tmp_path, names)
    assert folder.labels() == ["1", "1", "2", "2", "10"]
    assert greys(folder) == [3, 4, 2, 1, 0]
    assert folder.name(2) == str(tmp_path / "2/a.png")


def test_places_are_read_as_asked(tmp_path: Path) -> None:
    count = 2 * CHUNK + 5  # more than one thread's portion
    folder = tree(tmp_path, (f"{'ab'[i % 2]}/{i:04}.png" for i in range(count)))
    wanted = np.random.default_rng(0).permutation(count)[: CHUNK + 7]
    order = np.array([*range(0, count, 2), *range(1, count, 2)])
    read = folder.read(wanted, SPEC)
    np.testing.assert_array_equal(read[:, 3, 3, 0], (order[wanted] % 256).astype(np.uint8))
    assert read.dtype == np.uint8 and read.shape == (CHUNK + 7, 8, 8, 1)
    assert folder.shapes(wanted) == {(8, 8, 1)}
    assert folder.read(wanted[:0], SPEC).shape == (0, 8, 8, 1)


@pytest.mark.parametrize(("side", "threads"), [(28, 1), (128, THREADS)])
def test_small_pictures_are_read_by_one_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, side: int, threads: int
) -> None:
    noise_2xHxW = np.random.default_rng(0).integers(0, 256, (2, side, side), dtype=np.uint8)
    folder = tree(tmp_path, ["a/0.png", "b/0.png"])
    for name, image_HxW in zip("ab", noise_2xHxW, strict=True):
        Image.fromarray(image_HxW).save(tmp_path / name / "0.png")
    used: list[int] = []

    def executor(workers: int) -> ThreadPoolExecutor:
        used.append(workers)
        return ThreadPoolExecutor(workers)

    monkeypatch.setattr("synth2real.sources.folder.ThreadPoolExecutor", executor)
    read = everything(folder, ImageSpec(side, side, 1, ("a", "b"), (0,)))
    np.testing.assert_array_equal(read[..., 0], noise_2xHxW)
    assert used == [threads]


def test_deeper_folders_belong_to_their_class(tmp_path: Path) -> None:
    folder = tree(tmp_path, ["a/x.png", "a/deep/er/y.png", "b/only/deep/z.png"])
    assert folder.labels() == ["a", "a", "b"]
    assert greys(folder) == [1, 0, 2]


def test_hidden_and_other_files_are_left_out(tmp_path: Path) -> None:
    hidden = ["a/.x.png", "a/._x.png", ".git/x.png", "__MACOSX/a/x.png", "a/.deep/x.png"]
    folder = tree(tmp_path, ["a/x.png", "b/x.png", *hidden, "outside.png", "a/__MACOSX/x.png"])
    for name in ["a/Thumbs.db", "a/desktop.ini", "Thumbs.db", "a/labels.csv", "a/png"]:
        (tmp_path / name).write_bytes(b"no picture")
    assert greys(folder) == [0, 1]


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    folder = tree(tmp_path, ["a/x.png", "b/x.png"])
    os.mkfifo(tmp_path / "a/pipe.png")
    assert folder.count() == 2


def test_a_link_into_results_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tree(tmp_path / "results/made", ["x.png"])
    folder = tree(tmp_path / "photos", ["a/x.png", "b/x.png"])
    (tmp_path / "photos/a/more").symlink_to(tmp_path / "results/made")
    assert f"{tmp_path}/photos/a/more leads into results/" in refused(folder)
    # Whoever names such a folder, to convert what a run made, may.
    tree(tmp_path / "results/data", ["a/x.png", "b/x.png"])
    assert Folder(tmp_path / "results/data").count() == 2


def test_suffixes_of_any_case(tmp_path: Path) -> None:
    assert greys(tree(tmp_path, ["a/x.PNG", "b/x.Png"])) == [0, 1]


def test_linked_folders_and_files_are_followed(tmp_path: Path) -> None:
    picture(tmp_path / "store/x.png", 7)
    folder = tree(tmp_path / "data", ["a/1.png", "b/1.png"])
    (tmp_path / "data/a/linked").symlink_to(tmp_path / "store")
    (tmp_path / "data/c").symlink_to(tmp_path / "store")
    (tmp_path / "data/b/2.png").symlink_to(tmp_path / "store/x.png")
    assert folder.labels() == ["a", "a", "b", "b", "c"]
    assert greys(folder) == [0, 7, 1, 7, 7]


def test_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    tree(tmp_path / "data", ["a/1.png", "b/1.png"])
    (tmp_path / "link").symlink_to("data")
    assert greys(Folder(tmp_path / "link")) == [0, 1]


def test_link_loops_end(tmp_path: Path) -> None:
    folder = tree(tmp_path, ["a/1.png", "b/1.png"])
    (tmp_path / "a/up").symlink_to(tmp_path)  # b's pictures are not a's
    (tmp_path / "a/here").symlink_to(".")
    (tmp_path / "b/itself").symlink_to("itself")
    (tmp_path / "itself").symlink_to("itself")
    assert folder.labels() == ["a", "b"]


# Names of any kind.

LATIN_1 = os.fsdecode(b"caf\xe9")
ODD = ["a b", "{x}", "two\nlines", "$HOME", "*?[]", "'\"", "%s", "ü", "7\t", LATIN_1]


@pytest.mark.parametrize("name", ODD)
def test_names_of_any_kind(tmp_path: Path, name: str) -> None:
    root = tmp_path / name
    folder = tree(root, [f"{name}/{name}.png", "zzz/x.png"])
    labels = folder.labels()
    number = labels.index("zzz")
    assert sorted(greys(folder)) == [0, 1] and greys(folder)[number] == 1
    shown = folder.name(1 - number)
    assert shown.isprintable() and shown.endswith(".png")
    shown.encode()
    assert folder.digest() == Folder(root).digest()

    # Classes are text that JSON and CSV can hold.
    classes = natural_order(labels)
    write_spec(tmp_path / "spec.json", ImageSpec(8, 8, 1, classes, (0,)))
    assert read_spec(tmp_path / "spec.json").classes == classes
    write_csv(tmp_path / "x.csv", ["class"], [[name] for name in classes])
    with open(tmp_path / "x.csv", newline="", encoding="utf-8") as file:
        assert tuple(row["class"] for row in csv.DictReader(file)) == classes


@pytest.mark.parametrize("name", ODD)
def test_faults_of_any_name_are_one_line(tmp_path: Path, name: str) -> None:
    folder = tree(tmp_path / name, [f"{name}/x.png", "zzz/x.png"])
    (tmp_path / name / name / f"{name}.png").write_bytes(b"no picture")
    message = refused(folder)
    assert message.isprintable() and "is no picture" in message
    (tmp_path / name / "empty").mkdir()
    assert refused(Folder(tmp_path / name)).isprintable()
    assert refused(Folder(tmp_path / name / "nothing")).isprintable()


def test_parts_of_a_data_set_are_no_classes(tmp_path: Path) -> None:
    folder = tree(tmp_path, ["Test/a/x.png", "train/a/x.png", "train/b/x.png"])
    assert "Test, train, which are parts of a data set" in refused(folder)
    # With others beside them they are.
    picture(tmp_path / "bus" / "x.png")
    assert set(folder.__class__(tmp_path).labels()) == {"Test", "bus", "train"}


def test_latin_1_is_read_as_such(tmp_path: Path) -> None:
    folder = tree(tmp_path, [f"{LATIN_1}/x.png", "b/x.png"])
    assert folder.labels() == ["b", "café"]
    assert folder.name(1) == rf"{tmp_path}/caf\udce9/x.png"


def test_one_class_however_its_accents_are_written(tmp_path: Path) -> None:
    composed, apart = "caf\N{LATIN SMALL LETTER E WITH ACUTE}", "cafe\N{COMBINING ACUTE ACCENT}"
    assert tree(tmp_path / "1", [f"{apart}/x.png", "b/x.png"]).labels() == ["b", composed]
    folder = tree(tmp_path / "2", [f"{name}/x.png" for name in (composed, apart, LATIN_1, "b")])
    assert folder.labels() == ["b", composed, composed, composed]
    assert sorted(greys(folder)[1:]) == [0, 1, 2]


# What is refused.


def test_a_hundred_bad_files_are_named(tmp_path: Path) -> None:
    folder = tree(tmp_path, (f"{'ab'[i % 2]}/good{i}.png" for i in range(600)))
    for i in range(115):
        (tmp_path / f"a/bad{i:03}.png").write_bytes(b"no picture")
    for method in (folder.shapes, lambda index_N: folder.read(index_N, SPEC)):
        with pytest.raises(InputError) as error:
            method(np.arange(715))
        lines = str(error.value).splitlines()
        assert len(lines) == 101
        for i, line in enumerate(lines[:100]):
            name = tmp_path / f"a/bad{i:03}.png"
            expected = f"{name}: is no picture, whatever its name says; replace or delete it"
            assert line == expected
        assert lines[100] == "and 15 more files"


def test_a_text_file_called_png(tmp_path: Path) -> None:
    folder = tree(tmp_path, ["a/x.png", "b/x.png"])
    (tmp_path / "a/y.png").write_text("not yet downloaded")
    assert str(tmp_path / "a/y.png") in refused(folder)


@pytest.mark.parametrize("suffix", ["jpg", "progressive.jpg", "png", "gif", "bmp", "webp"])
@pytest.mark.parametrize("kept", [0, 0.02, 0.5, 0.9, 0.99])
def test_half_a_file_is_no_picture(tmp_path: Path, suffix: str, kept: float) -> None:
    folder = tree(tmp_path, ["a/x.png", "b/x.png"])
    path = tmp_path / f"a/y.{suffix}"
    noise = np.random.default_rng(0).integers(0, 256, (48, 48, 3), np.uint8)
    Image.fromarray(noise).save(path, progressive="progressive" in suffix)
    data = path.read_bytes()
    path.write_bytes(data[: int(kept * len(data))])
    assert refused(folder).startswith(f"{path}: ")
    path.write_bytes(data)
    assert len(everything(folder)) == 3


def test_a_picture_too_large_to_be_one(tmp_path: Path) -> None:
    folder = tree(tmp_path, ["a/x.png", "b/x.png"])
    # A bitmap's header, of 100,000 by 100,000 pixels.
    size = (100_000).to_bytes(4, "little")
    header = b"BM" + bytes(8) + b"\x36\0\0\0" + b"\x28\0\0\0" + size + size + b"\x01\0\x18\0"
    (tmp_path / "a/y.bmp").write_bytes(header + bytes(24))
    assert "a/y.bmp: cannot be read as a picture" in refused(folder)


def test_fractions_are_refused_by_name(tmp_path: Path) -> None:
    folder = tree(tmp_path, ["a/x.png", "b/x.png"])
    Image.fromarray(np.ones((8, 8), np.float32)).save(tmp_path / "a/y.tif")
    message = refused(folder)
    assert str(tmp_path / "a/y.tif") in message and "fractions" in message
    (fault,) = Folder(tmp_path).faults.values()  # left out, if that is wanted
    assert "fractions" in fault


def test_empty_classes_are_named(tmp_path: Path) -> None:
    folder = tree(tmp_path, ["a/x.png", "b/x.png"])
    (tmp_path / "c").mkdir()
    (tmp_path / "d/deep").mkdir(parents=True)
    (tmp_path / "d/notes.txt").write_text("")
    message = refused(folder)
    assert "is in c, d; a class needs some" in message and ".jpeg" in message
    for number in range(12):
        (tmp_path / f"e{number}").mkdir()
    assert refused(Folder(tmp_path)).count("e7") == 1
    assert "e7 and 4 more; a class needs some" in refused(Folder(tmp_path))


def test_one_class_is_refused(tmp_path: Path) -> None:
    message = refused(tree(tmp_path, ["cats/x.png"]))
    assert message == (
        f"{tmp_path} has only the sub-folder cats; a folder with a sub-folder of pictures for each "
        "class is needed, two at least"
    )


def test_pictures_without_classes_are_refused(tmp_path: Path) -> None:
    message = refused(tree(tmp_path, ["x.png", "y.png"]))
    assert f"{tmp_path} has no sub-folder; a folder with a sub-folder of pictures" in message


@pytest.mark.parametrize("kind", ["file", "absent", "dangling"])
def test_no_folder_is_refused(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path("data/../place")
    if kind == "file":
        Path("place").write_text("")
    elif kind == "dangling":
        Path("place").symlink_to("nowhere")
    Path("data").mkdir()
    with pytest.raises(InputError) as error:
        Folder(path).digest()
    expected = f"data/../place is no folder; {tmp_path}/data/../place was looked at; a folder with"
    assert expected in str(error.value)


def test_a_link_to_nothing_is_refused_by_name(tmp_path: Path) -> None:
    folder = tree(tmp_path, ["a/x.png", "b/x.png"])
    (tmp_path / "a/y.png").symlink_to("nowhere.png")
    assert str(tmp_path / "a/y.png") in refused(folder)
    # Planning does not stop at it: it may be one that is to be left out.
    before = folder.digest()
    (tmp_path / "a/nowhere.png").write_bytes(b"now it is there")
    assert folder.digest() != before


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
@pytest.mark.parametrize("name", ["a", "a/x.png"])
def test_what_may_not_be_read_is_named(tmp_path: Path, name: str) -> None:
    folder = tree(tmp_path, ["a/x.png", "b/x.png"])
    (tmp_path / name).chmod(0)
    try:
        message = refused(folder)
    finally:
        (tmp_path / name).chmod(0o755)
    assert str(tmp_path / name) in message and "Permission denied" in message


# Its digest.


def test_digest_changes_with_the_pictures_alone(tmp_path: Path) -> None:
    def digest() -> str:
        return Folder(tmp_path).digest()

    tree(tmp_path, ["a/1.png", "a/2.png", "b/1.png"])
    seen = [digest()]
    (tmp_path / "a/notes.txt").write_text("")
    (tmp_path / "a/.hidden.png").write_text("")
    assert digest() == seen[0]

    picture(tmp_path / "a/3.png", 3)
    seen.append(digest())
    (tmp_path / "a/3.png").rename(tmp_path / "b/3.png")
    seen.append(digest())
    (tmp_path / "b/3.png").rename(tmp_path / "b/4.png")
    seen.append(digest())
    (tmp_path / "b/4.png").write_bytes((tmp_path / "b/4.png").read_bytes() + b"\0")
    seen.append(digest())
    os.utime(tmp_path / "b/4.png", ns=(1, 1))
    seen.append(digest())
    assert len(set(seen)) == len(seen)
    (tmp_path / "b/4.png").unlink()
    assert digest() == seen[0]


def test_digest_tells_names_of_no_text_apart(tmp_path: Path) -> None:
    tree(tmp_path, ["a/1.png", "b/1.png"])
    old, new = (os.fsdecode(b"x\xe9.png"), os.fsdecode(b"x\xe8.png"))
    picture(tmp_path / "a" / old)
    before = Folder(tmp_path).digest()
    (tmp_path / "a" / old).rename(tmp_path / "a" / new)
    assert Folder(tmp_path).digest() != before
