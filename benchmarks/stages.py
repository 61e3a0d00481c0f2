"""Rows of stages that train nothing: rendering, reading pictures, measuring the gap."""

import statistics
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from turns import Key, median, memory_ratios, rate_ratios, take_turns
from workers import start_jax, start_torch

from synth2real.sources.folder import THREADS
from synth2real.sources.fonts.own import font_files
from synth2real.sources.fonts.render import RenderConfig, render_fonts

OURS: Key = ("jax", "", "")
THEIRS: Key = ("torch", "float32", "eager")


class Stage(NamedTuple):
    """What workers do, with as many threads as jobs, and how many steps take a second or so."""

    kind: str
    images: str
    threads: int
    steps: int

    @property
    def name(self) -> str:
        return f"{self.kind}/{self.images}"


# Pictures as they are, which are too small for several threads, photographs made smaller, and
# features of 10,000 images.
STAGES = (
    Stage("read", "png", 1, 10),
    Stage("read", "jpeg colour 64", THREADS, 2),
    Stage("gap", "features", 1, 1),
)


RENDER = "render"
NAMES = (RENDER, *(stage.name for stage in STAGES))


def measure_stages(torch: str, fonts: Path, chosen: Collection[str]) -> Iterator[dict]:
    """Rows of the chosen ones; none of them has anything to do with a GPU."""
    if RENDER in chosen:
        yield measure_rendering(fonts)
    for stage in STAGES:
        if stage.name in chosen:
            yield from measure_stage(stage, torch)


def measure_stage(stage: Stage, torch: str) -> Iterator[dict]:
    """A stage's rate and memory. Both sides count in the types that they need."""
    ours = start_jax("cpu", stage.threads, "native")
    workers = {OURS: ours, THEIRS: start_torch(torch, "cpu", stage.threads, "float32")}
    for worker in workers.values():
        worker.ask(make=[stage.kind, stage.images])
    rounds, memory = take_turns(workers, stage.steps)
    row = {"benchmark": stage.name, "device": "cpu", "threads": stage.threads, "used": "yes"}
    yield row | {"value": median(rounds, OURS), "unit": "images/s"} | rate_ratios(rounds, OURS)
    peak = {"benchmark": f"{stage.name}: peak memory", "value": memory[OURS] / 2**20, "unit": "MiB"}
    # With several threads PyTorch reads in processes of their own, whose memory is not counted.
    yield row | peak | (memory_ratios(memory, OURS) if stage.threads == 1 else {})


def measure_rendering(fonts: Path) -> dict:
    """Images/s of the render stage, which keeps to one core."""
    paths = font_files(fonts)
    rates = []
    for _ in range(3):
        start = time.perf_counter()
        images = render_fonts(paths, RenderConfig())
        rates.append(len(images) / (time.perf_counter() - start))
    return {
        "benchmark": RENDER,
        "device": "cpu",
        "threads": 1,
        "value": statistics.median(rates),
        "unit": "images/s",
        "used": "yes",
    }
