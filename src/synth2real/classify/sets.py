"""How a training set is put together, and how a batch is drawn from it."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from synth2real.sets import AUGMENTED, PSEUDO, TrainingSetKind
from synth2real.splits import read_split
from synth2real.training import Images, join, load_images, load_unlabelled


class TrainingSet(NamedTuple):
    """What a classifier is trained on.

    Attributes:
        pools: images; each pool gives an equal share of every batch.
        augment: whether each image drawn goes through `synth2real.nn.augment.random_warp`.
        unlabelled: real images without labels, uint8 [N, H, W, C], for the recipe with
            pseudo-labels (`synth2real.classify.pseudo`); None for the others.
    """

    pools: Sequence[Images]
    augment: bool = False
    unlabelled: jax.Array | None = None


def load_training_set(
    kind: TrainingSetKind,
    split_path: Path,
    real_path: Path,
    synthetic_path: Path,
    converted_path: Path | None = None,
    unlabelled_path: Path | None = None,
) -> TrainingSet:
    """Puts a training set together.

    A plain set is one pool: an image is as likely as any other. Of an augmented one each part is a
    pool, so that few real images still make half of every batch.

    Args:
        kind: what the set is made of.
        split_path: which of the images.
        real_path: all real training images.
        synthetic_path: all synthetic training images.
        converted_path: the conversions of the kind that the set has; None if it has none.
        unlabelled_path: real images without labels; None takes the other training images.

    Raises:
        InputError: a set needs images without labels, and there is none.
    """
    split = read_split(split_path)
    parts = []
    for part in kind.parts:
        if part == "real":
            parts.append(load_images(real_path, split.real))
        elif part == "synthetic":
            parts.append(load_images(synthetic_path, split.synthetic))
        else:
            assert converted_path, "a set with conversions needs a generator"
            parts.append(load_images(converted_path))
    if kind.recipe == PSEUDO:
        return TrainingSet(parts, unlabelled=load_unlabelled(unlabelled_path, real_path, split))
    if kind.recipe == AUGMENTED:
        return TrainingSet(parts, augment=True)
    return TrainingSet([join(parts)])


def draw_evenly(pools: Sequence[Images], key: jax.Array, size: int) -> Images:
    """Draws a batch with replacement, every pool in turn: of P pools, size / P images each.

    From one pool it is the batch of `synth2real.training.draw_batch`.
    """
    counts_P = np.array([len(pool.labels) for pool in pools])
    pool_B = np.arange(size) % len(pools)
    index_B = jax.random.randint(key, (size,), 0, counts_P[pool_B])
    draws = [
        Images(*(array[index_B[pool_B == p]] for array in pool)) for p, pool in enumerate(pools)
    ]
    return join(draws)
