"""Convolutions: XLA's, or on a CPU oneDNN's, which are faster.

XLA for CPUs carries oneDNN and runs a custom call named `__onednn$convolution` with it, yet its
compiler does not make that call of a convolution by itself (openxla/xla, `cpu_compiler.cc`). So it
is made here. Gradients are convolutions too: the one to the input with the kernel turned round,
the one to the kernel with channels and batch changing places.

Where the processor multiplies bfloat16, what goes into a convolution, forward and backward, is
rounded to it; sums and results are float32. That doubles the speed once more.

Settings may forbid either (`use`), and results say what ran (`arithmetic`).
"""

import functools
import json
import logging
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import jaxlib.version
from jax.experimental.compilation_cache import compilation_cache

from synth2real.nn.config import ComputeConfig

log = logging.getLogger(__name__)

# The call is no public interface: a release is added here once the tests have passed with it.
KNOWN_RELEASES = {"0.10.2"}

# Images that a gradient to a kernel takes at once in float32; of more, oneDNN takes longer for
# each (of 100 up to 2.5 times as long). In bfloat16 the sum of pieces costs what they save.
AT_ONCE = 50

Pads = Sequence[tuple[int, int]]


_config = ComputeConfig("auto", "auto")


def use(config: ComputeConfig) -> None:
    """Sets what this process' convolutions may use; before the first one is compiled."""
    global _config
    _config = config
    log.info("convolutions: %s", arithmetic())


def arithmetic() -> str:
    """What computes convolutions here, as "cpu onednn bfloat16"; results record it."""
    backend = jax.default_backend()
    if backend == "cpu" and has_onednn():
        return f"cpu onednn {product_type().name}"
    return f"{backend} xla float32"


def convolve(x_BxHxWxC: jax.Array, kernel_KxKxCxF: jax.Array, stride: int = 1) -> jax.Array:
    """A convolution with "SAME" padding: float32 [B, ceil(H / stride), ceil(W / stride), F]."""
    if jax.default_backend() == "cpu" and has_onednn():
        _leave_the_cache_alone()
        return _convolve_onednn(x_BxHxWxC, kernel_KxKxCxF, stride)
    return _convolve_xla(x_BxHxWxC, kernel_KxKxCxF, stride)


def conv_general_dilated(
    x: jax.Array,
    kernel: jax.Array,
    strides: Sequence[int],
    padding: str,
    *,
    lhs_dilation: Sequence[int],
    rhs_dilation: Sequence[int],
    dimension_numbers: Any,
    feature_group_count: int,
    precision: Any,
    preferred_element_type: Any = None,
    out_sharding: Any = None,
) -> jax.Array:
    """`convolve` in the shape that `flax.nnx.Conv` calls; refuses what it would not do.

    Raises:
        NotImplementedError: a convolution that is not square, strided alike, padded "SAME" and
            neither dilated nor grouped nor of another precision.
    """
    asked = {
        "padding": (padding, "SAME"),
        "strides": (len(set(strides)), 1),
        "lhs_dilation": (set(lhs_dilation), {1}),
        "rhs_dilation": (set(rhs_dilation), {1}),
        "feature_group_count": (feature_group_count, 1),
        "precision": (precision, None),
        "preferred_element_type": (preferred_element_type, None),
        "out_sharding": (out_sharding, None),
    }
    if wrong := [name for name, (value, known) in asked.items() if value != known]:
        raise NotImplementedError(f"a convolution with another {', '.join(wrong)}")
    return convolve(x, kernel, strides[0])


def has_onednn() -> bool:
    """Whether this jaxlib has the call, and settings allow it."""
    machine = platform.system(), platform.machine()
    known = machine == ("Linux", "x86_64") and jaxlib.version.__version__ in KNOWN_RELEASES
    return known and _config.convolutions == "auto"


@functools.cache
def _leave_the_cache_alone() -> None:
    """Switches the compilation cache off.

    To write a program down, XLA takes oneDNN's call for a custom call of another kind and reads
    what is not there: a MemoryError at best.
    """
    jax.config.update("jax_enable_compilation_cache", False)
    compilation_cache.reset_cache()  # it has looked at that setting once already


def product_type() -> jnp.dtype:
    """What oneDNN multiplies: bfloat16 if the processor can and settings allow it, else float32."""
    allowed = _config.precision == "auto" and multiplies_bfloat16()
    return jnp.dtype("bfloat16" if allowed else "float32")


@functools.cache
def multiplies_bfloat16() -> bool:
    """Whether this processor has instructions for it."""
    flags = Path("/proc/cpuinfo").read_text().split()
    return bool({"avx512_bf16", "amx_bf16"} & set(flags))


def _convolve_xla(x: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    return jax.lax.conv_general_dilated(
        x, kernel, (stride, stride), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def _convolve_onednn(x: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    return _call_onednn(x, kernel, _same(x, kernel, stride), stride=stride)


def _forward(
    x: jax.Array, kernel: jax.Array, stride: int
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return _convolve_onednn(x, kernel, stride), (x, kernel)


def _backward(
    stride: int, residuals: tuple[jax.Array, jax.Array], gradient: jax.Array
) -> tuple[jax.Array, jax.Array]:
    x, kernel = residuals
    pads = _same(x, kernel, stride)
    # oneDNN's call has no gradient with a stride; pixels that the stride left out add nothing.
    gaps = [(0, 0, 0), (0, 0, stride - 1), (0, 0, stride - 1), (0, 0, 0)]
    spread = jax.lax.pad(gradient, jnp.zeros((), gradient.dtype), gaps)
    sides = zip(x.shape[1:3], kernel.shape[:2], spread.shape[1:3], pads, strict=True)
    around = [(k - 1 - before, n - m + before) for n, k, m, (before, _) in sides]
    to_x = _call_onednn(spread, kernel[::-1, ::-1].transpose(0, 1, 3, 2), around)
    pieces = zip(_pieces(x), _pieces(gradient), strict=True)
    to_kernel = jnp.stack([_to_kernel(*piece, pads, stride) for piece in pieces]).sum(0)
    # With a stride, the last pixels may lie beyond the kernel's reach.
    return to_x, to_kernel[: kernel.shape[0], : kernel.shape[1]]


_convolve_onednn.defvjp(_forward, _backward)


def _pieces(images: jax.Array) -> list[jax.Array]:
    """A batch in as many pieces as make the gradient to a kernel quick."""
    whole = product_type() == "bfloat16"
    return jnp.array_split(images, 1 if whole else -(-len(images) // AT_ONCE))


def _to_kernel(x: jax.Array, gradient: jax.Array, pads: Pads, stride: int) -> jax.Array:
    """Channels of x are the batch, images the channels, and the gradient is the kernel."""
    images, kernels = x.transpose(3, 1, 2, 0), gradient.transpose(1, 2, 0, 3)
    return _call_onednn(images, kernels, pads, dilation=stride).transpose(1, 2, 0, 3)


def _same(x: jax.Array, kernel: jax.Array, stride: int) -> Pads:
    """The pixels that "SAME" padding puts before and after, for height and width."""
    strides = (stride, stride)
    return jax.lax.padtype_to_pads(x.shape[1:3], kernel.shape[:2], strides, "SAME")


def _call_onednn(
    x: jax.Array, kernel: jax.Array, pads: Pads, *, stride: int = 1, dilation: int = 1
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
