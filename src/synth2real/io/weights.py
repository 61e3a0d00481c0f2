"""Weights of networks on disk: safetensors files that say what they are weights of.

A file's tensors have the names that `to_arrays` gives them. Its metadata `synth2real`, a JSON text,
holds the `version` of this format, the kind of `network`, its settings (`config`), the images that
it takes (`spec`), and of a classifier what convolved in its training (`arithmetic`). So whoever has
the file needs neither the workflow nor the run's folder.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
from safetensors.numpy import save

from synth2real.errors import InputError, reason, whereabouts
from synth2real.io.files import write_atomically
from synth2real.io.trees import from_arrays, to_arrays, to_shapes

VERSION = 1
AGAIN = "if it is a run's, delete it, and the next run makes it again"
NAME = "synth2real"  # of the metadata; the order of several would differ from file to file


def save_weights(path: Path, tree: Any, about: Mapping[str, Any]) -> None:
    """Writes a pytree of arrays and what they are; the same bytes for the same content."""
    text = json.dumps({"version": VERSION, **about})
    with write_atomically(path) as temporary:
        # The library's own file would be for its owner alone.
        temporary.write_bytes(save(to_arrays(tree), {NAME: text}))


def load_weights(path: Path, like: Any) -> Any:
    """Reads a pytree of `save_weights`, or some of it, shaped like the given one.

    Raises:
        InputError: the file cannot be read, or holds another network's arrays.
    """
    shapes = to_shapes(like)
    try:
        with safetensors.safe_open(path, framework="np") as file:
            arrays = {name: file.get_tensor(name) for name in shapes}
    except (OSError, safetensors.SafetensorError) as error:
        raise InputError(f"{path}: cannot be read ({error}); {AGAIN}") from error
    for name, shape in shapes.items():
        found = arrays[name].shape
        if found != shape:
            raise InputError(
                f"{path}: {name} is {found} where these settings make it {shape}; {AGAIN}"
            )
    return from_arrays(like, arrays)


def read_about(path: Path, network: str) -> dict[str, Any]:
    """What a file's weights are: the `about` that they were saved with.

    Raises:
        InputError: they are not of such a network, or of a format that this version cannot read.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder; a file in it, like run0.safetensors, is needed")
    if not path.exists():
        raise InputError(f"{path}: is not there{whereabouts(path)}")
    try:
        with safetensors.safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
    except (OSError, safetensors.SafetensorError) as error:
        why = str(error) if os.access(path, os.R_OK) else "permission denied"
        raise InputError(f"{path}: cannot be read as weights ({why})") from error
    if NAME not in metadata:
        raise InputError(f"{path}: has no weights of synth2real; a run's are in results/")
    try:
        about: dict[str, Any] = json.loads(metadata[NAME])
        version, kind = about["version"], about["network"]
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"{path}: does not say what its weights are of; {AGAIN}") from error
    if version != VERSION:
        raise InputError(
            f"{path}: is of version {version} of the format, and this synth2real reads version "
            f"{VERSION}; take the synth2real that wrote it"
        )
    if kind != network:
        raise InputError(f"{path}: is a {kind}'s file, and a {network}'s is needed")
    return about


def unknown_settings(path: Path, error: Exception) -> InputError:
    """The error of a file whose settings this synth2real cannot make a network of."""
    return InputError(
        f"{path}: this synth2real knows no such network ({reason(error)}); take the one that wrote "
        "it"
    )
