"""Training of a GAN on a split's images."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
from flax import nnx

from synth2real.gan.config import GanConfig
from synth2real.gan.joint import make_joint_step, memorised
from synth2real.gan.networks import signed_pixels
from synth2real.gan.state import STAYING, Gan, GanState, Network, start_training
from synth2real.gan.step import GanData, generate, make_train_step
from synth2real.gan.trunk import Look, learn_trunk, look_as_they_are
from synth2real.io.checkpoints import Checkpoints
from synth2real.io.files import write_atomically
from synth2real.io.weights import save_weights
from synth2real.nn.convolution import arithmetic
from synth2real.splits import read_split
from synth2real.training import (
    Images,
    Metrics,
    Progress,
    load_images,
    load_unlabelled,
    run_chunks,
)

MAX_VALIDATION_IMAGES = 500
# Folded into the key whose numbers up to these are those of steps.
FEATURES, EXEMPLARS = 2**31, 2**31 + 1
# By the names that settings have for them.
STEPS = {"pixelda": make_train_step, "joint": make_joint_step}


def load_gan_data(
    config: GanConfig,
    split_path: Path,
    real_path: Path,
    synthetic_path: Path,
    unlabelled_path: Path | None = None,
) -> tuple[GanData, GanData]:
    """Reads the training and the validation part of a split's images.

    Real images without labels, if the GAN sees some, are the real training images that the split
    leaves out where no file of them is given.
    """
    split = read_split(split_path)
    train = GanData(
        load_images(synthetic_path, split.synthetic_train),
        load_images(real_path, split.real_train),
        load_unlabelled(unlabelled_path, real_path, split) if config.unlabelled else (),
    )
    validation = GanData(
        load_images(synthetic_path, split.synthetic_validation),
        load_images(real_path, split.real_validation),
    )
    return train, validation


def make_validate(
    gan: Gan, train: GanData, validation: GanData
) -> Callable[[GanState, jax.Array], dict[str, float | None]]:
    """Returns `validate(state, key)`: the task classifier's accuracy on held-out images.

    On real ones, and on conversions of held-out synthetic images, with their labels; at most 500 of
    each. After joint steps also how far the discriminator has `memorised` the real images that it
    learns from: those without labels, if there are any, under the class that the task classifier
    reads, as those held out are then. None where so few images are held out that there are none.
    """
    validation = jax.tree.map(lambda array: array[:MAX_VALIDATION_IMAGES], validation)
    seen = train.real if isinstance(train.unlabelled, tuple) else _spread(train.unlabelled)

    # The images are an argument: as constants they would be compiled in, anew for each split.
    @jax.jit
    def measure(
        state: GanState, seen: Images | jax.Array, validation: GanData, key: jax.Array
    ) -> Metrics:
        synthetic, real, _ = validation
        task = nnx.merge(gan.task, state.task.trained, state.task.stats, copy=True)
        generator = state.generator._replace(params=state.generator.trained)
        x_BxHxWxC, labels_B = signed_pixels(synthetic.images), synthetic.labels
        converted, _ = generate(gan, generator, x_BxHxWxC, labels_B, key, train=False)
        logits_real_BxC = task.from_real(signed_pixels(real.images))
        logits_converted_BxC = task.from_real(converted)
        metrics = {
            "accuracy_real": (logits_real_BxC.argmax(-1) == real.labels).mean(),
            "accuracy_converted": (logits_converted_BxC.argmax(-1) == synthetic.labels).mean(),
        }
        if gan.config.step == "joint":
            discriminator = state.discriminator._replace(params=state.discriminator.trained)
            if not isinstance(seen, Images):
                seen = Images(seen, task.from_real(signed_pixels(seen)).argmax(-1))
                real = real._replace(labels=logits_real_BxC.argmax(-1))
            few = not len(real.labels)
            metrics["memorised"] = (
                jnp.array(jnp.nan) if few else memorised(gan, discriminator, seen, real, key)
            )
        return metrics

    def validate(state: GanState, key: jax.Array) -> dict[str, float | None]:
        metrics = measure(state, seen, validation, key)
        values = {name: float(value) for name, value in metrics.items()}
        return {name: None if math.isnan(value) else value for name, value in values.items()}

    return validate


def _spread(images_NxHxWxC: jax.Array) -> jax.Array:
    """At most 500 of images, from all over: a folder's stand by what they are called."""
    return images_NxHxWxC[:: -(-len(images_NxHxWxC) // MAX_VALIDATION_IMAGES)]


def train_gan(
    gan: Gan,
    train: GanData,
    validation: GanData,
    *,
    seed: int,
    path: Path,
    metrics_path: Path,
    checkpoints: Checkpoints,
) -> None:
    """Trains one GAN and writes its networks (safetensors) and its metrics (JSON lines).

    It begins where its checkpoints end; the files are the same, bit for bit on a CPU, as those of
    a training that was never stopped.

    A line of metrics gives the samples so far, the mean losses of the last 100 steps
    (`discriminator`, `task_synthetic`, `task_converted`, `task_real`, `adversarial`, and
    `pixel_change` of PixelDA's step or `diversity` of the joint one, all before their weights), the
    task classifier's validation accuracies, how far the discriminator has `memorised` the real
    images (joint step), and what convolved (`arithmetic`).

    Raises:
        TrainingError: a loss is NaN or infinite.
        CheckpointError: the process was told to stop, or a checkpoint cannot be written.
    """
    validate = make_validate(gan, train, validation)
    start, key, key_validation = start_training(gan, seed)
    state, records = checkpoints.restore(start)
    if not int(state.step):
        state = _with_exemplars(gan, state, train, jax.random.fold_in(key, EXEMPLARS))
    if not int(state.step) and gan.config.discriminator == "projected":
        key_features = jax.random.fold_in(key, FEATURES)
        state = _with_features(gan, state, train.synthetic, key_features, checkpoints.check)
    train_step, batch = STEPS[gan.config.step](gan), 2 * gan.config.batch_size
    progress = Progress(gan.config.steps * batch, int(state.step) * batch)
    chunks = run_chunks(train_step, state, train, key, steps=gan.config.steps)
    for state, losses in chunks:
        metrics = losses | validate(state, key_validation)
        samples = int(state.step) * batch
        progress.update(samples, metrics)
        records.append({"samples": samples, **metrics, "arithmetic": arithmetic()})
        checkpoints.save(state, records)
    with write_atomically(metrics_path) as temporary:
        temporary.write_text("".join(json.dumps(record) + "\n" for record in records))
    # What convert settles strengths by; the last of the metrics.
    memorised = records[-1].get("memorised")
    save_weights(path, state.weights, gan.about | {"memorised": memorised})


def _with_exemplars(gan: Gan, state: GanState, data: GanData, key: jax.Array) -> GanState:
    """The state that training begins with, once a generator that needs them has real images."""
    if not gan.config.has_exemplars(gan.spec):
        return state
    network = state.generator
    module = nnx.merge(gan.generator, network.params, network.stats, copy=True)
    unlabelled = () if isinstance(data.unlabelled, tuple) else (data.unlabelled,)
    module.keep_exemplars(jnp.concatenate([data.real.images, *unlabelled]), key)
    return state._replace(generator=network._replace(stats=nnx.state(module, STAYING)))


def _with_features(
    gan: Gan, state: GanState, synthetic: Images, key: jax.Array, check: Callable[[], None]
) -> GanState:
    """The state that training begins with, once the discriminator has learnt its features."""
    network = state.discriminator
    module = nnx.merge(gan.discriminator, network.params, network.stats, copy=True)
    look = _look_of(gan, state.generator)
    learn_trunk(module.trunk, gan.config, gan.spec, synthetic, key, look, check)
    return state._replace(discriminator=network._replace(stats=nnx.state(module, STAYING)))


def _look_of(gan: Gan, generator: Network) -> Look:
    """What the discriminator's features are learnt from: of photographs, a naive paste.

    A generator with exemplars begins with one; features of white digits on black see nothing on a
    photograph.
    """
    if not gan.config.has_exemplars(gan.spec):
        return look_as_they_are

    def look(synthetic: Images, key: jax.Array) -> jax.Array:
        x_BxHxWxC = signed_pixels(synthetic.images)
        return generate(gan, generator, x_BxHxWxC, synthetic.labels, key, train=False)[0]

    return look
