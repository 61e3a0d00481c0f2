"""The changes in docs/extending.md: each is applied to a copy of the project and run."""

import csv
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import yaml

from project import ROOT, TINY, copy_project, environment, planned, snakemake

PAGE = (ROOT / "docs/extending.md").read_text()
# One step of the preset's GAN, very small, in the copy of the project. With its last layer at 0 the
# discriminator has logits of 0.
STEP = """
import jax, numpy as np
from tiny import random_images, tiny_gan
from synth2real.gan.joint import make_joint_step
from synth2real.gan.state import init_state
from synth2real.gan.step import GanData
gan = tiny_gan("synth2real", **{overrides})
state = init_state(gan.config, gan.spec, jax.random.key(0))
if "dense_out" in state.discriminator.params:
    last = state.discriminator.params["dense_out"]
    last["kernel"], last["bias"] = jax.tree.map(lambda x: 0 * x, (last["kernel"], last["bias"]))
data = GanData(random_images(8), random_images(8, seed=1))
state, metrics = jax.jit(make_joint_step(gan))(state, data, jax.random.key(1))
print(*(float(metrics[name]) for name in ("discriminator", "adversarial")))
"""


@pytest.fixture
def changed(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """The project with the change of one section of the page."""
    section = PAGE.split(f"## {request.param}\n")[1].split("\n## ")[0]
    (patch,) = re.findall(r"```diff\n(.*?)```", section, re.DOTALL)
    folder = copy_project(tmp_path)
    result = subprocess.run(
        ["git", "apply", "-"], cwd=folder, input=patch, text=True, capture_output=True
    )
    assert result.returncode == 0, result.stderr
    return folder


def losses_of_a_step(folder: Path, **overrides: str) -> list[float]:
    paths = {"PYTHONPATH": f"{folder / 'src'}:{ROOT / 'tests'}"}
    command = [sys.executable, "-c", STEP.format(overrides=overrides)]
    result = subprocess.run(
        command, cwd=folder, env=environment(folder) | paths, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    return [float(value) for value in result.stdout.split()]


@pytest.mark.parametrize("changed", ["A training set"], indirect=True)
def test_a_set_is_trained_on(changed: Path) -> None:
    more = planned(changed, *TINY) - planned(ROOT, *TINY, "--forceall")
    assert more == Counter(classify_train_gan=2)


@pytest.mark.slow
@pytest.mark.parametrize("changed", ["A discriminator, or a generator"], indirect=True)
def test_a_discriminator_has_a_name_and_takes_a_step(changed: Path) -> None:
    (changed / "mine.yaml").write_text("gan: {discriminator: patches}")
    assert planned(changed, "--configfile", "mine.yaml")["gan"] == 2
    assert np.isfinite(losses_of_a_step(changed, discriminator="patches")).all()


@pytest.mark.slow
@pytest.mark.parametrize("changed", ["A loss"], indirect=True)
def test_a_loss_is_what_the_step_minimises(changed: Path) -> None:
    # Least squares of logits 0: (0 - 1)^2 / 2, and for the discriminator both sides of it.
    assert losses_of_a_step(changed) == pytest.approx([1.0, 0.5])


@pytest.mark.slow
@pytest.mark.parametrize("changed", ["A stage"], indirect=True)
def test_a_stage_makes_its_table_and_an_edit_makes_it_stale(changed: Path) -> None:
    rng = np.random.default_rng(0)
    pixels = {name: rng.integers(0, 256, (40, 16, 16, 1), np.uint8) for name in "rs"}
    for name, images in pixels.items():
        np.savez(changed / f"{name}.npz", images=images, labels=np.arange(40) % 2)
    own = {"real": {"npz": "r.npz", "test": "t.npz"}, "synthetic": {"npz": "s.npz"}}
    test = rng.integers(0, 256, (40, 16, 16, 1), np.uint8)
    np.savez(changed / "t.npz", images=test, labels=np.arange(40) % 2)
    (changed / "mine.yaml").write_text(yaml.safe_dump(own))
    arguments = ("results/ink.csv", "--configfile", "mine.yaml")
    result = snakemake(changed, "--cores", "1", *arguments)
    assert result.returncode == 0, result.stderr
    with open(changed / "results/ink.csv", newline="") as file:
        rows = {(row["images"], row["class"]): row["ink"] for row in csv.DictReader(file)}
    assert float(rows["real", "1"]) == pytest.approx(pixels["r"][1::2].mean(), abs=0.005)
    assert len(rows) == 4 and planned(changed, *arguments) == Counter()
    with open(changed / "src/synth2real/ink.py", "a") as file:
        file.write("\n")
    assert planned(changed, *arguments) == Counter(ink=1)
