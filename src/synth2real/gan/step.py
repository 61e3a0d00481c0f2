"""One training step of discriminator, task classifier and generator (paper, section 3)."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx

from synth2real.augment import random_warp
from synth2real.gan.config import GanConfig
from synth2real.gan.losses import (
    adversarial_loss,
    discriminator_loss,
    pixel_change_loss,
    task_loss,
)
from synth2real.gan.state import GanState, Graphs, Network, apply_gradients
from synth2real.layers import CLASSES
from synth2real.training import Images, Metrics, draw_batch


class GanData(NamedTuple):
    """The two domains, each a training or a validation part."""

    font: Images
    real: Images


class Batch(NamedTuple):
    """Images, float32 [B, 28, 28, 1] in [-1, 1], and labels, int32 [B], of an update.

    `converted` are the generator's versions of `font`; they share its labels.
    """

    font: jax.Array
    font_labels: jax.Array
    real: jax.Array
    real_labels: jax.Array
    converted: jax.Array


def make_train_step(config: GanConfig, graphs: Graphs) -> Callable:
    """Returns the pure `train_step(state, data, key) -> (state, metrics)`.

    As in PixelDA, one step updates discriminator and task classifier on one batch, then the
    generator on another. Metrics are the losses before their weights.
    """

    def train_step(state: GanState, data: GanData, key: jax.Array) -> tuple[GanState, Metrics]:
        keys = jax.random.split(jax.random.fold_in(key, state.step), 4)
        batch = _draw(config, graphs, state, data, keys[0])
        discriminator, losses = _update_discriminator(config, graphs, state, data, batch, keys[1])
        task, task_losses = _update_task(config, graphs, state, batch, keys[2])
        state = state._replace(discriminator=discriminator, task=task)
        generator, generator_losses = _update_generator(config, graphs, state, data, keys[3])
        state = state._replace(generator=generator, step=state.step + 1)
        return state, losses | task_losses | generator_losses

    return train_step


def signed_pixels(images: jax.Array) -> jax.Array:
    """Takes uint8 pixels to float32 in [-1, 1]."""
    return images.astype(jnp.float32) / 127.5 - 1


def prepare(config: GanConfig, images: jax.Array, key: jax.Array) -> jax.Array:
    """Scales uint8 images [B, 28, 28, 1] to [-1, 1] and, where the GAN has it so, warps them."""
    if not config.augment:
        return signed_pixels(images)
    return random_warp(images.astype(jnp.float32) / 127.5, key) - 1


def generate(
    graph: nnx.GraphDef, generator: Network, font_BxHxWx1: jax.Array, key: jax.Array, *, train: bool
) -> tuple[jax.Array, nnx.State]:
    """Converts font images with fresh noise; returns images [-1, 1] and new batch statistics."""
    module = nnx.merge(graph, generator.params, generator.stats, copy=True)
    shape = (font_BxHxWx1.shape[0], module.noise.in_features)
    z_BxZ = jax.random.uniform(key, shape, minval=-1.0)
    converted_BxHxWx1 = module(font_BxHxWx1, z_BxZ, train=train)
    return converted_BxHxWx1, nnx.state(module, nnx.BatchStat)


def judge(
    graph: nnx.GraphDef,
    discriminator: Network,
    x_BxHxWx1: jax.Array,
    labels_B: jax.Array,
    key: jax.Array,
) -> tuple[jax.Array, nnx.State]:
    """Judges images [-1, 1] as in training; returns logits [B] and new batch statistics.

    Each call has a module of its own: spectral normalisation divides the kernels of the one it is
    called on, and a second call would divide them again.
    """
    module = nnx.merge(graph, discriminator.params, discriminator.stats, copy=True)
    logits_B = module(x_BxHxWx1, labels_B, key=key, train=True)
    return logits_B, nnx.state(module, nnx.BatchStat)


def _draw(
    config: GanConfig, graphs: Graphs, state: GanState, data: GanData, key: jax.Array
) -> Batch:
    key_font, key_real, key_noise, *keys = jax.random.split(key, 5)
    font, font_labels = draw_batch(data.font, key_font, config.batch_size)
    real, real_labels = draw_batch(data.real, key_real, config.batch_size)
    font, real = prepare(config, font, keys[0]), prepare(config, real, keys[1])
    converted, _ = generate(graphs.generator, state.generator, font, key_noise, train=True)
    return Batch(font, font_labels, real, real_labels, converted)


def _shown(config: GanConfig, data: GanData, labels_B: jax.Array) -> jax.Array | float:
    """1 for digits that some real image shows, else 0, which takes them out of the GAN's game.

    Nothing says how such a digit looks; the task classifier alone keeps it what it is. PixelDA's
    discriminator does not ask for the digit.
    """
    if not config.warp:
        return 1.0
    return (jnp.bincount(data.real.labels, length=CLASSES) > 0)[labels_B]


def _update_discriminator(
    config: GanConfig,
    graphs: Graphs,
    state: GanState,
    data: GanData,
    batch: Batch,
    key: jax.Array,
) -> tuple[Network, Metrics]:
    key_real, key_fake = jax.random.split(key)

    def loss_fn(params):
        # Real and converted batches go apart: PixelDA's batch norm has statistics of each.
        graph, discriminator = graphs.discriminator, state.discriminator._replace(params=params)
        real_logits_B, stats = judge(graph, discriminator, batch.real, batch.real_labels, key_real)
        discriminator = discriminator._replace(stats=stats)
        fake_logits_B, stats = judge(
            graph, discriminator, batch.converted, batch.font_labels, key_fake
        )
        fake_logits_B *= _shown(config, data, batch.font_labels)
        loss = discriminator_loss(real_logits_B, fake_logits_B)
        return config.weights.adversarial * loss, (loss, stats)

    grads, (loss, stats) = jax.grad(loss_fn, has_aux=True)(state.discriminator.params)
    discriminator = apply_gradients(config, state.discriminator, grads)
    return discriminator._replace(stats=stats), {"discriminator": loss}


def _update_task(
    config: GanConfig, graphs: Graphs, state: GanState, batch: Batch, key: jax.Array
) -> tuple[Network, Metrics]:
    keys = jax.random.split(key, 3)

    def loss_fn(params):
        task = nnx.merge(graphs.task, params, state.task.stats, copy=True)
        logits_font_BxC = task.from_font(batch.font, key=keys[0])
        logits_converted_BxC = task.from_mnist(batch.converted, key=keys[1])
        logits_real_BxC = task.from_mnist(batch.real, key=keys[2])
        losses = {
            "task_font": task_loss(logits_font_BxC, batch.font_labels),
            "task_converted": task_loss(logits_converted_BxC, batch.font_labels),
            "task_real": task_loss(logits_real_BxC, batch.real_labels),
        }
        return sum(getattr(config.weights, name) * losses[name] for name in losses), losses

    grads, losses = jax.grad(loss_fn, has_aux=True)(state.task.params)
    return apply_gradients(config, state.task, grads), losses


def _update_generator(
    config: GanConfig, graphs: Graphs, state: GanState, data: GanData, key: jax.Array
) -> tuple[Network, Metrics]:
    """Updates the generator against the other two networks, which stay as they are."""
    keys = jax.random.split(key, 5)
    images_BxHxWx1, labels_B = draw_batch(data.font, keys[0], config.batch_size)
    font_BxHxWx1 = prepare(config, images_BxHxWx1, keys[4])

    def loss_fn(params):
        generator = state.generator._replace(params=params)
        converted, stats = generate(graphs.generator, generator, font_BxHxWx1, keys[1], train=True)
        logits_B, _ = judge(graphs.discriminator, state.discriminator, converted, labels_B, keys[2])
        task = nnx.merge(graphs.task, *state.task[:2], copy=True)
        adversarial = adversarial_loss(logits_B * _shown(config, data, labels_B))
        recognised = task_loss(task.from_mnist(converted, key=keys[3]), labels_B)
        pixel_change = pixel_change_loss(converted, font_BxHxWx1)
        total = (
            config.weights.adversarial * adversarial
            + config.weights.task_converted * recognised
            + config.weights.pixel_change * pixel_change
        )
        return total, ({"adversarial": adversarial, "pixel_change": pixel_change}, stats)

    grads, (losses, stats) = jax.grad(loss_fn, has_aux=True)(state.generator.params)
    return apply_gradients(config, state.generator, grads)._replace(stats=stats), losses
