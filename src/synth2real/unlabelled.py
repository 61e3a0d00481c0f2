"""Real images without labels: part of the real stage, a job of its own.

So whoever adds some to a finished experiment repeats nothing.
"""

import logging
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from synth2real.io.arrays import load_arrays, save_arrays
from synth2real.sources.base import Source
from synth2real.sources.usable import (
    LeftOut,
    numbers_in_source,
    read_without_test_images,
    skip_unreadable,
    write_left_out,
)
from synth2real.spec import ImageSpec, check_memory

log = logging.getLogger(__name__)

ORIGIN = "real.unlabelled"  # the key that messages name


def write_unlabelled(
    source: Source,
    spec: ImageSpec,
    *,
    real_test_paths: Iterable[Path],
    path: Path,
    skip_bad: bool,
    left_out_path: Path,
) -> None:
    """Writes `images`, uint8 [N, H, W, C], and `source`, int64 [N], their numbers in the source.

    Args:
        source: real images, whose labels are not looked at.
        spec: what images are like.
        real_test_paths: files with the real test images, which none of them may be.
        path: what to write.
        skip_bad: leaves out pictures that cannot be read or are real test images.
        left_out_path: a table of those.

    Raises:
        InputError: an image cannot be read, or is a real test image, or there are too many.
    """
    left_out: LeftOut = []
    if skip_bad:
        source = skip_unreadable(source, left_out)
    index_N = np.arange(len(source.labels()))
    check_memory(ORIGIN, len(index_N), spec)
    tests = (load_arrays(path, "images")[0] for path in real_test_paths)
    index_N, images_NxHxWxC = read_without_test_images(
        ORIGIN, source, index_N, spec, tests, left_out if skip_bad else None
    )
    save_arrays(path, images=images_NxHxWxC, source=numbers_in_source(source, index_N))
    write_left_out(left_out, left_out_path)
    log.info(f"{len(index_N):,} real images without labels")
