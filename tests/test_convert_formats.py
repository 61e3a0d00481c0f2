"""Conversions as folders of pictures and as Parquet files."""

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from synth2real.convert.config import FORMATS
from synth2real.convert.formats import write_format
from synth2real.io.arrays import save_arrays
from synth2real.io.weights import save_weights
from synth2real.splits import Split
from tiny import DIGITS, random_gan_state, random_pixels, tiny_gan

# Classes whose names are not their numbers.
SPEC = replace(DIGITS, classes=tuple("abcdefghij"))
GAN = tiny_gan("synth2real", spec=SPEC, generator_blocks=1)
STATE = random_gan_state(GAN, spread=0.3)
# Six synthetic images, of which a split has three; each is converted twice.
SOURCE = np.array([10, 11, 12, 13, 14, 15])
SPLIT = np.array([0, 4, 3])
LABELS = np.array([7, 1, 1, 3, 3, 7], np.int32)
IMAGES = random_pixels(6)


@pytest.fixture
def made(tmp_path: Path) -> dict[str, Path]:
    """Both formats, by name."""
    save_weights(tmp_path / "networks.safetensors", STATE.weights, GAN.about | {"memorised": 1.2})
    nothing = np.array([], np.int64)
    split = Split(nothing, nothing, SPLIT[:2], SPLIT[2:])
    save_arrays(tmp_path / "split.npz", **split._asdict())
    for part, source in (("train", SOURCE), ("test", SOURCE + 100)):
        path = tmp_path / f"synthetic_{part}.npz"
        save_arrays(path, images=IMAGES, labels=LABELS, source=source)
    save_arrays(tmp_path / "train.npz", images=IMAGES, labels=np.tile(LABELS[SPLIT], 2))
    save_arrays(tmp_path / "test.npz", images=IMAGES, labels=LABELS)
    for name in FORMATS:
        write_format(
            name,
            gan_path=tmp_path / "networks.safetensors",
            split_path=tmp_path / "split.npz",
            converted_paths={part: tmp_path / f"{part}.npz" for part in ("train", "test")},
            synthetic_paths={
                part: tmp_path / f"synthetic_{part}.npz" for part in ("train", "test")
            },
            gan_seed=3,
            least_strength=0.3,
            folder=tmp_path / name,
        )
    return {name: tmp_path / name for name in FORMATS}


def test_a_folder_has_a_sub_folder_a_class_and_says_what_each_picture_is_of(made) -> None:
    folder = made["folder"] / "train"
    rows = [json.loads(line) for line in (folder / "metadata.jsonl").read_text().splitlines()]
    names = ["h/000000.png", "d/000001.png", "d/000002.png", "h/000003.png", "d/000004.png"]
    assert [row["file_name"] for row in rows] == [*names, "d/000005.png"]
    assert [row["source"] for row in rows] == [10, 14, 13, 10, 14, 13]
    assert [row["copy"] for row in rows] == [0, 0, 0, 1, 1, 1]
    assert [row["label"] for row in rows] == ["h", "d", "d", "h", "d", "d"]
    assert {(row["gan_seed"], row["least_strength"]) for row in rows} == {(3, 0.3)}
    assert all(0 <= row["probability"] <= 1 for row in rows)
    for row, image in zip(rows, IMAGES, strict=True):
        np.testing.assert_array_equal(Image.open(folder / row["file_name"]), image[..., 0])
    test = (made["folder"] / "test/metadata.jsonl").read_text().splitlines()
    assert [json.loads(line)["source"] for line in test] == [110, 111, 112, 113, 114, 115]


def test_a_parquet_file_has_the_same_rows(made) -> None:
    table = pq.read_table(made["parquet"] / "train.parquet")
    lines = (made["folder"] / "train/metadata.jsonl").read_text().splitlines()
    for row, line, image in zip(table.to_pylist(), lines, IMAGES, strict=True):
        picture, label = row.pop("image"), row.pop("label")
        other = json.loads(line)
        assert other.pop("file_name").endswith(picture["path"])
        assert SPEC.classes[label] == other.pop("label") and row == other
        np.testing.assert_array_equal(Image.open(io.BytesIO(picture["bytes"])), image[..., 0])
    features = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
    assert features["label"]["names"] == list(GAN.spec.classes)
    assert features["image"] == {"_type": "Image"} and list(features) == table.column_names
