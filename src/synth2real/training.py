"""What every training loop here shares: chunks of steps, progress, and a stop at NaN."""

import functools
import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from synth2real.errors import InputError
from synth2real.io.arrays import load_arrays
from synth2real.nn.convolution import has_onednn
from synth2real.splits import Split

log = logging.getLogger(__name__)

CHUNK_STEPS = 100
BATCH = 500  # images at a time where nothing is trained
SECONDS_BETWEEN_LINES = 30.0

State = Any  # a NamedTuple of arrays with the field `step`
Arrays = nnx.State[str, Any]  # a network's parameters or statistics, or gradients, by name
Metrics = dict[str, jax.Array]
Step = Callable[[State, Any, jax.Array], tuple[State, Metrics]]


class TrainingError(InputError):
    """Training went wrong in a way that a rerun with the same settings would repeat."""


class Images(NamedTuple):
    """Labelled images: uint8 [N, H, W, C] in 0..255, and the class of each, int32 [N]."""

    images: jax.Array
    labels: jax.Array


def load_images(path: Path, index: np.ndarray | None = None) -> Images:
    """Reads `images` and `labels` of a file, or only those of an index, to the device."""
    images_NxHxWxC, labels_N = load_arrays(path, "images", "labels")
    if index is not None:
        images_NxHxWxC, labels_N = images_NxHxWxC[index], labels_N[index]
    return Images(jnp.asarray(images_NxHxWxC), jnp.asarray(labels_N, jnp.int32))


def load_unlabelled(path: Path | None, real_path: Path, split: Split) -> jax.Array:
    """Reads real images without labels, uint8 [N, H, W, C], to the device.

    Args:
        path: a file of them; None takes the real training images that a split leaves out.
        real_path: all real training images.
        split: which of those are labelled.

    Raises:
        InputError: the split leaves none out.
    """
    if path:
        return jnp.asarray(load_arrays(path, "images")[0])
    (images_NxHxWxC,) = load_arrays(real_path, "images")
    others = np.delete(images_NxHxWxC, split.real, axis=0)
    if not len(others):
        raise InputError(
            f"real.unlabelled: rest is nothing: all {len(split.real):,} real images have a part in "
            "the split; name a folder, or fewer real images (real.counts)"
        )
    return jnp.asarray(others)


def running_average(
    new: Arrays, average: Arrays | tuple[()], step: jax.Array, share: float
) -> Arrays | tuple[()]:
    """The average of weights once those after the step numbered `step`, from 0, have their share.

    At first it is a plain mean: fresh weights know nothing and should not stay in it. A network
    without an average, (), goes on without.
    """
    return average and optax.incremental_update(new, average, jnp.maximum(share, 1 / (step + 1)))


