"""Measuring: all metrics of one set of images against the real test images."""

from collections.abc import Iterator
from pathlib import Path

import jax
import numpy as np

from synth2real.classify.config import ClassifierConfig
from synth2real.gap.domain import domain_accuracy
from synth2real.gap.judge import judge_images
from synth2real.gap.metrics import (
    NEIGHBOURS,
    density_and_coverage,
    frechet_distance,
    kernel_distance,
    nearer_to_training,
)
from synth2real.gap.table import Measurement, write_measurements
from synth2real.spec import ImageSpec
from synth2real.training import Images

SUBSET, DRAWS = 1000, 100  # of the kernel distance


def measure_gap(
    config: ClassifierConfig,
    spec: ImageSpec,
    judge_path: Path,
    real: Images,
    images: Images,
    learnt: Images | None = None,
    *,
    path: Path,
) -> None:
    """Measures how far images are from real ones, and writes a table, a `Measurement` a line.

    Only as many images are measured as there are real ones. They meet all of the real images in
    the Fréchet and the kernel distance, and equally many, drawn with a fixed seed, in the others.
    Of fewer than six images only the labels are measured: coverage needs five neighbours.

    Args:
        config: the experiment's classifier. The judge has its architecture, the domain classifier
            its budget, too.
        judge_path: the judge's weights.
        real: images to compare with, which the judge did not train on.
        images: the images to measure.
        learnt: labelled real images that a GAN learnt from, whose conversions `images` are; as many
            of them as there are real ones, at most, are looked for in the conversions.
        path: the table.
    """
    random = np.random.default_rng(0)
    n = min(len(real.labels), len(images.labels))
    real = _draw(real, len(real.labels), random)
    images = _draw(images, n, random)
    learnt = learnt and _draw(learnt, len(real.labels), random)
    write_measurements(path, _measure(config, spec, judge_path, real, images, learnt))


def _draw(data: Images, count: int, random: np.random.Generator) -> Images:
    """Some of the images, or all, in random order."""
    index = random.permutation(len(data.labels))[:count]
    return Images(*(array[index] for array in data))


def _measure(
    config: ClassifierConfig,
    spec: ImageSpec,
    judge_path: Path,
    real: Images,
    images: Images,
    learnt: Images | None,
) -> Iterator[Measurement]:
    n = len(images.labels)
    features_NxD, predictions_N = judge_images(config, spec, judge_path, images.images)
    agreement = float((predictions_N == np.asarray(images.labels)).mean())
    yield Measurement("label_agreement", agreement, None, n)
    if n <= NEIGHBOURS:
        return

    real_MxD, _ = judge_images(config, spec, judge_path, real.images)
    yield Measurement("frechet_distance", frechet_distance(real_MxD, features_NxD), None, n)
    distance, std = kernel_distance(real_MxD, features_NxD, subset=SUBSET, draws=DRAWS)
    yield Measurement("kernel_distance", distance, std, n)
    density, coverage = density_and_coverage(real_MxD[:n], features_NxD)
    yield Measurement("density", density, None, n)
    yield Measurement("coverage", coverage, None, n)

    as_many = Images(*(array[:n] for array in real))
    accuracy = domain_accuracy(config, spec, as_many, images)
    yield Measurement("domain_accuracy", accuracy, None, n)

    if learnt:
        # Of pixels: the judge knows by heart what it was trained on.
        share = nearer_to_training(*(_flat(some.images) for some in (images, learnt, real)))
        yield Measurement("nearer_to_training", share, None, n)


def _flat(images_NxHxWxC: jax.Array) -> np.ndarray:
    """Pixels in 0..1, float32 [N, H W C]."""
    images = np.asarray(images_NxHxWxC, np.float32)
    return images.reshape(len(images), -1) / 255
