"""What the workers share: answering `measure.py`'s requests, one line of JSON each, and images."""

import json
import re
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from synth2real.spec import EDGE, ImageSpec, load_spec

# Like those of the default experiment with 420 real images; and photographs of their size.
SYNTHETIC, REAL = 10_000, 420
CLASSES = tuple("0123456789")
SPECS = {
    "": ImageSpec(28, 28, 1, CLASSES, (0,)),
    "colour": ImageSpec(28, 28, 3, CLASSES, EDGE),
}


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


def peak_memory() -> int:
    """Bytes that this process held at most.

    `ru_maxrss` would not do: a child starts with its parent's.
    """
    return 1024 * int(re.findall(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())[0])
