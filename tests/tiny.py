"""Small settings and images, for tests that need some and do not care which."""

import os
import signal
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from synth2real.classify.config import ClassifierConfig, classifier_config
from synth2real.gan.config import GanConfig, gan_config
from synth2real.gan.state import Gan, GanState, Network, init_state, make_gan
from synth2real.gan.step import GanData
from synth2real.gan.train import train_gan
from synth2real.io.arrays import save_arrays
from synth2real.io.checkpoints import open_checkpoints
from synth2real.spec import ImageSpec
from synth2real.splits import Size, write_split
from synth2real.training import Images

DIGITS = ImageSpec(28, 28, 1, tuple("0123456789"), (0,))

TINY_GAN = dict(
    batch_size=2,
    pixel_block=1,
    generator_filters=2,
    generator_blocks=1,
    discriminator_filters=2,
    task_filters=2,
)


def tiny_gan_config(preset: str = "small", **overrides: Any) -> GanConfig:
    return gan_config(preset, **TINY_GAN | overrides)


def tiny_gan(preset: str = "small", spec: ImageSpec = DIGITS, **overrides: Any) -> Gan:
    return make_gan(tiny_gan_config(preset, **overrides), spec)


def tiny_classifier(**overrides: Any) -> ClassifierConfig:
    tiny = dict(pixel_block=1, filters=[2, 3], hidden=7, batch_size=10)
    return classifier_config("small", **tiny | overrides)


def random_pixels(count: int, seed: int = 0, spec: ImageSpec = DIGITS) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, *spec.shape), np.uint8)


def random_images(count: int, seed: int = 0, spec: ImageSpec = DIGITS) -> Images:
    labels = np.random.default_rng(seed).integers(0, len(spec.classes), count)
    return Images(jnp.asarray(random_pixels(count, seed, spec)), jnp.asarray(labels, "int32"))


def numbered_images(path: Path, count: int, start: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Writes images that can be told apart: of one grey each, `start`, `start` + 1 and so on."""
    numbers = np.arange(start, start + count)
    images = np.broadcast_to(numbers[:, None, None, None], (count, 28, 28, 1)).astype(np.uint8)
    labels = (numbers * 7 % 10).astype(np.int32)
    save_arrays(path, images=images, labels=labels)
    return images, labels


def write_tiny_split(
    folder: Path, size: Size, total: int | None = None, seed: int = 0, synthetic: str = "synthetic"
) -> None:
    """Writes split.npz of real.npz and of the synthetic images' file, all in a folder."""
    write_split(
        size,
        total=total,
        seed=seed,
        spec=DIGITS,
        stratify=False,
        real_path=folder / "real.npz",
        synthetic_path=folder / f"{synthetic}.npz",
        path=folder / "split.npz",
    )


def randomise(module: nnx.Module, seed: int = 0) -> nnx.Module:
    """Draws parameters and statistics of such a size that every one of them matters.

    The module may hold shapes instead of numbers.
    """
    rng = np.random.default_rng(seed)
    for path, variable in nnx.iter_graph(module):
        if isinstance(variable, nnx.Variable):
            shape = variable.get_value().shape
            fan_in = max(int(np.prod(shape[:-1])), 1) if path[-1] == "kernel" else 1
            values = rng.normal(0, fan_in**-0.5, shape)
            values = 0.5 + values**2 if path[-1] == "var" else values
            variable.set_value(jnp.asarray(values, "float32"))
    return module


def random_gan_state(gan: Gan, spread: float = 0.02) -> GanState:
    """Fresh networks like `init_state`'s, without the time that takes to compile."""
    rng = np.random.default_rng(0)
    state = jax.eval_shape(lambda: init_state(gan.config, gan.spec, jax.random.key(0)))

    def fill(path, leaf: jax.ShapeDtypeStruct) -> jax.Array:
        name = jax.tree_util.keystr(path)
        if ("params" in name or "trunk" in name) and "kernel" in name:
            return jnp.asarray(rng.normal(0, spread, leaf.shape), leaf.dtype)
        # Variances, and spectral normalisation's vectors, of which none may be zero.
        ones = "stats" in name and ("var" in name or "'u'" in name or "sigma" in name)
        return (jnp.ones if ones else jnp.zeros)(leaf.shape, leaf.dtype)

    state = jax.tree_util.tree_map_with_path(fill, state)
    networks = {name: getattr(state, name) for name in ("generator", "discriminator", "task")}
    # An average starts as what it is of.
    return state._replace(
        **{name: n._replace(average=n.average and n.params) for name, n in networks.items()}
    )


def blank_generator(state: GanState, tint: float) -> Network:
    """A generator that makes images of one grey, tanh(tint), whatever it gets."""

    def fill(path, leaf: jax.Array) -> jax.Array:
        name = jax.tree_util.keystr(path)
        return jnp.full_like(leaf, tint if "conv_out" in name and "bias" in name else 0)

    params = jax.tree_util.tree_map_with_path(fill, state.generator.params)
    return state.generator._replace(params=params)


def merged(graph: nnx.GraphDef, network: Network) -> nnx.Module:
    return nnx.merge(graph, network.params, network.stats, copy=True)


def run_training(
    folder: Path, gan: Gan, train: GanData, validation: GanData, *, seed: int, stop: bool = False
) -> tuple[Path, Path]:
    """Trains a GAN into a folder; returns its files. `stop` stops it after a chunk."""
    paths = folder / "networks.safetensors", folder / "metrics.jsonl"
    with open_checkpoints(folder / "checkpoints", {}) as checkpoints:
        if stop:
            save = checkpoints.save
            checkpoints.save = lambda *chunk: (os.kill(os.getpid(), signal.SIGTERM), save(*chunk))
        train_gan(
            gan,
            train,
            validation,
            seed=seed,
            path=paths[0],
            metrics_path=paths[1],
            checkpoints=checkpoints,
        )
    return paths
