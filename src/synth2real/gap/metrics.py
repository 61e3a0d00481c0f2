"""Distances between two sets of images, each given as a classifier's features of them."""

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.float64]

NEIGHBOURS = 5  # of density and coverage, as their authors chose
BLOCK = 1000


def frechet_distance(x_NxD: Features, y_MxD: Features) -> float:
    """Fréchet distance (Heusel et al. 2017, FID) of the Gaussians with the features' moments.

    `|m_x - m_y|^2 + tr(C_x + C_y - 2 (C_x C_y)^(1/2))`, zero for the same moments, in squared units
    of the features. Few images make it too large, the more so the fewer they are against D:
    compare only where N and M are the same. Each side needs two images.
    """
    x, y = _covariance_root(x_NxD), _covariance_root(y_MxD)
    # With C = R'R, the trace of the root of C_x C_y is the sum of the singular values of R_x R_y'.
    trace = np.square(x).sum() + np.square(y).sum() - 2 * np.linalg.norm(x @ y.T, "nuc")
    return float(np.square(x_NxD.mean(0) - y_MxD.mean(0)).sum() + trace)


def _covariance_root(x_NxD: Features) -> Features:
    """A matrix R, [min(N, D), D], with the features' covariance as R'R."""
    root: Features = np.linalg.qr(x_NxD - x_NxD.mean(0), mode="r") / np.sqrt(len(x_NxD) - 1)
    return root


def kernel_distance(
    x_NxD: Features, y_MxD: Features, *, subset: int, draws: int
) -> tuple[float, float]:
    """Kernel distance (Binkowski et al. 2018, KID): mean and standard deviation over subsets.

    The unbiased estimate of the squared maximum mean discrepancy under the kernel
    (x.y / D + 1)^3: about zero, and at times below, for two samples of one distribution, however
    many images there are. Each of the `draws` takes `subset` images of either side without
    replacement, or all where there are fewer: the deviation then lacks that side's part.
    Each side needs two images.
    """
    random = np.random.default_rng(0)
    size = min(subset, len(x_NxD), len(y_MxD))
    values = [
        _squared_discrepancy(*(random.choice(z, size, replace=False) for z in (x_NxD, y_MxD)))
        for _ in range(draws)
    ]
    return float(np.mean(values)), float(np.std(values, ddof=1))


def _squared_discrepancy(x_NxD: Features, y_NxD: Features) -> float:
    n = len(x_NxD)
    within: float = sum((_kernel(z, z).sum() - _kernel_diagonal(z).sum()) for z in (x_NxD, y_NxD))
    across: float = _kernel(x_NxD, y_NxD).mean()
    return within / (n * (n - 1)) - 2 * across


def _kernel(x_NxD: Features, y_MxD: Features) -> Features:
    k_NxM: Features = x_NxD @ y_MxD.T / x_NxD.shape[1] + 1
    return k_NxM * k_NxM * k_NxM  # numpy's ** 3 takes many times as long


def _kernel_diagonal(x_NxD: Features) -> Features:
    squares_N: Features = np.square(x_NxD).mean(1)
    return (squares_N + 1) ** 3


def density_and_coverage(
    real_NxD: Features, images_MxD: Features, neighbours: int = NEIGHBOURS
) -> tuple[float, float]:
    """Density and coverage (Naeem et al. 2020), of images among real ones.

    Around each real image lies a ball that reaches to the k-th nearest of the others. Coverage, in
    [0, 1], is the share of the balls that hold an image: it falls where kinds of real images are
    missing. Density is the number of balls that an image is in, on average and over k: it falls
    where images look like no real one, and may be above 1. For N = M of one distribution
    coverage is about 1 - 2^-k, density 1. N must be above k; compare only where N and M are
    the same.
    """
    balls, covered = 0, 0
    for start in range(0, len(real_NxD), BLOCK):
        block_BxD = real_NxD[start : start + BLOCK]
        # Place 0 is the image itself.
        radii_B = np.partition(_squared_distances(block_BxD, real_NxD), neighbours)[:, neighbours]
        inside_BxM = _squared_distances(block_BxD, images_MxD) < radii_B[:, None]
        balls += int(inside_BxM.sum())
        covered += int(inside_BxM.any(1).sum())
    return balls / (neighbours * len(images_MxD)), covered / len(real_NxD)


def nearer_to_training(
    images_NxD: np.ndarray, training_TxD: np.ndarray, others_MxD: np.ndarray
) -> float:
    """How probably an image is nearer to a training image than to any of T other real images.

    A test of copying (as that of Meehan et al. 2020): 0.5 where images are no more like those that
    a GAN learnt from than like others, 1 where each repeats one of them. The T others are drawn
    from M, of which T must not be above, but no draw is made: where m are nearer than the nearest
    training image, C(M - m, T) of C(M, T) draws have none of those.
    """
    t, m = len(training_TxD), len(others_MxD)
    log_factorials = np.concatenate([[0], np.log(np.arange(1, m + 1)).cumsum()])
    log_draws = log_factorials[t:] - log_factorials[: m - t + 1]  # of T among T..M, times T!
    total = 0.0
    for start in range(0, len(images_NxD), BLOCK):
        block_BxD = images_NxD[start : start + BLOCK]
        nearest_B = _squared_distances(block_BxD, training_TxD).min(1)
        nearer_BxM = _squared_distances(block_BxD, others_MxD) < nearest_B[:, None]
        spare_B = m - t - nearer_BxM.sum(1)
        total += np.exp(log_draws[spare_B[spare_B >= 0]] - log_draws[-1]).sum()
    return float(total / len(images_NxD))


def _squared_distances(x_BxD: Features, y_MxD: Features) -> Features:
    xx_B: Features = np.square(x_BxD).sum(1)
    yy_M: Features = np.square(y_MxD).sum(1)
    return xx_B[:, None] - 2 * x_BxD @ y_MxD.T + yy_M
