"""Makes digits on photographs as folders of PNG files: `python examples/photos/make.py FOLDER`.

The recipe is that of MNIST-M (Ganin & Lempitsky, "Unsupervised Domain Adaptation by
Backpropagation", ICML 2015, section 4.1): a digit of MNIST is drawn over a random piece of a
photograph as the absolute difference of both, in each channel. Synthetic images are digits of
fonts, white on black.

Photographs have a left half for training images and a right half for test images: a classifier
cannot know a test image's background.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from png_folders import check_new, run, whole_number, write_images

from synth2real.errors import InputError
from synth2real.sources.fonts.fonts import fetch_fonts
from synth2real.sources.fonts.glyphs import DIGITS
from synth2real.sources.fonts.render import RenderConfig, render_fonts
from synth2real.sources.mnist import load_mnist

FONTS = Path(__file__).resolve().parents[2] / "resources" / "fonts.csv"
SIZE = 28
# The colour photographs that come with scikit-image and have a stated licence. It has others: of
# space (almost black), and through microscopes.
SKIMAGE = ["astronaut", "coffee", "chelsea", "rocket"]


class Digits(NamedTuple):
    """Images, uint8 [N, 28, 28], ink up to 255 on 0, and their labels [N]."""

    images: np.ndarray
    labels: np.ndarray

    def take(self, index_N: np.ndarray) -> "Digits":
        return Digits(self.images[index_N], self.labels[index_N])


class Sources(NamedTuple):
    """What everything is made from; the photographs are uint8 [H, W, 3]."""

    mnist_train: Digits
    mnist_test: Digits
    fonts: Digits
    photographs: Sequence[np.ndarray]


def project_digits() -> tuple[Digits, Digits, Digits]:
    """MNIST's training and test images, and all font digits; downloads what they need."""
    mnist, config = load_mnist(), RenderConfig()
    with tempfile.TemporaryDirectory() as name:
        fonts = fetch_fonts(FONTS, None, Path(name))
        images = render_fonts([Path(name) / font.file for font in fonts], config)
    # In the order font, digit, angle.
    labels = np.tile(np.repeat(np.arange(len(DIGITS)), len(config.angles)), len(fonts))
    return Digits(*mnist["train"]), Digits(*mnist["test"]), Digits(images, labels)


def load_photographs() -> list[np.ndarray]:
    """The photographs of scikit-learn and scikit-image, uint8 [H, W, 3]; no download.

    Raises:
        InputError: one of the packages is not installed.
    """
    try:
        from skimage import data
        from sklearn.datasets import load_sample_images
    except ImportError as error:
        raise InputError(
            f"{error}: the photographs come with two packages; "
            "pip install scikit-learn scikit-image"
        ) from error
    return [*load_sample_images().images, *(getattr(data, name)() for name in SKIMAGE)]


def halves(photographs: Sequence[np.ndarray]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The left and the right halves, which share no pixel."""
    middles = [photograph.shape[1] // 2 for photograph in photographs]
    left = [photograph[:, :x] for photograph, x in zip(photographs, middles, strict=True)]
    right = [photograph[:, x:] for photograph, x in zip(photographs, middles, strict=True)]
    return left, right


def random_crop(photographs: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """A piece, uint8 [28, 28, 3], of any photograph, from any place."""
    photograph = photographs[rng.integers(len(photographs))]
    top, left = (rng.integers(side - SIZE + 1) for side in photograph.shape[:2])
    return photograph[top : top + SIZE, left : left + SIZE]


def blend(crop_HxWx3: np.ndarray, digit_HxW: np.ndarray) -> np.ndarray:
    """The absolute difference in each channel, uint8 [H, W, 3]: ink inverts the photograph."""
    return np.abs(crop_HxWx3.astype(int) - digit_HxW[..., None]).astype(np.uint8)


def on_photographs(
    digits: Digits, photographs: Sequence[np.ndarray], rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """Each digit on a piece of a photograph."""
    return (blend(random_crop(photographs, rng), digit) for digit in digits.images)


def draw(digits: Digits, number: int, rng: np.random.Generator, option: str) -> Digits:
    """Draws different digits.

    Raises:
        InputError: there are not so many.
    """
    total = len(digits.labels)
    if number > total:
        raise InputError(f"{option}: {number:,} images, but there are only {total:,} digits")
    return digits.take(rng.permutation(total)[:number])


def write_dataset(folder: Path, sources: Sources, arguments: argparse.Namespace) -> None:
    """Writes all folders of PNG files.

    The real and the unlabelled images are different ones of MNIST's training images. Each set has
    random numbers of its own: with more images in one, the others stay, and its first ones, too.
    """
    digit_rngs = [np.random.default_rng([arguments.seed, 0, part]) for part in range(3)]
    photo_rngs = [np.random.default_rng([arguments.seed, 1, part]) for part in range(3)]
    train_photos, test_photos = halves(sources.photographs)
    n_real, n_unlabelled = arguments.real, arguments.unlabelled
    option = "--real and --unlabelled" if n_unlabelled else "--real"
    train = draw(sources.mnist_train, n_real + n_unlabelled, digit_rngs[0], option)
    real, unlabelled = train.take(np.s_[:n_real]), train.take(np.s_[n_real:])
    test = draw(sources.mnist_test, arguments.test, digit_rngs[1], "--test")
    synthetic = draw(sources.fonts, arguments.synthetic, digit_rngs[2], "--synthetic")
    on_real = on_photographs(real, train_photos, photo_rngs[0])
    write_images(folder / "real", on_real, real.labels)
    on_test = on_photographs(test, test_photos, photo_rngs[1])
    write_images(folder / "test", on_test, test.labels)
    write_images(folder / "synthetic", synthetic.images, synthetic.labels)
    if n_unlabelled:
        on_unlabelled = on_photographs(unlabelled, train_photos, photo_rngs[2])
        write_images(folder / "unlabelled", on_unlabelled, None)


def make(arguments: argparse.Namespace) -> None:
    check_new(arguments.folder)
    photographs = load_photographs()
    write_dataset(arguments.folder, Sources(*project_digits(), photographs), arguments)


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Digits on photographs, as folders of PNG files.")
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="new or empty folder")
    for name, default, text in [
        ("real", 420, "labelled images: MNIST's training images on photographs"),
        ("test", 2_000, "test images: MNIST's test images on other parts of the photographs"),
        ("synthetic", 10_000, "digits of fonts, white on black"),
        ("unlabelled", 0, "more of MNIST's training images on photographs, without labels"),
        ("seed", 0, "of all draws"),
    ]:
        parser.add_argument(
            f"--{name}", type=whole_number, default=default, help=f"{text} (%(default)s)"
        )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    run(make, parse())
