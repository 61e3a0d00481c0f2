"""The networks of a GAN as arrays: what a training step changes, and the static rest."""

from dataclasses import asdict
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from synth2real.gan.bend import BendGenerator
from synth2real.gan.config import GanConfig
from synth2real.gan.exemplar import ExemplarGenerator
from synth2real.gan.networks import Discriminator, Generator, TaskClassifier
from synth2real.gan.projected import ProjectedDiscriminator
from synth2real.spec import ImageSpec
from synth2real.training import Arrays, running_average


def make_generator(config: GanConfig, spec: ImageSpec, *, rngs: nnx.Rngs) -> nnx.Module:
    """The generator that settings name; one that bends paints as real images' backgrounds ask."""
    if config.has_exemplars(spec):
        return ExemplarGenerator(config, spec, rngs=rngs)
    return {"resnet": Generator, "bend": BendGenerator}[config.generator](config, spec, rngs=rngs)


# By the names that settings have for them.
DISCRIMINATORS: dict[str, type] = {
    "pixelda": Discriminator,
    "projected": ProjectedDiscriminator,
}

# What training changes in a network; the features of a projected discriminator stay as they are.
TRAINED = nnx.All(nnx.Param, nnx.Not(nnx.PathContains("trunk")))
STAYING = nnx.Not(TRAINED)

GRADIENT_NORM = 5.0
DECAY_UPDATES = 10_000  # 20,000 of PixelDA's global steps, which count D and G updates alike
DECAY_RATE = 0.95
ADAM_BETA1 = 0.5
JOINT_BETA2 = 0.99
# An average over the last 200 steps or so is a better generator than the last step's.
AVERAGING = 0.005


class Gan(NamedTuple):
    """All that stays as it is in training: settings, and the networks' static structure.

    With parameters and statistics a structure makes a module again. It is hashable, so that
    compiled functions may take it as a static argument.
    """

    config: GanConfig
    spec: ImageSpec
    # Of which class these two are, settings say.
    generator: nnx.GraphDef[Any]
    discriminator: nnx.GraphDef[Any]
    task: nnx.GraphDef[TaskClassifier]

    @property
    def about(self) -> dict[str, Any]:
        """What a file of its weights says of itself."""
        return {"network": "GAN", "config": asdict(self.config), "spec": asdict(self.spec)}


class Network(NamedTuple):
    """One network's arrays: parameters, what no gradient changes, optimiser state.

    `average` are averaged parameters, or () if the training has none.
    """

    params: Arrays
    stats: Arrays
    opt_state: optax.OptState
    average: Arrays | tuple[()] = ()

    @property
    def trained(self) -> Arrays:
        """The parameters to use after training."""
        return self.average or self.params


class GanState(NamedTuple):
    """All that a training step changes."""

    step: jax.Array
    generator: Network
    discriminator: Network
    task: Network

    @property
    def weights(self) -> dict[str, dict[str, Arrays]]:
        """What a trained GAN's file holds: each network's trained parameters and statistics."""
        networks = {"generator": self.generator, "discriminator": self.discriminator}
        networks["task"] = self.task
        return {name: {"params": n.trained, "stats": n.stats} for name, n in networks.items()}


def make_optimiser(config: GanConfig) -> optax.GradientTransformation:
    """Adam as PixelDA has it: each tensor's gradient clipped to norm 5, staircase decay.

    For joint steps it is plain Adam, whose learning rate falls to 0 over the second half.
    """
    if config.step == "joint":
        half = config.steps // 2
        falling = optax.linear_schedule(config.learning_rate, 0.0, config.steps - half, half)
        return optax.adam(falling, b1=ADAM_BETA1, b2=JOINT_BETA2)

    def clip(grad: jax.Array) -> jax.Array:
        return grad * jnp.minimum(1.0, GRADIENT_NORM / (jnp.linalg.norm(grad.ravel()) + 1e-12))

    learning_rate = optax.exponential_decay(
        config.learning_rate, DECAY_UPDATES, DECAY_RATE, staircase=True
    )
    return optax.chain(
        optax.stateless(lambda grads, _: jax.tree.map(clip, grads)),
        optax.adam(learning_rate, b1=ADAM_BETA1),
    )


def make_gan(config: GanConfig, spec: ImageSpec) -> Gan:
    """Builds the networks' structure; computes nothing."""
    modules = nnx.eval_shape(lambda: _make_modules(config, spec, nnx.Rngs(0)))
    return Gan(config, spec, *(nnx.graphdef(module) for module in modules))


def init_state(config: GanConfig, spec: ImageSpec, key: jax.Array) -> GanState:
    """Makes the three networks with fresh weights.

    Under `jax.eval_shape` it gives their shapes; to compute it, compile it as a whole: one by
    one, its many small operations take longer.
    """
    optimiser = make_optimiser(config)
    networks = []
    for module in _make_modules(config, spec, nnx.Rngs(key)):
        params, stats = nnx.state(module, TRAINED, STAYING)
        average = jax.tree.map(jnp.copy, params) if config.step == "joint" else ()
        networks.append(Network(params, stats, optimiser.init(params), average))
    return GanState(jnp.zeros((), jnp.int32), *networks)


def start_training(gan: Gan, seed: int) -> tuple[GanState, jax.Array, jax.Array]:
    """Fresh networks, and the keys of the training's steps and of its validation."""
    key_init, key, key_validation = jax.random.split(jax.random.key(seed), 3)
    # It runs once, and XLA's best code for it takes three times as long to make.
    init = jax.jit(
        init_state,
        static_argnums=(0, 1),
        compiler_options={"xla_backend_optimization_level": 1},
    )
    return init(gan.config, gan.spec, key_init), key, key_validation


def _make_modules(config: GanConfig, spec: ImageSpec, rngs: nnx.Rngs) -> tuple[nnx.Module, ...]:
    networks = make_generator, DISCRIMINATORS[config.discriminator], TaskClassifier
    return tuple(network(config, spec, rngs=rngs) for network in networks)


def apply_gradients(config: GanConfig, network: Network, grads: Arrays, step: jax.Array) -> Network:
    """Takes a step, the one numbered `step` from 0, of the network's optimiser."""
    updates, opt_state = make_optimiser(config).update(grads, network.opt_state)
    params = optax.apply_updates(network.params, updates)
    average = running_average(params, network.average, step, AVERAGING)
    return network._replace(params=params, opt_state=opt_state, average=average)
