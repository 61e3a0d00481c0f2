"""Convolutions: XLA's, or on a CPU oneDNN's (`onednn.py`), which are faster.

Where the processor is quicker at it, what goes into a convolution of oneDNN's, forward and
backward, is rounded to bfloat16; sums and results are float32.

Settings may forbid either (`use`), and results say what ran (`arithmetic`).
"""

import functools
import logging
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from synth2real.environment import processor
from synth2real.nn import onednn
from synth2real.nn.config import ComputeConfig

log = logging.getLogger(__name__)

_config = ComputeConfig("auto", "auto")


def use(config: ComputeConfig) -> None:
    """Sets what this process' convolutions may use; before the first one is compiled."""
    global _config
    _config = config
    log.info("convolutions: %s", arithmetic())


def arithmetic() -> str:
    """What computes convolutions here, as "cpu onednn bfloat16"; results record it."""
    if has_onednn():
        return f"cpu onednn {product_type().name}"
    return f"{jax.default_backend()} xla float32"


def convolve(x_BxHxWxC: jax.Array, kernel_KxKxCxF: jax.Array, stride: int = 1) -> jax.Array:
    """A convolution with "SAME" padding: float32 [B, ceil(H / stride), ceil(W / stride), F]."""
    if has_onednn():
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
    """Whether oneDNN convolves: on a CPU, where it can be called and settings allow it."""
    on_cpu = jax.default_backend() == "cpu"
    return on_cpu and _config.convolutions == "auto" and onednn.is_there()


def product_type() -> jnp.dtype:
    """What oneDNN multiplies: bfloat16 if that is quicker and settings allow it, else float32."""
    allowed = _config.precision == "auto" and is_quick_at_bfloat16()
    return jnp.dtype("bfloat16" if allowed else "float32")


@functools.cache
def is_quick_at_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 in less time than float32.

    Intel's take twice the time if they have no AMX, or it is hidden from a virtual machine.
    """
    found = processor()
    flags, is_amd = found.get("flags", "").split(), found.get("vendor_id") == "AuthenticAMD"
    return "amx_bf16" in flags or (is_amd and "avx512_bf16" in flags)


def _convolve_xla(x: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    return jax.lax.conv_general_dilated(
        x, kernel, (stride, stride), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def _convolve_onednn(x: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    sizes = [-(-n // stride) for n in x.shape[1:3]]
    shape = (x.shape[0], *sizes, kernel.shape[3])
    return _call_onednn("output", shape, x, kernel, stride, _same(x, kernel, stride))


def _forward(
    x: jax.Array, kernel: jax.Array, stride: int
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return _convolve_onednn(x, kernel, stride), (x, kernel)


def _backward(
    stride: int, residuals: tuple[jax.Array, jax.Array], gradient: jax.Array
) -> tuple[jax.Array, jax.Array]:
    x, kernel = residuals
    pads = _same(x, kernel, stride)
    to_x = _call_onednn("input_gradient", x.shape, kernel, gradient, stride, pads)
    return to_x, _call_onednn("kernel_gradient", kernel.shape, x, gradient, stride, pads)


_convolve_onednn.defvjp(_forward, _backward)


def _same(x: jax.Array, kernel: jax.Array, stride: int) -> onednn.Pads:
    """The zeros that "SAME" padding puts before and after, for height and width."""
    strides = (stride, stride)
    return jax.lax.padtype_to_pads(x.shape[1:3], kernel.shape[:2], strides, "SAME")


def _call_onednn(
    wanted: str,
    shape: tuple[int, ...],
    first: jax.Array,
    second: jax.Array,
    stride: int,
    pads: onednn.Pads,
) -> jax.Array:
    first, second = first.astype(product_type()), second.astype(product_type())
    return onednn.call(wanted, shape, first, second, stride=stride, pads=pads)
