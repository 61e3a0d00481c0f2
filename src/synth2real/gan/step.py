"""One training step: discriminator and task classifier, then the generator (paper, section 3)."""

from collections.abc import Callable
from typing import NamedTuple

import jax
from flax import nnx

from synth2real.gan.config import GanConfig
from synth2real.gan.losses import (
    adversarial_loss,
    discriminator_loss,
    pixel_change_loss,
    task_loss,
)
from synth2real.gan.state import GanState, Graphs, Network, apply_gradients
from synth2real.training import Images, draw_batch


class GanData(NamedTuple):
    """The two domains, each a training or a validation part."""

    font: Images
    real: Images


def make_train_step(config: GanConfig, graphs: Graphs) -> Callable:
    """Returns the pure `train_step(state, data, key) -> (state, metrics)`.

    As in PixelDA, one step updates discriminator and task classifier on one batch, then the
    generator on another.
    """

    def train_step(state: GanState, data: GanData, key: jax.Array):
        key_judges, key_generator = jax.random.split(jax.random.fold_in(key, state.step))
        state, judge_metrics = _update_judges(config, graphs, state, data, key_judges)
        state, metrics = _update_generator(config, graphs, state, data.font, key_generator)
        return state._replace(step=state.step + 1), judge_metrics | metrics

    return train_step


def generate(
    graph: nnx.GraphDef, network: Network, font_BxHxWx1: jax.Array, key: jax.Array, *, train: bool
) -> tuple[jax.Array, nnx.State]:
    """Converts font images [-1, 1] with fresh noise; returns images and new batch statistics."""
    generator = nnx.merge(graph, network.params, network.stats, copy=True)
    z_BxZ = jax.random.uniform(
        key, (font_BxHxWx1.shape[0], generator.noise.in_features), minval=-1.0
    )
    converted = generator(font_BxHxWx1, z_BxZ, train=train)
    return converted, nnx.state(generator, nnx.BatchStat)


def _update_judges(
    config: GanConfig, graphs: Graphs, state: GanState, data: GanData, key: jax.Array
) -> tuple[GanState, dict[str, jax.Array]]:
    """Updates the discriminator and the task classifier."""
    keys = jax.random.split(key, 8)
    font_BxHxWx1, font_labels_B = _draw(data.font, keys[0], config)
    real_BxHxWx1, real_labels_B = _draw(data.real, keys[1], config)
    converted_BxHxWx1, _ = generate(
        graphs.generator, state.generator, font_BxHxWx1, keys[2], train=True
    )

    def judge_domain(params):
        judge = nnx.merge(graphs.discriminator, params, state.discriminator.stats, copy=True)
        # Real and converted batches are normalised apart, so that each has its own statistics.
        real_logits_B = judge(real_BxHxWx1, key=keys[3], train=True)
        fake_logits_B = judge(converted_BxHxWx1, key=keys[4], train=True)
        loss = discriminator_loss(real_logits_B, fake_logits_B)
        return config.weights.adversarial * loss, (loss, nnx.state(judge, nnx.BatchStat))

    def judge_task(params):
        task = nnx.merge(graphs.task, params, state.task.stats, copy=True)
        losses = {
            "task_font": task_loss(task.from_font(font_BxHxWx1, key=keys[5]), font_labels_B),
            "task_converted": task_loss(
                task.from_mnist(converted_BxHxWx1, key=keys[6]), font_labels_B
            ),
            "task_real": task_loss(task.from_mnist(real_BxHxWx1, key=keys[7]), real_labels_B),
        }
        return sum(getattr(config.weights, name) * losses[name] for name in losses), losses

    grads, (loss, stats) = jax.grad(judge_domain, has_aux=True)(state.discriminator.params)
    discriminator = apply_gradients(config, state.discriminator, grads)._replace(stats=stats)
    grads, task_losses = jax.grad(judge_task, has_aux=True)(state.task.params)
    state = state._replace(
        discriminator=discriminator, task=apply_gradients(config, state.task, grads)
    )
    return state, {"discriminator": loss} | task_losses


def _update_generator(
    config: GanConfig, graphs: Graphs, state: GanState, font: Images, key: jax.Array
) -> tuple[GanState, dict[str, jax.Array]]:
    """Updates the generator against the other two networks, which stay as they are."""
    keys = jax.random.split(key, 4)
    font_BxHxWx1, labels_B = _draw(font, keys[0], config)

    def fool(params):
        converted_BxHxWx1, stats = generate(
            graphs.generator,
            state.generator._replace(params=params),
            font_BxHxWx1,
            keys[1],
            train=True,
        )
        judge = nnx.merge(graphs.discriminator, *state.discriminator[:2], copy=True)
        task = nnx.merge(graphs.task, *state.task[:2], copy=True)
        adversarial = adversarial_loss(judge(converted_BxHxWx1, key=keys[2], train=True))
        recognised = task_loss(task.from_mnist(converted_BxHxWx1, key=keys[3]), labels_B)
        pixel_change = pixel_change_loss(converted_BxHxWx1, font_BxHxWx1)
        total = (
            config.weights.adversarial * adversarial
            + config.weights.task_converted * recognised
            + config.weights.pixel_change * pixel_change
        )
        return total, ({"adversarial": adversarial, "pixel_change": pixel_change}, stats)

    grads, (losses, stats) = jax.grad(fool, has_aux=True)(state.generator.params)
    generator = apply_gradients(config, state.generator, grads)._replace(stats=stats)
    return state._replace(generator=generator), losses


def _draw(data: Images, key: jax.Array, config: GanConfig) -> tuple[jax.Array, jax.Array]:
    images, labels = draw_batch(data, key, config.batch_size)
    return 2 * images - 1, labels
