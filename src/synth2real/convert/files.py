"""Conversion of files that a user has, with a GAN that was trained before."""

import hashlib
import itertools
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from synth2real.convert.convert import CONVERT
from synth2real.convert.converter import Converter
from synth2real.errors import InputError, printable
from synth2real.io.files import (
    LONGEST_NAME,
    check_new,
    hold_lock,
    leftovers,
    remove_leftovers,
    write_atomically,
)
from synth2real.sources.folder import THREADS, Folder
from synth2real.sources.idx import IdxFile
from synth2real.sources.images import write_picture
from synth2real.sources.npz import Npz
from synth2real.training import BATCH, Images

METADATA = "metadata.jsonl"
COPY = re.compile(r"(.+)\.copy([1-9][0-9]*)(\.[^.]+)", re.DOTALL)  # as `_name` makes it
PART, LOCK = f".{METADATA}.part", f".{METADATA}.lock"  # while a folder is being written


class Wanted(NamedTuple):
    """How to convert: how often, with which noise, and whom to tell how many are done."""

    copies: int
    seed: int
    update: Callable[[int], None]


def convert_folder(converter: Converter, source: Folder, out: Path, wanted: Wanted) -> int:
    """Converts a folder's pictures to another of the same tree, names and formats.

    A batch at a time, so that no more pictures are in memory if there are more. A run that was
    stopped goes on where it was. At its end `metadata.jsonl` tells of each picture what it was made
    from. Returns the number of pictures.

    Raises:
        InputError: `out` holds something else or is in use, or a picture cannot be read.
    """
    _check_apart(source.path, out)
    labels_N = converter.labels(source)
    paths = source.listing.paths
    _check_names(paths, wanted.copies)
    _check_free(out)
    out.mkdir(parents=True, exist_ok=True)
    with hold_lock(out / LOCK):
        remove_leftovers([out / PART, out / METADATA])
        if {path.name for path in out.iterdir()} == {PART, LOCK}:
            (out / PART).unlink()  # nothing came of it: any conversion may begin here
        _convert_pictures(converter, source, labels_N, out, wanted)
        with write_atomically(out / METADATA) as temporary, open(out / PART, "rb") as finished:
            finished.readline()  # what the run was
            with open(temporary, "wb") as file:
                shutil.copyfileobj(finished, file)
        (out / LOCK).unlink()
        (out / PART).unlink()  # the last, as what is there with it goes on
    return wanted.copies * len(labels_N)


def _convert_pictures(
    converter: Converter, source: Folder, labels_N: np.ndarray, out: Path, wanted: Wanted
) -> None:
    """Writes the conversions that are not there yet, and a line of each."""
    paths, origin = source.listing.paths, describe_origin(converter, seed=wanted.seed)
    # Of names alone: a picture that could not be read may have been mended since.
    places = "\0".join([str(source.path.resolve()), *paths])
    pictures = hashlib.sha256(places.encode(errors="surrogateescape")).hexdigest()
    whole = origin | {"copies": wanted.copies, "pictures": pictures}
    done = _begin(out / PART, whole, len(labels_N))
    for copy, index in itertools.islice(_batches(len(labels_N), wanted.copies, done), 1):
        remove_leftovers(out / _name(paths[i], copy) for i in index)
    with open(out / PART, "a", encoding="utf-8") as lines, ThreadPoolExecutor(THREADS) as threads:
        for copy, index in _batches(len(labels_N), wanted.copies, done):
            images = source.read(index, converter.gan.spec)
            data = Images(jnp.asarray(images), jnp.asarray(labels_N[index]))
            converted = converter.convert(data, _key(wanted.seed, copy, int(index[0])))
            probability = converter.probabilities(converted, labels_N[index])
            names = [_name(paths[i], copy) for i in index]
            list(threads.map(write_picture, [out / name for name in names], converted))
            for place, i in enumerate(index):
                about = describe(converter, paths[i], labels_N[i], copy, probability[place])
                lines.write(json_line({"file_name": names[place], **about, **origin}))
            lines.flush()
            wanted.update(copy * len(labels_N) + int(index[-1]) + 1)


def convert_arrays(converter: Converter, source: Npz | IdxFile, out: Path, wanted: Wanted) -> int:
    """Converts the images of one file to another of the same format, one copy after the other.

    Labels stand in the same file, or beside it, as those of the source; what each image was made
    from in `NAME.metadata.jsonl`. Returns the number of images.

    Raises:
        InputError: `out` is there already, or the images cannot be read.
    """
    beside = out.with_name(f"{out.name}.{METADATA}")
    for path in (*source.outputs(out), beside):
        check_new(path)
    labels_N = converter.labels(source)
    origin = describe_origin(converter, seed=wanted.seed)
    images = source.read(np.arange(len(labels_N)), converter.gan.spec)
    made = np.empty((wanted.copies * len(images), *images.shape[1:]), np.uint8)
    lines: list[str] = []
    for copy, index in _batches(len(labels_N), wanted.copies):
        data = Images(jnp.asarray(images[index]), jnp.asarray(labels_N[index]))
        converted = converter.convert(data, _key(wanted.seed, copy, int(index[0])))
        probability = converter.probabilities(converted, labels_N[index])
        made[len(lines) : len(lines) + len(index)] = converted
        for place, i in enumerate(index):
            about = describe(converter, int(i), labels_N[i], copy, probability[place])
            lines.append(json_line({"image": len(lines), **about, **origin}))
        wanted.update(len(lines))
    with write_atomically(beside) as temporary:
        temporary.write_text("".join(lines), encoding="utf-8")
    source.write_like(out, made, wanted.copies)  # the last: where it is, all is
    return len(lines)


