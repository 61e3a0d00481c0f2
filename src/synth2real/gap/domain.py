"""The domain classifier: can a network tell images from real ones?"""

import jax.numpy as jnp
import numpy as np

from synth2real.classify.config import ClassifierConfig
from synth2real.classify.sets import TrainingSet
from synth2real.classify.train import make_predict, train_classifiers
from synth2real.spec import ImageSpec
from synth2real.training import Images


def domain_accuracy(
    config: ClassifierConfig, spec: ImageSpec, real: Images, images: Images
) -> float:
    """Accuracy, in [0, 1], of a network at telling images from as many real ones.

    It learns from the first half of both and is tested on the second; 0.5 is a closed gap. Both
    halves may show the same object in another view. The network is the experiment's classifier, of
    whose logits the first two have a label.
    """
    half = len(real.labels) // 2
    train = TrainingSet([_mix(real, images, slice(half))])
    (params,) = train_classifiers(config, spec, train, seeds=[0])
    test = _mix(real, images, slice(half, None))
    predictions_N = make_predict(config, spec)(params, test.images)
    return float((predictions_N == np.asarray(test.labels)).mean())


def _mix(real: Images, images: Images, part: slice) -> Images:
    """A part of both, labelled 0 for real and 1 for the others."""
    both = [real.images[part], images.images[part]]
    labels = jnp.repeat(jnp.arange(2, dtype=jnp.int32), len(both[0]))
    return Images(jnp.concatenate(both), labels)
