"""Conversions in formats that others read: folders of pictures, or Parquet files.

Both load as a data set of Hugging Face's `datasets` with the parts train and test; a part of the
folder is an `ImageFolder` of torchvision.
"""

import io
import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from synth2real.convert.converter import Converter
from synth2real.convert.files import METADATA, describe, describe_origin, json_line
from synth2real.io.arrays import load_arrays
from synth2real.io.files import write_atomically
from synth2real.sources.folder import THREADS
from synth2real.sources.images import to_picture, write_picture
from synth2real.splits import read_split

ROW_GROUP = 5000  # images that a reader has in memory at least


class Part(NamedTuple):
    """Conversions, uint8 [N, H, W, C], their labels [N], and what is said of each.

    A row has `source` (number of the image in the synthetic source), `label` (name of the class),
    `copy`, and `probability` (with which the GAN's task classifier agrees), and of which GAN it is.
    """

    name: str
    classes: tuple[str, ...]
    images: np.ndarray
    labels: np.ndarray
    rows: list[dict[str, Any]]


def write_format(
    format: str,
    *,
    gan_path: Path,
    split_path: Path,
    converted_paths: Mapping[str, Path],
    synthetic_paths: Mapping[str, Path],
    gan_seed: int,
    least_strength: float | None,
    folder: Path,
) -> None:
    """Writes the conversions of a split's synthetic images, train, and of the test set, test.

    Args:
        format: folder or parquet.
        gan_path: the GAN's file.
        split_path: which synthetic images are converted.
        converted_paths, synthetic_paths: conversions and what they are of, by part.
        gan_seed: the GAN's number among `gan.seeds`.
        least_strength: the setting of the conversions.
        folder: what to write.
    """
    writer = {"folder": write_folder, "parquet": write_parquet}[format]
    folder.mkdir(exist_ok=True)
    converter = Converter.load(gan_path, least_strength)
    # The noise has a seed of its own (`synth2real.seeds`).
    origin = describe_origin(converter, gan_seed=gan_seed)
    index = {"train": read_split(split_path).synthetic, "test": None}
    for name, path in converted_paths.items():
        images, labels = load_arrays(path, "images", "labels")
        (source,) = load_arrays(synthetic_paths[name], "source")
        source = source if index[name] is None else source[index[name]]
        probability = converter.probabilities(images, labels)
        rows = []
        for i, label in enumerate(labels):
            copy, place = divmod(i, len(source))
            made = describe(converter, int(source[place]), label, copy, probability[i])
            rows.append(made | origin)
        writer(Part(name, converter.gan.spec.classes, images, labels, rows), folder)


def write_folder(part: Part, folder: Path) -> None:
    """Writes train/3/000000.png and so on, and train/metadata.jsonl, a line for each picture.

    Classes have names that folders can have: the settings are refused otherwise.
    """
    names = [f"{part.classes[label]}/{i:06d}.png" for i, label in enumerate(part.labels)]
    paths = [folder / part.name / name for name in names]
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(write_picture, paths, part.images))
    with write_atomically(folder / part.name / METADATA) as temporary:
        lines = (
            json_line({"file_name": name, **row})
            for name, row in zip(names, part.rows, strict=True)
        )
        temporary.write_text("".join(lines), encoding="utf-8")


def write_parquet(part: Part, folder: Path) -> None:
    """Writes train.parquet: the column `image` with PNG files, `label`, and the rows' others."""
    # An optional dependency.
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {
        "image": pa.struct({"bytes": pa.binary(), "path": pa.string()}),
        "label": pa.int64(),
        "source": pa.int64(),
        "copy": pa.int64(),
        "probability": pa.float64(),
        "gan": pa.string(),
        "weights": pa.string(),
        "gan_seed": pa.int64(),
        "least_strength": pa.float64(),
    }
    features: dict[str, dict[str, Any]] = {
        name: {"_type": "Value", "dtype": str(kind).replace("double", "float64")}
        for name, kind in columns.items()
    }
    features |= {
        "image": {"_type": "Image"},
        "label": {"_type": "ClassLabel", "names": list(part.classes)},
    }
    about = json.dumps({"info": {"features": features}})
    schema = pa.schema(columns.items(), metadata={"huggingface": about})
    with (
        write_atomically(folder / f"{part.name}.parquet") as temporary,
        pq.ParquetWriter(temporary, schema, compression="none") as file,  # PNG is compressed
    ):
        for rows in _row_groups(part):
            file.write_table(pa.Table.from_pylist(rows, schema=schema))


def _row_groups(part: Part) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(part.labels), ROW_GROUP):
        yield [
            {
                **part.rows[i],
                "label": int(part.labels[i]),
                "image": {"bytes": _png(part.images[i]), "path": f"{i:06d}.png"},
            }
            for i in range(start, min(start + ROW_GROUP, len(part.labels)))
        ]


def _png(image_HxWxC: np.ndarray) -> bytes:
    file = io.BytesIO()
    to_picture(image_HxWxC).save(file, "PNG")
    return file.getvalue()
