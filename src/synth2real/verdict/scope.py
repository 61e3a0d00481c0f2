"""Which real images the verdict holds for: how much those of different draws are the same."""

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from synth2real.splits import read_split

# From this share on intervals are more than a tenth too narrow for images of all there could be: of
# draws that share f of their images, variances are 1 - f of those of draws that share none.
ALIKE = 0.2


def read_common(paths: Mapping[tuple[str, str, int], Path]) -> dict[str, float]:
    """Reads the split of each fold, size and draw: by size `share_in_common`, the mean of folds."""
    draws: dict[str, dict[str, list[np.ndarray]]] = defaultdict(lambda: defaultdict(list))
    for (fold, size, _), path in paths.items():
        draws[size][fold].append(read_split(path).real)
    return {
        size: float(np.mean([share_in_common(of_fold) for of_fold in folds.values()]))
        for size, folds in draws.items()
    }


def share_in_common(draws: Sequence[np.ndarray]) -> float:
    """How many of a draw's real images another one has, too, in [0, 1]; the mean of all pairs.

    1 where there is one draw: nothing says what other real images would give.
    """
    pairs = itertools.combinations(draws, 2)
    return float(np.mean([np.isin(*pair).mean() for pair in pairs] or [1.0]))


def scope(common: Mapping[str, float]) -> list[str]:
    """What the intervals do not allow for, in sentences; sizes are as a person reads them."""
    one = [title for title, share in common.items() if share == 1]
    some = {title: f"{share:.0%}" for title, share in common.items() if ALIKE <= share < 1}
    lines = []
    if one:
        where = "" if len(one) == len(common) else f"{', '.join(one)}: "
        lines.append(
            f"{where}There is one choice of the real images, so intervals are of other classifiers "
            "and other test images. What other real images, and GANs that learn from them, would "
            "give, is told by several draws (splits.seeds) of fewer than all."
        )
    if some:
        lines.append(
            f"{', '.join(some)}: Draws have many real images in common ({', '.join(some.values())})"
            ", so intervals are too narrow for what other real images would give."
        )
    return lines
