"""A training step of all three networks at once, on one batch and under the same random maps.

PixelDA's step (`synth2real.gan.step`) makes conversions twice, and its discriminator learns few
real images by heart. Here the networks learn from one set of conversions. Most of what
discriminator and task classifier see, real or converted, has gone through random maps: an image
seldom comes twice, and as both sides are mapped alike, conversions need not look mapped (Karras et
al., "Training Generative Adversarial Networks with Limited Data", NeurIPS 2020).

Real images without labels, if there are any, take the place of the labelled ones before the
discriminator, as images of the class that the task classifier reads.
"""

import jax
import jax.numpy as jnp
from flax import nnx

from synth2real.gan.losses import (
    diversity,
    hinge_adversarial_loss,
    hinge_discriminator_loss,
    task_loss,
)
from synth2real.gan.networks import SIGNED, signed_pixels
from synth2real.gan.state import Gan, GanState, Network, apply_gradients
from synth2real.gan.step import (
    Batch,
    GanData,
    discriminate,
    draw_inputs,
    known_labels,
    update_discriminator,
    update_task,
)
from synth2real.nn.augment import random_affine
from synth2real.training import Arrays, Images, Metrics, Step, draw_batch

# No images without labels in a fourth of the steps: the task classifier knows little yet.
WARM_UP = 4
# The share of images that go through a map. Maps blur what is finest: if all did, no network would
# see the grid that the generator draws. Up to this share conversions need not look mapped (ibid.).
MAPPED = 0.8
MEMORISED_IMAGES = 500  # of each side, or as many maps of fewer


