"""What the workers share: answering `measure.py`'s requests, one line of JSON each, and images."""

import json
import re
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
from PIL import Image

from synth2real.spec import EDGE, ImageSpec, load_spec

# Like those of the default experiment with 420 real images; and photographs of their size.
SYNTHETIC, REAL = 10_000, 420
CLASSES = tuple("0123456789")
SPECS = {
    "": ImageSpec(28, 28, 1, CLASSES, (0,)),
    "27x31": ImageSpec(27, 31, 1, CLASSES, (0,)),
    "colour": ImageSpec(28, 28, 3, CLASSES, EDGE),
    "colour 64": ImageSpec(64, 64, 3, CLASSES, EDGE),
}
PICTURES = 1000
PHOTOGRAPH = 320, 240  # pixels wide and high
MEASURED, FEATURES = 10_000, 256  # images, and numbers of each as the preset `small` has


def serve(make: Callable, **answers: Callable) -> None:
    """Answers until the input ends.

    Args:
        make: makes and warms up the benchmark of a kind, a preset and what images are like (asked
            for as "small", or "synth2real colour", and by fields of `ImageSpec` that are to be
            different); the benchmark's `run` takes steps and returns the samples it did, once they
            are done.
        **answers: what else can be asked; each takes the request's value.
    """
    benchmark = None
    for line in sys.stdin:
        start = time.perf_counter()
        match json.loads(line):
            case {"make": [kind, name], **different}:
                preset, _, images = name.partition(" ")
                benchmark = make(kind, preset, load_spec(asdict(SPECS[images]) | different))
                flops = getattr(benchmark, "flops_per_sample", None)
                answer = {"seconds": time.perf_counter() - start, "flops": flops}
            case {"run": steps}:
                samples = benchmark.run(steps)
                answer = {"rate": samples / (time.perf_counter() - start)}
            case request:
                ((name, value),) = request.items()
                answer = answers[name](value)
        print(json.dumps(answer), flush=True)


def make_pictures(folder: Path, suffix: str, spec: ImageSpec) -> list[Path]:
    """Writes smooth noise as pictures, a folder a class: as a spec says, or JPEG photographs."""
    rng = np.random.default_rng(0)
    size = PHOTOGRAPH if suffix == "jpeg" else (spec.width, spec.height)
    paths = [folder / f"{i % 10}" / f"{i}.{suffix}" for i in range(PICTURES)]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        coarse = rng.integers(0, 256, (size[1] // 8, size[0] // 8, spec.channels), np.uint8)
        Image.fromarray(coarse.squeeze(2) if spec.channels == 1 else coarse).resize(size).save(path)
    return paths


def make_features(count: int = MEASURED) -> tuple[np.ndarray, np.ndarray]:
    """Features of two sets of images, float64 [N, D], 0 at least as a judge's are."""
    rng = np.random.default_rng(0)
    real, images = np.maximum(rng.standard_normal((2, count, FEATURES)), 0)
    return real, images


def peak_memory() -> int:
    """Bytes that this process held at most.

    `ru_maxrss` would not do: a child starts with its parent's.
    """
    return 1024 * int(re.findall(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())[0])
