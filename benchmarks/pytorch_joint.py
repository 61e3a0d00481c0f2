"""The preset `synth2real` in PyTorch, to compare with: two of its networks and the training step.

Written independently, as `pytorch.py` is; the generator is in `pytorch_bend.py`, random maps are in
`pytorch_maps.py`. Images are square, their sides a multiple of the block.
"""

import torch
import torch.nn.functional as F
from pytorch import draw, scale
from pytorch_bend import JointGenerator, conv, dense, flat, halvings, leaky
from pytorch_maps import random_map
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

GAIN = 2.0
MAPPED = 0.8
NO_CLASS = -1
AVERAGING = 0.005


class Trunk(nn.Module):
    """The features that the discriminator sees; they learn no more."""

    def __init__(self, block: int, widths: list[int], side: int, classes: int):
        super().__init__()
        self.block = block
        self.convs = nn.ModuleList(map(conv, widths, widths[1:]))
        self.dense = dense(side**2 * widths[-1], classes)
        self.requires_grad_(False)

    def forward(self, x):
        h, features = F.pixel_unshuffle(x, self.block), []
        for number, layer in enumerate(self.convs):
            h = F.relu(layer(F.max_pool2d(h, 2, ceil_mode=True) if number else h))
            features.append(h)
        return features


def _spectral(c_in: int, c_out: int, stride: int = 1) -> nn.Module:
    return spectral_norm(conv(c_in, c_out, stride))


