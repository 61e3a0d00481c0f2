"""Times synth2real's steps, as `measure.py` asks."""

import os
import sys
import tempfile
import time
from pathlib import Path

device, threads, dtype = sys.argv[1:4]
# As synth2real.job does; before jax starts.
os.environ["NPROC"] = os.environ["OMP_NUM_THREADS"] = threads
os.environ["JAX_PLATFORMS"] = {"cpu": "cpu", "gpu": "cuda"}[device]

import jax  # noqa: E402
import numpy as np  # noqa: E402
from serve import (  # noqa: E402
    REAL,
    SYNTHETIC,
    make_features,
    make_pictures,
    peak_memory,
    serve,
)

from synth2real.classify import train as classify  # noqa: E402
from synth2real.classify.config import classifier_config  # noqa: E402
from synth2real.convert.config import LEAST_STRENGTH  # noqa: E402
from synth2real.convert.convert import convert_images  # noqa: E402
from synth2real.gan.config import gan_config  # noqa: E402
from synth2real.gan.state import Gan, GanState, init_state, make_gan  # noqa: E402
from synth2real.gan.step import GanData  # noqa: E402
from synth2real.gan.train import STEPS  # noqa: E402
from synth2real.gap.measure import DRAWS, SUBSET  # noqa: E402
from synth2real.gap.metrics import (  # noqa: E402
    density_and_coverage,
    frechet_distance,
    kernel_distance,
)
from synth2real.nn import convolution  # noqa: E402
from synth2real.sources.folder import Folder  # noqa: E402
from synth2real.spec import ImageSpec  # noqa: E402
from synth2real.training import CHUNK_STEPS, Images, join, train_chunk  # noqa: E402

NATIVE = convolution.product_type().name if device == "cpu" else "float32"
# What oneDNN multiplies: "native" is what jobs on this machine do.
if dtype != "native":
    convolution.product_type = lambda: np.dtype(dtype)


def make_images(spec: ImageSpec, count: int = SYNTHETIC) -> Images:
    """Noise: no step's time depends on what it sees."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, *spec.shape), dtype=np.uint8)
    labels = rng.integers(0, len(spec.classes), count, np.int32)
    return Images(jax.device_put(images), jax.device_put(labels))


class Training:
    """A training loop that goes on from request to request."""

    def __init__(self, step, state, data, batch: int, length: int):
        self.step, self.state, self.data, self.batch = step, state, data, batch
        # A chunk is compiled for its length. On a CPU one as long as jobs' would take a GAN 10 s.
        self.length = length if device == "cpu" else CHUNK_STEPS
        self.key = jax.random.key(0)

    def run(self, steps: int) -> int:
        """Takes steps as the workflow does; returns the samples seen.

        (On a GPU the workflow trains five classifiers side by side, here it is one.)
        """
        chunks = max(1, steps // self.length)
        for _ in range(chunks):
            self.state, _ = train_chunk(self.step, self.state, self.data, self.key, self.length)
        jax.block_until_ready(self.state)
        return chunks * self.length * self.batch


class Conversion:
    """Conversion of images by an untrained generator, of strengths as in jobs if it bends."""

    def __init__(self, gan: Gan):
        self.gan = gan
        self.generator = init_gan(gan).generator
        self.least_strength = LEAST_STRENGTH if gan.config.generator == "bend" else 1.0
        self.data = make_images(gan.spec)

    def run(self, steps: int) -> int:
        """Converts 500 images a step."""
        index = np.arange(500 * steps) % len(self.data.labels)
        images = Images(*(array[index] for array in self.data))
        key = jax.random.key(1)
        convert_images(self.gan, self.generator, images, key, self.least_strength)
        return len(index)


class Reading:
    """Reading a folder's pictures as jobs do it."""

    def __init__(self, suffix: str, spec: ImageSpec):
        self.spec, self.folder = spec, tempfile.TemporaryDirectory()
        make_pictures(Path(self.folder.name), suffix, spec)
        self.source = Folder(Path(self.folder.name))

    def run(self, steps: int) -> int:
        """Reads all of them a step."""
        index = np.arange(self.source.count())
        for _ in range(steps):
            self.source.read(index, self.spec)
        return steps * len(index)


class Measuring:
    """Measuring the gap by what a judge and no other network sees."""

    def __init__(self):
        self.real, self.images = make_features()

    def run(self, steps: int) -> int:
        """Measures the same images a step."""
        for _ in range(steps):
            frechet_distance(self.real, self.images)
            kernel_distance(self.real, self.images, subset=SUBSET, draws=DRAWS)
            density_and_coverage(self.real, self.images)
        return steps * len(self.images)


def init_gan(gan: Gan) -> GanState:
    """Fresh networks, whose exemplars are black."""
    init = jax.jit(init_state, static_argnums=(0, 1))
    return init(gan.config, gan.spec, jax.random.key(0))


def make(kind: str, preset: str, spec: ImageSpec):
    """The benchmark of a name, its first step taken."""
    benchmark = make_benchmark(kind, preset, spec)
    benchmark.run(1)
    return benchmark


def make_benchmark(kind: str, preset: str, spec: ImageSpec):
    """The benchmark of a name."""
    if kind in ("classifier", "augmented"):
        return make_classifier(preset, spec, kind == "augmented")
    if kind == "read":
        return Reading(preset, spec)
    if kind == "gap":
        return Measuring()
    gan = make_gan(gan_config(preset), spec)
    if kind == "convert":
        return Conversion(gan)
    step, data = STEPS[gan.config.step](gan), GanData(make_images(spec), make_images(spec, REAL))
    return Training(step, init_gan(gan), data, 2 * gan.config.batch_size, length=2)


def make_classifier(preset: str, spec: ImageSpec, augment: bool) -> Training:
    """Training as of a plain set, which is one pool, or of one with warps: a pool for each part."""
    config = classifier_config(preset)
    init = jax.jit(classify.init_state, static_argnums=(0, 1))
    state = init(config, spec, jax.random.key(0))
    pools = [make_images(spec, REAL), make_images(spec)]
    step = classify.make_train_step(config, spec, augment)
    return Training(step, state, pools if augment else [join(pools)], config.batch_size, length=10)


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
