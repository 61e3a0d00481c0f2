"""The convert stage: a GAN turns synthetic images into the set GAN (paper, section 3).

With `synthetic_worth`, in the place of some synthetic images there stands a real image of the same
class, warped at random as in training, in which the generator has no part. With `candidates`, each
image is drawn several times and one is kept (`synth2real.convert.hard_examples`).
"""

import functools
import logging
from collections.abc import Iterable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from synth2real.classify.config import ClassifierConfig
from synth2real.convert.config import ConvertConfig
from synth2real.convert.hard_examples import Candidate, keep_hardest
from synth2real.gan.state import Gan, Network, init_state
from synth2real.gan.step import generate, prepare
from synth2real.io.arrays import save_arrays
from synth2real.io.trees import load_tree
from synth2real.splits import read_split
from synth2real.training import Images, in_batches, load_images

log = logging.getLogger(__name__)

CONVERT = 2**31  # folded into the seed's key; a small number would give a key of training's again


def load_generator(gan: Gan, path: Path) -> Network:
    """Reads the generator of a trained GAN."""
    state = jax.eval_shape(lambda: init_state(gan.config, gan.spec, jax.random.key(0)))
    trained = load_tree(path, {"generator": state.weights["generator"]})["generator"]
    return Network(**trained, opt_state=())


def convert_images(
    gan: Gan, generator: Network, images_NxHxWxC: np.ndarray, key: jax.Array
) -> np.ndarray:
    """Converts synthetic images, uint8 [N, H, W, C], to images of the same shape and type.

    Without a step of training the generator has no part, and images are only warped at random.
    Batch normalisation uses the averages of training, so that an image's conversion depends on
    the image, its noise and its random warp alone. Pixels are uint8((x + 1) / 2 * 255), rounded:
    the authors' code left out the + 1 and so lost the negative half of the range.
    """
    return in_batches(functools.partial(_convert, gan, generator), images_NxHxWxC, key)


@functools.partial(jax.jit, static_argnums=0)
def _convert(gan: Gan, generator: Network, images_BxHxWxC: jax.Array, key: jax.Array) -> jax.Array:
    key_warp, key_noise = jax.random.split(key)
    x_BxHxWxC = prepare(gan, images_BxHxWxC, key_warp)
    # 0 samples are a control without a GAN: what a generator starts with bends images, too.
    if gan.config.steps:
        x_BxHxWxC, _ = generate(gan, generator, x_BxHxWxC, key_noise, train=False)
    return _to_pixels(x_BxHxWxC)


def warp_images(gan: Gan, images_NxHxWxC: np.ndarray, key: jax.Array) -> np.ndarray:
    """Warps real images as training did, uint8 [N, H, W, C]; the generator has no part in it."""
    return in_batches(functools.partial(_warp, gan), images_NxHxWxC, key)


@functools.partial(jax.jit, static_argnums=0)
def _warp(gan: Gan, images_BxHxWxC: jax.Array, key: jax.Array) -> jax.Array:
    return _to_pixels(prepare(gan, images_BxHxWxC, key))


def _to_pixels(x_BxHxWxC: jax.Array) -> jax.Array:
    return jnp.round((x_BxHxWxC + 1) / 2 * 255).astype(jnp.uint8)


def draw_exemplars(
    synthetic_labels_N: np.ndarray,
    real_labels_M: np.ndarray,
    synthetic_worth: float | None,
    key: jax.Array,
) -> np.ndarray:
    """Draws what takes the place of synthetic images: real images' indices, int64 [N].

    Each is a real image of the same class. -1 stands for the synthetic image itself: with
    probability synthetic_worth / (synthetic_worth + M), always if synthetic_worth is None or no
    real image shows the class.
    """
    exemplars_N = np.full(len(synthetic_labels_N), -1)
    if synthetic_worth is None:
        return exemplars_N
    rng = np.random.default_rng(np.asarray(jax.random.key_data(key)))
    synthetic_share = synthetic_worth / (synthetic_worth + len(real_labels_M))
    from_real_N = rng.random(len(synthetic_labels_N)) >= synthetic_share
    for label in np.unique(real_labels_M):
        places = np.flatnonzero(from_real_N & (synthetic_labels_N == label))
        exemplars_N[places] = rng.choice(np.flatnonzero(real_labels_M == label), len(places))
    return exemplars_N


def draw_candidate(
    gan: Gan,
    config: ConvertConfig,
    generator: Network,
    synthetic: Images,
    real: Images,
    key: jax.Array,
) -> Candidate:
    """A conversion of each synthetic image, or a warped real image in its place."""
    key_exemplars, key_synthetic, key_real = jax.random.split(key, 3)
    exemplars_N = draw_exemplars(
        np.asarray(synthetic.labels), np.asarray(real.labels), config.synthetic_worth, key_exemplars
    )
    synthetic_NxHxWxC, real_MxHxWxC = np.asarray(synthetic.images), np.asarray(real.images)
    from_real_N = exemplars_N >= 0
    images = np.empty_like(synthetic_NxHxWxC)
    images[~from_real_N] = convert_images(
        gan, generator, synthetic_NxHxWxC[~from_real_N], key_synthetic
    )
    images[from_real_N] = warp_images(gan, real_MxHxWxC[exemplars_N[from_real_N]], key_real)
    return Candidate(images, from_real_N)


def write_converted(
    gan: Gan,
    config: ConvertConfig,
    classifier: ClassifierConfig | None,
    *,
    gan_path: Path,
    split_path: Path,
    real_path: Path,
    synthetic_train_path: Path,
    synthetic_test_path: Path,
    seed: int,
    train_path: Path,
    test_path: Path,
) -> None:
    """Converts all synthetic images of a split, and the synthetic test set.

    The files hold `images` and `labels` like the synthetic images they come from: the set GAN in
    the order of the split's `synthetic`, once for each copy, the test set in the order of the
    synthetic test set. The test set is the generator's alone: a real image would be one that
    classifiers learnt from. `classifier` is the teacher's; there is one if there are several
    candidates.
    """
    generator = load_generator(gan, gan_path)
    split = read_split(split_path)
    real = load_images(real_path, split.real)
    train = load_images(synthetic_train_path, split.synthetic)
    test = load_images(synthetic_test_path)
    # A key of its own: training splits `jax.random.key(seed)` itself.
    key, key_test = jax.random.split(jax.random.fold_in(jax.random.key(seed), CONVERT))
    copies = (
        [draw_candidate(gan, config, generator, train, real, k) for k in keys]
        for keys in jax.random.split(key, (config.copies, config.candidates))
    )
    kept: Iterable[Candidate] = (candidates[0] for candidates in copies)
    if classifier:
        kept = keep_hardest(classifier, gan.spec, real, copies, train.labels, seed)
    images, from_real = map(np.concatenate, zip(*kept, strict=True))
    log.info(f"{len(images):,} training images, {from_real.mean():.1%} of them warped real ones")
    labels = np.tile(np.asarray(train.labels), config.copies)
    save_arrays(train_path, images=images, labels=labels)
    converted = convert_images(gan, generator, np.asarray(test.images), key_test)
    save_arrays(test_path, images=converted, labels=np.asarray(test.labels))
