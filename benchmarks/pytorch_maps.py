"""Random maps of square images in PyTorch, written independently: see `pytorch_joint.py`."""

import functools

import torch
import torch.nn.functional as F

# Uniform within ± these, scales log-uniform; shifts and displacements as shares of a side.
ROTATION, SHEAR, SCALE, SHIFT = 0.15, 0.2, 1.12, 2 / 28
ELASTIC_POINTS, ELASTICITY = 5, 1 / 28
IDENTITY = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)


def resample(x, theta, displacement=None, fill=None):
    """Images [B, C, H, W] under affine maps [B, 2, 3] and a displacement [B, 2, H, W] of (x, y).

    Outside of an image lies the grey value `fill`, or with None the edge's reflection. All in
    float32: bfloat16 has too few digits for places.
    """
    with torch.autocast(x.device.type, enabled=False):
        grid = F.affine_grid(theta, x.shape, align_corners=False)
        if displacement is not None:
            grid = grid + displacement.permute(0, 2, 3, 1)
        if fill is None:
            mapped = F.grid_sample(x, grid, padding_mode="reflection", align_corners=False)
        else:
            mapped = F.grid_sample(x - fill, grid, padding_mode="zeros", align_corners=False) + fill
        return mapped.contiguous(memory_format=torch.channels_last)


@functools.cache
def cubic(old, new, device="cpu"):
    """What makes `old` places `new` ones by cubic interpolation: a matrix [new, old].

    A product from each side makes an array larger; `F.interpolate` takes seven times as long.
    """
    rows = torch.eye(old, device=device)[None, None]
    return F.interpolate(rows, (new, old), mode="bicubic")[0, 0]


def random_theta(count, device):
    """Affine maps [count, 2, 3]: a scale, a shear, a turn and a shift."""
    draws = torch.empty(6, count, device=device).uniform_(-1, 1)
    angle, shear, wider, taller, right, down = draws
    cos, sin, shear = torch.cos(ROTATION * angle), torch.sin(ROTATION * angle), SHEAR * shear
    wider, taller = SCALE**wider, SCALE**taller
    numbers = [
        cos * wider,
        (sin + cos * shear) * taller,
        2 * SHIFT * right,
        -sin * wider,
        (cos - sin * shear) * taller,
        2 * SHIFT * down,
    ]
    return torch.stack(numbers, dim=1).view(count, 2, 3)


def random_map(x, share, fill):
    """A random affine map of a share of the images; the others stay as they are."""
    mapped = torch.rand(len(x), 1, 1, device=x.device) < share
    identity = torch.tensor(IDENTITY, device=x.device)
    return resample(x, torch.where(mapped, random_theta(len(x), x.device), identity), fill=fill)


def random_warp(x, fill):
    """A random affine and a random elastic map of each image."""
    points = torch.randn(len(x), 2, ELASTIC_POINTS, ELASTIC_POINTS, device=x.device)
    larger = cubic(ELASTIC_POINTS, x.shape[-1], x.device)
    displacement = larger @ (2 * ELASTICITY * points) @ larger.mT
    return resample(x, random_theta(len(x), x.device), displacement, fill)
