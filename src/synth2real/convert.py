"""The convert stage: a GAN turns font images into MNIST_GAN (paper, section 3)."""

import functools
import logging
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from synth2real.arrays import load_arrays, save_arrays
from synth2real.gan.config import GanConfig
from synth2real.gan.state import Graphs, Network, init_state, make_graphs
from synth2real.gan.step import generate, scale_pixels
from synth2real.splits import read_split
from synth2real.trees import load_tree

log = logging.getLogger(__name__)

BATCH = 500
CONVERT = 2**31  # folded into the seed's key; a small number would give a key of training's again


def load_generator(config: GanConfig, path: Path) -> tuple[Graphs, Network]:
    """Reads the generator of a trained GAN."""
    state = jax.eval_shape(lambda: init_state(config, jax.random.key(0)))
    trained = load_tree(path, {"generator": state.weights["generator"]})["generator"]
    return make_graphs(config), Network(**trained, opt_state=())


def convert_images(
    graphs: Graphs, generator: Network, images_Nx28x28: np.ndarray, key: jax.Array
) -> np.ndarray:
    """Converts font images, uint8 [N, 28, 28], to images of the same shape and type.

    Batch normalisation uses the averages of training, so that an image's conversion depends on
    the image and its noise alone. Pixels are uint8((x + 1) / 2 * 255), rounded: the authors'
    code left out the + 1 and so lost the negative half of the range.
    """
    batches = []
    for start in range(0, len(images_Nx28x28), BATCH):
        batch = images_Nx28x28[start : start + BATCH]
        # The last batch is filled up: one compiled shape serves all.
        padded = np.pad(batch, ((0, BATCH - len(batch)), (0, 0), (0, 0)))
        converted = _convert(graphs.generator, generator, padded, jax.random.fold_in(key, start))
        batches.append(np.asarray(converted)[: len(batch)])
    return np.concatenate(batches)


@functools.partial(jax.jit, static_argnums=0)
def _convert(
    graph: nnx.GraphDef, generator: Network, images_BxHxW: jax.Array, key: jax.Array
) -> jax.Array:
    x_BxHxWx1 = scale_pixels(images_BxHxW[..., None])
    converted, _ = generate(graph, generator, x_BxHxWx1, key, train=False)
    return jnp.round((converted[..., 0] + 1) / 2 * 255).astype(jnp.uint8)


def write_converted(
    config: GanConfig,
    gan_path: Path,
    split_path: Path,
    font_train_path: Path,
    font_test_path: Path,
    *,
    seed: int,
    train_path: Path,
    test_path: Path,
) -> None:
    """Converts all of a ratio's font images, and the font test set.

    The files hold `images` and `labels` like the font images they come from: MNIST_GAN in the
    order of the split's `font`, the GAN test set in the order of the font test set.
    """
    graphs, generator = load_generator(config, gan_path)
    # A key of its own: training splits `jax.random.key(seed)` itself.
    key_train, key_test = jax.random.split(jax.random.fold_in(jax.random.key(seed), CONVERT))
    images, labels = load_arrays(font_train_path, "images", "labels")
    index = read_split(split_path).font
    _save(train_path, convert_images(graphs, generator, images[index], key_train), labels[index])
    images, labels = load_arrays(font_test_path, "images", "labels")
    _save(test_path, convert_images(graphs, generator, images, key_test), labels)


def _save(path: Path, images: np.ndarray, labels: np.ndarray) -> None:
    save_arrays(path, images=images, labels=labels)
    log.info(f"{path}: {len(labels):,} images converted")
