"""The networks of a GAN as arrays: what a training step changes, and the static rest."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from synth2real.gan.config import GanConfig
from synth2real.gan.networks import Discriminator, Generator, TaskClassifier
from synth2real.gan.projection import ProjectionDiscriminator
from synth2real.gan.warp import WarpGenerator
from synth2real.spec import ImageSpec

# By the names that settings have for them.
GENERATORS: dict[str, type] = {"resnet": Generator, "warp": WarpGenerator}
DISCRIMINATORS: dict[str, type] = {
    "pixelda": Discriminator,
    "projection": ProjectionDiscriminator,
}

GRADIENT_NORM = 5.0
DECAY_UPDATES = 10_000  # 20,000 of PixelDA's global steps, which count D and G updates alike
DECAY_RATE = 0.95
ADAM_BETA1 = 0.5


class Gan(NamedTuple):
    """All that stays as it is in training: settings, and the networks' static structure.

    With parameters and statistics a structure makes a module again. It is hashable, so that
    compiled functions may take it as a static argument.
    """

    config: GanConfig
    spec: ImageSpec
    generator: nnx.GraphDef
    discriminator: nnx.GraphDef
    task: nnx.GraphDef


class Network(NamedTuple):
    """One network's arrays: parameters, batch statistics, optimiser state."""

    params: nnx.State
    stats: nnx.State
    opt_state: optax.OptState


class GanState(NamedTuple):
    """All that a training step changes."""

    step: jax.Array
    generator: Network
    discriminator: Network
    task: Network

    @property
    def weights(self) -> dict[str, dict[str, nnx.State]]:
        """What a trained GAN's file holds: each network's parameters and batch statistics."""
        networks = {"generator": self.generator, "discriminator": self.discriminator}
        networks["task"] = self.task
        return {name: {"params": n.params, "stats": n.stats} for name, n in networks.items()}


def make_optimiser(config: GanConfig) -> optax.GradientTransformation:
    """Adam as PixelDA has it: each tensor's gradient clipped to norm 5, staircase decay."""

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
        _, params, stats = nnx.split(module, nnx.Param, ...)  # type: ignore[misc]
        networks.append(Network(params, stats, optimiser.init(params)))
    return GanState(jnp.zeros((), jnp.int32), *networks)


def _make_modules(config: GanConfig, spec: ImageSpec, rngs: nnx.Rngs) -> tuple[nnx.Module, ...]:
    networks = GENERATORS[config.generator], DISCRIMINATORS[config.discriminator], TaskClassifier
    return tuple(network(config, spec, rngs=rngs) for network in networks)


def apply_gradients(config: GanConfig, network: Network, grads: nnx.State) -> Network:
    """Takes one step of the network's optimiser."""
    updates, opt_state = make_optimiser(config).update(grads, network.opt_state)
    return network._replace(
        params=optax.apply_updates(network.params, updates), opt_state=opt_state
    )
