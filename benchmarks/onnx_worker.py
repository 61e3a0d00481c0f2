"""Times conversion by an exported generator in onnxruntime on a CPU, as `measure.py` asks."""

import os
import sys
import tempfile
from pathlib import Path

threads = sys.argv[1]
os.environ["NPROC"] = threads
os.environ["JAX_PLATFORMS"] = "cpu"

import jax  # noqa: E402
import numpy as np  # noqa: E402
import onnxruntime  # noqa: E402
from serve import SYNTHETIC, peak_memory, serve  # noqa: E402

from synth2real.convert.config import LEAST_STRENGTH  # noqa: E402
from synth2real.convert.converter import Converter  # noqa: E402
from synth2real.convert.export import export_onnx  # noqa: E402
from synth2real.gan.config import gan_config  # noqa: E402
from synth2real.gan.exemplar import EXEMPLARS  # noqa: E402
from synth2real.gan.state import Gan, init_state, make_gan  # noqa: E402
from synth2real.spec import ImageSpec  # noqa: E402

BATCH = 500


def start_session(gan: Gan) -> onnxruntime.InferenceSession:
    """Exports an untrained generator and loads the file."""
    init = jax.jit(init_state, static_argnums=(0, 1))
    state = init(gan.config, gan.spec, jax.random.key(0))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = int(threads), 1
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "generator.onnx"
        export_onnx(Converter(path, gan, state.generator, state.task, LEAST_STRENGTH), path)
        return onnxruntime.InferenceSession(path, options)


class Conversion:
    """Conversion of images as jobs do it: noise, strength and exemplar are drawn for each."""

    def __init__(self, gan: Gan):
        self.gan, self.session = gan, start_session(gan)
        self.names = {value.name for value in self.session.get_inputs()}
        self.rng = np.random.default_rng(0)
        shape = gan.spec.shape
        self.images = self.rng.integers(0, 256, (SYNTHETIC, *shape), dtype=np.uint8)
        self.labels = self.rng.integers(0, 10, SYNTHETIC)
        self.exemplars = self.rng.integers(0, 256, (EXEMPLARS, *shape), dtype=np.uint8)

    def run(self, steps: int) -> int:
        """Converts 500 images a step."""
        for step in range(steps):
            index = (BATCH * step + np.arange(BATCH)) % SYNTHETIC
            inputs = {"images": self.images[index], "labels": self.labels[index]}
            self.session.run(None, inputs | self._draw())
        return BATCH * steps

    def _draw(self) -> dict[str, np.ndarray]:
        noise = 2 * self.rng.random((BATCH, self.gan.config.noise_dim), np.float32) - 1
        drawn = {"noise": noise}
        if "strength" in self.names:
            share = self.rng.random(BATCH, np.float32)
            drawn["strength"] = LEAST_STRENGTH + (1 - LEAST_STRENGTH) * share
        if "exemplar" in self.names:
            drawn["exemplar"] = self.exemplars[self.rng.integers(0, EXEMPLARS, BATCH)]
        return drawn


def make(kind: str, preset: str, spec: ImageSpec) -> Conversion:
    """The benchmark of a preset, its first step taken."""
    assert kind == "convert"
    benchmark = Conversion(make_gan(gan_config(preset), spec))
    benchmark.run(1)
    return benchmark


serve(
    make,
    memory=lambda _: {"bytes": peak_memory()},
    version=lambda _: {"version": f"onnxruntime {onnxruntime.__version__}"},
)
