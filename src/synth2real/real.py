"""The real stage: the labelled real images as arrays, to train on and to test on."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from synth2real.errors import InputError
from synth2real.images import ImagesConfig, find_spec
from synth2real.io.arrays import save_arrays
from synth2real.settings import setting
from synth2real.sources.base import (
    Source,
    check_same_classes,
    class_labels,
    find_duplicates,
    natural_order,
)
from synth2real.spec import ImageSpec, write_spec

log = logging.getLogger(__name__)

NAMED = 10  # duplicates that a message names


@dataclass(frozen=True)
class RealConfig:
    """Where the test images come from, if the source has none of its own."""

    test: str | None = setting(
        "a folder or file with the real test images, of the same kind as the others",
        type=["string", "null"],
        minLength=1,
    )
    test_share: float | None = setting(
        "share of each class to set apart for testing, above 0 and below 1",
        type=["number", "null"],
        exclusiveMinimum=0,
        exclusiveMaximum=1,
    )
    folds: int | None = setting(
        "in how many parts to divide the images, each of which is the test set once, a whole "
        "number from 2 to 20",
        type=["integer", "null"],
        minimum=2,
        maximum=20,
    )


class Part(NamedTuple):
    """Images of a source, uint8 [N, H, W, C], their labels and their numbers in the source."""

    source: Source
    images: np.ndarray
    labels: np.ndarray
    numbers: np.ndarray

    def take(self, chosen_N: np.ndarray) -> "Part":
        """Some of the images, chosen by bool [N]."""
        arrays = (self.images, self.labels, self.numbers)
        return Part(self.source, *(array[chosen_N] for array in arrays))

    def name(self, place: int) -> str:
        """What a message calls an image."""
        return self.source.name(int(self.numbers[place]))


def write_real(
    config: RealConfig,
    images: ImagesConfig,
    train: Source,
    test: Source | None,
    *,
    origin: str,
    spec_path: Path,
    paths: Sequence[tuple[Path, Path]],
) -> None:
    """Writes the spec, and `images`, `labels` and `source` of each pair of training and test part.

    Arrays are uint8 [N, H, W, C], int32 [N] and int64 [N], the number of each image in its source.

    Args:
        config: how test images are chosen if `test` is None.
        images: what images are like.
        train: real images with labels.
        test: those to test on, or None.
        origin: what the source is called in messages.
        spec_path: the spec, as JSON.
        paths: training and test file; a pair for each fold.

    Raises:
        InputError: an image cannot be read, the classes of `test` are others, or an image is in
            both parts.
    """
    spec = find_spec(images, train, natural_order(train.labels()))
    everything = _read(train, spec, images.fit, origin)
    if test is not None:
        classes = natural_order(test.labels())
        check_same_classes(spec.classes, classes, ("real training", "real test"))
        parts = iter([(everything, _read(test, spec, images.fit, f"{origin}, test"))])
    else:
        chosen = choose_test(config, everything.labels, spec.classes)
        parts = ((everything.take(~is_test), everything.take(is_test)) for is_test in chosen)
    for pair, (train_path, test_path) in zip(parts, paths, strict=True):
        _check_apart(*pair)
        for part, path in zip(pair, (train_path, test_path), strict=True):
            save_arrays(path, images=part.images, labels=part.labels, source=part.numbers)
        log.info("%s real images to train on, %s to test", *(f"{len(p.labels):,}" for p in pair))
    write_spec(spec_path, spec)


def _read(source: Source, spec: ImageSpec, fit: str, origin: str) -> Part:
    labels_N = class_labels(source.labels(), spec.classes, origin)
    index_N = np.arange(len(labels_N))
    return Part(source, source.read(index_N, spec, fit), labels_N, index_N)


def _check_apart(train: Part, test: Part) -> None:
    """Refuses an image to train on that is a test image, too."""
    if twins := find_duplicates(train.images, test.images):
        pairs = "; ".join(f"{train.name(a)} and {test.name(b)}" for a, b in twins[:NAMED])
        raise InputError(
            f"real: {len(twins):,} images to train on are among the test images, too, pixel for "
            f"pixel; take one of each pair out: {pairs}"
        )


def choose_test(
    config: RealConfig, labels_N: np.ndarray, classes: tuple[str, ...]
) -> Iterator[np.ndarray]:
    """Yields which images are test images, bool [N]: once, or for each fold; stratified.

    The draw is always the same, whatever `splits.seeds` says: they draw among the others.
    """
    folds = config.folds or 1
    rng = np.random.default_rng(0)
    fold_N = np.empty(len(labels_N), int)
    offset = 0
    for label, name in enumerate(classes):
        places = rng.permutation(np.flatnonzero(labels_N == label))
        if config.test_share:
            n_test = round(config.test_share * len(places))
            if not 0 < n_test < len(places):
                raise InputError(
                    f"real.test_share: {config.test_share} of the {len(places)} images of class "
                    f"{name} sets {n_test} apart; at least one to test and one to train are needed"
                )
            fold_N[places] = np.where(np.arange(len(places)) < n_test, 0, 1)
        elif len(places) < folds:
            raise InputError(
                f"real.folds: class {name} has {len(places)} images, fewer than {folds} folds; "
                f"at most {len(places)} folds will do, or more images"
            )
        else:
            # Folds go on where the last class ended, so that small classes fill them evenly.
            fold_N[places] = (np.arange(len(places)) + offset) % folds
            offset += len(places)
    for fold in range(folds):
        yield fold_N == fold
