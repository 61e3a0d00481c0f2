"""Of several conversions of an image, the one that a classifier is least sure of.

Most conversions teach a classifier nothing that it does not know after a few hundred others. So of
each image's candidates the one is kept that a teacher is least sure of (Shrivastava et al.,
"Training Region-based Object Detectors with Online Hard Example Mining", CVPR 2016), among those
that it still takes for the right class: a conversion that lost its label would teach a wrong one.
The teacher learns, as the task classifiers will, from the split's real images and from candidates:
the first of each image. Those it knows, so they are kept a little less often than the others.
"""

import functools
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from synth2real.classify.config import ClassifierConfig
from synth2real.classify.sets import TrainingSet
from synth2real.classify.train import make_graph, scale_pixels, train_classifiers
from synth2real.spec import ImageSpec
from synth2real.training import Images, in_batches, join


class Candidate(NamedTuple):
    """One conversion of every synthetic image.

    `images` are uint8 [N, H, W, C]; `from_real`, bool [N], says which of them are warped real
    images in the place of a synthetic image.
    """

    images: np.ndarray
    from_real: np.ndarray


def keep_hardest(
    config: ClassifierConfig,
    spec: ImageSpec,
    real: Images,
    copies: Iterable[Sequence[Candidate]],
    labels_N: jax.Array,
    seed: int,
) -> Iterator[Candidate]:
    """Keeps one of each image's candidates, for each copy; the teacher learns from the first."""
    copies = iter(copies)
    first = next(copies)
    parts = [real, Images(jnp.asarray(first[0].images), labels_N)]
    teacher = train_teacher(config, spec, parts, seed)
    predict = functools.partial(_predict, make_graph(config, spec), teacher)
    for candidates in itertools.chain([first], copies):
        beliefs = np.stack([in_batches(predict, candidate.images) for candidate in candidates])
        choice_N = hardest(beliefs, np.asarray(labels_N))
        places_N = np.arange(len(choice_N))
        fields = zip(*candidates, strict=True)
        yield Candidate(*(np.stack(arrays)[choice_N, places_N] for arrays in fields))


@functools.partial(jax.jit, static_argnums=0)
def _predict(graph: nnx.GraphDef, teacher: nnx.State, images_BxHxWxC: jax.Array) -> jax.Array:
    return jax.nn.softmax(nnx.merge(graph, teacher)(scale_pixels(images_BxHxWxC)))


def hardest(beliefs_KxNxC: np.ndarray, labels_N: np.ndarray) -> np.ndarray:
    """Which candidate of each image is classified rightly with the least probability; int64 [N].

    Where all are misclassified it is the one whose class is given the highest probability.
    """
    belief_KxN = np.take_along_axis(beliefs_KxNxC, labels_N.astype(int)[None, :, None], -1)[..., 0]
    right_KxN = beliefs_KxNxC.argmax(-1) == labels_N
    return np.where(right_KxN, 1 - belief_KxN, belief_KxN - 1).argmax(0)


def train_teacher(
    config: ClassifierConfig, spec: ImageSpec, parts: Sequence[Images], seed: int
) -> nnx.State:
    """Trains a classifier of the experiment on all images of the parts."""
    training_set = TrainingSet([join(parts)])
    (params,) = train_classifiers(config, spec, training_set, seeds=[seed], label="teacher")
    return params
