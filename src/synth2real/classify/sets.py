"""The paper's five training sets, the augmented ones, and how a batch is drawn from them."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from synth2real.splits import read_split
from synth2real.training import Images, join, load_images

AUGMENTED = "augmented-"


class TrainingSet(NamedTuple):
    """What a classifier is trained on.

    Attributes:
        pools: images; each pool gives an equal share of every batch.
        augment: whether each image drawn goes through `synth2real.augment.random_affine`.
    """

    pools: Sequence[Images]
    augment: bool = False


def load_training_set(
    dataset: str, split_path: Path, mnist_path: Path, font_path: Path, converted_path: Path | None
) -> TrainingSet:
    """Puts a training set together.

    A set of the paper is one pool: an image is as likely as any other. Of a set with "augmented-"
    before its name, each part is a pool, so that few real images still make half of every batch.

    Args:
        dataset: original, font, GAN, original+font or original+GAN, or one of them augmented.
        split_path: the ratio's split.
        mnist_path: MNIST's training images.
        font_path: the font training images.
        converted_path: MNIST_GAN; may be None where `dataset` has no GAN images.
    """
    split = read_split(split_path)
    parts = []
    for source in dataset.removeprefix(AUGMENTED).split("+"):
        if source == "original":
            parts.append(load_images(mnist_path, split.real))
        elif source == "font":
            parts.append(load_images(font_path, split.font))
        elif source == "GAN" and converted_path:
            parts.append(load_images(converted_path))
        else:
            raise ValueError(f"{dataset}: nothing is known of {source} images")
    if dataset.startswith(AUGMENTED):
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