class ProjectedDiscriminator(nn.Module):
    def __init__(self, config, spec):
        super().__init__()
        block, channels, classes = config.pixel_block, spec.channels, len(spec.classes)
        sides = halvings(spec.height // block, 4)
        widths = [config.discriminator_filters * 2**i for i in range(len(sides))]
        self.trunk = Trunk(block, [block**2 * channels, *widths[:-1]], sides[-1], classes)
        first, self.pixels = widths[0], nn.ModuleList()
        if config.has_exemplars(spec):
            self.pixels += [_spectral(channels, first, block), _spectral(first, first)]
            first *= 2
        self.mixes = nn.ModuleList([_spectral(2 * c, 2 * c) for c in widths[1:-1]])
        self.convs = nn.ModuleList(
            [_spectral(first, widths[1], 2), *(_spectral(c, c, 2) for c in widths[2:])]
        )
        self.dense_out = nn.Linear(widths[-1], 1 + classes)

    def forward(self, x, labels):
        """Logits [B] of images [-1, 1] being real ones of their class, or `NO_CLASS`: of any."""
        h, *others = self.trunk(x)
        if self.pixels:
            pixels = x
            for layer in self.pixels:
                pixels = GAIN * leaky(layer(pixels))
            h = torch.cat([h, pixels], dim=1)
        h = GAIN * leaky(self.convs[0](h))
        for features, mix, shrink in zip(others, self.mixes, self.convs[1:], strict=True):
            h = GAIN * leaky(mix(torch.cat([features, h], dim=1)))
            h = GAIN * leaky(shrink(h))
        logits = self.dense_out(h.mean((2, 3))).float()
        of_class = logits[:, 1:].gather(1, labels.clamp(min=0)[:, None])[:, 0]
        return logits[:, 0] + of_class * (labels != NO_CLASS)


class JointTaskClassifier(nn.Module):
    """One stem for images of all kinds."""

    def __init__(self, config, spec):
        super().__init__()
        widths = [spec.channels, *(config.task_filters * n for n in (1, 2, 4))]
        self.dropout = config.task_dropout
        self.convs = nn.ModuleList(map(conv, widths, widths[1:]))
        self.dense1 = dense((spec.height // 8) ** 2 * widths[-1], 100)
        self.dense2 = dense(100, len(spec.classes))

    def forward(self, x, drop: bool):
        for layer in self.convs:
            x = F.relu(F.max_pool2d(layer(x), 2))
        h = F.relu(self.dense1(flat(x)))
        return self.dense2(F.dropout(h, self.dropout, drop))


def make_networks(config, spec) -> tuple[nn.Module, ...]:
    """Generator, discriminator, task classifier."""
    networks = JointGenerator, ProjectedDiscriminator, JointTaskClassifier
    return tuple(network(config, spec) for network in networks)


class JointTraining:
    """Networks, their averages, Adam, and one step of all three on one batch."""

    def __init__(self, config, spec, synthetic, real, device, autocast):
        self.config, self.synthetic, self.real = config, synthetic, real
        self.autocast = torch.autocast(device, torch.bfloat16, enabled=autocast)
        networks = make_networks(config, spec)
        self.g, self.d, self.t = (n.to(device, memory_format=torch.channels_last) for n in networks)
        self.others = [p for n in (self.d, self.t) for p in n.parameters() if p.requires_grad]
        self.trained = [*self.g.parameters(), *self.others]
        self.averages = [p.detach().clone() for p in self.trained]
        self.optimiser = torch.optim.Adam(
            self.trained, config.learning_rate, betas=(0.5, 0.99), fused=True
        )
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimiser, lambda step: min(1.0, max(0.0, 2 - 2 * step / config.steps))
        )
        labels = real[1]
        counts = torch.bincount(labels, minlength=len(spec.classes))
        self.shown, self.real_weights = counts > 0, 1 / counts[labels]
        self.steps = 0

    def compile(self):
        """Compiles the networks, forward and backward, for each size of batch."""
        for network in (self.g, self.d, self.t):
            network.compile(dynamic=False)

    def step(self):
        size = self.config.batch_size
        halves, half_labels = draw(*self.synthetic, size // 2)
        synthetic, labels = scale(halves).repeat(2, 1, 1, 1), half_labels.repeat(2)
        index = torch.multinomial(self.real_weights, size, replacement=True)
        real, real_labels = scale(self.real[0][index]), self.real[1][index]
        # Every network meets the others as they were before the step.
        converted = self._teach_generator(synthetic, labels)
        seen = random_map(torch.cat([real, synthetic]), MAPPED, self.g.fill)
        self._teach_others(*seen.split(size), converted, real_labels, labels)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.schedule.step()
        self.steps += 1
        newest = max(AVERAGING, 1 / self.steps)
        torch._foreach_lerp_(self.averages, [p.detach() for p in self.trained], newest)

    def _teach_generator(self, synthetic, labels):
        """Gradients of the generator; returns its conversions under random maps."""
        weights = self.config.weights
        self._learn(False)
        inputs = self.g.draw_inputs(len(labels))
        with self.autocast:
            bent, converted = self.g(synthetic, labels, **inputs)
            mapped = random_map(converted, MAPPED, self.g.fill)
            one, other = bent.chunk(2)
            loss = (
                weights.task_converted * F.cross_entropy(self.t(mapped, drop=False), labels)
                - weights.adversarial * self.d(mapped, self._known(labels)).mean()
                - weights.diversity * (one - other).abs().mean() / 2
            )
        loss.backward()
        self._learn(True)
        return mapped.detach()

    def _teach_others(self, real, synthetic, converted, real_labels, labels):
        """Gradients of discriminator and task classifier; each sees its images in one batch."""
        weights = self.config.weights
        asked = self._known(torch.cat([real_labels, labels]))
        with self.autocast:
            of_real, of_converted = self.d(torch.cat([real, converted]), asked).chunk(2)
            logits = self.t(torch.cat([synthetic, converted, real]), drop=True).chunk(3)
            loss_d = F.relu(1 - of_real).mean() + F.relu(1 + of_converted).mean()
            loss = (
                weights.adversarial * loss_d
                + weights.task_synthetic * F.cross_entropy(logits[0], labels)
                + weights.task_converted * F.cross_entropy(logits[1], labels)
                + weights.task_real * F.cross_entropy(logits[2], real_labels)
            )
        loss.backward()

    def _known(self, labels):
        """The labels, but `NO_CLASS` for classes that no real image shows."""
        return torch.where(self.shown[labels], labels, NO_CLASS)

    def _learn(self, on: bool) -> None:
        """Whether discriminator and task classifier take gradients."""
        for p in self.others:
            p.requires_grad_(on)
