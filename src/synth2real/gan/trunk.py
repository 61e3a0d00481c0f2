"""What the discriminator sees images by: a network that has learnt the synthetic ones."""

import logging
from collections.abc import Callable, Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from synth2real.gan.config import GanConfig
from synth2real.gan.losses import task_loss
from synth2real.gan.networks import (
    SIGNED,
    convolution,
    discriminator_layers,
    he,
    signed_pixels,
)
from synth2real.nn.augment import random_warp
from synth2real.nn.layers import max_pool_2x2, space_to_depth
from synth2real.spec import ImageSpec
from synth2real.training import Arrays, Images, Metrics, Progress, Step, draw_batch, run_chunks

log = logging.getLogger(__name__)

# At most, as a GAN may take fewer: ten seconds of a core.
STEPS, LEARNING_RATE = 1000, 6e-3
MEASURED = 500  # images that show how large features are
SMALLEST = 1e-6

# What a trunk sees of synthetic images, [-1, 1], and a key for what is drawn.
Look = Callable[[Images, jax.Array], jax.Array]


class Trunk(nnx.Module):
    """A classifier whose features the discriminator sees: convolutions, and pooling between them.

    It has one convolution less than the discriminator has sizes, of the same widths.
    """

    def __init__(self, config: GanConfig, spec: ImageSpec, *, rngs: nnx.Rngs):
        self.block = config.pixel_block
        widths, (rows, columns) = discriminator_layers(config, spec)
        self.shrinks = len(widths) > 1
        channels = [self.block**2 * spec.channels, *widths[: max(len(widths) - 1, 1)]]
        self.convs = nnx.List(
            [
                convolution(channels[i], channels[i + 1], init=he, rngs=rngs)
                for i in range(len(channels) - 1)
            ]
        )
        self.dense = nnx.Linear(rows * columns * channels[-1], len(spec.classes), rngs=rngs)

    def features(self, x_BxHxWxC: jax.Array) -> Iterator[jax.Array]:
        """Of images [-1, 1], [B, h, w, width] of each convolution; sides are halved, rounded up."""
        h = space_to_depth(x_BxHxWxC, self.block)
        for number, conv in enumerate(self.convs):
            h = nnx.relu(conv(h if number == 0 else _halve(h)))
            yield h

    def __call__(self, x_BxHxWxC: jax.Array) -> jax.Array:
        """Logits [B, classes]."""
        *_, h = self.features(x_BxHxWxC)
        if self.shrinks:
            h = _halve(h)
        return self.dense(jax.lax.collapse(h, 1))


def _halve(h_BxHxWxC: jax.Array) -> jax.Array:
    """Max-pooling that rounds sides up; what it pools is never below 0."""
    _, height, width, _ = h_BxHxWxC.shape
    if height % 2 or width % 2:
        h_BxHxWxC = jnp.pad(h_BxHxWxC, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)))
    return max_pool_2x2(h_BxHxWxC)


def look_as_they_are(synthetic: Images, key: jax.Array) -> jax.Array:
    """Synthetic images [-1, 1], whatever the key."""
    return signed_pixels(synthetic.images)


class TrunkState(NamedTuple):
    """All that a step of the trunk's training changes."""

    step: jax.Array
    params: Arrays
    opt_state: optax.OptState


def learn_trunk(
    trunk: Trunk,
    config: GanConfig,
    spec: ImageSpec,
    synthetic: Images,
    key: jax.Array,
    look: Look = look_as_they_are,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Teaches a trunk the classes of synthetic images; its features then have a mean square of 1.

    Args:
        trunk: changes.
        config: of the GAN.
        spec: of all images.
        synthetic: training images.
        key: draws batches and warps.
        look: what the trunk sees of them; the features are as good as that is like real images.
        check: is called now and then, and may raise an error that ends it.

    Raises:
        TrainingError: the loss is NaN or infinite.
    """
    graph, params = nnx.split(trunk)
    steps, batch_size = min(STEPS, config.steps), config.batch_size
    optimiser = optax.adam(optax.cosine_onecycle_schedule(steps, LEARNING_RATE))
    start = TrunkState(jnp.zeros((), jnp.int32), params, optimiser.init(params))
    log.info("the discriminator's features")
    progress = Progress(steps * batch_size)
    step = make_trunk_step(graph, optimiser, spec, batch_size, look)
    for state, losses in run_chunks(step, start, synthetic, key, steps=steps):
        progress.update(int(state.step) * batch_size, losses)
        check()
    nnx.update(trunk, state.params)
    few = jax.tree.map(lambda array: array[:MEASURED], synthetic)
    unit_features(trunk, jax.jit(look)(few, key))


def unit_features(trunk: Trunk, x_BxHxWxC: jax.Array) -> None:
    """Scales kernels and biases so that features of these images have a mean square of 1.

    What a ReLU lets through grows as what comes in does: each feature is only divided by a number.
    """
    before = 1.0
    for conv, measured in zip(trunk.convs, _feature_sizes(trunk, x_BxHxWxC), strict=True):
        size = max(float(measured), SMALLEST)
        conv.kernel[...] *= before / size
        if conv.bias is not None:
            conv.bias[...] /= size
        before = size


@nnx.jit
def _feature_sizes(trunk: Trunk, x_BxHxWxC: jax.Array) -> list[jax.Array]:
    return [jnp.sqrt(jnp.square(h).mean()) for h in trunk.features(x_BxHxWxC)]


def make_trunk_step(
    graph: nnx.GraphDef[Trunk],
    optimiser: optax.GradientTransformation,
    spec: ImageSpec,
    batch_size: int,
    look: Look,
) -> Step:
    """The pure `train_step(state, synthetic, key) -> (state, metrics)`.

    Images are warped as those of a classifier are (`synth2real.nn.augment`).
    """

    def train_step(
        state: TrunkState, synthetic: Images, key: jax.Array
    ) -> tuple[TrunkState, Metrics]:
        keys = jax.random.split(jax.random.fold_in(key, state.step), 3)
        key_batch, key_warp, key_look = keys
        images, labels_B = draw_batch(synthetic, key_batch, batch_size)
        seen = look(Images(images, labels_B), key_look)
        warped = random_warp(seen, key_warp, spec.fill(*SIGNED))

        def loss_fn(params: Arrays) -> jax.Array:
            return task_loss(nnx.merge(graph, params)(warped), labels_B)

        loss, grads = jax.value_and_grad(loss_fn)(state.params)
        updates, opt_state = optimiser.update(grads, state.opt_state)
        params = optax.apply_updates(state.params, updates)
        return TrunkState(state.step + 1, params, opt_state), {"loss": loss}

    return train_step
