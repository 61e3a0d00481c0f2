"""The generator of the preset `synth2real` in PyTorch: see `pytorch_joint.py`."""

import math

import torch
import torch.nn.functional as F
from pytorch import LEAKINESS, scale
from pytorch_maps import IDENTITY, cubic, resample
from torch import nn

HIDDEN, GROUPS = 64, 8
REACH = 2 / 7  # of half a side
BRIGHTEST, PAINT, MASK, FINE = 0.98, 2.0, 4.0, 16
EXEMPLARS = 1000


def leaky(h):
    return F.leaky_relu(h, LEAKINESS)


def conv(c_in: int, c_out: int, stride: int = 1, std: float | None = None) -> nn.Conv2d:
    return _start(nn.Conv2d(c_in, c_out, 3, stride, padding=1), std)


def dense(d_in: int, d_out: int, std: float | None = None) -> nn.Linear:
    return _start(nn.Linear(d_in, d_out), std)


def _start(layer, std):
    """First weights: He's, or close to zero."""
    if std is None:
        nn.init.kaiming_normal_(layer.weight)
    else:
        nn.init.normal_(layer.weight, std=std)
    nn.init.zeros_(layer.bias)
    return layer


def flat(h):
    """In the order of a channels-last memory: no copy."""
    return h.permute(0, 2, 3, 1).flatten(1)


def halvings(size: int, positions: int) -> list[int]:
    """The sides that halving leaves, rounded up, until so many positions are left."""
    sides = [size]
    while sides[-1] > positions:
        sides.append(-(-sides[-1] // 2))
    return sides


class StyledNorm(nn.Module):
    def __init__(self, filters: int):
        super().__init__()
        self.norm = nn.GroupNorm(math.gcd(filters, GROUPS), filters, eps=1e-6, affine=False)
        self.dense = dense(HIDDEN, 2 * filters, std=0.01)

    def forward(self, h, style):
        factor, shift = self.dense(style)[:, :, None, None].chunk(2, dim=1)
        return torch.addcmul(shift, self.norm(h), 1 + factor)


class StyledBlock(nn.Module):
    def __init__(self, filters: int):
        super().__init__()
        self.norm1, self.norm2 = StyledNorm(filters), StyledNorm(filters)
        self.conv1, self.conv2 = conv(filters, filters), conv(filters, filters, std=0.01)

    def forward(self, h, style):
        change = self.conv1(leaky(self.norm1(h, style)))
        return h + self.conv2(leaky(self.norm2(change, style)))


class JointGenerator(nn.Module):
    """Bends an image, then changes its ink, or paints it over an exemplar."""

    def __init__(self, config, spec):
        super().__init__()
        filters, channels = config.generator_filters, spec.channels
        self.block, self.classes = config.pixel_block, len(spec.classes)
        self.noise_dim = config.noise_dim
        self.has_exemplars = config.has_exemplars(spec)
        self.fill = None if self.has_exemplars else -1.0
        pixels = self.block**2 * channels
        sides = halvings(spec.height // self.block, 8)
        strides = [1] * (3 - len(sides)) + [2] * (len(sides) - 1)
        widths = [pixels] + [filters] * len(strides)
        self.style = dense(self.classes + config.noise_dim, HIDDEN)
        self.convs_in = nn.ModuleList(map(conv, widths, widths[1:], strides))
        self.bend_block = StyledBlock(filters)
        self.displacement = conv(filters, 2, std=0.01)
        self.dense = dense(sides[-1] ** 2 * filters, HIDDEN)
        self.affine = dense(2 * HIDDEN, 6, std=0.01)
        self.paint_in = conv(2 * pixels if self.has_exemplars else pixels, filters)
        self.paint_blocks = nn.ModuleList(
            [StyledBlock(filters) for _ in range(config.generator_blocks)]
        )
        if self.has_exemplars:
            self.narrow, self.fine = conv(filters, FINE), conv(FINE + 2 * channels, FINE)
        painted = (FINE, 2 * channels + 1) if self.has_exemplars else (filters, pixels)
        self.paint_out = conv(*painted, std=0.01)
        self.register_buffer("identity", torch.tensor(IDENTITY))
        self.register_buffer("cubic", cubic(sides[-1], spec.height))
        shape = EXEMPLARS, channels, spec.height, spec.width
        self.register_buffer("exemplars", torch.randint(0, 256, shape, dtype=torch.uint8))

    def draw_inputs(self, count):
        """Noise z ~ U[-1, 1], and exemplars if the generator needs them."""
        device = self.identity.device
        inputs = {"z": torch.empty(count, self.noise_dim, device=device).uniform_(-1, 1)}
        if self.has_exemplars:
            index = torch.randint(EXEMPLARS, (count,), device=device)
            inputs["exemplar"] = scale(self.exemplars[index])
        return inputs

    def forward(self, x, labels, z, strength=None, exemplar=None):
        """Bent images and conversions [-1, 1]; strength [B] is 1 where it is None."""
        strength = 1.0 if strength is None else strength[:, None, None, None]
        one_hot = math.sqrt(self.classes) * F.one_hot(labels, self.classes)
        style = leaky(self.style(torch.cat([one_hot, math.sqrt(3) * z], dim=1)))
        bent = self._bend(x, style, strength)
        if self.has_exemplars:
            return bent, self._paint_over(bent, style, exemplar)
        return bent, self._paint_ink(bent, style, strength)

    def _bend(self, x, style, strength):
        h = F.pixel_unshuffle(x, self.block)
        for layer in self.convs_in:
            h = leaky(layer(h))
        h = leaky(self.bend_block(h, style))
        hidden = leaky(self.dense(flat(h)))
        change = self.affine(torch.cat([hidden, style], dim=1)).float().view(-1, 1, 2, 3)
        theta = self.identity + (REACH * strength * change.tanh())[:, 0]
        coarse = REACH * strength * self.displacement(h).float().tanh()
        with torch.autocast(x.device.type, enabled=False):
            displacement = self.cubic @ coarse @ self.cubic.mT
        return resample(x, theta, displacement, self.fill)

    def _paint_ink(self, bent, style, strength):
        h = self.paint_in(F.pixel_unshuffle(bent, self.block))
        for block in self.paint_blocks:
            h = block(h, style)
        paint = F.pixel_shuffle(self.paint_out(leaky(h)), self.block).float()
        return torch.tanh(_pixel_logits(bent) + PAINT * strength * paint)

    def _paint_over(self, bent, style, exemplar):
        both = torch.cat([bent, exemplar], dim=1)
        h = self.paint_in(F.pixel_unshuffle(both, self.block))
        for block in self.paint_blocks:
            h = block(h, style)
        h = F.interpolate(leaky(self.narrow(leaky(h))), scale_factor=self.block)
        out = self.paint_out(leaky(self.fine(torch.cat([h, both], dim=1)))).float()
        gain, paint, mask = out.split([bent.shape[1], bent.shape[1], 1], dim=1)
        under = (1 + PAINT * gain) * _pixel_logits(exemplar)
        share = torch.sigmoid(MASK * mask)
        return torch.tanh(torch.lerp(under, _pixel_logits(bent), share) + PAINT * paint)


def _pixel_logits(x):
    return torch.atanh(x.clamp(-BRIGHTEST, BRIGHTEST))
