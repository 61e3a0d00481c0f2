"""Draws the learning curves of docs/results.md anew: `python docs/results/curves.py`.

From the accuracies of experiments that differ in their numbers of real images alone.
"""

import tempfile
from pathlib import Path

from synth2real.figures.curves import classifier_error, learning
from synth2real.figures.data import read_accuracy
from tables import AUTHORS, HERE, of

if __name__ == "__main__":
    tables = (of("accuracy", experiment) for experiment in ("draws", "sweep"))
    accuracies = [row for table in tables for row in read_accuracy(table)]
    with tempfile.TemporaryDirectory() as unused:
        for draw, name in ((learning, "learning"), (classifier_error, "figure5")):
            svg = Path(unused, f"{name}.svg")
            draw(accuracies, AUTHORS, HERE / f"{name}.png", svg)
