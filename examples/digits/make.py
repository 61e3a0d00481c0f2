"""Makes scikit-learn's 1,797 digits PNG files: `python examples/digits/make.py FOLDER`.

They are grey handwritten digits of 8x8 pixels (UCI, E. Alpaydin and C. Kaynak 1998), twice
enlarged, in `FOLDER/<digit>/<number>.png`.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from png_folders import check_new, run, write_images

from synth2real.errors import InputError

SIZE = 16
WHITE = 16  # of scikit-learn's digits


def load() -> tuple[np.ndarray, np.ndarray]:
    """Digits, float64 [1797, 8, 8] from 0 to 16, and labels [1797].

    Raises:
        InputError: scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise InputError(
            f"{error}: the digits come with scikit-learn; pip install scikit-learn"
        ) from error
    digits = load_digits()
    return digits.images, digits.target


def enlarge(digits_Nx8x8: np.ndarray) -> Iterator[np.ndarray]:
    """Digits of 0 to 16 as images, uint8 [16, 16], interpolated linearly."""
    for digit in np.round(digits_Nx8x8 * (255 / WHITE)).astype(np.uint8):
        yield np.asarray(Image.fromarray(digit).resize((SIZE, SIZE), Image.Resampling.BILINEAR))


def make(arguments: argparse.Namespace) -> None:
    check_new(arguments.folder)
    digits, labels = load()
    write_images(arguments.folder, enlarge(digits), labels)


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="scikit-learn's digits, as PNG files.")
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="new or empty folder")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    run(make, parse())