def make_joint_step(gan: Gan) -> Step:
    """Returns the pure `train_step(state, data, key) -> (state, metrics)`.

    The generator is one that bends. Every network meets the others as they were before the step.
    Half a batch of synthetic images is converted twice, with two noises. Metrics are the losses
    before their weights, and `diversity`.
    """

    def train_step(state: GanState, data: GanData, key: jax.Array) -> tuple[GanState, Metrics]:
        keys = jax.random.split(jax.random.fold_in(key, state.step), 7)
        real_images, real_labels_B = draw_balanced(gan, data.real, keys[0])
        pairs = draw_batch(data.synthetic, keys[1], gan.config.batch_size // 2)
        images, labels_B = (jnp.concatenate([half, half]) for half in pairs)
        synthetic_BxHxWxC = signed_pixels(images)

        def convert(params: Arrays) -> tuple[jax.Array, jax.Array]:
            network = state.generator._replace(params=params)
            key_noise, key_map = jax.random.split(keys[2])
            bent, converted = _convert(gan, network, synthetic_BxHxWxC, labels_B, key_noise)
            return random_map(gan, converted, key_map), diversity(*jnp.split(bent, 2))

        (converted, unlike), to_generator = jax.vjp(convert, state.generator.params)
        key_synthetic, key_real = jax.random.split(keys[3])
        batch = Batch(
            random_map(gan, synthetic_BxHxWxC, key_synthetic),
            labels_B,
            random_map(gan, signed_pixels(real_images), key_real),
            real_labels_B,
            converted,
        )
        seen = _read_unlabelled(gan, state, data.unlabelled, batch, keys[6])
        discriminator, losses = update_discriminator(
            gan, state, data, seen, keys[4], hinge_discriminator_loss
        )
        task, task_losses = update_task(gan, state, batch, keys[5])
        to_converted, generator_losses = _judge(gan, state, data, batch, keys[4])
        to_unlike = jnp.full_like(unlike, -gan.config.weights.diversity)
        (grads,) = to_generator((to_converted, to_unlike))
        generator = apply_gradients(gan.config, state.generator, grads, state.step)
        state = GanState(state.step + 1, generator, discriminator, task)
        return state, losses | task_losses | generator_losses | {"diversity": unlike}

    return train_step


def memorised(
    gan: Gan, discriminator: Network, train: Images, held_out: Images, key: jax.Array
) -> jax.Array:
    """How much more real the discriminator finds the real images that it learns from than others.

    The difference of mean logits (the hinge loss wants 2 between real and converted): 0 if it knows
    what real images are like, more the more it knows the images themselves. Karras et al. (ibid.,
    section 3.1) measure overfitting by the same means.
    """

    def mean_logit(data: Images, key: jax.Array) -> jax.Array:
        # Few images go through many maps.
        index_B = jnp.arange(MEMORISED_IMAGES) % len(data.labels)
        key_map, key_judge = jax.random.split(key)
        mapped = random_map(gan, signed_pixels(data.images[index_B]), key_map)
        return discriminate(gan, discriminator, mapped, data.labels[index_B], key_judge)[0].mean()

    return mean_logit(train, key) - mean_logit(held_out, key)


def draw_balanced(gan: Gan, data: Images, key: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Draws a batch of images and labels, each class as often as any other.

    A discriminator that seldom meets a real image of a class learns that nothing is one, and the
    generator leaves for where it has not learnt that yet: white paper.
    """
    counts_N = jnp.bincount(data.labels, length=len(gan.spec.classes))[data.labels]
    index_B = jax.random.choice(key, len(data.labels), (gan.config.batch_size,), p=1 / counts_N)
    return data.images[index_B], data.labels[index_B]


def random_map(gan: Gan, images_BxHxWxC: jax.Array, key: jax.Array) -> jax.Array:
    """Applies a random affine map to most of the images [-1, 1]."""
    key_map, key_choice = jax.random.split(key)
    mapped_BxHxWxC = random_affine(images_BxHxWxC, key_map, gan.spec.fill(*SIGNED))
    mapped_B = jax.random.bernoulli(key_choice, MAPPED, (len(images_BxHxWxC),))
    return jnp.where(mapped_B[:, None, None, None], mapped_BxHxWxC, images_BxHxWxC)


def _convert(
    gan: Gan, generator: Network, images_BxHxWxC: jax.Array, labels_B: jax.Array, key: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Images [-1, 1] that are bent with fresh noise, and those once they are painted on."""
    module = nnx.merge(gan.generator, generator.params, generator.stats, copy=True)
    inputs = draw_inputs(gan, module, len(labels_B), key)
    inputs["strength_B"] = jnp.ones(len(labels_B))
    bent_and_painted: tuple[jax.Array, jax.Array]
    bent_and_painted = module.bend_and_paint(images_BxHxWxC, labels_B, **inputs)
    return bent_and_painted


def _read_unlabelled(
    gan: Gan, state: GanState, unlabelled: jax.Array | tuple[()], batch: Batch, key: jax.Array
) -> Batch:
    """The batch that the discriminator sees: its real images may be ones without labels."""
    if isinstance(unlabelled, tuple):
        return batch
    key_index, key_map = jax.random.split(key)
    index_B = jax.random.randint(key_index, (len(batch.real),), 0, len(unlabelled))
    images = signed_pixels(unlabelled[index_B])
    task = nnx.merge(gan.task, state.task.trained, state.task.stats, copy=True)
    knows = state.step >= gan.config.steps // WARM_UP
    labels_B = jnp.where(knows, task.from_real(images).argmax(-1), batch.real_labels)
    mapped = jnp.where(knows, random_map(gan, images, key_map), batch.real)
    return batch._replace(real=mapped, real_labels=labels_B)


def _judge(
    gan: Gan, state: GanState, data: GanData, batch: Batch, key: jax.Array
) -> tuple[jax.Array, Metrics]:
    """What the other networks make of conversions: the gradient to them, and the loss."""
    weights, (_, key_fake) = gan.config.weights, jax.random.split(key)

    def loss_fn(converted_BxHxWxC: jax.Array) -> tuple[jax.Array, Metrics]:
        labels_B = batch.synthetic_labels
        known_B = known_labels(gan, data, labels_B)
        logits_B, _ = discriminate(gan, state.discriminator, converted_BxHxWxC, known_B, key_fake)
        adversarial = hinge_adversarial_loss(logits_B)
        task = nnx.merge(gan.task, state.task.params, state.task.stats, copy=True)
        recognised = task_loss(task.from_real(converted_BxHxWxC), labels_B)
        total = weights.adversarial * adversarial + weights.task_converted * recognised
        return total, {"adversarial": adversarial}

    to_converted, losses = jax.grad(loss_fn, has_aux=True)(batch.converted)
    return to_converted, losses
