"""Seeds of the experiment's GANs and classifiers.

Each is a hash of what it is for, so that no two of them begin with the same weights or draw the
same batches: intervals count them as independent.
"""

import json
import zlib


def gan_seed(fold: str, size: str, draw: str, seed: str) -> int:
    """The seed of a GAN and its conversions, uint32; `seed` is one of `gan.seeds`."""
    return _hash(fold.strip("/"), size, int(draw), "gan", int(seed))


def classifier_seed(
    fold: str, size: str, draw: str, dataset: str, seed: str | None, run: int
) -> int:
    """The seed of one classifier, uint32; `seed` is that of `gan.seeds`, if it sees conversions."""
    return _hash(fold.strip("/"), size, int(draw), dataset, seed, run)


def _hash(*names: str | int | None) -> int:
    return zlib.crc32(json.dumps(names).encode())
