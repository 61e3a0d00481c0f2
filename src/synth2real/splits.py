"""The splits stage: which real and which font images an experiment at ratio r has.

Paper, section 3, "Experiments": 60,000 r real and 60,000 (1 - r) font images, a tenth of each
held out to validate the GAN.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import NamedTuple

import numpy as np

from synth2real.arrays import load_arrays, save_arrays

VALIDATION_EVERY = 10


@dataclass(frozen=True)
class SplitsConfig:
    """`total` images, real and font together, drawn with `seed`."""

    total: int = 60_000
    seed: int = 0


class Split(NamedTuple):
    """Indices, int64 [n], into the MNIST training images and into the font training images.

    Held-out images are in `*_validation` and nowhere else. They validate the GAN's training alone:
    conversion and classifiers take all images.
    """

    real_train: np.ndarray
    real_validation: np.ndarray
    font_train: np.ndarray
    font_validation: np.ndarray

    @property
    def real(self) -> np.ndarray:
        """All real images: MNIST_original."""
        return np.concatenate([self.real_train, self.real_validation])

    @property
    def font(self) -> np.ndarray:
        """All font images: MNIST_font; MNIST_GAN has the same order."""
        return np.concatenate([self.font_train, self.font_validation])


def count_images(ratio: str, total: int) -> tuple[int, int]:
    """Numbers of real and of font images at a ratio, given as a decimal string."""
    n_real = int((Decimal(ratio) * total).to_integral_value(ROUND_HALF_UP))
    return n_real, total - n_real


def make_split(ratio: str, config: SplitsConfig, real_pool: int, font_pool: int) -> Split:
    """Draws a ratio's images from the pools.

    Both pools are permuted once for all ratios, and every tenth place of a permutation is a
    validation image. So the images of a smaller ratio are also in a larger one, with the same
    role; font images likewise, the other way round.
    """
    n_real, n_font = count_images(ratio, config.total)
    rng_real, rng_font = np.random.default_rng(config.seed).spawn(2)
    return Split(
        *_hold_out(rng_real.permutation(real_pool)[:n_real]),
        *_hold_out(rng_font.permutation(font_pool)[:n_font]),
    )


def _hold_out(indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    held_out = np.arange(len(indices)) % VALIDATION_EVERY == VALIDATION_EVERY - 1
    return indices[~held_out], indices[held_out]


def write_split(
    ratio: str, config: SplitsConfig, mnist_path: Path, font_path: Path, path: Path
) -> None:
    """Writes a ratio's split; the files hold the pools of real and of font images."""
    pools = [len(load_arrays(pool, "labels")[0]) for pool in (mnist_path, font_path)]
    save_arrays(path, **make_split(ratio, config, *pools)._asdict())


def read_split(path: Path) -> Split:
    """Reads a split that `write_split` wrote."""
    return Split(*load_arrays(path, *Split._fields))
