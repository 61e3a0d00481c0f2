"""Fixtures shared by the tests: real fonts and digits, and experiments that were run."""

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest
from hypothesis import HealthCheck, settings

from project import (
    COMPILE_FAST,
    DISTURBED,
    ROOT,
    THREADS,
    TINY,
    copy_project,
    forget_gan,
    overlay,
    snakemake,
)
from synth2real.environment import CACHE
from synth2real.io.arrays import save_arrays
from synth2real.nn import convolution
from synth2real.sources.fonts.fonts import fetch_fonts
from synth2real.sources.fonts.table import write_fonts_csv
from synth2real.sources.mnist import load_mnist

# Of invented cases; `--hypothesis-profile=thorough` tries more.
for name, examples in (("thorough", 2000), ("brief", 100)):
    settings.register_profile(
        name,
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
settings.load_profile("brief")

# One thread, as the jobs have (synth2real.job): results do not depend on the machine's cores.
os.environ |= dict.fromkeys(THREADS, "1")
# What the tests' jobs compile, oneDNN's calls too, is compiled once for all of them.
os.environ.setdefault(CACHE, str(ROOT / ".cache" / "tests"))
# XLA reads its flags when jax starts; what a test runs beside it does not inherit them.
flags = os.environ.get("XLA_FLAGS")
os.environ["XLA_FLAGS"] = f"{flags or ''} {COMPILE_FAST}"
jax.devices()
os.environ.pop("XLA_FLAGS") if flags is None else os.environ.update(XLA_FLAGS=flags)

# Networks are compared with numpy, in float32; what bfloat16 does to a convolution is measured in
# test_convolution.py, and jobs that tests start use what the processor has.
PRODUCT_TYPE = convolution.product_type
convolution.product_type = lambda: jnp.dtype("float32")

MANIFEST = Path(__file__).parents[1] / "resources" / "fonts.csv"
# Static and variable ones (Dosis defaults to ExtraLight), of four styles, with an 8 that overlaps
# itself (Playfair Display) and a marked zero (Space Mono).
FEW_FAMILIES = ["Caveat", "Dosis", "Playfair Display", "Space Mono"]


def share(name: str, make: Callable[[Path], object], factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of a run share (`pytest -n`), made by the first that needs it."""
    root = factory.getbasetemp()
    root = root.parent if "PYTEST_XDIST_WORKER" in os.environ else root
    folder, made = root / name, root / f"{name}.made"
    with open(root / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            made.touch()
    return folder


def _fetch(families: list[str] | None, folder: Path) -> None:
    write_fonts_csv(fetch_fonts(MANIFEST, families, folder), folder / "fonts.csv")


@pytest.fixture(scope="session")
def few_fonts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of four fonts with their fonts.csv."""
    return share("few_fonts", lambda folder: _fetch(FEW_FAMILIES, folder), tmp_path_factory)


@pytest.fixture(scope="session")
def font_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of all 149 fonts with their fonts.csv; takes half a minute."""
    return share("fonts", lambda folder: _fetch(None, folder), tmp_path_factory)


@pytest.fixture(scope="session")
def mnist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with MNIST's train.npz and test.npz, as the real stage writes them."""

    def make(folder: Path) -> None:
        for part, (images, labels) in load_mnist().items():
            arrays = {"images": images[..., None], "labels": labels.astype("int32")}
            save_arrays(folder / f"{part}.npz", **arrays)

    return share("mnist", make, tmp_path_factory)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny experiment after a run on two cores; each process plans in a copy of its own."""

    def make(folder: Path) -> None:
        result = snakemake(copy_project(folder), "--cores", "2", *TINY)
        assert result.returncode == 0, result.stderr

    return shutil.copytree(
        share("finished", make, tmp_path_factory), tmp_path_factory.mktemp("finished") / "copy"
    )


@pytest.fixture
def experiment(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished tiny experiment that a test may change."""
    # Times of modification come along, as Snakemake compares them.
    return shutil.copytree(finished, tmp_path / "experiment")


@pytest.fixture(scope="session")
def undisturbed(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The experiment that other tests disturb, after a run that nobody did."""

    def make(folder: Path) -> None:
        shutil.copytree(finished, folder, dirs_exist_ok=True)
        arguments = ("results/accuracy.csv", "--cores", "2", *overlay(folder, DISTURBED))
        result = snakemake(folder, *arguments)
        assert result.returncode == 0, result.stderr

    return share("undisturbed", make, tmp_path_factory)


@pytest.fixture
def begun(undisturbed: Path, tmp_path: Path) -> Path:
    """The experiment without one of its GANs, and without the table."""
    folder = tmp_path / "experiment"
    shutil.copytree(undisturbed, folder)
    forget_gan(folder, seed=0)
    return folder
