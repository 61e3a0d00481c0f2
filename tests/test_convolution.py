"""Convolutions through oneDNN against plain numpy and XLA's, and when XLA's are taken."""

import functools
import platform
from collections.abc import Iterator
from pathlib import Path

import jax
import jax.numpy as jnp
import jaxlib
import numpy as np
import pytest
from flax import nnx

import reference
from conftest import PRODUCT_TYPE
from synth2real.nn import convolution
from synth2real.nn.config import ComputeConfig
from synth2real.nn.convolution import convolve, has_onednn

# Batch, height, width, channels in and out, kernel size, stride.
SHAPES = [
    (2, 9, 9, 1, 16, 5, 1),
    (3, 14, 14, 4, 32, 3, 1),
    (2, 7, 9, 5, 3, 3, 1),
    (2, 6, 6, 3, 2, 1, 1),
    (2, 8, 8, 3, 4, 4, 1),
    (2, 14, 14, 3, 8, 3, 2),
    (2, 7, 7, 3, 8, 3, 2),
    (101, 5, 4, 2, 3, 3, 1),  # in float32 in pieces
]
needs_onednn = pytest.mark.skipif(
    platform.system() != "Linux" or platform.machine() != "x86_64",
    reason="only jaxlib for Linux on x86-64 carries oneDNN",
)


# oneDNN multiplies bfloat16 on processors with AVX-512, in float32 where there are no units for it.
CPUINFO = Path("/proc/cpuinfo")
WIDE = CPUINFO.exists() and "avx512" in CPUINFO.read_text()
TYPES = [
    ("float32", 1e-5),
    pytest.param("bfloat16", 1e-2, marks=pytest.mark.skipif(not WIDE, reason="needs AVX-512")),
]


def make(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """An image, a kernel, and the weights of the outputs in a loss."""
    b, h, w, c_in, c_out, size, stride = shape
    rng = np.random.default_rng(0)
    shapes = (
        (b, h, w, c_in),
        (size, size, c_in, c_out),
        (b, -(-h // stride), -(-w // stride), c_out),
    )
    x, kernel, weights = (rng.normal(size=shape).astype(np.float32) for shape in shapes)
    return x, kernel, weights


def set_type(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(convolution, "product_type", lambda: jnp.dtype(name))


@needs_onednn
def test_this_jaxlib_is_known() -> None:
    """After an upgrade: if the tests here pass without this one, add the release."""
    assert has_onednn(), f"jaxlib {jaxlib.__version__} is not among {convolution.KNOWN_RELEASES}"


@needs_onednn
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name, tolerance", TYPES)
def test_values_are_numpys(monkeypatch, shape: tuple, name: str, tolerance: float) -> None:
    set_type(monkeypatch, name)
    x, kernel, _ = make(shape)
    right = reference.conv(x, kernel, stride=shape[-1])
    assert np.abs(convolve(x, kernel, shape[-1]) - right).max() < tolerance * np.abs(right).max()


@needs_onednn
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name, tolerance", TYPES)
def test_gradients_are_xlas(monkeypatch, shape: tuple, name: str, tolerance: float) -> None:
    set_type(monkeypatch, name)
    x, kernel, weights = make(shape)

    def loss(f, x, kernel):
        return (f(x, kernel, shape[-1]) * weights).sum()

    gradients = [
        jax.jit(jax.grad(functools.partial(loss, f), argnums=(0, 1)))(x, kernel)
        for f in (convolve, convolution._convolve_xla)
    ]
    for ours, right in zip(*gradients, strict=True):
        assert ours.shape == right.shape and ours.dtype == right.dtype
        assert np.abs(ours - right).max() < tolerance * np.abs(right).max()


@needs_onednn
def test_onednn_is_what_runs(monkeypatch) -> None:
    x, kernel, _ = make(SHAPES[1])
    compiled = jax.jit(convolve).lower(x, kernel).compile().as_text()
    assert "__onednn$convolution" in compiled


def test_elsewhere_xla_convolves(monkeypatch) -> None:
    monkeypatch.setattr(convolution, "has_onednn", lambda: False)
    x, kernel, _ = make(SHAPES[5])
    assert "onednn" not in jax.jit(lambda *a: convolve(*a, 2)).lower(x, kernel).as_text()
    right = reference.conv(x, kernel, stride=2)
    np.testing.assert_allclose(convolve(x, kernel, 2), right, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "system, machine, release", [("Darwin", "arm64", "0.10.2"), ("Linux", "x86_64", "0.99.0")]
)
def test_where_the_call_may_be_missing_it_is_not_made(
    monkeypatch, system: str, machine: str, release: str
) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(jaxlib.version, "__version__", release)
    assert not has_onednn()


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Puts what convolutions may use back as it was; conftest.py has float32 multiplied."""
    monkeypatch.setattr(convolution, "product_type", PRODUCT_TYPE)
    yield
    convolution.use(ComputeConfig("auto", "auto"))


@needs_onednn
@pytest.mark.parametrize(
    "config, wide, right",
    [
        (ComputeConfig("auto", "auto"), True, "cpu onednn bfloat16"),
        (ComputeConfig("auto", "auto"), False, "cpu onednn float32"),
        (ComputeConfig("auto", "float32"), True, "cpu onednn float32"),
        (ComputeConfig("xla", "auto"), True, "cpu xla float32"),
    ],
)
def test_settings_say_what_may_run_and_results_what_does(
    settings: None, monkeypatch, config: ComputeConfig, wide: bool, right: str
) -> None:
    monkeypatch.setattr(convolution, "multiplies_bfloat16", lambda: wide)
    convolution.use(config)
    assert convolution.arithmetic() == right
    x, kernel, _ = make(SHAPES[1])
    lowered = jax.jit(lambda *a: convolve(*a)).lower(x, kernel).as_text()
    assert ("onednn" in lowered) == ("onednn" in right)
    assert ("bf16" in lowered) == ("bfloat16" in right)


def test_a_convolution_that_would_be_another_is_refused() -> None:
    x = jnp.zeros((1, 8, 8, 2))
    for wrong in [
        {"padding": "VALID"},
        {"strides": (1, 2)},
        {"kernel_dilation": 2},
        {"feature_group_count": 2},
        {"precision": "highest"},
    ]:
        layer = nnx.Conv(
            2,
            4,
            kernel_size=(3, 3),
            conv_general_dilated=convolution.conv_general_dilated,
            rngs=nnx.Rngs(0),
            **wrong,
        )
        with pytest.raises(NotImplementedError, match="a convolution with another"):
            layer(x)
