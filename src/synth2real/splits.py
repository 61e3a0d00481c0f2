"""The splits stage: which real and which synthetic images an experiment of one size has.

Paper, section 3, "Experiments": 60,000 r real and 60,000 (1 - r) font images, a tenth of each
held out to validate the GAN.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import NamedTuple

import numpy as np

from synth2real.errors import InputError
from synth2real.io.arrays import load_arrays, save_arrays
from synth2real.settings import setting
from synth2real.spec import ImageSpec

log = logging.getLogger(__name__)

VALIDATION_EVERY = 10
FEWEST_A_CLASS = 2  # of stratified real images


class Size(NamedTuple):
    """How many real images an experiment has: a point of the learning curve.

    Attributes:
        kind: "ratio" (of `splits.total`, the paper's axis), "count", or "share" (of all there are).
        value: the number as the configuration writes it: 0.1 and 0.10 are different paths.
    """

    kind: str
    value: str

    @property
    def name(self) -> str:
        """The size in paths: r0.007, n20 or s0.5."""
        return {"ratio": "r", "count": "n", "share": "s"}[self.kind] + self.value

    def title(self, total: int | None) -> str:
        """The size as a person reads it; `total` is what ratios are shares of."""
        if self.kind == "share":
            return f"{100 * float(self.value):g} % of the real images"
        count = f"{count_real(self, total, 0):,} real images"
        return count if self.kind == "count" else f"{count} (r = {self.value})"


@dataclass(frozen=True)
class SplitsConfig:
    """How images are drawn. Each of the seeds is a draw of its own, at every size."""

    total: int | None = setting(
        "real and synthetic images together, a whole number of at least 2; null takes 60,000 for "
        "MNIST and the 149 fonts, and of own images as many synthetic ones as there are",
        type=["integer", "null"],
        minimum=2,
    )
    seeds: tuple[int, ...] = setting(
        "a list of different whole numbers of at least 0; the images are drawn once for each",
        type="array",
        minItems=1,
        uniqueItems=True,
        items={"type": "integer", "minimum": 0, "description": "a whole number of at least 0"},
    )
    stratify: bool = setting(
        "true draws each class in proportion and at least two images of it, false draws at random",
        type="boolean",
    )


class Split(NamedTuple):
    """Indices, int64 [n], into the real and into the synthetic training images.

    Held-out images are in `*_validation` and nowhere else. They validate the GAN's training alone:
    conversion and classifiers take all images.
    """

    real_train: np.ndarray
    real_validation: np.ndarray
    synthetic_train: np.ndarray
    synthetic_validation: np.ndarray

    @property
    def real(self) -> np.ndarray:
        """All real images: the set original."""
        return np.concatenate([self.real_train, self.real_validation])

    @property
    def synthetic(self) -> np.ndarray:
        """All synthetic images; the set GAN has the same order."""
        return np.concatenate([self.synthetic_train, self.synthetic_validation])


def count_images(
    size: Size, total: int | None, real_pool: int, synthetic_pool: int
) -> tuple[int, int]:
    """Numbers of real and of synthetic images at a size.

    Raises:
        InputError: there are not that many, or none of a kind is left.
    """
    n_real = count_real(size, total, real_pool)
    n_synthetic = synthetic_pool if total is None else total - n_real
    for kind, count, pool in [
        ("real", n_real, real_pool),
        ("synthetic", n_synthetic, synthetic_pool),
    ]:
        if not 0 < count <= pool:
            raise InputError(
                f"splits: size {size.name} asks for {count:,} {kind} images, and there are "
                f"{pool:,} to train on; at least 1, and no more than there are, will do "
                f"({size.kind}s, splits.total)"
            )
    return n_real, n_synthetic


def count_real(size: Size, total: int | None, real_pool: int) -> int:
    """How many real images a size asks for, of a pool that may hold fewer."""
    if size.kind == "count":
        return int(size.value)
    whole = total if size.kind == "ratio" else real_pool
    assert whole is not None, "ratios need a total"
    return round_half_up(Decimal(size.value) * whole)


def round_half_up(number: Decimal) -> int:
    """Rounds as schools teach it: numbers of images do not depend on being even."""
    return int(number.to_integral_value(ROUND_HALF_UP))


def make_split(
    size: Size,
    total: int | None,
    seed: int,
    real_labels_N: np.ndarray,
    synthetic_pool: int,
    *,
    stratify: bool = False,
) -> Split:
    """Draws the images of a size from the pools.

    Both pools are permuted once for all sizes, and every tenth place of a permutation is a
    validation image, but for the first real image of a class: a GAN that sees none of a class makes
    what it likes of it. So the images of a smaller size are also in a larger one, with the same
    role; synthetic images likewise, the other way round.

    Raises:
        InputError: there are not enough images, or too few of a class to stratify.
    """
    n_real, n_synthetic = count_images(size, total, len(real_labels_N), synthetic_pool)
    rng_real, rng_synthetic = np.random.default_rng(seed).spawn(2)
    order_N = rng_real.permutation(len(real_labels_N))
    if stratify:
        _check_strata(size, n_real, real_labels_N)
        order_N = _stratified(order_N, real_labels_N)
    real, synthetic = order_N[:n_real], rng_synthetic.permutation(synthetic_pool)[:n_synthetic]
    _, firsts = np.unique(real_labels_N[real], return_index=True)
    return Split(*_hold_out(real, firsts), *_hold_out(synthetic))


def _hold_out(
    indices: np.ndarray, kept: np.ndarray | Sequence[int] = ()
) -> tuple[np.ndarray, np.ndarray]:
    """Divides indices into those to train on and every tenth; some places are kept to train on."""
    held_out = np.arange(len(indices)) % VALIDATION_EVERY == VALIDATION_EVERY - 1
    held_out[np.asarray(kept, int)] = False
    return indices[~held_out], indices[held_out]


def _check_strata(size: Size, n_real: int, labels_N: np.ndarray) -> None:
    counts = np.bincount(labels_N)
    if counts.min() < FEWEST_A_CLASS or n_real < FEWEST_A_CLASS * len(counts):
        raise InputError(
            f"splits.stratify: size {size.name} has {n_real:,} real images of {len(counts)} "
            f"classes, and the rarest class has {counts.min()} in all; {FEWEST_A_CLASS} of every "
            "class are needed, or stratify: false"
        )


def _stratified(order_N: np.ndarray, labels_N: np.ndarray) -> np.ndarray:
    """Puts an order so that any beginning of it has two images a class, then all in proportion."""
    labels = labels_N[order_N]
    share_N = np.empty(len(order_N))
    for label in np.unique(labels):
        places = np.flatnonzero(labels == label)
        share_N[places] = np.maximum(np.arange(len(places)) - 1, 0) / len(places)
    return order_N[np.argsort(share_N, kind="stable")]


def write_split(
    size: Size,
    total: int | None,
    seed: int,
    spec: ImageSpec,
    *,
    stratify: bool,
    real_path: Path,
    synthetic_path: Path,
    path: Path,
) -> None:
    """Writes the split of a size; the files hold the pools of real and of synthetic images."""
    (real_labels_N,), (synthetic_labels_N,) = (
        load_arrays(pool, "labels") for pool in (real_path, synthetic_path)
    )
    split = make_split(size, total, seed, real_labels_N, len(synthetic_labels_N), stratify=stratify)
    _warn_of_missing(split, real_labels_N, spec)
    save_arrays(path, **split._asdict())


def _warn_of_missing(split: Split, real_labels_N: np.ndarray, spec: ImageSpec) -> None:
    """Says in the log which classes no real image of a split shows."""
    missing = set(range(len(spec.classes))) - set(real_labels_N[split.real].tolist())
    if missing:
        names = ", ".join(spec.classes[label] for label in sorted(missing))
        log.warning("no real image shows %s; splits.stratify: true draws two of each class", names)


def read_split(path: Path) -> Split:
    """Reads a split that `write_split` wrote."""
    return Split(*load_arrays(path, *Split._fields))
