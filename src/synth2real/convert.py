"""The convert stage: a GAN turns font images into MNIST_GAN (paper, section 3).

With `font_worth`, in the place of some font images there stands a real image of the same digit,
warped at random as in training, in which the generator has no part. With `candidates`, each image
is drawn several times and one is kept (`synth2real.redraw`).
"""

import functools
import logging
from collections.abc import Iterable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from synth2real.arrays import save_arrays
from synth2real.classify.config import ClassifierConfig
from synth2real.gan.config import GanConfig
from synth2real.gan.state import Graphs, Network, init_state, make_graphs
from synth2real.gan.step import generate, prepare
from synth2real.redraw import Candidate, keep_hardest
from synth2real.splits import read_split
from synth2real.training import Images, in_batches, load_images
from synth2real.trees import load_tree

log = logging.getLogger(__name__)

CONVERT = 2**31  # folded into the seed's key; a small number would give a key of training's again


def load_generator(config: GanConfig, path: Path) -> tuple[Graphs, Network]:
    """Reads the generator of a trained GAN."""
    state = jax.eval_shape(lambda: init_state(config, jax.random.key(0)))
    trained = load_tree(path, {"generator": state.weights["generator"]})["generator"]
    return make_graphs(config), Network(**trained, opt_state=())


def convert_images(
    config: GanConfig,
    graphs: Graphs,
    generator: Network,
    images_Nx28x28: np.ndarray,
    key: jax.Array,
) -> np.ndarray:
    """Converts font images, uint8 [N, 28, 28], to images of the same shape and type.

    Without a step of training the generator has no part, and images are only warped at random.
    Batch normalisation uses the averages of training, so that an image's conversion depends on
    the image, its noise and its random warp alone. Pixels are uint8((x + 1) / 2 * 255), rounded:
    the authors' code left out the + 1 and so lost the negative half of the range.
    """
    return in_batches(
        functools.partial(_convert, config, graphs.generator, generator), images_Nx28x28, key
    )


@functools.partial(jax.jit, static_argnums=(0, 1))
def _convert(
    config: GanConfig,
    graph: nnx.GraphDef,
    generator: Network,
    images_BxHxW: jax.Array,
    key: jax.Array,
) -> jax.Array:
    key_warp, key_noise = jax.random.split(key)
    x_BxHxWx1 = prepare(config, images_BxHxW[..., None], key_warp)
    # 0 samples are a control without a GAN: what a generator starts with bends images, too.
    if config.steps:
        x_BxHxWx1, _ = generate(graph, generator, x_BxHxWx1, key_noise, train=False)
    return _to_pixels(x_BxHxWx1)


def warp_images(config: GanConfig, images_Nx28x28: np.ndarray, key: jax.Array) -> np.ndarray:
    """Warps real images as training did, uint8 [N, 28, 28]; the generator has no part in it."""
    return in_batches(functools.partial(_warp, config), images_Nx28x28, key)


@functools.partial(jax.jit, static_argnums=0)
def _warp(config: GanConfig, images_BxHxW: jax.Array, key: jax.Array) -> jax.Array:
    return _to_pixels(prepare(config, images_BxHxW[..., None], key))


def _to_pixels(x_BxHxWx1: jax.Array) -> jax.Array:
    return jnp.round((x_BxHxWx1[..., 0] + 1) / 2 * 255).astype(jnp.uint8)


def draw_exemplars(
    font_labels_N: np.ndarray, real_labels_M: np.ndarray, font_worth: float | None, key: jax.Array
) -> np.ndarray:
    """Draws what takes the place of font images: indices of real images of the digit, int64 [N].

    -1 stands for the font image itself: with probability font_worth / (font_worth + M), always
    where font_worth is None or no real image shows the digit.
    """
    exemplars_N = np.full(len(font_labels_N), -1)
    if font_worth is None:
        return exemplars_N
    rng = np.random.default_rng(np.asarray(jax.random.key_data(key)))
    from_real_N = rng.random(len(font_labels_N)) >= font_worth / (font_worth + len(real_labels_M))
    for digit in np.unique(real_labels_M):
        places = np.flatnonzero(from_real_N & (font_labels_N == digit))
        exemplars_N[places] = rng.choice(np.flatnonzero(real_labels_M == digit), len(places))
    return exemplars_N


def draw_candidate(
    config: GanConfig,
    graphs: Graphs,
    generator: Network,
    font: Images,
    real: Images,
    key: jax.Array,
) -> Candidate:
    """A conversion of each font image, or a warped real image in its place."""
    key_exemplars, key_font, key_real = jax.random.split(key, 3)
    exemplars_N = draw_exemplars(
        np.asarray(font.labels), np.asarray(real.labels), config.font_worth, key_exemplars
    )
    font_NxHxW, real_MxHxW = np.asarray(font.images)[..., 0], np.asarray(real.images)[..., 0]
    from_real_N = exemplars_N >= 0
    images = np.empty_like(font_NxHxW)
    images[~from_real_N] = convert_images(
        config, graphs, generator, font_NxHxW[~from_real_N], key_font
    )
    images[from_real_N] = warp_images(config, real_MxHxW[exemplars_N[from_real_N]], key_real)
    return Candidate(images, from_real_N)


def write_converted(
    config: GanConfig,
    classifier: ClassifierConfig | None,
    *,
    gan_path: Path,
    split_path: Path,
    mnist_path: Path,
    font_train_path: Path,
    font_test_path: Path,
    seed: int,
    train_path: Path,
    test_path: Path,
) -> None:
    """Converts all of a ratio's font images, and the font test set.

    The files hold `images` and `labels` like the font images they come from: MNIST_GAN in the
    order of the split's `font`, once for each copy, the GAN test set in the order of the font test
    set. The test set is the generator's alone: a real image would be one that classifiers learnt
    from. `classifier` is the teacher's; only where there are several candidates is there one.
    """
    graphs, generator = load_generator(config, gan_path)
    split = read_split(split_path)
    real = load_images(mnist_path, split.real)
    train, test = load_images(font_train_path, split.font), load_images(font_test_path)
    # A key of its own: training splits `jax.random.key(seed)` itself.
    key, key_test = jax.random.split(jax.random.fold_in(jax.random.key(seed), CONVERT))
    copies = (
        [draw_candidate(config, graphs, generator, train, real, k) for k in keys]
        for keys in jax.random.split(key, (config.copies, config.candidates))
    )
    kept: Iterable[Candidate] = (candidates[0] for candidates in copies)
    if classifier:
        kept = keep_hardest(classifier, real, copies, train.labels, seed)
    images, from_real = map(np.concatenate, zip(*kept, strict=True))
    log.info(f"{len(images):,} training images, {from_real.mean():.1%} of them warped real ones")
    labels = np.tile(np.asarray(train.labels, np.uint8), config.copies)
    save_arrays(train_path, images=images, labels=labels)
    converted = convert_images(config, graphs, generator, np.asarray(test.images)[..., 0], key_test)
    save_arrays(test_path, images=converted, labels=np.asarray(test.labels, np.uint8))
