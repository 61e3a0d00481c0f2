"""A trained GAN as its file holds it: what converts images, and reads the conversions."""

import functools
import hashlib
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from synth2real.convert.convert import (
    convert_images,
    least_strength,
    load_generator,
    load_network,
)
from synth2real.errors import InputError
from synth2real.gan.config import load_gan_config
from synth2real.gan.networks import signed_pixels
from synth2real.gan.state import Gan, Network, make_gan
from synth2real.io.weights import read_about, unknown_settings
from synth2real.sources.base import class_labels
from synth2real.sources.folder import Folder
from synth2real.sources.idx import IdxFile
from synth2real.sources.npz import Npz
from synth2real.spec import load_spec
from synth2real.training import Images, in_batches


class Converter(NamedTuple):
    """A GAN's generator and task classifier, and the strength of the weakest conversions."""

    path: Path
    gan: Gan
    generator: Network
    task: Network
    least_strength: float

    @classmethod
    def load(cls, path: Path, strength: float | None = None) -> "Converter":
        """Reads a GAN's file, or that in its folder.

        Raises:
            InputError: it is none, or one that this version cannot read, or its generator knows no
                strength.
        """
        path = path / "networks.safetensors" if path.is_dir() else path
        about = read_about(path, "GAN")
        try:
            gan = make_gan(load_gan_config(about["config"]), load_spec(about["spec"]))
        except (KeyError, TypeError) as error:
            raise unknown_settings(path, error) from error
        if gan.config.generator != "bend":
            if strength not in (None, 1.0):
                raise InputError(
                    f"{path}: has generator {gan.config.generator}; a least strength needs bend"
                )
            strength = 1.0
        return cls(
            path,
            gan,
            load_generator(gan, path),
            load_network(gan, path, "task"),
            least_strength(path, strength),
        )

    @property
    def digest(self) -> str:
        """Of the file's content: another GAN may lie at the same place later."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()[:16]

    def labels(self, source: Folder | Npz | IdxFile) -> np.ndarray:
        """The labels of images, int32 [N].

        Raises:
            InputError: the GAN does not know one of their classes.
        """
        return class_labels(source.labels(), self.gan.spec.classes, str(source.path))

    def convert(self, images: Images, key: jax.Array) -> np.ndarray:
        """Conversions of images, uint8 [N, H, W, C]."""
        return convert_images(self.gan, self.generator, images, key, self.least_strength)

    def probabilities(self, images_NxHxWxC: np.ndarray, labels_N: np.ndarray) -> np.ndarray:
        """How probable the task classifier finds the classes of images, float32 [N] in 0..1."""
        probability_NxC = in_batches(functools.partial(_read, self.gan, self.task), images_NxHxWxC)
        probability_N: np.ndarray = probability_NxC[np.arange(len(labels_N)), labels_N]
        return probability_N


@functools.partial(jax.jit, static_argnums=0)
def _read(gan: Gan, task: Network, images_BxHxWxC: jax.Array) -> jax.Array:
    """The task classifier's probabilities, [B, C]."""
    classifier = nnx.merge(gan.task, task.params, task.stats)
    return jax.nn.softmax(classifier.from_real(signed_pixels(jnp.asarray(images_BxHxWxC))))
