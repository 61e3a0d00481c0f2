"""Training of a GAN on a ratio's images."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import jax
from flax import nnx

from synth2real.checkpoints import Checkpoints
from synth2real.files import write_atomically
from synth2real.gan.config import GanConfig
from synth2real.gan.state import GanState, Graphs, init_state, make_graphs
from synth2real.gan.step import GanData, generate, make_train_step, prepare, signed_pixels
from synth2real.splits import read_split
from synth2real.training import Metrics, Progress, load_images, run_chunks
from synth2real.trees import save_tree

MAX_VALIDATION_IMAGES = 500


def load_gan_data(split_path: Path, mnist_path: Path, font_path: Path) -> tuple[GanData, GanData]:
    """Reads the training and the validation part of a ratio's images."""
    split = read_split(split_path)
    train = GanData(
        load_images(font_path, split.font_train), load_images(mnist_path, split.real_train)
    )
    validation = GanData(
        load_images(font_path, split.font_validation),
        load_images(mnist_path, split.real_validation),
    )
    return train, validation


def make_validate(config: GanConfig, graphs: Graphs, validation: GanData) -> Callable:
    """Returns `validate(state, key)`: the task classifier's accuracy on held-out images.

    On real ones, and on conversions of held-out font images, with their labels; at most 500 of
    each. None where so few images are held out that there are none.
    """
    validation = jax.tree.map(lambda array: array[:MAX_VALIDATION_IMAGES], validation)

    # The images are an argument: as constants they would be compiled in, anew for each ratio.
    @jax.jit
    def accuracies(state: GanState, validation: GanData, key: jax.Array) -> Metrics:
        font, real = validation
        task = nnx.merge(graphs.task, *state.task[:2], copy=True)
        key_warp, key = jax.random.split(key)
        font_BxHxWx1 = prepare(config, font.images, key_warp)
        converted, _ = generate(graphs.generator, state.generator, font_BxHxWx1, key, train=False)
        logits_real_BxC = task.from_mnist(signed_pixels(real.images))
        logits_converted_BxC = task.from_mnist(converted)
        return {
            "accuracy_real": (logits_real_BxC.argmax(-1) == real.labels).mean(),
            "accuracy_converted": (logits_converted_BxC.argmax(-1) == font.labels).mean(),
        }

    def validate(state: GanState, key: jax.Array) -> dict[str, float | None]:
        values = {name: float(value) for name, value in accuracies(state, validation, key).items()}
        return {name: None if math.isnan(value) else value for name, value in values.items()}

    return validate


def train_gan(
    config: GanConfig,
    train: GanData,
    validation: GanData,
    *,
    seed: int,
    path: Path,
    metrics_path: Path,
    label: str,
    checkpoints: Checkpoints,
) -> None:
    """Trains one GAN and writes its networks (.npz) and its metrics (JSON lines).

    It begins where its checkpoints end; the files are the same, bit for bit on a CPU, as those of
    a training that was never stopped.

    A line of metrics gives the samples so far, the mean losses of the last 100 steps
    (`discriminator`, `task_font`, `task_converted`, `task_real`, `adversarial`, `pixel_change`, all
    before their weights) and the task classifier's validation accuracies.

    Raises:
        TrainingError: a loss is NaN or infinite.
        CheckpointError: the process was told to stop, or a checkpoint cannot be written.
    """
    graphs = make_graphs(config)
    validate = make_validate(config, graphs, validation)
    key_init, key, key_validation = jax.random.split(jax.random.key(seed), 3)
    state, records = checkpoints.restore(jax.jit(init_state, static_argnums=0)(config, key_init))
    train_step, batch = make_train_step(config, graphs), 2 * config.batch_size
    progress = Progress(config.steps * batch, label, int(state.step) * batch)
    chunks = run_chunks(train_step, state, train, key, steps=config.steps)
    for state, losses in chunks:
        metrics = losses | validate(state, key_validation)
        samples = int(state.step) * batch
        progress.update(samples, metrics)
        records.append({"samples": samples, **metrics})
        checkpoints.save(state, records)
    with write_atomically(metrics_path) as temporary:
        temporary.write_text("".join(json.dumps(record) + "\n" for record in records))
    save_tree(path, state.weights)
