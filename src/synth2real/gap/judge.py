"""The judge: a classifier of all real images, in whose features the gap is measured."""

import logging
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from synth2real.classify.config import ClassifierConfig
from synth2real.classify.sets import TrainingSet
from synth2real.classify.state import about, make_graph, scale_pixels
from synth2real.classify.train import load_classifier, make_predict, train_classifiers
from synth2real.gap.table import Measurement, write_measurements
from synth2real.io.weights import save_weights
from synth2real.spec import ImageSpec
from synth2real.training import Images, in_batches

log = logging.getLogger(__name__)


class Seen(NamedTuple):
    """What the judge makes of images: features, float64 [N, hidden], and classes, int32 [N]."""

    features: np.ndarray
    predictions: np.ndarray


def train_judge(
    config: ClassifierConfig,
    spec: ImageSpec,
    train: Images,
    test: Images,
    *,
    path: Path,
    table: Path,
) -> None:
    """Trains the judge and writes its weights, and its accuracy on test images as label agreement.

    Raises:
        TrainingError: the loss is NaN or infinite.
    """
    (params,) = train_classifiers(config, spec, TrainingSet([train]), seeds=[0])
    save_weights(path, params, about(config, spec))
    predictions_N = make_predict(config, spec)(params, test.images)
    accuracy = float((predictions_N == np.asarray(test.labels)).mean())
    log.info(f"accuracy of the judge on {len(test.labels):,} test images: {accuracy:.4f}")
    write_measurements(table, [Measurement("label_agreement", accuracy, None, len(test.labels))])


def judge_images(
    config: ClassifierConfig, spec: ImageSpec, path: Path, images_NxHxWxC: jax.Array
) -> Seen:
    """Reads the judge and shows it images, uint8."""
    judge = nnx.merge(make_graph(config, spec), load_classifier(config, spec, path))
    see = jax.jit(lambda images_BxHxWxC: judge.features(scale_pixels(images_BxHxWxC)))
    features_NxD = in_batches(see, images_NxHxWxC)
    predictions_N = np.asarray(judge.dense2(jnp.asarray(features_NxD)).argmax(-1))
    return Seen(features_NxD.astype(np.float64), predictions_N)
