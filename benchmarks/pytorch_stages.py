"""Stages without training in PyTorch, to compare with: reading pictures, and measuring the gap.

Written independently, as `pytorch.py` is: pictures as a `Dataset` gives them to a `DataLoader`,
metrics as their authors define them.
"""

import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from serve import make_features, make_pictures
from torch.utils.data import DataLoader, Dataset

NEIGHBOURS = 5


class Pictures(Dataset):
    """Picture files as tensors of one size, uint8 [C, H, W], padded with black."""

    def __init__(self, paths, spec):
        self.paths, self.mode = paths, "L" if spec.channels == 1 else "RGB"
        self.height, self.width = spec.height, spec.width

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        with Image.open(self.paths[index]) as image:
            picture = self._fit(image.convert(self.mode))
        pixels = torch.from_numpy(np.array(picture))
        return pixels.view(self.height, self.width, -1).permute(2, 0, 1)

    def _fit(self, picture):
        if picture.size == (self.width, self.height):
            return picture
        scale = min(self.width / picture.width, self.height / picture.height)
        width, height = round(scale * picture.width), round(scale * picture.height)
        padded = Image.new(self.mode, (self.width, self.height))
        corner = (self.width - width) // 2, (self.height - height) // 2
        padded.paste(picture.resize((width, height), Image.Resampling.BILINEAR), corner)
        return padded


class Reading:
    """Reads all pictures a step, by as many processes as there may be threads."""

    def __init__(self, suffix: str, spec, threads: int):
        self.folder = tempfile.TemporaryDirectory()
        pictures = Pictures(make_pictures(Path(self.folder.name), suffix, spec), spec)
        self.loader = DataLoader(pictures, 250, num_workers=threads, persistent_workers=True)

    def run(self, steps: int) -> int:
        return sum(len(images) for _ in range(steps) for images in self.loader)


class Measuring:
    """Measures the gap between two sets of features, float64 [N, D], once a step."""

    def __init__(self):
        self.real, self.images = map(torch.from_numpy, make_features())

    def run(self, steps: int) -> int:
        for _ in range(steps):
            frechet_distance(self.real, self.images)
            kernel_distance(self.real, self.images)
            density_and_coverage(self.real, self.images)
        return steps * len(self.images)


def frechet_distance(x, y):
    """FID of features; the root's trace by eigenvalues."""
    roots = torch.linalg.eigvals(torch.cov(x.T) @ torch.cov(y.T)).sqrt().real.sum()
    of_means = (x.mean(0) - y.mean(0)).square().sum()
    return of_means + torch.cov(x.T).trace() + torch.cov(y.T).trace() - 2 * roots


def kernel_distance(x, y, subset: int = 1000, draws: int = 100):
    """KID of features: mean over subsets."""
    return torch.stack(
        [_discrepancy(_some(x, subset), _some(y, subset)) for _ in range(draws)]
    ).mean()


def _some(x, count):
    return x[torch.randperm(len(x))[:count]]


def _discrepancy(x, y):
    n = len(x)
    xx, yy, xy = _kernel(x, x), _kernel(y, y), _kernel(x, y)
    within = xx.sum() - xx.trace() + yy.sum() - yy.trace()
    return within / (n * (n - 1)) - 2 * xy.mean()


def _kernel(x, y):
    k = torch.addmm(torch.ones((), dtype=x.dtype), x, y.T, alpha=1 / x.shape[1])
    return k * k * k


def density_and_coverage(real, images):
    """Of images among real ones, in balls that reach to a real image's fifth neighbour."""
    radii = torch.cdist(real, real).kthvalue(NEIGHBOURS + 1).values
    inside = torch.cdist(real, images) < radii[:, None]
    return inside.sum() / (NEIGHBOURS * len(images)), inside.any(1).double().mean()
