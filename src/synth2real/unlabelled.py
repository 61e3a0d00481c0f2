"""Real images without labels: part of the real stage, a job of its own.

So whoever adds some to a finished experiment repeats nothing.
"""

import logging
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from synth2real.io.arrays import load_arrays, save_arrays
from synth2real.sources.base import Source, refuse_test_images
from synth2real.spec import ImageSpec, check_memory

log = logging.getLogger(__name__)

ORIGIN = "real.unlabelled"  # the key that messages name


def write_unlabelled(
    source: Source, spec: ImageSpec, fit: str, *, real_test_paths: Iterable[Path], path: Path
) -> None:
    """Writes `images`, uint8 [N, H, W, C], and `source`, int64 [N], their numbers in the source.

    Args:
        source: real images, whose labels are not looked at.
        spec: what images are like.
        fit: how images of another size are fitted.
        real_test_paths: files with the real test images, which none of them may be.
        path: what to write.

    Raises:
        InputError: an image cannot be read, or is a real test image, or there are too many.
    """
    index_N = np.arange(len(source.labels()))
    check_memory(ORIGIN, len(index_N), spec)
    images_NxHxWxC = source.read(index_N, spec, fit)
    for real_path in real_test_paths:
        (tests_MxHxWxC,) = load_arrays(real_path, "images")
        refuse_test_images(ORIGIN, source, index_N, images_NxHxWxC, tests_MxHxWxC)
    save_arrays(path, images=images_NxHxWxC, source=index_N)
    log.info(f"{len(index_N):,} real images without labels")
