"""The synthetic stage: all synthetic images as arrays, some of them set apart for testing."""

import logging
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synth2real.errors import InputError
from synth2real.images import find_background, sample_of
from synth2real.io.arrays import load_arrays, save_arrays
from synth2real.io.files import write_atomically
from synth2real.settings import setting, whole
from synth2real.sources.base import (
    Source,
    check_same_classes,
    class_labels,
    natural_order,
)
from synth2real.sources.usable import (
    LeftOut,
    numbers_in_source,
    read_without_test_images,
    skip_unreadable,
    write_left_out,
)
from synth2real.spec import EDGE, ImageSpec, check_memory, is_light

log = logging.getLogger(__name__)

TEST_SHARE = 10  # every tenth image is set apart unless a setting says how many


@dataclass(frozen=True)
class SyntheticConfig:
    """Which of the synthetic images are used, and which of them set apart for testing."""

    images: int | None = setting(
        "how many of the synthetic images to use, drawn before any is decoded, a whole number of "
        "at least 2; null takes all",
        type=["integer", "null"],
        minimum=2,
    )
    test_images: int | None = setting(
        "how many of them to set apart for testing, a whole number of at least 1; null sets apart "
        "the paper's 10,030 of the 149 fonts, and a tenth of others",
        type=["integer", "null"],
        minimum=1,
    )
    seed: int = whole("draws those images", 0)

    def count_test(self, images: int) -> int:
        """How many of so many images are set apart for testing."""
        if self.test_images is None:
            return max(images // TEST_SHARE, 1)
        return self.test_images


def write_synthetic(
    source: Source,
    config: SyntheticConfig,
    spec: ImageSpec,
    *,
    origin: str,
    real_test_paths: Iterable[Path],
    train_path: Path,
    test_path: Path,
    skip_bad: bool,
    left_out_path: Path,
) -> None:
    """Writes `images` uint8 [N, H, W, C], `labels` int32 [N] and `source` int64 [N] of both parts.

    `source` is the number of each image in the source.

    Args:
        source: labelled images.
        config: which of them.
        spec: what images are like, and the classes of the real ones.
        origin: what the source is called in messages.
        real_test_paths: files with the real test images, which no synthetic image may be.
        train_path, test_path: what to write.
        skip_bad: leaves out pictures that cannot be read or are real test images.
        left_out_path: a table of those.

    Raises:
        InputError: the classes are not those of the real images, there are too few images, one
            cannot be read, or is a real test image.
    """
    left_out: LeftOut = []
    if skip_bad:
        source = skip_unreadable(source, left_out)
    names = source.labels()
    check_same_classes(spec.classes, natural_order(names))
    labels = class_labels(names, spec.classes, origin)
    train_N, test_N = draw_parts(len(labels), config, origin)
    check_memory("synthetic.images", len(train_N) + len(test_N), spec)
    real_tests = [load_arrays(path, "images")[0] for path in real_test_paths]
    # No file gets its name before both are written.
    with ExitStack() as stack:
        for drawn_N, path, purpose in [
            (train_N, train_path, "train on"),
            (test_N, test_path, "test"),
        ]:
            index_N, images_NxHxWxC = read_without_test_images(
                "synthetic", source, drawn_N, spec, real_tests, left_out if skip_bad else None
            )
            temporary = stack.enter_context(write_atomically(path))
            save_arrays(
                temporary,
                images=images_NxHxWxC,
                labels=labels[index_N],
                source=numbers_in_source(source, index_N),
            )
            log.info(f"{len(index_N):,} synthetic images to {purpose}")
            if purpose == "train on":
                _warn_of_background(images_NxHxWxC, spec)
        write_left_out(left_out, stack.enter_context(write_atomically(left_out_path)))


def _warn_of_background(images_NxHxWxC: np.ndarray, spec: ImageSpec) -> None:
    """Warns of dark images where the real ones are light, or the reverse."""
    sample_MxHxWxC = images_NxHxWxC[sample_of(len(images_NxHxWxC))]
    real, synthetic = spec.background, find_background(sample_MxHxWxC)
    if EDGE not in (real, synthetic) and is_light(real) != is_light(synthetic):
        log.warning(
            f"synthetic images lie on {synthetic} and real ones on {real}, which warps fill up "
            "with: invert the synthetic ones, or part of what converting is worth is that it does"
        )


def draw_parts(total: int, config: SyntheticConfig, origin: str) -> Sequence[np.ndarray]:
    """Draws which images to use, and which of them to test on; both in the source's order."""
    count = total if config.images is None else config.images
    if count > total:
        raise InputError(
            f"synthetic.images: {count:,} images are asked for, and {origin} has {total:,}; null "
            "takes all"
        )
    n_test = config.count_test(count)
    if n_test >= count:
        raise InputError(
            f"synthetic.test_images: {n_test:,} of {count:,} synthetic images are to be set apart; "
            "some must be left to train on"
        )
    rng = np.random.default_rng(config.seed)
    is_test_N = np.zeros(count, bool)
    is_test_N[rng.choice(count, n_test, replace=False)] = True
    chosen_N = np.arange(total)
    if count < total:
        chosen_N = np.sort(rng.choice(total, count, replace=False))
    return chosen_N[~is_test_N], chosen_N[is_test_N]
