"""What every classifier of the experiment makes of every real test image."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from synth2real.figures.table import Chain
from synth2real.io.arrays import load_arrays
from synth2real.sets import SETS
from synth2real.verdict.comparisons import Right


def read_right(paths: Mapping[Chain, Path]) -> dict[str, dict[str, Right]]:
    """Reads predictions: by size and set whether classifiers recognise test images.

    A classifier without a GAN's part stands in the file of every GAN and counts once. Of several
    GANs each counts as one classifier, the mean of its runs. Folds have test images of their own:
    they stand side by side, and each draw is one of all folds.
    """
    # By size, set, draw and fold: the classifiers of each GAN, [runs, images].
    found: dict[str, dict[str, dict[int, dict[str, dict[int | None, np.ndarray]]]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(lambda: defaultdict(dict)))
    )
    for (fold, size, draw, gan_seed), path in paths.items():
        names = ("predictions", "labels", "datasets")
        predictions_CxN, labels_N, datasets_C = load_arrays(path, *names)
        right_CxN = predictions_CxN == labels_N
        for dataset in dict.fromkeys(datasets_C.tolist()):
            seed = gan_seed if SETS[dataset].needs_gan else None
            found[size][dataset][draw][fold][seed] = right_CxN[datasets_C == dataset]
    return {
        size: {
            dataset: {draw: _side_by_side(folds) for draw, folds in draws.items()}
            for dataset, draws in datasets.items()
        }
        for size, datasets in found.items()
    }


def _side_by_side(folds: Mapping[str, Mapping[int | None, np.ndarray]]) -> np.ndarray:
    """Classifiers [classifiers, images], or of several GANs their means, of all folds."""
    parts = []
    for gans in folds.values():
        (first, *others) = gans.values()
        parts.append(np.stack([g.mean(0) for g in gans.values()]) if others else first * 1.0)
    return np.concatenate(parts, axis=1)
