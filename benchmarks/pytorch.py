"""The same networks and training steps in PyTorch, written independently, to compare with.

Channels-last, static shapes, `autocast` for bfloat16, networks that `torch.compile` takes: what a
careful PyTorch user would write. Only the settings come from synth2real.
"""

import torch
import torch.nn.functional as F
from pytorch_maps import random_warp
from torch import nn

LEAKINESS = 0.2


def _conv(c_in: int, c_out: int, size: int = 3, stride: int = 1, bias: bool = True) -> nn.Conv2d:
    conv = nn.Conv2d(c_in, c_out, size, stride, padding=size // 2, bias=bias)
    nn.init.normal_(conv.weight, std=0.02)
    return conv


class BatchNorm(nn.BatchNorm2d):
    """With a shift and no scale."""

    def __init__(self, features: int):
        super().__init__(features, eps=1e-3, momentum=0.1)
        self.weight.requires_grad_(False)


class ResidualBlock(nn.Module):
    def __init__(self, filters: int):
        super().__init__()
        self.conv1, self.bn1 = _conv(filters, filters, bias=False), BatchNorm(filters)
        self.conv2, self.bn2 = _conv(filters, filters, bias=False), BatchNorm(filters)

    def forward(self, x):
        return x + self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))


class Generator(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.noise = nn.Linear(config.noise_dim, 28 * 28, bias=False)
        self.noise_bn = nn.BatchNorm1d(28 * 28, eps=1e-3)
        self.noise_bn.weight.requires_grad_(False)
        self.block = config.pixel_block
        self.conv_in = _conv(2 * self.block**2, config.generator_filters)
        blocks = [ResidualBlock(config.generator_filters) for _ in range(config.generator_blocks)]
        self.blocks = nn.Sequential(*blocks)
        self.conv_out = _conv(config.generator_filters, self.block**2, size=1)

    def forward(self, x, z):
        noise = F.relu(self.noise_bn(self.noise(z))).view(-1, 1, 28, 28)
        h = F.pixel_unshuffle(torch.cat([x, noise], dim=1), self.block)
        h = self.conv_out(self.blocks(F.relu(self.conv_in(h))))
        return torch.tanh(F.pixel_shuffle(h, self.block))


class Discriminator(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.block = config.pixel_block
        widths = [config.discriminator_filters * 2**i for i in range({1: 4, 2: 3}[self.block])]
        self.dropout, self.noise = config.discriminator_dropout, config.discriminator_noise
        self.conv_in = _conv(self.block**2, widths[0])
        self.convs = nn.ModuleList([_conv(c, 2 * c, stride=2, bias=False) for c in widths[:-1]])
        self.bns = nn.ModuleList([BatchNorm(2 * c) for c in widths[:-1]])
        self.dense_out = nn.Linear(4 * 4 * widths[-1], 1)

    def forward(self, x):
        h = self.conv_in(F.pixel_unshuffle(x, self.block))
        h = self._perturb(F.leaky_relu(h, LEAKINESS))
        for conv, bn in zip(self.convs, self.bns, strict=True):
            h = self._perturb(F.leaky_relu(bn(conv(h)), LEAKINESS))
        return self.dense_out(h.flatten(1))[:, 0]

    def _perturb(self, h):
        # Drawn in the order of memory: randn_like of a channels-last tensor is slow.
        b, c, height, width = h.shape
        noise = torch.randn(b, height, width, c, device=h.device, dtype=h.dtype)
        return F.dropout(h, self.dropout) + self.noise * noise.permute(0, 3, 1, 2)


class TaskClassifier(nn.Module):
    def __init__(self, config):
        super().__init__()
        n = config.task_filters
        self.dropout = config.task_dropout
        self.synthetic_stem = nn.ModuleList([_conv(1, n), _conv(n, 2 * n)])
        self.real_stem = nn.ModuleList([_conv(1, n), _conv(n, 2 * n)])
        self.conv = _conv(2 * n, 4 * n)
        self.dense1, self.dense2 = nn.Linear(3 * 3 * 4 * n, 100), nn.Linear(100, 10)

    def forward(self, x, stem):
        for conv in (*stem, self.conv):
            x = F.max_pool2d(F.relu(conv(x)), 2)
        h = F.relu(self.dense1(x.flatten(1)))
        return self.dense2(F.dropout(h, self.dropout))


class Classifier(nn.Module):
    def __init__(self, config):
        super().__init__()
        first, second = config.filters
        size = config.kernel_size
        self.dropout, self.block = config.dropout, config.pixel_block
        self.conv1 = nn.Conv2d(self.block**2, first, size, padding=size // 2)
        self.conv2 = nn.Conv2d(first, second, size, padding=size // 2)
        self.dense1 = nn.Linear((28 // self.block // 4) ** 2 * second, config.hidden)
        self.dense2 = nn.Linear(config.hidden, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(F.pixel_unshuffle(x, self.block))), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        h = F.relu(self.dense1(x.flatten(1)))
        return self.dense2(F.dropout(h, self.dropout, self.training))


def draw(images, labels, size):
    index = torch.randint(len(labels), (size,), device=labels.device)
    return images[index], labels[index]


def scale(images):
    return images.float() / 127.5 - 1


class GanTraining:
    """Networks, optimisers and one step: discriminator and task classifier, then generator."""

    def __init__(self, config, synthetic, real, device, autocast):
        self.config, self.synthetic, self.real = config, synthetic, real
        self.autocast = torch.autocast(device, torch.bfloat16, enabled=autocast)
        networks = Generator(config), Discriminator(config), TaskClassifier(config)
        self.g, self.d, self.t = (n.to(device, memory_format=torch.channels_last) for n in networks)
        self.optimisers = [
            torch.optim.Adam(
                [p for p in n.parameters() if p.requires_grad],
                config.learning_rate,
                betas=(0.5, 0.999),
                fused=True,
            )
            for n in (self.g, self.d, self.t)
        ]
        self.schedules = [
            torch.optim.lr_scheduler.StepLR(o, 10_000, gamma=0.95) for o in self.optimisers
        ]

    def compile(self):
        """Compiles the networks, forward and backward."""
        for network in (self.g, self.d, self.t):
            network.compile()

    def step(self):
        config, weights = self.config, self.config.weights
        synthetic, synthetic_labels = draw(*self.synthetic, config.batch_size)
        real, real_labels = draw(*self.real, config.batch_size)
        synthetic, real = scale(synthetic), scale(real)
        with torch.no_grad(), self.autocast:
            converted = self.g(synthetic, self._noise(synthetic))
        with self.autocast:
            loss_d = _binary(self.d(real), 1) + _binary(self.d(converted), 0)
            loss_t = (
                weights.task_synthetic
                * F.cross_entropy(self.t(synthetic, self.t.synthetic_stem), synthetic_labels)
                + weights.task_converted
                * F.cross_entropy(self.t(converted, self.t.real_stem), synthetic_labels)
                + weights.task_real * F.cross_entropy(self.t(real, self.t.real_stem), real_labels)
            )
        self._update(1, self.d, weights.adversarial * loss_d)
        self._update(2, self.t, loss_t)

        synthetic, labels = draw(*self.synthetic, config.batch_size)
        synthetic = scale(synthetic)
        self._learn(False)
        with self.autocast:
            converted = self.g(synthetic, self._noise(synthetic))
            loss = (
                weights.adversarial * _binary(self.d(converted), 1)
                + weights.task_converted
                * F.cross_entropy(self.t(converted, self.t.real_stem), labels)
                + weights.pixel_change
                * 2
                * (converted - synthetic).flatten(1).var(dim=1, unbiased=False).mean()
            )
        self._update(0, self.g, loss)
        self._learn(True)

    def _learn(self, on: bool) -> None:
        """Whether discriminator and task classifier take gradients."""
        for optimiser in self.optimisers[1:]:
            for group in optimiser.param_groups:
                for p in group["params"]:
                    p.requires_grad_(on)

    def _noise(self, synthetic):
        return torch.empty(len(synthetic), self.config.noise_dim, device=synthetic.device).uniform_(
            -1, 1
        )

    def _update(self, index, network, loss):
        optimiser = self.optimisers[index]
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        grads = [p.grad for p in network.parameters() if p.grad is not None]
        # Each tensor's gradient is clipped by itself, all in a few launches.
        norms = torch._foreach_norm(grads)
        torch._foreach_mul_(grads, [(5.0 / norm).clamp(max=1) for norm in norms])
        optimiser.step()
        self.schedules[index].step()


def _binary(logits, target):
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))


class ClassifierTraining:
    """The classifier, Adam and one step, whose batch is drawn evenly from the pools."""

    def __init__(self, config, pools, augment, device, autocast):
        self.config, self.pools = config, pools
        self.warp = random_warp if augment else lambda images, fill: images
        self.autocast = torch.autocast(device, torch.bfloat16, enabled=autocast)
        self.network = Classifier(config).to(device, memory_format=torch.channels_last)
        self.optimiser = torch.optim.Adam(
            self.network.parameters(), config.learning_rate, fused=True
        )

    def compile(self):
        """Compiles the network, forward and backward."""
        self.network.compile()

    def step(self):
        size = self.config.batch_size // len(self.pools)
        draws = [draw(*pool, size) for pool in self.pools]
        images, labels = (torch.cat(parts) for parts in zip(*draws, strict=True))
        images = self.warp(images.float() / 255, 0.0)
        with self.autocast:
            loss = F.cross_entropy(self.network(images), labels)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
