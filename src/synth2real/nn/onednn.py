"""oneDNN's convolutions for XLA's programs on a CPU; `onednn.cc` says what they compute.

XLA's interface for such calls (`jax.ffi`) has no Python in it, so they are compiled here, by the
first process that wants them, and kept beside the programs that XLA compiled.
"""

import ctypes
import functools
import hashlib
import importlib.metadata
import logging
import os
import shlex
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import jax
import jaxlib.version
import numpy as np

from synth2real.environment import CACHE, ONEDNN
from synth2real.io.files import write_atomically

log = logging.getLogger(__name__)

HEADERS = "onednn-devel-cpu-gomp"
SOURCE = Path(__file__).with_suffix(".cc")
CALLS = ("output", "input_gradient", "kernel_gradient")

Pads = Sequence[tuple[int, int]]


def call(
    wanted: str,
    shape: tuple[int, ...],
    first: jax.Array,
    second: jax.Array,
    *,
    stride: int,
    pads: Pads,
) -> jax.Array:
    """A convolution's output or a gradient, float32 of a shape, from the other two.

    Args:
        wanted: one of `CALLS`.
        first, second: both float32 or both bfloat16; of input, kernel and output, in this order,
            those that are not wanted, or the gradient to them.
        pads: zeros before and after, for height and width.
    """
    before, after = np.array(pads, np.int64).T
    convolution = jax.ffi.ffi_call(_name(wanted), jax.ShapeDtypeStruct(shape, np.float32))
    return convolution(first, second, stride=np.int64(stride), before=before, after=after)


@functools.cache
def is_there() -> bool:
    """Whether programs can call oneDNN here; from then on they can.

    Where its package is, but no compiler, the log says what to do.
    """
    try:
        library = _file(ONEDNN, "libdnnl.so.3")
    except importlib.metadata.PackageNotFoundError:  # on other systems and processors
        return False
    try:
        ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
        calls = ctypes.CDLL(str(_build()))
    except (OSError, subprocess.CalledProcessError, importlib.metadata.PackageNotFoundError) as e:
        log.warning("convolutions will be slow, as oneDNN cannot be called: %s", _reason(e))
        return False
    for wanted in CALLS:
        function = jax.ffi.pycapsule(getattr(calls, wanted))
        jax.ffi.register_ffi_target(_name(wanted), function, platform="cpu")
    return True


def _name(wanted: str) -> str:
    """What programs call it by."""
    return f"synth2real_onednn_{wanted}"


def _build() -> Path:
    """Compiles the calls, if no process has done it yet; returns the library's path.

    Raises:
        OSError: there is no compiler, or no room.
        subprocess.CalledProcessError: the compiler failed.
    """
    versions = [jaxlib.version.__version__, importlib.metadata.version(HEADERS)]
    digest = hashlib.sha256(SOURCE.read_bytes() + "".join(versions).encode()).hexdigest()[:8]
    path = Path(os.environ.get(CACHE) or _folder().name) / f"onednn-{digest}.so"
    if not path.exists():
        headers = _file(HEADERS, "oneapi/dnnl/dnnl.hpp").parents[2]
        path.parent.mkdir(parents=True, exist_ok=True)
        with write_atomically(path) as temporary:
            command = shlex.split(os.environ.get("CXX", "g++"))
            command += ["-O2", "-std=c++17", "-shared", "-fPIC", "-o", str(temporary), str(SOURCE)]
            command += ["-I", str(headers), "-I", jax.ffi.include_dir()]
            subprocess.run(command, check=True, capture_output=True, text=True)
    return path


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """A folder as long as the process, for one without a cache."""
    return tempfile.TemporaryDirectory()


def _file(package: str, ending: str) -> Path:
    """The file of an installed package whose path ends so."""
    files = importlib.metadata.files(package) or []
    return Path(str(next(f for f in files if f.as_posix().endswith(ending)).locate()))


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return f"there is no {error.filename}; install a C++ compiler, or name one in CXX"
    if isinstance(error, subprocess.CalledProcessError):
        said = [line for line in error.stderr.splitlines() if "error" in line]
        return f"{error.cmd[0]}: {said[0] if said else 'it failed'}"
    return str(error)
