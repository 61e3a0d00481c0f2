"""Training and testing of the paper's classifier."""

import functools
import operator
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from synth2real.augment import random_affine
from synth2real.classify.config import ClassifierConfig
from synth2real.classify.network import Classifier
from synth2real.classify.sets import TrainingSet, draw_evenly
from synth2real.training import Images, Progress, in_batches, run_chunks
from synth2real.trees import load_tree, save_tree


class ClassifierState(NamedTuple):
    """All that a training step changes."""

    step: jax.Array
    params: nnx.State
    opt_state: optax.OptState


def make_optimiser(config: ClassifierConfig) -> optax.GradientTransformation:
    """Adam, at a constant learning rate or over one cosine cycle."""
    if config.one_cycle:
        return optax.adam(optax.cosine_onecycle_schedule(config.steps, config.learning_rate))
    return optax.adam(config.learning_rate)


def make_graph(config: ClassifierConfig) -> nnx.GraphDef:
    """The classifier's static structure; with parameters it makes a module again."""
    return nnx.graphdef(nnx.eval_shape(lambda: Classifier(config, rngs=nnx.Rngs(0))))


def init_state(config: ClassifierConfig, key: jax.Array) -> ClassifierState:
    """Makes a classifier with fresh weights; best compiled as a whole."""
    params = nnx.state(Classifier(config, rngs=nnx.Rngs(key)), nnx.Param)
    opt_state = make_optimiser(config).init(params)
    return ClassifierState(jnp.zeros((), jnp.int32), params, opt_state)


def scale_pixels(images: jax.Array) -> jax.Array:
    """Takes uint8 pixels to float32 in [0, 1]."""
    return images.astype(jnp.float32) / 255


def make_train_step(config: ClassifierConfig, graph: nnx.GraphDef, augment: bool = False):
    """Returns the pure `train_step(state, pools, key) -> (state, metrics)`."""
    optimiser = make_optimiser(config)

    def train_step(state: ClassifierState, pools: Sequence[Images], key: jax.Array):
        keys = jax.random.split(jax.random.fold_in(key, state.step), 3)
        key_batch, key_dropout, key_affine = keys
        images_BxHxWx1, labels_B = draw_evenly(pools, key_batch, config.batch_size)
        x_BxHxWx1 = scale_pixels(images_BxHxWx1)
        if augment:
            x_BxHxWx1 = random_affine(x_BxHxWx1, key_affine)

        def loss_fn(params):
            logits_BxC = nnx.merge(graph, params)(x_BxHxWx1, key=key_dropout)
            return optax.softmax_cross_entropy_with_integer_labels(logits_BxC, labels_B).mean()

        loss, grads = jax.value_and_grad(loss_fn)(state.params)
        updates, opt_state = optimiser.update(grads, state.opt_state)
        params = optax.apply_updates(state.params, updates)
        return ClassifierState(state.step + 1, params, opt_state), {"loss": loss}

    return train_step


def train_classifiers(
    config: ClassifierConfig, training_set: TrainingSet, *, seeds: Sequence[int], label: str
) -> Iterator[nnx.State]:
    """Trains one classifier for each seed and yields their weights.

    An accelerator trains them side by side, a CPU one after the other: there, five at once take
    longer than five in turn.

    Raises:
        TrainingError: the loss is NaN or infinite.
    """
    pools, augment = training_set
    step = make_train_step(config, make_graph(config), augment)
    init = functools.partial(init_state, config)
    keys_Rx2 = jnp.stack([jax.random.split(jax.random.key(seed)) for seed in seeds])
    progress = Progress(config.steps * config.batch_size * len(seeds), label)
    if jax.default_backend() == "cpu":
        make = jax.jit(init)
        for run, (key_init, key) in enumerate(keys_Rx2):
            for state, metrics in run_chunks(step, make(key_init), pools, key, steps=config.steps):
                steps = run * config.steps + int(state.step)
                progress.update(steps * config.batch_size, metrics)
            yield state.params
        return
    together = jax.vmap(step, in_axes=(0, None, 0))
    start = jax.jit(jax.vmap(init))(keys_Rx2[:, 0])
    for states, metrics in run_chunks(together, start, pools, keys_Rx2[:, 1], steps=config.steps):
        progress.update(int(states.step.sum()) * config.batch_size, metrics)
    for run in range(len(seeds)):
        yield jax.tree.map(operator.itemgetter(run), states.params)


def write_classifiers(
    config: ClassifierConfig,
    training_set: TrainingSet,
    *,
    seeds: Sequence[int],
    paths: Sequence[Path],
    label: str,
) -> None:
    """Writes the weights of `train_classifiers` (.npz), each when it is trained."""
    trained = train_classifiers(config, training_set, seeds=seeds, label=label)
    for params, path in zip(trained, paths, strict=True):
        save_tree(path, params)


def make_accuracy(config: ClassifierConfig):
    """Returns `accuracy(params, data)`: the share of images whose digit is recognised."""
    graph = make_graph(config)

    @jax.jit
    def read(params: nnx.State, images_BxHxW: jax.Array) -> jax.Array:
        return nnx.merge(graph, params)(scale_pixels(images_BxHxW[..., None])).argmax(-1)

    def accuracy(params: nnx.State, data: Images) -> float:
        digits_N = in_batches(functools.partial(read, params), data.images[..., 0])
        return float((digits_N == np.asarray(data.labels)).mean())

    return accuracy


def load_classifier(config: ClassifierConfig, path: Path) -> nnx.State:
    """Reads weights that `train_classifiers` wrote."""
    return load_tree(path, jax.eval_shape(lambda: init_state(config, jax.random.key(0))).params)
