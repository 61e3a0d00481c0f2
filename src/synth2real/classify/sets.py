"""The five training sets of the paper, and which of them a GAN has a part in."""

from pathlib import Path

import jax.numpy as jnp

from synth2real.splits import read_split
from synth2real.training import Images, load_images


def load_training_set(
    dataset: str, split_path: Path, mnist_path: Path, font_path: Path, converted_path: Path | None
) -> Images:
    """Puts a training set together.

    Args:
        dataset: original, font, GAN, original+font or original+GAN.
        split_path: the ratio's split.
        mnist_path: MNIST's training images.
        font_path: the font training images.
        converted_path: MNIST_GAN; may be None where `dataset` has no GAN images.
    """
    split = read_split(split_path)
    parts = []
    for source in dataset.split("+"):
        if source == "original":
            parts.append(load_images(mnist_path, split.real))
        elif source == "font":
            parts.append(load_images(font_path, split.font))
        elif converted_path:
            parts.append(load_images(converted_path))
    return Images(*(jnp.concatenate(arrays) for arrays in zip(*parts, strict=True)))
