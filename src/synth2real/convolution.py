"""Convolutions: XLA's, or on a CPU oneDNN's, which are faster.

XLA for CPUs carries oneDNN and runs a custom call named `__onednn$convolution` with it, yet its
compiler does not make that call of a convolution by itself (openxla/xla, `cpu_compiler.cc`). So it
is made here. Gradients are convolutions too: the one to the input with the kernel turned round,
the one to the kernel with channels and batch changing places.

Where the processor multiplies bfloat16, images and kernels are rounded to it and sums are kept in
float32, as PyTorch's autocast does: that doubles the speed once more.
"""

import functools
import json
import platform
from pathlib import Path

import jax
import jax.numpy as jnp
import jaxlib

# The call is no public interface: a release is added here once the tests have passed with it.
KNOWN_RELEASES = {"0.10.2"}

Pads = tuple[tuple[int, int], tuple[int, int]]


def convolve(x_BxHxWxC: jax.Array, kernel_KxKxCxF: jax.Array, stride: int = 1) -> jax.Array:
    """A convolution with "SAME" padding: float32 [B, ceil(H / stride), ceil(W / stride), F]."""
    if jax.default_backend() == "cpu" and has_onednn():
        return _convolve_onednn(x_BxHxWxC, kernel_KxKxCxF, stride)
    return _convolve_xla(x_BxHxWxC, kernel_KxKxCxF, stride)


def conv_general_dilated(x, kernel, window_strides, *_, **__) -> jax.Array:
    """`convolve` in the shape that `flax.nnx.Conv` takes."""
    return convolve(x, kernel, window_strides[0])


@functools.cache
def has_onednn() -> bool:
    """Whether this jaxlib has the call."""
    machine = platform.system(), platform.machine()
    return machine == ("Linux", "x86_64") and jaxlib.__version__ in KNOWN_RELEASES


@functools.cache
def product_type() -> jnp.dtype:
    """What oneDNN multiplies: bfloat16 where the processor can, else float32."""
    flags = Path("/proc/cpuinfo").read_text().split()
    return jnp.dtype("bfloat16" if {"avx512_bf16", "amx_bf16"} & set(flags) else "float32")


def _convolve_xla(x: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    return jax.lax.conv_general_dilated(
        x, kernel, (stride, stride), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def _convolve_onednn(x: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    pads = [_same(n, k, stride) for n, k in zip(x.shape[1:3], kernel.shape[:2], strict=True)]
    return _call_onednn(x, kernel, tuple(pads), stride=stride)


def _forward(x: jax.Array, kernel: jax.Array, stride: int):
    return _convolve_onednn(x, kernel, stride), (x, kernel)


def _backward(stride: int, residuals, gradient: jax.Array) -> tuple[jax.Array, jax.Array]:
    x, kernel = residuals
    if stride == 1:
        turned = kernel[::-1, ::-1].transpose(0, 1, 3, 2)
        pads = [
            (k - 1 - low, low) for low, k in zip(_lows(x, kernel, 1), turned.shape, strict=False)
        ]
        to_x = _call_onednn(gradient, turned, tuple(pads))
    else:
        # oneDNN's call has no gradient with a stride.
        to_x = jax.vjp(lambda x: _convolve_xla(x, kernel, stride), x)[1](gradient)[0]
    return to_x, _gradient_to_kernel(x, kernel, stride, gradient)


_convolve_onednn.defvjp(_forward, _backward)


def _gradient_to_kernel(
    x: jax.Array, kernel: jax.Array, stride: int, gradient: jax.Array
) -> jax.Array:
    """Channels of x are the batch, images the channels, and the gradient is the kernel."""
    pads = [
        # The high padding makes the result as large as the kernel.
        (low, k - 1 + stride * (m - 1) + 1 - n - low)
        for low, n, k, m in zip(
            _lows(x, kernel, stride),
            x.shape[1:3],
            kernel.shape[:2],
            gradient.shape[1:3],
            strict=True,
        )
    ]
    images, kernels = x.transpose(3, 1, 2, 0), gradient.transpose(1, 2, 0, 3)
    return _call_onednn(images, kernels, tuple(pads), dilation=stride).transpose(1, 2, 0, 3)


def _same(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """The pixels that "SAME" padding puts before and after."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def _lows(x: jax.Array, kernel: jax.Array, stride: int) -> list[int]:
    return [_same(n, k, stride)[0] for n, k in zip(x.shape[1:3], kernel.shape[:2], strict=True)]


def _call_onednn(
    x: jax.Array, kernel: jax.Array, pads: tuple, *, stride: int = 1, dilation: int = 1
) -> jax.Array:
    sizes = [
        (n + sum(pad) - dilation * (k - 1) - 1) // stride + 1
        for n, k, pad in zip(x.shape[1:3], kernel.shape[:2], pads, strict=True)
    ]
    data = {"dims": 4, "data": {"batch_dim": 0, "feature_dim": 3, "spatial_dims": [1, 2]}}
    layout = {"input_feature_dim": 2, "output_feature_dim": 3, "spatial_dims": [0, 1]}
    window = {
        "pad_left": [pad[0] for pad in pads],
        "pad_right": [pad[1] for pad in pads],
        "strides": [stride, stride],
        "window_dilations": [dilation, dilation],
    }
    config = {
        "dims": 4,
        "feature_groups": 1,
        "input": data,
        "kernel": {"dims": 4, "filter": layout},
        "output": data,
        "window": window,
    }
    return jax.ffi.ffi_call(
        "__onednn$convolution",
        jax.ShapeDtypeStruct((x.shape[0], *sizes, kernel.shape[3]), jnp.float32),
        custom_call_api_version=2,
        legacy_backend_config=json.dumps({"onednn_conv_config": config}),
    )(x.astype(product_type()), kernel.astype(product_type()))
