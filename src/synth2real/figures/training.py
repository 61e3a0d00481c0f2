"""Draws how GANs learnt, from their metrics."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from synth2real.figures.style import STYLE, new_figure, save

Records = Sequence[Mapping[str, float | None]]

# What a panel shows: a metric, its title, and the scale that it is drawn at. Metrics that a GAN's
# step does not have are left out.
PANELS = {
    "discriminator": ("loss of the discriminator", 1),
    "adversarial": ("loss of the generator against it", 1),
    "task_converted": ("loss of the task classifier on conversions", 1),
    "accuracy_real": ("accuracy on held-out real images (%)", 100),
    "accuracy_converted": ("accuracy on held-out conversions (%)", 100),
    "memorised": ("memorised (logits)", 1),
}
# For sizes, in order; colours of sets mean sets. Line styles tell them apart without colour.
LINES = (("#000000", "-"), ("#D55E00", "--"), ("#0072B2", "-."), ("#009E73", ":"))


def read_metrics(path: Path) -> Records:
    """Reads the metrics of a GAN's training: one record each 100 steps."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@matplotlib.rc_context(STYLE)
def training(gans: Mapping[str, Sequence[Records]], png: Path, svg: Path) -> Figure:
    """A panel for each metric, a line in it for each GAN, by sizes as a person reads them."""
    known = {name for group in gans.values() for records in group for r in records for name in r}
    shown = [name for name in PANELS if name in known]
    rows = (len(shown) + 1) // 2
    figure = new_figure(height=0.6 + 2.0 * rows)
    panels = figure.subplots(rows, 2, sharex=True, squeeze=False).ravel()
    for axes, name in zip(panels, shown, strict=False):
        title, scale = PANELS[name]
        for (size, group), (colour, style) in zip(gans.items(), LINES, strict=False):
            for number, records in enumerate(group):
                points = [(r["samples"], r[name]) for r in records if r.get(name) is not None]
                x = [float(samples or 0) / 1000 for samples, _ in points]
                y = [scale * float(value or 0) for _, value in points]
                label = size if number == 0 else None
                width = 1.4 if len(group) == 1 else 0.8
                marker = "o" if len(x) == 1 else None  # a line of one point shows nothing
                axes.plot(x, y, style, color=colour, linewidth=width, label=label, marker=marker)
        axes.set_title(title)
    for axes in panels[len(shown) :]:
        axes.set_visible(False)
    for axes in panels[-2:]:
        axes.set_xlabel("thousand samples")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4)
    save(figure, png, svg)
    return figure
