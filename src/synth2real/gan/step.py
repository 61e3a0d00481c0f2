"""One training step of discriminator, task classifier and generator (paper, section 3)."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx

from synth2real.gan.exemplar import ExemplarGenerator
from synth2real.gan.losses import (
    adversarial_loss,
    discriminator_loss,
    pixel_change_loss,
    task_loss,
)
from synth2real.gan.networks import signed_pixels
from synth2real.gan.projected import NO_CLASS
from synth2real.gan.state import STAYING, Gan, GanState, Network, apply_gradients
from synth2real.training import Arrays, Images, Metrics, Step, draw_batch

STRENGTH, EXEMPLAR = 1, 2  # folded into the key of a conversion's noise


class GanData(NamedTuple):
    """The two domains, each a training or a validation part.

    `unlabelled` are more real images, uint8 [N, H, W, C], or () if the GAN sees none.
    """

    synthetic: Images
    real: Images
    unlabelled: jax.Array | tuple[()] = ()


class Batch(NamedTuple):
    """Images, float32 [B, H, W, C] in [-1, 1], and labels, int32 [B], of an update.

    `converted` are the generator's versions of `synthetic`; they share its labels.
    """

    synthetic: jax.Array
    synthetic_labels: jax.Array
    real: jax.Array
    real_labels: jax.Array
    converted: jax.Array


def make_train_step(gan: Gan) -> Step:
    """Returns the pure `train_step(state, data, key) -> (state, metrics)`.

    As in PixelDA, one step updates discriminator and task classifier on one batch, then the
    generator on another. Metrics are the losses before their weights.
    """

    def train_step(state: GanState, data: GanData, key: jax.Array) -> tuple[GanState, Metrics]:
        keys = jax.random.split(jax.random.fold_in(key, state.step), 4)
        batch = _draw(gan, state, data, keys[0])
        discriminator, losses = update_discriminator(
            gan, state, data, batch, keys[1], discriminator_loss
        )
        task, task_losses = update_task(gan, state, batch, keys[2])
        state = state._replace(discriminator=discriminator, task=task)
        generator, generator_losses = _update_generator(gan, state, data, keys[3])
        state = state._replace(generator=generator, step=state.step + 1)
        return state, losses | task_losses | generator_losses

    return train_step


def draw_inputs(gan: Gan, generator: nnx.Module, count: int, key: jax.Array) -> dict[str, Any]:
    """What a generator draws for each image: noise z ~ U[-1, 1], [count, Z], and an exemplar."""
    inputs = {"z_BxZ": jax.random.uniform(key, (count, gan.config.noise_dim), minval=-1.0)}
    if isinstance(generator, ExemplarGenerator):
        key_exemplar = jax.random.fold_in(key, EXEMPLAR)
        inputs["exemplar_BxHxWxC"] = generator.draw_exemplars(count, key_exemplar)
    return inputs


def generate(
    gan: Gan,
    generator: Network,
    synthetic_BxHxWxC: jax.Array,
    labels_B: jax.Array,
    key: jax.Array,
    *,
    train: bool,
    least_strength: jax.Array | None = None,
) -> tuple[jax.Array, Arrays]:
    """Converts synthetic images with fresh noise; returns images [-1, 1] and new statistics.

    Each conversion is as strong as was trained, or if a least strength is given, has one of its
    own, at random from that to 1. That needs a generator that bends.
    """
    module = nnx.merge(gan.generator, generator.params, generator.stats, copy=True)
    inputs = draw_inputs(gan, module, len(labels_B), key)
    if least_strength is not None:
        key_strength, shape_B = jax.random.fold_in(key, STRENGTH), labels_B.shape
        inputs["strength_B"] = jax.random.uniform(key_strength, shape_B, minval=least_strength)
    converted_BxHxWxC = module(synthetic_BxHxWxC, labels_B, **inputs, train=train)
    return converted_BxHxWxC, nnx.state(module, STAYING)


def discriminate(
    gan: Gan,
    discriminator: Network,
    x_BxHxWxC: jax.Array,
    labels_B: jax.Array,
    key: jax.Array,
) -> tuple[jax.Array, Arrays]:
    """Judges images [-1, 1] as in training; returns logits [B] and new batch statistics.

    Each call has a module of its own: spectral normalisation divides the kernels of the one it is
    called on, and a second call would divide them again.
    """
    module = nnx.merge(gan.discriminator, discriminator.params, discriminator.stats, copy=True)
    logits_B = module(x_BxHxWxC, labels_B, key=key, train=True)
    return logits_B, nnx.state(module, STAYING)


def _draw(gan: Gan, state: GanState, data: GanData, key: jax.Array) -> Batch:
    size = gan.config.batch_size
    # As many keys as ever: golden numbers know them.
    key_synthetic, key_real, key_noise, *_ = jax.random.split(key, 5)
    synthetic, synthetic_labels = draw_batch(data.synthetic, key_synthetic, size)
    real, real_labels = draw_batch(data.real, key_real, size)
    synthetic, real = signed_pixels(synthetic), signed_pixels(real)
    converted, _ = generate(
        gan, state.generator, synthetic, synthetic_labels, key_noise, train=True
    )
    return Batch(synthetic, synthetic_labels, real, real_labels, converted)


def known_labels(gan: Gan, data: GanData, labels_B: jax.Array) -> jax.Array:
    """The labels, but `NO_CLASS` for classes that no real image shows.

    Nothing says how such a class looks, but like some real image.
    """
    shown_C = jnp.bincount(data.real.labels, length=len(gan.spec.classes)) > 0
    return jnp.where(shown_C[labels_B], labels_B, NO_CLASS)


def update_discriminator(
    gan: Gan,
    state: GanState,
    data: GanData,
    batch: Batch,
    key: jax.Array,
    loss_of_logits: Callable[[jax.Array, jax.Array], jax.Array],
) -> tuple[Network, Metrics]:
    """Updates the discriminator on real and converted images, by a loss of both's logits [B]."""
    key_real, key_fake = jax.random.split(key)
    # Images without labels may be read as of a class that no labelled one shows.
    real_labels_B = known_labels(gan, data, batch.real_labels)
    fake_labels_B = known_labels(gan, data, batch.synthetic_labels)

    def loss_fn(params: Arrays) -> tuple[jax.Array, tuple[jax.Array, Arrays]]:
        # Real and converted batches go apart: PixelDA's batch norm has statistics of each.
        discriminator = state.discriminator._replace(params=params)
        real_logits_B, stats = discriminate(gan, discriminator, batch.real, real_labels_B, key_real)
        discriminator = discriminator._replace(stats=stats)
        fake_logits_B, stats = discriminate(
            gan, discriminator, batch.converted, fake_labels_B, key_fake
        )
        loss = loss_of_logits(real_logits_B, fake_logits_B)
        return gan.config.weights.adversarial * loss, (loss, stats)

    grads, (loss, stats) = jax.grad(loss_fn, has_aux=True)(state.discriminator.params)
    discriminator = apply_gradients(gan.config, state.discriminator, grads, state.step)
    return discriminator._replace(stats=stats), {"discriminator": loss}


