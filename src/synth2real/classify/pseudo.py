"""The recipe with real images without labels: FixMatch.

Sohn et al., "FixMatch: Simplifying Semi-Supervised Learning with Consistency and Confidence",
NeurIPS 2020. Where the averaged classifier is sure of an image, that class is the label of the same
image, warped at random. Labelled images are warped, too.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from synth2real.classify.config import ClassifierConfig
from synth2real.classify.sets import draw_evenly
from synth2real.classify.state import (
    ClassifierState,
    apply_gradients,
    make_graph,
    make_optimiser,
    scale_pixels,
)
from synth2real.nn.augment import random_warp
from synth2real.spec import ImageSpec
from synth2real.training import Arrays, Images, Metrics, Step, running_average

CONFIDENT = 0.95  # of the highest probability, as in the paper
AVERAGING = 0.01  # share of the newest weights in the average that pseudo-labels come from
PER_LABELLED = 1.5  # images without labels for each with one, of which each weighs as much
# No pseudo-labels in a fifteenth of the steps: the average knows nothing yet.
WARM_UP = 15


class PseudoData(NamedTuple):
    """Pools of labelled images, and uint8 images [N, H, W, C] without labels."""

    pools: Sequence[Images]
    unlabelled: jax.Array


def make_pseudo_step(config: ClassifierConfig, spec: ImageSpec) -> Step:
    """Returns the pure `train_step(state, data, key) -> (state, metrics)`.

    Metrics are the loss of labelled images, that of the others, and the share of those that the
    average was sure of.
    """
    optimiser, graph = make_optimiser(config), make_graph(config, spec)
    count = round(PER_LABELLED * config.batch_size)

    def warp(x_BxHxWxC: jax.Array, key: jax.Array) -> jax.Array:
        return random_warp(x_BxHxWxC, key, spec.fill(1 / 255))

    def train_step(
        state: ClassifierState, data: PseudoData, key: jax.Array
    ) -> tuple[ClassifierState, Metrics]:
        keys = jax.random.split(jax.random.fold_in(key, state.step), 5)
        images, labels_B = draw_evenly(data.pools, keys[0], config.batch_size)
        index_U = jax.random.randint(keys[1], (count,), 0, len(data.unlabelled))
        unlabelled = scale_pixels(data.unlabelled[index_U])
        beliefs_UxC = jax.nn.softmax(nnx.merge(graph, state.average)(unlabelled))
        sure_U = (beliefs_UxC.max(-1) > CONFIDENT) & (state.step >= config.steps // WARM_UP)
        labelled_BxHxWxC = warp(scale_pixels(images), keys[2])
        x = jnp.concatenate([labelled_BxHxWxC, warp(unlabelled, keys[3])])
        targets = jnp.concatenate([labels_B, beliefs_UxC.argmax(-1)])

        def loss_fn(params: Arrays) -> tuple[jax.Array, Metrics]:
            logits = nnx.merge(graph, params)(x, key=keys[4])
            losses = optax.softmax_cross_entropy_with_integer_labels(logits, targets)
            labelled = losses[: config.batch_size].mean()
            pseudo = (sure_U * losses[config.batch_size :]).sum() / config.batch_size
            return labelled + pseudo, {"loss": labelled, "pseudo": pseudo}

        grads, losses = jax.grad(loss_fn, has_aux=True)(state.params)
        after = apply_gradients(optimiser, state, grads)
        average = running_average(after.params, state.average, state.step, AVERAGING)
        return after._replace(average=average), losses | {"sure": sure_U.mean()}

    return train_step
