"""The benchmarks' own workers still run; how fast they are is no test."""

import csv
import importlib
import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from flax import nnx

from settings import ROOT
from synth2real.gan.config import gan_config
from synth2real.gan.networks import TaskClassifier
from synth2real.gan.projected import ProjectedDiscriminator
from synth2real.gan.state import make_generator
from synth2real.gap.metrics import density_and_coverage, frechet_distance, kernel_distance
from synth2real.spec import ImageSpec

BENCHMARKS = ROOT / "benchmarks"
TORCH = ROOT / ".venv-torch" / "bin" / "python"
COUNT = """
import json
from pytorch_joint import make_networks
from serve import SPECS
from synth2real.gan.config import gan_config

specs = [SPECS[name] for name in ("", "colour", "colour 64")]
networks = [make_networks(gan_config("synth2real"), spec) for spec in specs]
count = lambda network: sum(parameter.numel() for parameter in network.parameters())
print(json.dumps([[count(network) for network in three] for three in networks]))
"""
METRICS = """
import torch
from pytorch_stages import density_and_coverage, frechet_distance, kernel_distance
from serve import make_features

real, images = map(torch.from_numpy, make_features(500))
images = 0.8 * images  # so that some are outside of the balls
one = [frechet_distance(real, images), kernel_distance(real, images, 500, 1)]
print(*map(float, [*one, *density_and_coverage(real, images)]))
"""


def run_torch(code: str) -> str:
    """What a program prints in the environment that has PyTorch."""
    paths = os.pathsep.join(str(ROOT / folder) for folder in ("src", "benchmarks"))
    environment = os.environ | {"PYTHONPATH": paths}
    command = [TORCH, "-c", code]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True
    ).stdout


def test_rows_measured_anew_join_those_of_the_same_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    measure, table = (importlib.import_module(name) for name in ("measure", "table"))
    native = "bfloat16"
    for name in ("README.md", f"results-{native}.csv"):
        shutil.copy(BENCHMARKS / name, tmp_path)
    monkeypatch.setattr(table, "HERE", tmp_path)
    monkeypatch.setattr(table, "README", tmp_path / "README.md")
    text, path = table.README.read_text(), table.results(native)
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    _, _, machine = text.partition(f"<!-- table: {native} -->\nMeasured on ")
    machine, _, _ = machine.partition(".\n")
    with pytest.raises(SystemExit, match="is of another machine"):
        table.kept_rows(native, "another machine", ["classifier/small"])

    kept = table.kept_rows(native, machine, ["classifier/small"])
    again = [row for row in rows if row not in kept]
    names = {row["benchmark"] for row in again}
    assert names == {
        "matrix product",
        "classifier/small",
        "classifier/small: peak memory",
        "classifier/small: first step, cold",
        "classifier/small: first step, from cache",
    }
    assert table.write_rows([*kept, *again], native, measure.ORDER) == rows
    table.write_table(rows, machine, native)
    assert path.read_text() == (BENCHMARKS / path.name).read_text()
    assert table.README.read_text() == text
    path.unlink()
    assert table.kept_rows(native, "another machine", ["classifier/small"]) == []


def has_torch() -> bool:
    """Whether .venv-torch is there and PyTorch can be imported in it."""
    if not TORCH.exists():
        return False
    return subprocess.run([TORCH, "-c", "import torch"], capture_output=True).returncode == 0


def count_parameters(spec: ImageSpec) -> list[int]:
    """Of generator, discriminator with its features, and task classifier."""
    networks = make_generator, ProjectedDiscriminator, TaskClassifier
    config = gan_config("synth2real")
    modules = [
        nnx.eval_shape(lambda network=network: network(config, spec, rngs=nnx.Rngs(0)))
        for network in networks
    ]
    leaves = [jax.tree.leaves(nnx.state(module, nnx.Param)) for module in modules]
    return [sum(math.prod(leaf.shape) for leaf in of_one) for of_one in leaves]


def ask(script: str, arguments: list[str], requests: list[dict]) -> list[dict]:
    """A worker's answers."""
    run = subprocess.run(
        [sys.executable, BENCHMARKS / script, *arguments],
        input="".join(json.dumps(request) + "\n" for request in requests),
        capture_output=True,
        text=True,
    )
    return [json.loads(line) for line in run.stdout.splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "arguments", "library", "benchmark"),
    [
        ("jax_worker.py", ["cpu", "1", "native"], "jax", ["classifier", "small"]),
        ("jax_worker.py", ["cpu", "1", "native"], "jax", ["augmented", "small"]),
        ("jax_worker.py", ["cpu", "1", "native"], "jax", ["gan", "synth2real 27x31"]),
        ("jax_worker.py", ["cpu", "1", "native"], "jax", ["read", "jpeg colour 64"]),
        ("jax_worker.py", ["cpu", "1", "native"], "jax", ["gap", "features"]),
        ("onnx_worker.py", ["1"], "onnxruntime", ["convert", "synth2real colour"]),
    ],
)
def test_a_worker_answers(
    script: str, arguments: list[str], library: str, benchmark: list[str]
) -> None:
    requests = [{"version": 0}, {"make": benchmark}, {"run": 2}, {"memory": 0}]
    version, made, rate, memory = ask(script, arguments, requests)
    assert version["version"].startswith(f"{library} ")
    assert made["seconds"] > 0 and rate["rate"] > 0
    assert memory["bytes"] > 2**26


def skip_without_torch() -> None:
    if not has_torch():
        pytest.skip("no PyTorch in .venv-torch; make .venv-torch/.made puts it there")


@pytest.mark.slow
def test_the_networks_in_pytorch_have_as_many_parameters() -> None:
    skip_without_torch()
    classes = tuple("0123456789")
    grey = ImageSpec(28, 28, 1, classes, (0,))
    colour = [ImageSpec(side, side, 3, classes, "edge") for side in (28, 64)]
    assert json.loads(run_torch(COUNT)) == [*map(count_parameters, [grey, *colour])]


@pytest.mark.slow
def test_the_metrics_in_pytorch_are_the_same() -> None:
    skip_without_torch()
    real, images = np.maximum(np.random.default_rng(0).standard_normal((2, 500, 256)), 0)
    images = 0.8 * images
    distance, _ = kernel_distance(real, images, subset=500, draws=2)
    ours = [frechet_distance(real, images), distance, *density_and_coverage(real, images)]
    assert [*map(float, run_torch(METRICS).split())] == pytest.approx(ours, rel=1e-6)
