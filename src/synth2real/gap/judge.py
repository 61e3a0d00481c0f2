"""The judge: a classifier of all real images, in whose features the gap is measured."""

import logging
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from flax import nnx

from synth2real.classify.config import ClassifierConfig
from synth2real.classify.sets import TrainingSet
from synth2real.classify.train import (
    TEST_BATCH,
    load_classifier,
    make_accuracy,
    make_graph,
    scale_pixels,
    train_classifiers,
)
from synth2real.gap.table import Measurement, write_measurements
from synth2real.training import Images

log = logging.getLogger(__name__)


class Seen(NamedTuple):
    """What the judge makes of images: features, float64 [N, hidden], and digits, int32 [N]."""

    features: np.ndarray
    digits: np.ndarray


def train_judge(
    config: ClassifierConfig, train: Images, test: Images, *, path: Path, table: Path
) -> None:
    """Trains the judge and writes its weights, and its accuracy on test images as label agreement.

    Raises:
        TrainingError: the loss is NaN or infinite.
    """
    train_classifiers(config, TrainingSet([train]), seeds=[0], paths=[path], label="judge")
    accuracy = make_accuracy(config)(load_classifier(config, path), test)
    log.info(f"accuracy of the judge on {len(test.labels):,} test images: {accuracy:.4f}")
    write_measurements(table, [Measurement("label_agreement", accuracy, None, len(test.labels))])


def judge_images(config: ClassifierConfig, path: Path, images_Nx28x28x1: jax.Array) -> Seen:
    """Reads the judge and shows it images, uint8."""
    graph, params = make_graph(config), load_classifier(config, path)

    @jax.jit
    def see(params: nnx.State, images: jax.Array) -> tuple[jax.Array, jax.Array]:
        judge = nnx.merge(graph, params)
        features_BxD = judge.features(scale_pixels(images))
        return features_BxD, judge.dense2(features_BxD).argmax(-1)

    batches = [
        see(params, images_Nx28x28x1[start : start + TEST_BATCH])
        for start in range(0, len(images_Nx28x28x1), TEST_BATCH)
    ]
    features_NxD, digits_N = map(np.concatenate, zip(*batches, strict=True))
    return Seen(features_NxD.astype(np.float64), digits_N)
