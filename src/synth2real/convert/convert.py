"""The convert stage: a GAN turns synthetic images into the set GAN (paper, section 3)."""

import functools
import logging
from collections.abc import Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from synth2real.convert.config import HINGE, LEAST_STRENGTH, ConvertConfig
from synth2real.errors import InputError
from synth2real.gan.networks import signed_pixels
from synth2real.gan.state import Gan, Network, init_state, start_training
from synth2real.gan.step import generate
from synth2real.io.arrays import save_arrays
from synth2real.io.weights import load_weights, read_about
from synth2real.splits import read_split
from synth2real.training import Images, in_batches, load_images

log = logging.getLogger(__name__)

CONVERT = 2**31  # folded into the seed's key; a small number would give a key of training's again


def load_generator(gan: Gan, path: Path) -> Network:
    """Reads the generator of a trained GAN."""
    return load_network(gan, path, "generator")


def load_network(gan: Gan, path: Path, name: str) -> Network:
    """Reads one network of a trained GAN, by its name in `GanState.weights`."""
    state = jax.eval_shape(lambda: init_state(gan.config, gan.spec, jax.random.key(0)))
    trained = load_weights(path, {name: state.weights[name]})[name]
    return Network(**trained, opt_state=())


def untrained_generator(gan: Gan, seed: int, path: Path) -> Network:
    """The generator that the training of a GAN with this seed began with, and its exemplars."""
    untrained = start_training(gan, seed)[0].generator
    if not gan.config.has_exemplars(gan.spec):
        return untrained
    return untrained._replace(stats=load_generator(gan, path).stats)


def least_strength(gan_path: Path, given: float | None = None) -> float:
    """The strength of the weakest conversions: as given, else by what a GAN's training measured.

    The hinge loss wants 2 between real and converted images. Where the discriminator finds the few
    real images that it learnt from so much more real than others, it knows them by heart, and
    conversions repeat them: what is between synthetic and real is worth more. Up to half of that it
    changes nothing. PixelDA's step does not measure it. Nor can it be where real images are too few
    to hold one out: such are known by heart.

    Raises:
        InputError: the file does not say what was measured.
    """
    if given is not None:
        return given
    about = read_about(gan_path, "GAN")
    if about["config"]["step"] != "joint":
        return LEAST_STRENGTH
    memorised = HINGE if about.get("memorised") is None else about["memorised"]
    if not isinstance(memorised, float):
        raise InputError(f"{gan_path}: memorised is {memorised!r:.20}; a number is needed")
    return LEAST_STRENGTH * min(max(HINGE - memorised, 0.0), 1.0)


def convert_images(
    gan: Gan, generator: Network, synthetic: Images, key: jax.Array, least_strength: float = 1.0
) -> np.ndarray:
    """Converts synthetic images to images of the same shape and type, uint8 [N, H, W, C].

    Batch normalisation uses the averages of training, so that an image's conversion depends on
    the image, its class and its noise alone. Pixels are uint8((x + 1) / 2 * 255), rounded: the
    authors' code left out the + 1 and so lost the negative half of the range.
    """
    # An argument, not a constant: GANs of few real images differ in it, and share the program.
    least = jnp.float32(least_strength) if least_strength < 1 else None
    return in_batches(functools.partial(_convert, gan, least, generator), synthetic, key)


@functools.partial(jax.jit, static_argnums=0)
def _convert(
    gan: Gan,
    least_strength: jax.Array | None,
    generator: Network,
    synthetic: Images,
    key: jax.Array,
) -> jax.Array:
    x_BxHxWxC, labels_B = signed_pixels(synthetic.images), synthetic.labels
    converted, _ = generate(
        gan, generator, x_BxHxWxC, labels_B, key, train=False, least_strength=least_strength
    )
    return jnp.round((converted + 1) / 2 * 255).astype(jnp.uint8)


def write_converted(
    gan: Gan,
    config: ConvertConfig,
    *,
    trained: bool,
    gan_path: Path,
    split_path: Path,
    synthetic_train_path: Path,
    synthetic_test_path: Path,
    seed: int,
    train_path: Path,
    test_path: Path,
) -> None:
    """Converts all synthetic images of a split, and the synthetic test set.

    The files hold `images` and `labels` like the synthetic images they come from: the set GAN in
    the order of the split's `synthetic`, once for each copy, the test set in the order of the
    synthetic test set. If it is not to be the trained generator, the one that the GAN's training
    began with converts, all else alike: the control.
    """
    generator = (
        load_generator(gan, gan_path) if trained else untrained_generator(gan, seed, gan_path)
    )
    train = load_images(synthetic_train_path, read_split(split_path).synthetic)
    test = load_images(synthetic_test_path)
    # A key of its own: training splits `jax.random.key(seed)` itself.
    key, key_test = jax.random.split(jax.random.fold_in(jax.random.key(seed), CONVERT))
    least = least_strength(gan_path, config.least_strength)
    log.info(f"{train_path}: conversions of strength {least:.2f} to 1")
    keys = jax.random.split(key, config.copies)
    _save_conversions(gan, generator, train, keys, least, train_path)
    _save_conversions(gan, generator, test, [key_test], least, test_path)


def _save_conversions(
    gan: Gan,
    generator: Network,
    synthetic: Images,
    keys: Sequence[jax.Array] | jax.Array,
    least_strength: float,
    path: Path,
) -> None:
    """Writes a conversion of each image for each key, one set after the other, with labels."""
    copies = [convert_images(gan, generator, synthetic, key, least_strength) for key in keys]
    labels = np.tile(np.asarray(synthetic.labels), len(keys))
    save_arrays(path, images=np.concatenate(copies), labels=labels)
