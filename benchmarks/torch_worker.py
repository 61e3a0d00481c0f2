"""Times the same steps in PyTorch, as `measure.py` asks."""

import sys
import time

import torch
from pytorch import ClassifierTraining, GanTraining, Generator, scale
from serve import peak_memory, serve
from torch.utils.flop_counter import FlopCounterMode

from synth2real.classify.config import classifier_config
from synth2real.gan.config import gan_config

device, threads, dtype = sys.argv[1:4]
torch.set_num_threads(int(threads))
# What JAX does on a GPU by default.
torch.set_float32_matmul_precision("high" if device == "cuda" else "highest")
torch.backends.cudnn.benchmark = True
AUTOCAST = dtype == "bfloat16"
IMAGES = 10_000


def make_images():
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (IMAGES, 1, 28, 28), dtype=torch.uint8, generator=generator)
    labels = torch.randint(0, 10, (IMAGES,), generator=generator)
    return images.to(device, memory_format=torch.channels_last), labels.to(device)


class Training:
    """A training loop that goes on from request to request; counts the FLOPs of its first step."""

    def __init__(self, training, batch: int):
        self.batch = batch
        with FlopCounterMode(display=False) as counter:
            training.step()
        self.flops_per_sample = counter.get_total_flops() / batch
        if device == "cuda":
            training.compile()
        self.training = training

    def run(self, steps: int) -> int:
        for _ in range(steps):
            self.training.step()
        synchronise()
        return steps * self.batch


class Conversion:
    """Conversion by an untrained generator, 500 images a step."""

    def __init__(self, config):
        self.config, self.images = config, make_images()[0][:500].cpu()
        self.network = Generator(config).to(device, memory_format=torch.channels_last).eval()
        with FlopCounterMode(display=False) as counter:
            self.run(1)
        self.flops_per_sample = counter.get_total_flops() / 500
        if device == "cuda":
            self.network = torch.compile(self.network, mode="max-autotune")

    def run(self, steps: int) -> int:
        with torch.inference_mode(), torch.autocast(device, torch.bfloat16, enabled=AUTOCAST):
            for _ in range(steps):
                noise = torch.empty(500, self.config.noise_dim, device=device).uniform_(-1, 1)
                converted = self.network(scale(self.images.to(device)), noise)
                ((converted.float() + 1) / 2 * 255).round().byte().cpu()
        return steps * 500


def make(kind: str, preset: str):
    """The benchmark of a name, warmed up."""
    benchmark = make_benchmark(kind, preset)
    benchmark.run(3)
    return benchmark


def make_benchmark(kind: str, preset: str):
    """The benchmark of a name."""
    if kind == "convert":
        return Conversion(gan_config(preset))
    if kind == "gan":
        gan, data = gan_config(preset), make_images()
        return Training(GanTraining(gan, data, data, device, AUTOCAST), 2 * gan.batch_size)
    config = classifier_config(preset)
    training = ClassifierTraining(config, make_images(), device, AUTOCAST)
    return Training(training, config.batch_size)


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
