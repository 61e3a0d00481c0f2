"""Convolutions through oneDNN against plain numpy and XLA's, and when XLA's are taken."""

import functools
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import reference
from conftest import PRODUCT_TYPE
from synth2real.nn import convolution, onednn
from synth2real.nn.config import ComputeConfig
from synth2real.nn.convolution import convolve

# Batch, height, width, channels in and out, kernel size, stride.
SHAPES = [
    (2, 9, 9, 1, 16, 5, 1),
    (3, 14, 14, 4, 32, 3, 1),
    (2, 7, 9, 5, 3, 3, 1),
    (2, 6, 6, 3, 2, 1, 1),
    (2, 8, 8, 3, 4, 4, 1),
    (2, 14, 14, 3, 8, 3, 2),
    (2, 7, 7, 3, 8, 3, 2),
    (101, 5, 4, 2, 3, 3, 1),
    (2, 8, 8, 3, 4, 1, 2),
    (2, 9, 8, 3, 4, 5, 3),
]
needs_onednn = pytest.mark.skipif(
    (platform.system(), platform.machine()) != ("Linux", "x86_64")
    or not shutil.which(os.environ.get("CXX", "g++")),
    reason="oneDNN's package is for Linux on x86-64, and needs a C++ compiler",
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
def test_where_a_compiler_is_onednn_is_there() -> None:
    assert onednn.is_there()


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
def test_onednn_is_what_runs() -> None:
    x, kernel, _ = make(SHAPES[1])
    gradient = jax.grad(lambda x, kernel: convolve(x, kernel).sum(), argnums=(0, 1))
    compiled = jax.jit(gradient).lower(x, kernel).compile().as_text()
    assert "onednn_input_gradient" in compiled and "onednn_kernel_gradient" in compiled
    assert " convolution(" not in compiled


@needs_onednn
def test_calls_made_at_the_same_time_do_not_mix() -> None:
    """XLA makes calls that do not wait for each other in several threads."""
    x, kernel, weights = map(jnp.asarray, make((32, 20, 20, 8, 8, 3, 1)))

    def scaled(x: jax.Array, scale: float) -> tuple[jax.Array, ...]:
        output, backward = jax.vjp(convolve, x, kernel * scale)
        to_x, to_kernel = backward(weights)
        return output / scale, to_x / scale, to_kernel

    right = jax.jit(scaled)(x, 1.0)
    compiled = jax.jit(lambda x: [scaled(x, scale) for scale in (2.0, 3.0)])
    for _ in range(20):
        twice, thrice = compiled(x)
        for one, other in zip(twice, right, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5)
        for one, other in zip(thrice, right, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4 / 3)


@needs_onednn
@pytest.mark.slow
def test_a_call_may_run_in_another_thread_than_it_was_prepared_in() -> None:
    """Where oneDNN has no kernel of its own, as on older processors, it multiplies matrices."""
    program = """
import jax
from synth2real.nn.config import ComputeConfig
from synth2real.nn.convolution import convolve, use
use(ComputeConfig("auto", "float32"))
x, kernel = jax.numpy.ones((8, 20, 20, 8)), jax.numpy.ones((9, 9, 8, 8))
gradient = jax.jit(jax.grad(lambda x, k: (convolve(x, k) ** 2).sum(), argnums=(0, 1)))
for _ in range(20):
    jax.block_until_ready(gradient(x, kernel))
"""
    threads = {"NPROC": "4", "OMP_NUM_THREADS": "1", "ONEDNN_MAX_CPU_ISA": "SSE41"}
    subprocess.run([sys.executable, "-c", program], env=os.environ | threads, check=True)


@needs_onednn
@pytest.mark.slow
def test_programs_that_call_onednn_are_kept(tmp_path: Path) -> None:
    """Another process takes them from the cache, and gets the same from them."""
    program = """
import jax
from synth2real.nn.convolution import convolve
x, kernel = jax.numpy.ones((2, 8, 8, 3)), jax.numpy.ones((3, 3, 3, 4))
print(float(jax.jit(jax.grad(lambda x, k: (convolve(x, k) ** 2).sum()))(x, kernel).sum()))
"""
    environment = os.environ | {
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }
    outputs, files = [], []
    for _ in range(2):
        outputs.append(subprocess.check_output([sys.executable, "-c", program], env=environment))
        files.append({path.name for path in tmp_path.iterdir() if path.suffix != ".atime"})
    assert outputs[0] == outputs[1]
    names = {name for name in files[0] if name.startswith("jit__lambda")}
    assert names and files[0] == files[1]
    assert [name for name in files[0] if name.startswith("onednn-")] != []


def test_elsewhere_xla_convolves(monkeypatch) -> None:
    monkeypatch.setattr(convolution, "has_onednn", lambda: False)
    x, kernel, _ = make(SHAPES[5])
    assert "onednn" not in jax.jit(lambda *a: convolve(*a, 2)).lower(x, kernel).as_text()
    right = reference.conv(x, kernel, stride=2)
    np.testing.assert_allclose(convolve(x, kernel, 2), right, rtol=1e-4, atol=1e-5)


def test_where_its_package_is_missing_onednn_is_not_there(monkeypatch, caplog) -> None:
    monkeypatch.setattr(onednn, "ONEDNN", "no-such-package")
    assert not onednn.is_there.__wrapped__()
    assert not caplog.records


@needs_onednn
@pytest.mark.parametrize(
    "compiler, right",
    [
        ("no-such-compiler", "no no-such-compiler; install a C++ compiler, or name one in CXX"),
        ("g++ --no-such-option", "unrecognized command-line option"),
        ("false", "false: it failed"),
    ],
)
def test_without_a_compiler_that_works_the_log_says_so(
    monkeypatch, caplog, tmp_path: Path, compiler: str, right: str
) -> None:
    monkeypatch.setenv("CXX", compiler)
    monkeypatch.setattr(onednn, "SOURCE", tmp_path / "other.cc")
    onednn.SOURCE.write_text("// another source, so that it is compiled")
    assert not onednn.is_there.__wrapped__()
    (record,) = caplog.records
    assert right in record.getMessage()


@needs_onednn
def test_what_a_compiler_says_is_told(monkeypatch, caplog, tmp_path: Path) -> None:
    monkeypatch.setattr(onednn, "SOURCE", tmp_path / "wrong.cc")
    onednn.SOURCE.write_text("no C++")
    assert not onednn.is_there.__wrapped__()
    assert "error" in caplog.text and "wrong.cc" in caplog.text


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
    monkeypatch.setattr(convolution, "is_quick_at_bfloat16", lambda: wide)
    convolution.use(config)
    assert convolution.arithmetic() == right
    x, kernel, _ = make(SHAPES[1])
    lowered = jax.jit(lambda *a: convolve(*a)).lower(x, kernel).as_text()
    assert ("onednn" in lowered) == ("onednn" in right)
    assert ("bf16" in lowered) == ("bfloat16" in right)


@pytest.mark.parametrize(
    "words, right",
    [
        ("vendor_id : AuthenticAMD\nflags : avx512f avx512_bf16", True),
        ("vendor_id : AuthenticAMD\nflags : avx2", False),
        ("vendor_id : GenuineIntel\nflags : avx512_bf16 amx_bf16", True),
        ("vendor_id : GenuineIntel\nflags : avx512_bf16", False),
    ],
)
def test_bfloat16_is_for_processors_that_are_quick_at_it(monkeypatch, words, right) -> None:
    monkeypatch.setattr(Path, "read_text", lambda self: words)
    assert convolution.is_quick_at_bfloat16.__wrapped__() == right


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
