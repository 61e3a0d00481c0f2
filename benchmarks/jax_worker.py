"""Times synth2real's steps, as `measure.py` asks."""

import os
import sys
import time

device, threads, dtype = sys.argv[1:4]
os.environ["NPROC"] = threads  # as synth2real.job does; before jax starts
os.environ["JAX_PLATFORMS"] = {"cpu": "cpu", "gpu": "cuda"}[device]

import jax  # noqa: E402
import numpy as np  # noqa: E402
from serve import peak_memory, serve  # noqa: E402

from synth2real.classify import train as classify  # noqa: E402
from synth2real.classify.config import classifier_config  # noqa: E402
from synth2real.convert.convert import convert_images  # noqa: E402
from synth2real.gan.config import gan_config  # noqa: E402
from synth2real.gan.state import Gan, init_state, make_gan  # noqa: E402
from synth2real.gan.step import GanData, make_train_step  # noqa: E402
from synth2real.nn import convolution  # noqa: E402
from synth2real.spec import ImageSpec  # noqa: E402
from synth2real.training import CHUNK_STEPS, Images, train_chunk  # noqa: E402

IMAGES = 10_000
DIGITS = ImageSpec(28, 28, 1, tuple("0123456789"), (0,))
NATIVE = convolution.product_type().name if device == "cpu" else "float32"
# What oneDNN multiplies: "native" is what jobs on this machine do.
if dtype != "native":
    convolution.product_type = lambda: np.dtype(dtype)


def make_images() -> Images:
    """Noise: no step's time depends on what it sees."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (IMAGES, 28, 28, 1), dtype=np.uint8)
    return Images(jax.device_put(images), jax.device_put(rng.integers(0, 10, IMAGES, np.int32)))


class Training:
    """A training loop that goes on from request to request."""

    def __init__(self, step, state, data, batch: int):
        self.step, self.state, self.data, self.batch = step, state, data, batch
        self.key = jax.random.key(0)

    def run(self, steps: int) -> int:
        """Takes steps as the workflow does; returns the samples seen.

        (On a GPU the workflow trains five classifiers side by side, here it is one.)
        """
        # A scan is compiled for its length: on a GPU always the workflow's.
        length = steps if device == "cpu" else CHUNK_STEPS
        for _ in range(max(1, steps // length)):
            self.state, _ = train_chunk(self.step, self.state, self.data, self.key, length)
        jax.block_until_ready(self.state)
        return max(1, steps // length) * length * self.batch


class Conversion:
    """Conversion of images by an untrained generator."""

    def __init__(self, gan: Gan):
        self.gan = gan
        init = jax.jit(init_state, static_argnums=(0, 1))
        self.generator = init(gan.config, gan.spec, jax.random.key(0)).generator
        self.data = make_images()

    def run(self, steps: int) -> int:
        """Converts 500 images a step."""
        index = np.arange(500 * steps) % len(self.data.labels)
        images = Images(*(array[index] for array in self.data))
        convert_images(self.gan, self.generator, images, jax.random.key(1))
        return len(index)


def make(kind: str, preset: str):
    """The benchmark of a name, its first step taken."""
    benchmark = make_benchmark(kind, preset)
    benchmark.run(1)
    return benchmark


def make_benchmark(kind: str, preset: str):
    """The benchmark of a name."""
    key = jax.random.key(0)
    if kind == "convert":
        return Conversion(make_gan(gan_config(preset), DIGITS))
    data = make_images()
    if kind == "gan":
        gan = make_gan(gan_config(preset), DIGITS)
        state = jax.jit(init_state, static_argnums=(0, 1))(gan.config, gan.spec, key)
        step = make_train_step(gan)
        return Training(step, state, GanData(data, data), 2 * gan.config.batch_size)
    config = classifier_config(preset)
    state = jax.jit(classify.init_state, static_argnums=(0, 1))(config, DIGITS, key)
    step = classify.make_train_step(config, DIGITS)
    return Training(step, state, [data], config.batch_size)


def matmul_peak(dtype: str) -> float:
    """GFLOP/s of a large matrix product with float32 sums."""
    n = 2048 if device == "cpu" else 8192
    a = jax.random.normal(jax.random.key(0), (n, n), dtype)
    product = jax.jit(lambda a, b: jax.lax.dot(a, b, preferred_element_type="float32"))
    product(a, a).block_until_ready()
    start = time.perf_counter()
    for _ in range(3):
        product(a, a).block_until_ready()
    return 3 * 2 * n**3 / (time.perf_counter() - start) / 1e9


def memory(_) -> dict:
    """Peak bytes of the GPU, else of the process."""
    stats = jax.devices()[0].memory_stats()
    return {"bytes": stats["peak_bytes_in_use"] if stats else peak_memory()}


def version(_) -> dict:
    """JAX's, the device, and the type that jobs here multiply."""
    kind = jax.devices()[0].device_kind
    return {"version": f"jax {jax.__version__}", "device": kind, "native": NATIVE}


serve(make, peak=lambda dtype: {"gflops": matmul_peak(dtype)}, memory=memory, version=version)