def join(parts: Sequence[Images]) -> Images:
    """All images of the parts, in order."""
    return Images(*(jnp.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def in_batches(
    function: Callable[..., jax.Array],
    data: np.ndarray | jax.Array | Images,
    key: jax.Array | None = None,
) -> np.ndarray:
    """Applies a compiled function to batches of images and puts the results together, [N, ...].

    `data` are images, with labels or without. With a key, the function gets another one for each
    batch. Images on a device stay there.
    """
    total = len(jax.tree.leaves(data)[0])
    results = []
    for start in range(0, max(total, 1), BATCH):
        count = min(BATCH, total - start)
        batch = jax.tree.map(functools.partial(_take_batch, start=start), data)
        keys = () if key is None else (jax.random.fold_in(key, start),)
        results.append(np.asarray(function(batch, *keys))[:count])
    return np.concatenate(results)


def _take_batch(array_NxX: jax.Array, start: int) -> jax.Array:
    """A batch; the last one is filled up: one compiled shape serves all."""
    batch_BxX = array_NxX[start : start + BATCH]
    missing = BATCH - len(batch_BxX)
    if not missing:
        return batch_BxX
    return jnp.pad(batch_BxX, ((0, missing), *((0, 0),) * (batch_BxX.ndim - 1)))


def draw_batch(data: Images, key: jax.Array, size: int) -> tuple[jax.Array, jax.Array]:
    """Draws images, uint8 [size, H, W, C], with replacement, and their labels.

    A draw that depends on the key alone makes a step a pure function of (state, data, key), on
    any device and after any restart.
    """
    index_B = jax.random.randint(key, (size,), 0, data.labels.shape[0])
    return data.images[index_B], data.labels[index_B]


def train_chunk(
    step: Step, state: State, data: Any, key: jax.Array, length: int
) -> tuple[State, dict[str, float]]:
    """Takes `length` steps and returns the new state and the mean metrics; the old state is spent.

    The steps are one `lax.scan`, so the host launches a chunk once. Only where XLA convolves on a
    CPU the compiled step is called again and again: inside a loop its convolutions are 20-60 times
    slower than outside (jax-ml/jax#12868).
    """
    if jax.default_backend() == "cpu" and not has_onednn():
        history = []
        for _ in range(length):
            state, metrics = _compile_step(step)(state, data, key)
            history.append(metrics)
        metrics = jax.tree.map(lambda *values: jnp.stack(values), *history)
    else:
        state, metrics = _compile_scan(step, length)(state, data, key)
    return state, {name: float(values.mean()) for name, values in metrics.items()}


@functools.cache
def _compile_step(step: Step) -> Step:
    return jax.jit(step, donate_argnums=0)


@functools.cache
def _compile_scan(step: Step, length: int) -> jax.stages.Wrapped:
    def scan(state: State, data: Any, key: jax.Array) -> tuple[State, Metrics]:
        return jax.lax.scan(lambda state, _: step(state, data, key), state, length=length)

    return jax.jit(scan, donate_argnums=0)


def run_chunks(
    step: Step, state: State, data: Any, key: jax.Array, *, steps: int
) -> Iterator[tuple[State, dict[str, float]]]:
    """Trains from a state's step, 0 or a checkpoint's, up to step `steps`.

    Yields the state and the mean metrics after each chunk.

    Raises:
        TrainingError: a metric is NaN or infinite; or the steps need more than the device has.
    """
    # Runs that train side by side are all at the same step.
    begin = int(np.max(state.step))
    if jax.default_backend() != "cpu" and begin < steps:
        scan = _compile_scan(step, min(CHUNK_STEPS, steps - begin))
        _check_memory(scan.lower(state, data, key).compile())
    for done in range(begin, steps, CHUNK_STEPS):
        length = min(CHUNK_STEPS, steps - done)
        state, metrics = train_chunk(step, state, data, key, length)
        _check_finite(metrics, done + length)
        yield state, metrics


def _check_memory(compiled: jax.stages.Compiled) -> None:
    """Refuses a program for whose arrays the device has no room, before it runs.

    Raises:
        TrainingError: says what it needs and what there is.
    """
    device = (jax.local_devices()[0].memory_stats() or {}).get("bytes_limit")
    sizes = compiled.memory_analysis()
    if device is None or sizes is None:
        return
    needed = sizes.argument_size_in_bytes + sizes.output_size_in_bytes + sizes.temp_size_in_bytes
    needed -= sizes.alias_size_in_bytes
    if needed > device:
        raise TrainingError(
            f"training needs {needed / 1e9:.1f} GB of the device's memory, which has "
            f"{device / 1e9:.1f}; a smaller batch_size needs less"
        )


def _check_finite(metrics: dict[str, float], step: int) -> None:
    bad = [f"{name} = {value}" for name, value in metrics.items() if not math.isfinite(value)]
    if bad:
        raise TrainingError(
            f"training diverged by step {step}: {', '.join(bad)}; "
            "a lower learning_rate or another seed is what usually helps"
        )


class Progress:
    """Says twice a minute how much is done, how fast, and how long the rest takes.

    After the first update compiling is over, and the speed is that since then. Metrics stand beside
    it in the log alone: a terminal's line is short (see `synth2real.job`).
    """

    def __init__(self, total: int, done: int = 0):
        log.info(f"compiling, then {total - done:,} samples")
        self._total, self._first, self._compiled = total, done, False
        self._start = self._last_line = time.monotonic()

    def update(self, done: int, metrics: Mapping[str, float | None]) -> None:
        """Takes note that `done` samples are done in all, with these metrics."""
        now = time.monotonic()
        if now - self._last_line > SECONDS_BETWEEN_LINES or done >= self._total:
            self._last_line = now
            rate = (done - self._first) / (now - self._start)
            left = timedelta(seconds=round((self._total - done) / rate))
            known = self._compiled or done >= self._total
            speed = f", {rate:,.0f} samples/s, {left} left" if known else ""
            text = "".join(f", {k} {v:.2f}" for k, v in metrics.items() if v is not None)
            log.info(
                f"{done / self._total:.0%} of {self._total:,} samples{speed}",
                extra={"metrics": text},
            )
        if not self._compiled:
            self._first, self._start, self._compiled = done, now, True
