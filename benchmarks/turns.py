"""Workers that take turns, and what their rounds say: see `measure.py`."""

import statistics
from collections.abc import Collection, Iterator, Mapping

from workers import Worker

ROUNDS = 5
DTYPES = ("float32", "bfloat16")
TORCH_COLUMNS = dict(zip(("ratio_to_torch", "ratio_to_torch_bf16"), DTYPES, strict=True))

# A worker's library, what it multiplies, and of PyTorch's the mode.
Key = tuple[str, str, str]
Rounds = list[dict[Key, float]]


def median(rounds: Rounds, one: Key, other: Key | None = None) -> float:
    """The median over rounds of a worker's rate, or of its ratio to another's."""
    return statistics.median(turn[one] / (turn[other] if other else 1) for turn in rounds)


def torch_modes_of(keys: Collection[Key]) -> Iterator[tuple[str, list[Key]]]:
    """Columns of ratios to PyTorch, and its modes in that type, where it was measured."""
    for column, dtype in TORCH_COLUMNS.items():
        if modes := [key for key in keys if key[:2] == ("torch", dtype)]:
            yield column, modes


def rate_ratios(rounds: Rounds, one: Key) -> dict[str, float]:
    """Columns: ratios to the faster of PyTorch's modes in each type, and to onnxruntime."""
    ratios = {
        column: median(rounds, one, max(modes, key=lambda key: median(rounds, key)))
        for column, modes in torch_modes_of(rounds[0])
    }
    if (onnx := ("onnxruntime", "float32", "")) in rounds[0]:
        ratios["ratio_to_onnxruntime"] = median(rounds, one, onnx)
    return ratios


def memory_ratios(memory: Mapping[Key, float], one: Key) -> dict[str, float]:
    """Columns: what PyTorch needs, in the mode that needs less, over what we need."""
    return {
        column: min(memory[key] for key in modes) / memory[one]
        for column, modes in torch_modes_of(memory)
    }


def take_turns(workers: Mapping[Key, Worker], steps: int) -> tuple[Rounds, dict[Key, float]]:
    """Rates of every round, and peak bytes; ends the workers."""
    rounds = [
        {key: worker.ask(run=steps)["rate"] for key, worker in workers.items()}
        for _ in range(ROUNDS)
    ]
    memory = {key: worker.ask(memory=0)["bytes"] for key, worker in workers.items()}
    for worker in workers.values():
        worker.stop()
    return rounds, memory
