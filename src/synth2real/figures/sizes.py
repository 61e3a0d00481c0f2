"""Which sizes a figure with little room shows."""

from collections.abc import Iterable
from decimal import Decimal

import numpy as np

from synth2real.splits import Size


def spread_sizes(sizes: Iterable[Size], most: int = 4) -> list[Size]:
    """Picks at most `most` sizes, the least and the greatest among them, evenly in log.

    The result is sorted by value.
    """
    left = sorted(sizes, key=lambda size: Decimal(size.value))
    if len(left) <= most:
        return left
    picked = []
    for target in np.geomspace(float(left[0].value), float(left[-1].value), most):
        nearest = min(left, key=lambda size: abs(np.log(float(size.value) / target)))
        left.remove(nearest)
        picked.append(nearest)
    return sorted(picked, key=lambda size: Decimal(size.value))
