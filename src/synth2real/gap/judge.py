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
    load_classifier,
    make_accuracy,
    make_graph,
    scale_pixels,
    train_classifiers,
)
from synth2real.gap.table import Measurement, write_measurements
from synth2real.training import Images, in_batches
from synth2real.trees import save_tree

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
    (params,) = train_classifiers(config, TrainingSet([train]), seeds=[0], label="judge")
    save_tree(path, params)
    accuracy = make_accuracy(config)(params, test)
    log.info(f"accuracy of the judge on {len(test.labels):,} test images: {accuracy:.4f}")
    write_measurements(table, [Measurement("label_agreement", accuracy, None, len(test.labels))])


def judge_images(config: ClassifierConfig, path: Path, images_Nx28x28x1: jax.Array) -> Seen:
    """Reads the judge and shows it images, uint8."""
    judge = nnx.merge(make_graph(config), load_classifier(config, path))
    see = jax.jit(lambda images_BxHxW: judge.features(scale_pixels(images_BxHxW[..., None])))
    features_NxD = in_batches(see, images_Nx28x28x1[..., 0])
    digits_N = np.asarray(judge.dense2(features_NxD).argmax(-1))
    return Seen(features_NxD.astype(np.float64), digits_N)
