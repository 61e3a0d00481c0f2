"""Shows how much the conversions of one image differ."""

from collections.abc import Mapping
from pathlib import Path

import jax
import jax.numpy as jnp
import matplotlib
import numpy as np
from matplotlib.figure import Figure

from synth2real.convert.convert import convert_images, load_generator
from synth2real.figures.samples import Images, draw_panels, first, shown_classes
from synth2real.figures.style import STYLE, save
from synth2real.gan.state import Gan
from synth2real.io.arrays import load_arrays
from synth2real.spec import ImageSpec
from synth2real.training import Images as Labelled

COPIES = 16


def first_of_each_class(spec: ImageSpec, path: Path) -> tuple[Images, np.ndarray]:
    """The first image of each class shown, [N, H, W, C], white where there is none; its label."""
    images, labels_N = load_arrays(path, "images", "labels")
    shown = shown_classes(spec)
    return np.stack([first(images, labels_N, label, spec) for label in shown]), np.array(shown)


def convert_often(
    gan: Gan, networks_path: Path, least_strength: float, synthetic: Images, labels: np.ndarray
) -> Images:
    """Converts each of some images sixteen times, with noise and strength of its own.

    Takes uint8 [N, H, W, C] and returns uint8 [N, 16, H, W, C].
    """
    generator = load_generator(gan, networks_path)
    again = Labelled(
        jnp.asarray(np.repeat(synthetic, COPIES, axis=0)),
        jnp.asarray(np.repeat(labels, COPIES), jnp.int32),
    )
    converted = convert_images(gan, generator, again, jax.random.key(0), least_strength)
    return converted.reshape(len(synthetic), COPIES, *synthetic.shape[1:])


@matplotlib.rc_context(STYLE)
def conversions(
    spec: ImageSpec, synthetic: Images, converted: Mapping[str, Images], png: Path, svg: Path
) -> Figure:
    """Each row an image, [N, H, W, C], and its conversions, [N, 16, H, W, C], by size."""
    empty = np.full(spec.shape, 255, np.uint8)
    rows = {
        title: [[image, empty, *copies] for image, copies in zip(synthetic, of_size, strict=True)]
        for title, of_size in converted.items()
    }
    names = [spec.classes[label] for label in shown_classes(spec)]
    figure = draw_panels(spec, rows, names, COPIES + 2)
    save(figure, png, svg)
    return figure
