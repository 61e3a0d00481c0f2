"""Training and testing of the paper's classifier."""

import functools
import operator
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from synth2real.classify.config import ClassifierConfig
from synth2real.classify.pseudo import PseudoData, make_pseudo_step
from synth2real.classify.sets import TrainingSet, draw_evenly
from synth2real.classify.state import (
    ClassifierState,
    about,
    apply_gradients,
    init_state,
    make_graph,
    make_optimiser,
    scale_pixels,
)
from synth2real.io.weights import load_weights, save_weights
from synth2real.nn.augment import random_warp
from synth2real.spec import ImageSpec
from synth2real.training import Arrays, Images, Metrics, Progress, Step, in_batches, run_chunks


def make_train_step(config: ClassifierConfig, spec: ImageSpec, augment: bool = False) -> Step:
    """Returns the pure `train_step(state, pools, key) -> (state, metrics)`."""
    optimiser, graph = make_optimiser(config), make_graph(config, spec)

    def train_step(
        state: ClassifierState, pools: Sequence[Images], key: jax.Array
    ) -> tuple[ClassifierState, Metrics]:
        keys = jax.random.split(jax.random.fold_in(key, state.step), 3)
        key_batch, key_dropout, key_warp = keys
        images_BxHxWxC, labels_B = draw_evenly(pools, key_batch, config.batch_size)
        x_BxHxWxC = scale_pixels(images_BxHxWxC)
        if augment:
            x_BxHxWxC = random_warp(x_BxHxWxC, key_warp, spec.fill(1 / 255))

        def loss_fn(params: Arrays) -> jax.Array:
            logits_BxC = nnx.merge(graph, params)(x_BxHxWxC, key=key_dropout)
            loss_B = optax.softmax_cross_entropy_with_integer_labels(logits_BxC, labels_B)
            loss: jax.Array = loss_B.mean()
            return loss

        loss, grads = jax.value_and_grad(loss_fn)(state.params)
        return apply_gradients(optimiser, state, grads), {"loss": loss}

    return train_step


def train_classifiers(
    config: ClassifierConfig,
    spec: ImageSpec,
    training_set: TrainingSet,
    *,
    seeds: Sequence[int],
) -> Iterator[Arrays]:
    """Trains one classifier for each seed and yields their weights.

    An accelerator trains them side by side, a CPU one after the other: there, five at once take
    longer than five in turn.

    Raises:
        TrainingError: the loss is NaN or infinite.
    """
    step, data = _make_step(config, spec, training_set)
    averaged = training_set.unlabelled is not None
    init = functools.partial(init_state, config, spec, averaged=averaged)
    keys_Rx2 = jnp.stack([jax.random.split(jax.random.key(seed)) for seed in seeds])
    progress = Progress(config.steps * config.batch_size * len(seeds))
    if jax.default_backend() == "cpu":
        make = jax.jit(init)
        for run, (key_init, key) in enumerate(keys_Rx2):
            for state, metrics in run_chunks(step, make(key_init), data, key, steps=config.steps):
                steps = run * config.steps + int(state.step)
                progress.update(steps * config.batch_size, metrics)
            yield state.trained
        return
    together = jax.vmap(step, in_axes=(0, None, 0))
    start = jax.jit(jax.vmap(init))(keys_Rx2[:, 0])
    for states, metrics in run_chunks(together, start, data, keys_Rx2[:, 1], steps=config.steps):
        progress.update(int(states.step.sum()) * config.batch_size, metrics)
    for run in range(len(seeds)):
        yield jax.tree.map(operator.itemgetter(run), states.trained)


def _make_step(
    config: ClassifierConfig, spec: ImageSpec, training_set: TrainingSet
) -> tuple[Step, Any]:
    """A training step and the data that it takes."""
    pools, augment, unlabelled = training_set
    if unlabelled is None:
        return make_train_step(config, spec, augment), pools
    return make_pseudo_step(config, spec), PseudoData(pools, unlabelled)


def write_classifiers(
    config: ClassifierConfig,
    spec: ImageSpec,
    training_set: TrainingSet,
    *,
    seeds: Sequence[int],
    paths: Sequence[Path],
) -> None:
    """Writes the weights of `train_classifiers` (safetensors) that are not there yet."""
    left = [(seed, path) for seed, path in zip(seeds, paths, strict=True) if not path.exists()]
    if left:
        seeds_left, paths_left = zip(*left, strict=True)
        trained = train_classifiers(config, spec, training_set, seeds=seeds_left)
        for params, path in zip(trained, paths_left, strict=True):
            save_weights(path, params, about(config, spec))


def make_predict(
    config: ClassifierConfig, spec: ImageSpec
) -> Callable[[Arrays, jax.Array], np.ndarray]:
    """Returns `predict(params, images)`: the class, int32 [N], of uint8 images [N, H, W, C]."""
    graph = make_graph(config, spec)

    @jax.jit
    def predict(params: Arrays, images_BxHxWxC: jax.Array) -> jax.Array:
        return nnx.merge(graph, params)(scale_pixels(images_BxHxWxC)).argmax(-1)

    return lambda params, images: in_batches(functools.partial(predict, params), images)


def load_classifier(config: ClassifierConfig, spec: ImageSpec, path: Path) -> Arrays:
    """Reads weights that `train_classifiers` wrote."""
    state = jax.eval_shape(lambda: init_state(config, spec, jax.random.key(0)))
    params: Arrays = load_weights(path, state.params)
    return params
