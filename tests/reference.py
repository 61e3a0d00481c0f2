"""The layers of the networks once more, in plain numpy and float64, to compare with."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def conv(x_BxHxWxC: ArrayLike, kernel: ArrayLike, bias: ArrayLike = 0.0, stride: int = 1) -> Array:
    """A convolution with TensorFlow's "SAME" padding: the odd row or column goes to the end."""
    x, kernel = np.asarray(x_BxHxWxC, float), np.asarray(kernel, float)
    size = len(kernel)
    outs = [-(-n // stride) for n in x.shape[1:3]]
    totals = [
        max((out - 1) * stride + size - n, 0) for out, n in zip(outs, x.shape[1:3], strict=True)
    ]
    pads = [(total // 2, total - total // 2) for total in totals]
    x = np.pad(x, ((0, 0), *pads, (0, 0)))
    y = np.zeros((len(x), *outs, kernel.shape[-1])) + np.asarray(bias, float)
    for row in range(outs[0]):
        for column in range(outs[1]):
            top, left = row * stride, column * stride
            window = x[:, top : top + size, left : left + size]
            y[:, row, column] += np.einsum("bijc,ijco->bo", window, kernel)
    return y


def max_pool(x_BxHxWxC: ArrayLike) -> Array:
    """2x2, stride 2, "VALID"."""
    x = np.asarray(x_BxHxWxC, float)
    y = np.empty((len(x), x.shape[1] // 2, x.shape[2] // 2, x.shape[3]))
    for row in range(y.shape[1]):
        for column in range(y.shape[2]):
            window = x[:, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
            y[:, row, column] = window.max(axis=(1, 2))
    return y


def space_to_depth(x_BxHxWxC: ArrayLike, block: int) -> Array:
    """Channels are the pixels of a block, row by row, each with its own channels."""
    x = np.asarray(x_BxHxWxC, float)
    pixels = [x[:, row::block, column::block] for row in range(block) for column in range(block)]
    return np.concatenate(pixels, axis=-1)


def depth_to_space(x_BxHxWxC: Array, block: int) -> Array:
    b, h, w, c = x_BxHxWxC.shape
    y = np.empty((b, h * block, w * block, c // block**2))
    for i, pixels in enumerate(np.split(x_BxHxWxC, block**2, axis=-1)):
        y[:, i // block :: block, i % block :: block] = pixels
    return y


def relu(x: Array) -> Array:
    return np.maximum(x, 0)


def leaky_relu(x: Array) -> Array:
    return np.where(x > 0, x, 0.2 * x)


def batch_moments(x: Array) -> tuple[Array, Array]:
    """Mean and (biased) variance of each channel over everything else."""
    flat = x.reshape(-1, x.shape[-1])
    mean = flat.mean(axis=0)
    return mean, ((flat - mean) ** 2).mean(axis=0)


def normalise(x: Array, mean: ArrayLike, variance: ArrayLike, shift: ArrayLike) -> Array:
    """Batch normalisation with epsilon 0.001 and no scale."""
    return (x - np.asarray(mean)) / np.sqrt(np.asarray(variance) + 1e-3) + np.asarray(shift)


def sigmoid_cross_entropy(logits: Array, target: float) -> Array:
    probabilities = 1 / (1 + np.exp(-logits))
    return -(target * np.log(probabilities) + (1 - target) * np.log(1 - probabilities))


def softmax_cross_entropy(logits_BxC: Array, labels_B: ArrayLike) -> Array:
    exp_BxC = np.exp(logits_BxC)
    rows = np.arange(len(exp_BxC))
    return -np.log(exp_BxC[rows, np.asarray(labels_B)] / exp_BxC.sum(axis=1))


# --- the networks, from flax modules' numbers -------------------------------------------------


def module_conv(module, x: ArrayLike, stride: int = 1) -> Array:
    bias = 0.0 if module.bias is None else module.bias[...]
    return conv(x, module.kernel[...], bias, stride)


def module_dense(module, x: ArrayLike) -> Array:
    bias = 0.0 if module.bias is None else np.asarray(module.bias[...])
    return np.asarray(x, float) @ np.asarray(module.kernel[...], float) + bias


def module_batch_norm(module, x: Array, train: bool) -> Array:
    moments = batch_moments(x) if train else (module.mean[...], module.var[...])
    return normalise(x, *moments, module.bias[...])


def generator(module, x_BxHxWx1: ArrayLike, z_BxZ: ArrayLike, *, train: bool) -> Array:
    noise = relu(module_batch_norm(module.noise_bn, module_dense(module.noise, z_BxZ), train))
    x = np.asarray(x_BxHxWx1, float)
    h = np.concatenate([x, noise.reshape(x.shape)], axis=-1)
    h = relu(module_conv(module.conv_in, space_to_depth(h, module.block)))
    for block in module.blocks:
        inner = relu(module_batch_norm(block.bn1, module_conv(block.conv1, h), train))
        h = h + module_batch_norm(block.bn2, module_conv(block.conv2, inner), train)
    return np.tanh(depth_to_space(module_conv(module.conv_out, h), module.block))


def discriminator(module, x_BxHxWx1: ArrayLike, *, train: bool) -> Array:
    """Without dropout and noise."""
    x = space_to_depth(x_BxHxWx1, module.config.pixel_block)
    h = leaky_relu(module_conv(module.conv_in, x))
    for layer, norm in zip(module.convs, module.bns, strict=True):
        h = leaky_relu(module_batch_norm(norm, module_conv(layer, h, stride=2), train))
    return module_dense(module.dense_out, h.reshape(len(h), -1))[:, 0]


def task_classifier(module, x_BxHxWx1: ArrayLike, *, stem: str) -> Array:
    """Without dropout; `stem` is synthetic or real."""
    h = np.asarray(x_BxHxWx1, float)
    for layer in (*getattr(module, f"{stem}_stem"), module.conv):
        h = max_pool(relu(module_conv(layer, h)))
    return module_dense(module.dense2, relu(module_dense(module.dense1, h.reshape(len(h), -1))))


def classifier(module, x_BxHxWx1: ArrayLike) -> Array:
    """Without dropout."""
    h = max_pool(relu(module_conv(module.conv1, space_to_depth(x_BxHxWx1, module.block))))
    h = max_pool(relu(module_conv(module.conv2, h)))
    return module_dense(module.dense2, relu(module_dense(module.dense1, h.reshape(len(h), -1))))
