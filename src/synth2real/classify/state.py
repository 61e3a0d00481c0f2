"""A classifier in training: its arrays, its structure, its optimiser."""

from dataclasses import asdict
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from synth2real.classify.config import ClassifierConfig
from synth2real.classify.network import Classifier
from synth2real.nn.convolution import arithmetic
from synth2real.spec import ImageSpec
from synth2real.training import Arrays


class ClassifierState(NamedTuple):
    """All that a training step changes.

    `average` are averaged parameters; () without pseudo-labels, which need them.
    """

    step: jax.Array
    params: Arrays
    opt_state: optax.OptState
    average: Arrays | tuple[()] = ()

    @property
    def trained(self) -> Arrays:
        """The parameters to use after training."""
        return self.average or self.params


def about(config: ClassifierConfig, spec: ImageSpec) -> dict[str, Any]:
    """What a file of a classifier's weights says of itself, with what it was trained by."""
    network = {"network": "classifier", "config": asdict(config), "spec": asdict(spec)}
    return network | {"arithmetic": arithmetic()}


def make_optimiser(config: ClassifierConfig) -> optax.GradientTransformation:
    """Adam, at a constant learning rate or over one cosine cycle."""
    if config.one_cycle:
        return optax.adam(optax.cosine_onecycle_schedule(config.steps, config.learning_rate))
    return optax.adam(config.learning_rate)


def make_graph(config: ClassifierConfig, spec: ImageSpec) -> nnx.GraphDef[Classifier]:
    """The classifier's static structure; with parameters it makes a module again."""
    return nnx.graphdef(nnx.eval_shape(lambda: Classifier(config, spec, rngs=nnx.Rngs(0))))


def init_state(
    config: ClassifierConfig, spec: ImageSpec, key: jax.Array, averaged: bool = False
) -> ClassifierState:
    """Makes a classifier with fresh weights; best compiled as a whole."""
    params = nnx.state(Classifier(config, spec, rngs=nnx.Rngs(key)), nnx.Param)
    opt_state = make_optimiser(config).init(params)
    average = jax.tree.map(jnp.copy, params) if averaged else ()
    return ClassifierState(jnp.zeros((), jnp.int32), params, opt_state, average)


def apply_gradients(
    optimiser: optax.GradientTransformation, state: ClassifierState, grads: Arrays
) -> ClassifierState:
    """Takes one step of the optimiser; the average stays as it is."""
    updates, opt_state = optimiser.update(grads, state.opt_state)
    params = optax.apply_updates(state.params, updates)
    return state._replace(step=state.step + 1, params=params, opt_state=opt_state)


def scale_pixels(images: jax.Array) -> jax.Array:
    """Takes uint8 pixels to float32 in [0, 1]."""
    return images.astype(jnp.float32) / 255
