"""The real stage: the labelled real images as arrays, to train on and to test on."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from synth2real.errors import InputError
from synth2real.images import ImagesConfig, find_spec
from synth2real.io.arrays import save_arrays
from synth2real.io.files import write_atomically
from synth2real.settings import setting
from synth2real.sources.base import (
    Source,
    check_same_classes,
    class_labels,
    find_duplicates,
    natural_order,
    show_names,
)
from synth2real.sources.usable import (
    LeftOut,
    keep_no_test_images,
    numbers_in_source,
    skip_unreadable,
    write_left_out,
)
from synth2real.spec import ImageSpec, check_memory, write_spec

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
    """Images of a source, their labels, and the place of each in the source."""

    source: Source
    images: np.ndarray
    labels: np.ndarray
    number: np.ndarray

    @classmethod
    def whole(cls, source: Source, labels_N: np.ndarray, spec: ImageSpec) -> "Part":
        number_N = np.arange(len(labels_N))
        return cls(source, source.read(number_N, spec), labels_N, number_N)

    def take(self, chosen_N: np.ndarray) -> "Part":
        return Part(self.source, *(array[chosen_N] for array in self[1:]))

    def name(self, place: int) -> str:
        return self.source.name(int(self.number[place]))


def write_real(
    config: RealConfig,
    images: ImagesConfig,
    train: Source,
    test: Source | None,
    *,
    origin: str,
    spec_path: Path,
    paths: Sequence[tuple[Path, Path]],
    left_out_path: Path,
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
        left_out_path: a table of images that were left out, if the settings allow it.

    Raises:
        InputError: an image cannot be read, the classes of `test` are others, or an image is in
            both parts.
    """
    left_out: LeftOut = []
    if images.skip_bad:
        train = skip_unreadable(train, left_out)
        test = test and skip_unreadable(test, left_out)
    names = train.labels()
    spec = find_spec(images, train, natural_order(names))
    check_memory(origin, len(names), spec)
    labels_N = class_labels(names, spec.classes, origin)
    parts: Iterable[tuple[Part, Part]]
    if test is not None:
        parts = [_parts_apart(train, labels_N, test, spec, origin)]
    else:
        folds = list(choose_test(config, labels_N, spec.classes))
        whole = Part.whole(train, labels_N, spec)
        parts = ((whole.take(~is_test_N), whole.take(is_test_N)) for is_test_N in folds)
    # No file gets its name before all are written.
    with ExitStack() as stack:
        for (train_part, test_part), pair in zip(parts, paths, strict=True):
            train_path, test_path = (stack.enter_context(write_atomically(path)) for path in pair)
            if images.skip_bad:
                train_part = _skip_twins(train_part, test_part, left_out)
            _write_parts(train_part, test_part, train_path, test_path)
        write_left_out(left_out, stack.enter_context(write_atomically(left_out_path)))
        write_spec(stack.enter_context(write_atomically(spec_path)), spec)


def _parts_apart(
    train: Source, labels_N: np.ndarray, test: Source, spec: ImageSpec, origin: str
) -> tuple[Part, Part]:
    """Both parts, where test images are a source of their own."""
    names = test.labels()
    check_memory("real.test", len(names), spec)
    check_same_classes(spec.classes, natural_order(names), ("real training", "real test"))
    test_labels_N = class_labels(names, spec.classes, f"{origin}, test")
    return Part.whole(train, labels_N, spec), Part.whole(test, test_labels_N, spec)


def _skip_twins(train: Part, test: Part, left_out: LeftOut) -> Part:
    """The training images that are no test images, too."""
    return train.take(
        keep_no_test_images("real", train.source, train.number, train.images, test.images, left_out)
    )


def _write_parts(train: Part, test: Part, train_path: Path, test_path: Path) -> None:
    if twins := find_duplicates(train.images, test.images):
        pairs = [f"{train.name(a)} and {test.name(b)}" for a, b in twins[:NAMED]]
        if len(twins) > NAMED:
            pairs.append(f"{len(twins) - NAMED:,} more")
        raise InputError(
            f"real: test images that are training images, too, pixel for pixel ({len(twins):,}); "
            f"take one of each pair out: {'; '.join(pairs)}"
        )
    for part, path in [(train, train_path), (test, test_path)]:
        number = numbers_in_source(part.source, part.number)
        save_arrays(path, images=part.images, labels=part.labels, source=number)
    log.info(f"{len(train.labels):,} real images to train on, {len(test.labels):,} to test")


def choose_test(
    config: RealConfig, labels_N: np.ndarray, classes: tuple[str, ...]
) -> Iterator[np.ndarray]:
    """Yields which images are test images, bool [N]: once, or for each fold; stratified.

    The draw is always the same, whatever `splits.seeds` says: they draw among the others.
    """
    folds = config.folds or 1
    _check_choice(config, np.bincount(labels_N, minlength=len(classes)), classes)
    rng = np.random.default_rng(0)
    fold_N = np.empty(len(labels_N), int)
    offset = 0
    for label in range(len(classes)):
        places = rng.permutation(np.flatnonzero(labels_N == label))
        if config.test_share:
            fold_N[places] = np.arange(len(places)) >= round(config.test_share * len(places))
        else:
            # Folds go on where the last class ended, so that small classes fill them evenly.
            fold_N[places] = (np.arange(len(places)) + offset) % folds
            offset += len(places)
    for fold in range(folds):
        yield fold_N == fold


def _check_choice(config: RealConfig, counts_C: np.ndarray, classes: tuple[str, ...]) -> None:
    share, folds = config.test_share, config.folds or 1
    if share:
        wrong_C = np.array([not 0 < round(share * count) < count for count in counts_C])
    else:
        wrong_C = counts_C < folds
    few = [f"{classes[label]} ({counts_C[label]:,})" for label in np.flatnonzero(wrong_C)]
    if few and share:
        raise InputError(
            f"real.test_share: {share} of the images of a class sets apart none or all of "
            f"{show_names(few)}; at least one to test and one to train are needed"
        )
    if few:
        most = min(counts_C)
        right = f"at most {most} folds will do, or more images" if most > 1 else "more are needed"
        raise InputError(
            f"real.folds: fewer images than {folds} folds are in {show_names(few)}; {right}"
        )