def _batches(total: int, copies: int, done: int = 0) -> Iterator[tuple[int, np.ndarray]]:
    """Each copy's number and which images to convert at once, after so many that are done."""
    first, begun = divmod(done, total)
    for copy in range(first, copies):
        for start in range(begun if copy == first else 0, total, BATCH):
            yield copy, np.arange(start, min(start + BATCH, total))


def _key(seed: int, copy: int, first: int) -> jax.Array:
    """A batch's key: of its place alone, so that a run that was stopped has it again."""
    key = jax.random.fold_in(jax.random.key(seed), CONVERT)
    return jax.random.fold_in(jax.random.fold_in(key, copy), first)


def _check_apart(source: Path, out: Path) -> None:
    """Refuses to write into the folder that is read, or around it.

    Raises:
        InputError: one of both lies in the other.
    """
    one, other = source.resolve(), out.resolve()
    if one == other:
        raise InputError(f"{out}: is the folder that is read; a folder of its own is needed")
    if one.is_relative_to(other) or other.is_relative_to(one):
        raise InputError(f"{out}: lies in {source} or around it; a folder of its own is needed")


def _check_names(paths: Sequence[str], copies: int) -> None:
    """Refuses copies that would have the name of another picture, and names that are too long.

    Raises:
        InputError: names one.
    """
    there = set(paths)
    for path in paths:
        copy = COPY.fullmatch(path)
        if copy and int(copy[2]) < copies and copy[1] + copy[3] in there:
            raise InputError(f"{printable(path)}: a picture and a copy of another have this name")
    longest = max((_name(path, copies - 1) for path in paths), key=_bytes)
    if _bytes(longest) > LONGEST_NAME:
        raise InputError(
            f"{printable(longest)}: its name is too long; {LONGEST_NAME} bytes at most"
        )


def _bytes(name: str) -> int:
    """The length of a file's name, without its folder; paths as objects would take far longer."""
    return len(os.fsencode(os.path.basename(name)))


def _check_free(out: Path) -> None:
    """Refuses a folder that holds something else than part of a conversion.

    Raises:
        InputError: says so.
    """
    if not os.path.lexists(out):
        return
    begun = (out / PART).exists()
    ours = {out / LOCK, *leftovers([out / PART, out / METADATA])}
    if not out.is_dir() or not (begun or ours.issuperset(out.iterdir())):
        raise InputError(f"{out}: is there already; name a new or an empty folder")


def _begin(part: Path, about: Mapping[str, Any], total: int) -> int:
    """How many images whole batches did before; `part` then tells of these and no others.

    `total` is how many images there are, each copy of which begins with a batch of its own.

    Raises:
        InputError: it tells of another conversion.
    """
    first = json_line(about)
    text = part.read_text(encoding="utf-8") if part.exists() else first
    # A line that was being written when the run was stopped does not count.
    lines = [line for line in text.splitlines(keepends=True) if line.endswith("\n")]
    if lines[:1] != [first]:
        before = json.loads(lines[0]) if lines else {}
        others = [name for name in about if before.get(name) != about[name]]
        raise InputError(
            f"{part}: tells of another conversion (not the same: {', '.join(others)}); name "
            "another folder, or delete this one"
        )
    copy, rest = divmod(len(lines) - 1, total)
    done = copy * total + rest // BATCH * BATCH
    with write_atomically(part) as temporary:
        temporary.write_text("".join(lines[: 1 + done]), encoding="utf-8")
    return done


def describe_origin(converter: Converter, **seed: int) -> dict[str, Any]:
    """What made conversions: the GAN, its weights, a seed by its name, and the least strength."""
    origin = {"gan": str(converter.path.parent), "weights": converter.digest}
    return {**origin, **seed, "least_strength": round(converter.least_strength, 6)}


def describe(
    converter: Converter, source: str | int, label: int, copy: int, probability: float
) -> dict[str, Any]:
    """What is said of a conversion: of which image and class it is, and how surely."""
    label_name = converter.gan.spec.classes[label]
    share = round(float(probability), 6)
    return {"source": source, "label": label_name, "copy": copy, "probability": share}


def json_line(values: Mapping[str, Any]) -> str:
    """A line of metadata.jsonl."""
    return json.dumps(values) + "\n"  # ASCII: names may hold line breaks, or bytes of no text


def _name(path: str, copy: int) -> str:
    """What a picture's conversion is called below the folder: a.png, a.copy1.png, and so on."""
    return path if copy == 0 else str(Path(path).with_suffix(f".copy{copy}{Path(path).suffix}"))