def update_task(gan: Gan, state: GanState, batch: Batch, key: jax.Array) -> tuple[Network, Metrics]:
    """Updates the task classifier on images of all three kinds."""
    keys = jax.random.split(key, 3)

    def loss_fn(params: Arrays) -> tuple[jax.Array, Metrics]:
        task = nnx.merge(gan.task, params, state.task.stats, copy=True)
        logits_synthetic_BxC = task.from_synthetic(batch.synthetic, key=keys[0])
        logits_converted_BxC = task.from_real(batch.converted, key=keys[1])
        logits_real_BxC = task.from_real(batch.real, key=keys[2])
        losses = {
            "task_synthetic": task_loss(logits_synthetic_BxC, batch.synthetic_labels),
            "task_converted": task_loss(logits_converted_BxC, batch.synthetic_labels),
            "task_real": task_loss(logits_real_BxC, batch.real_labels),
        }
        return sum(getattr(gan.config.weights, name) * losses[name] for name in losses), losses

    grads, losses = jax.grad(loss_fn, has_aux=True)(state.task.params)
    return apply_gradients(gan.config, state.task, grads, state.step), losses


def _update_generator(
    gan: Gan, state: GanState, data: GanData, key: jax.Array
) -> tuple[Network, Metrics]:
    """Updates the generator against the other two networks, which stay as they are."""
    keys, weights = jax.random.split(key, 5), gan.config.weights
    images_BxHxWxC, labels_B = draw_batch(data.synthetic, keys[0], gan.config.batch_size)
    synthetic_BxHxWxC = signed_pixels(images_BxHxWxC)

    def loss_fn(params: Arrays) -> tuple[jax.Array, tuple[Metrics, Arrays]]:
        generator = state.generator._replace(params=params)
        converted, stats = generate(
            gan, generator, synthetic_BxHxWxC, labels_B, keys[1], train=True
        )
        known_B = known_labels(gan, data, labels_B)
        logits_B, _ = discriminate(gan, state.discriminator, converted, known_B, keys[2])
        task = nnx.merge(gan.task, *state.task[:2], copy=True)
        adversarial = adversarial_loss(logits_B)
        recognised = task_loss(task.from_real(converted, key=keys[3]), labels_B)
        pixel_change = pixel_change_loss(converted, synthetic_BxHxWxC)
        total = (
            weights.adversarial * adversarial
            + weights.task_converted * recognised
            + weights.pixel_change * pixel_change
        )
        return total, ({"adversarial": adversarial, "pixel_change": pixel_change}, stats)

    grads, (losses, stats) = jax.grad(loss_fn, has_aux=True)(state.generator.params)
    generator = apply_gradients(gan.config, state.generator, grads, state.step)
    return generator._replace(stats=stats), losses
