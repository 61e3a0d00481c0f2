"""Which ratios a figure with little room shows."""

import math
from collections.abc import Iterable

import numpy as np


def spread_ratios(ratios: Iterable[str], most: int = 4) -> list[str]:
    """Picks at most ``most`` ratios, the least and the greatest among them, evenly in log.

    ``ratios`` are decimals above zero as the config writes them; the result is sorted by value.
    """
    left = sorted(ratios, key=float)
    if len(left) <= most:
        return left
    picked = []
    for target in np.geomspace(float(left[0]), float(left[-1]), most):
        nearest = min(left, key=lambda ratio: abs(math.log(float(ratio) / target)))
        left.remove(nearest)
        picked.append(nearest)
    return sorted(picked, key=float)
