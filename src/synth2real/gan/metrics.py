"""The metrics of a GAN's training, as its file holds them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

Records = Sequence[Mapping[str, float | None]]


def read_metrics(path: Path) -> Records:
    """Reads the metrics of a GAN's training: one record each 100 steps."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
