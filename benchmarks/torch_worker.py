"""Times the same steps in PyTorch, as `measure.py` asks."""

import sys
import time

import torch
from pytorch import ClassifierTraining, GanTraining, Generator, scale
from pytorch_bend import JointGenerator
from pytorch_joint import JointTraining
from pytorch_stages import Measuring, Reading
from serve import REAL, SYNTHETIC, peak_memory, serve
from torch.utils.flop_counter import FlopCounterMode

from synth2real.classify.config import classifier_config
from synth2real.convert.config import LEAST_STRENGTH
from synth2real.gan.config import gan_config
from synth2real.spec import ImageSpec

device, threads, dtype, mode = sys.argv[1:5]
torch.set_num_threads(int(threads))
# What JAX does on a GPU by default.
torch.set_float32_matmul_precision("high" if device == "cuda" else "highest")
torch.backends.cudnn.benchmark = True
AUTOCAST, COMPILED = dtype == "bfloat16", mode == "compiled"


def make_images(spec: ImageSpec, count: int = SYNTHETIC):
    generator = torch.Generator().manual_seed(0)
    shape = count, spec.channels, spec.height, spec.width
    images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
    labels = torch.randint(0, 10, (count,), generator=generator)
    return images.to(device, memory_format=torch.channels_last), labels.to(device)


class Training:
    """A training loop that goes on from request to request; counts the FLOPs of its first step."""

    def __init__(self, training, batch: int):
        self.batch = batch
        with FlopCounterMode(display=False) as counter:
            training.step()
        self.flops_per_sample = counter.get_total_flops() / batch
        if COMPILED:
            training.compile()
        self.training = training

    def run(self, steps: int) -> int:
        for _ in range(steps):
            self.training.step()
        synchronise()
        return steps * self.batch


class Conversion:
    """Conversion by an untrained generator, 500 images a step."""

    def __init__(self, config, spec: ImageSpec):
        self.config, (images, labels) = config, make_images(spec)
        self.images, self.labels = images[:500].cpu(), labels[:500].cpu()
        self.bends = config.generator == "bend"
        network = JointGenerator(config, spec) if self.bends else Generator(config)
        self.network = network.to(device, memory_format=torch.channels_last).eval()
        with FlopCounterMode(display=False) as counter:
            self.run(1)
        self.flops_per_sample = counter.get_total_flops() / 500
        if COMPILED:
            mode = "max-autotune" if device == "cuda" else "default"
            self.convert = torch.compile(self.convert, mode=mode)

    def run(self, steps: int) -> int:
        with torch.inference_mode(), torch.autocast(device, torch.bfloat16, enabled=AUTOCAST):
            for _ in range(steps):
                self.convert(self.images.to(device), self.labels.to(device)).cpu()
        return steps * 500

    def convert(self, images, labels):
        if self.bends:
            strength = torch.empty(500, device=device).uniform_(LEAST_STRENGTH, 1)
            inputs = self.network.draw_inputs(500)
            _, converted = self.network(scale(images), labels, strength=strength, **inputs)
        else:
            noise = torch.empty(500, self.config.noise_dim, device=device).uniform_(-1, 1)
            converted = self.network(scale(images), noise)
        return ((converted.float() + 1) / 2 * 255).round().byte()


def make(kind: str, preset: str, spec: ImageSpec):
    """The benchmark of a name, warmed up."""
    benchmark = make_benchmark(kind, preset, spec)
    benchmark.run(3)
    return benchmark


def make_benchmark(kind: str, preset: str, spec: ImageSpec):
    """The benchmark of a name."""
    if kind == "read":
        return Reading(preset, spec, int(threads))
    if kind == "gap":
        return Measuring()
    synthetic, real = make_images(spec), make_images(spec, REAL)
    if kind in ("classifier", "augmented"):
        config, augment = classifier_config(preset), kind == "augmented"
        pools = [real, synthetic]
        if not augment:
            pools = [tuple(torch.cat(parts) for parts in zip(*pools, strict=True))]
        training = ClassifierTraining(config, pools, augment, device, AUTOCAST)
        return Training(training, config.batch_size)
    config = gan_config(preset)
    if kind == "convert":
        return Conversion(config, spec)
    if config.step == "joint":
        training = JointTraining(config, spec, synthetic, real, device, AUTOCAST)
    else:
        training = GanTraining(config, synthetic, real, device, AUTOCAST)
    return Training(training, 2 * config.batch_size)


def matmul_peak(dtype: str) -> float:
    """GFLOP/s of a large matrix product."""
    n = 2048 if device == "cpu" else 8192
    a = torch.randn(n, n, device=device).to(getattr(torch, dtype))
    a @ a
    synchronise()
    start = time.perf_counter()
    for _ in range(3):
        a @ a
    synchronise()
    return 3 * 2 * n**3 / (time.perf_counter() - start) / 1e9


def synchronise() -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def memory(_) -> dict:
    """Peak bytes of the GPU, else of the process."""
    on_gpu = device == "cuda"
    return {"bytes": torch.cuda.max_memory_allocated() if on_gpu else peak_memory()}


serve(
    make,
    peak=lambda dtype: {"gflops": matmul_peak(dtype)},
    memory=memory,
    version=lambda _: {"version": f"torch {torch.__version__}"},
)
