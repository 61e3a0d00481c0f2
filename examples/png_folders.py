"""What the examples share: folders of PNG files, and errors of one line."""

import argparse
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from synth2real.errors import InputError


def check_new(folder: Path) -> None:
    """Refuses a path that exists, unless it is an empty folder.

    Raises:
        InputError: it is a file or a folder with something in it.
    """
    if folder.is_dir() and not any(folder.iterdir()):
        return
    if folder.exists():
        raise InputError(f"{folder} exists and is not empty; name another folder, or delete it")


def write_images(
    folder: Path, images_NxHxW: Iterable[np.ndarray], labels_N: Iterable[int] | None
) -> None:
    """Writes uint8 images, [H, W] or [H, W, 3], to `<label>/<number>.png`.

    The number, from 0000, is the place among all images. Without labels there are no subfolders.
    """
    images = list(images_NxHxW)
    labels = [""] * len(images) if labels_N is None else [str(label) for label in labels_N]
    for name in {"", *labels}:
        (folder / name).mkdir(parents=True, exist_ok=True)
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        Image.fromarray(image).save(folder / label / f"{number:04}.png")


def whole_number(text: str) -> int:
    """Reads an option of the command line."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is not a whole number, 0 or more")
    return int(text)


def run(make: Callable[[argparse.Namespace], None], arguments: argparse.Namespace) -> None:
    """Runs `make`; if the user can mend what is wrong, the program ends with one line."""
    try:
        make(arguments)
    except InputError as error:
        sys.exit(str(error))
