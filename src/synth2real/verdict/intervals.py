"""Confidence intervals of accuracies and of their differences.

An accuracy is a mean over units (draws of real images, or classifiers) and test images; others of
each would have given another one. Every unit meets every image, as readers meet cases in radiology,
and the variances are theirs (Gallas, "One-Shot Estimate of MRMC Variance: AUC", Academic Radiology
2006): those of the means over units and over images add up, less what stands in both.

A hierarchical percentile bootstrap of so few units is too narrow: in simulations with two, three
and six draws its intervals of 95 % held the truth in 88, 92 and 94 %.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

NORMAL = float(stats.norm.ppf(0.975))  # of intervals of 95 %


class Estimate(NamedTuple):
    """A mean, and what makes it uncertain.

    Attributes:
        mean: of accuracies in [0, 1], or of differences in [-1, 1].
        of_units: variance of the mean that more units would lessen; NaN if there is but one unit
            or image.
        of_images: variance of the mean that more test images would lessen.
        freedom: degrees of freedom of `of_units`.
        least: variance of the mean that images show, of which `of_images` is a part. All of it is
            no less, even where units happen to be alike.
    """

    mean: float
    of_units: float
    of_images: float
    freedom: float
    least: float

    @property
    def half_width(self) -> float:
        """Half of the 95 % confidence interval; NaN if there is but one unit or image.

        Units are few, so Student's quantile belongs to their variance, and to that of many images
        the normal one. Satterthwaite's degrees of freedom for the sum are too many where a few
        units happen to be alike; the wider of both intervals alone held the truth in 93.5 % of
        simulations with six draws whose variance is twice that of the images, their sum in 96 %.
        """
        student = float(stats.t.ppf(0.975, self.freedom))
        squares = student**2 * self.of_units + NORMAL**2 * self.of_images
        return math.sqrt(max(squares, NORMAL**2 * self.least))

    @property
    def low(self) -> float:
        return max(self.mean - self.half_width, -1.0)  # NaN stays

    @property
    def high(self) -> float:
        return min(self.mean + self.half_width, 1.0)


def estimate(sides: Sequence[np.ndarray]) -> Estimate:
    """Estimates the mean of one side, or of the first less the second.

    Args:
        sides: values, float [units, images], of one or two sides with the same images and units
            that have nothing to do with each other. Where both sides share units, as they do draws,
            the differences within a unit are the one side.
    """
    means_SxN = np.stack([values_UxN.mean(0) for values_UxN in sides])
    mean_N = means_SxN[0] - means_SxN[1:].sum(0)
    if min(min(values_UxN.shape) for values_UxN in sides) < 2:
        return Estimate(float(mean_N.mean()), math.nan, math.nan, math.nan, math.nan)
    variances = [float(v.mean(1).var(ddof=1)) / len(v) for v in sides]
    of_units = sum(variances)
    # How single units do on single images shows in the variance over units, too.
    least = float(mean_N.var(ddof=1)) / len(mean_N)
    of_images = max(least - sum(map(_variance_of_both, sides)), 0.0)
    squares = sum(v**2 / (len(side) - 1) for v, side in zip(variances, sides, strict=True))
    freedom = of_units**2 / squares if squares else math.inf  # Welch's
    return Estimate(float(mean_N.mean()), of_units, of_images, freedom, least)


def _variance_of_both(values_UxN: np.ndarray) -> float:
    """The variance of the mean that is due to how single units do on single images."""
    units, images = values_UxN.shape
    residuals_UxN = (
        values_UxN
        - values_UxN.mean(1, keepdims=True)
        - values_UxN.mean(0, keepdims=True)
        + values_UxN.mean()
    )
    squares = float((residuals_UxN**2).sum())
    variance: float = squares / ((units - 1) * (images - 1) * units * images)
    return variance
