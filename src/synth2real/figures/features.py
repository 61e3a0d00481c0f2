"""Shows where real, synthetic and converted images lie for a classifier of real ones."""

from collections.abc import Mapping
from pathlib import Path

import jax.numpy as jnp
import matplotlib
import numpy as np
from matplotlib.figure import Figure
from sklearn.manifold import TSNE

from synth2real.classify.config import ClassifierConfig
from synth2real.figures.samples import short
from synth2real.figures.style import LOOKS, STYLE, Look, new_figure, save
from synth2real.gap.judge import judge_images
from synth2real.io.arrays import load_arrays
from synth2real.spec import ImageSpec

EACH = 500  # images of a kind
MOST_NAMES = 20  # classes that are named
# Dots are small: without colour, darkness and a cross tell them apart.
KINDS = {
    "real test": Look("#000000", "o"),
    "synthetic": LOOKS["synthetic"],
    "converted": LOOKS["converted"]._replace(marker="x"),
}


def load_features(
    config: ClassifierConfig, spec: ImageSpec, judge_path: Path, images_path: Path
) -> tuple[np.ndarray, np.ndarray]:
    """What the judge of the gap makes of some images of a file, [N, D], and their labels [N].

    They are drawn at random with a fixed seed.
    """
    images_NxHxWxC, labels_N = load_arrays(images_path, "images", "labels")
    index = np.random.default_rng(0).permutation(len(labels_N))[:EACH]
    seen = judge_images(config, spec, judge_path, jnp.asarray(images_NxHxWxC[index]))
    return seen.features, labels_N[index]


@matplotlib.rc_context(STYLE)
def features(
    spec: ImageSpec,
    seen: Mapping[str, Mapping[str, tuple[np.ndarray, np.ndarray]]],
    png: Path,
    svg: Path,
) -> Figure:
    """A map of features [N, D] for each size, of all kinds at once, with labels [N].

    By t-SNE (van der Maaten and Hinton, JMLR 2008), so that distances mean something nearby alone.
    """
    columns = min(2, len(seen))
    rows = -(-len(seen) // columns)
    figure = new_figure(height=0.5 + (4.0 if columns == 2 else 6.0) * rows)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, (title, kinds) in zip(panels, seen.items(), strict=False):
        sizes = [len(labels) for _, labels in kinds.values()]
        together = np.concatenate([features_NxD for features_NxD, _ in kinds.values()])
        tsne = TSNE(perplexity=min(30.0, (len(together) - 1) / 3), random_state=0)
        places = np.split(tsne.fit_transform(together), np.cumsum(sizes)[:-1])
        for (kind, look), place in zip(KINDS.items(), places, strict=True):
            width = 1 if look.marker == "x" else 0
            dots = {"s": 9, "linewidths": width, "alpha": 0.6, "marker": look.marker}
            axes.scatter(*place.T, color=look.colour, label=kind, rasterized=True, **dots)
        if len(spec.classes) <= MOST_NAMES:
            real, labels_N = places[0], kinds["real test"][1]
            for label in np.unique(labels_N):
                x, y = np.median(real[labels_N == label], axis=0)
                box = {"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.8}
                axes.text(x, y, short(spec.classes[label]), ha="center", va="center", bbox=box)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
        axes.set_title(title)
    for axes in panels[len(seen) :]:
        axes.set_visible(False)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, markerscale=2)
    save(figure, png, svg)
    return figure
