"""Fixtures shared by the tests: real fonts and digits, downloaded once a session."""

import os
import shutil
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

from project import COMPILE_FAST, DISTURBED, TINY, copy_project, forget_gan, overlay, snakemake
from synth2real.io.arrays import save_arrays
from synth2real.nn import convolution
from synth2real.sources.fonts.fonts import fetch_fonts, write_fonts_csv
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

# One XLA thread, as the jobs have (synth2real.job): results do not depend on the machine's cores.
os.environ["NPROC"] = "1"
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


# Files whose tests share what takes too long to make twice: a finished experiment, all fonts. The
# first also has the SLURM cluster, of which there can be only one.
TOGETHER = [{"test_dag.py", "test_faults.py", "test_slurm.py"}, {"test_fonts.py", "test_render.py"}]


class Scheduling(LoadScopeScheduling):
    """Which tests go to the same process (`pytest -n`): those of a file, or of several.

    It is not `--dist loadgroup`, since pytest 9.2 does not see the groups that xdist 3.8 makes.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = Path(nodeid.partition("::")[0]).name
        if file == "test_own_data.py":  # its tests share nothing
            return nodeid
        return str(next((sorted(files) for files in TOGETHER if file in files), file))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return Scheduling(config, log)


def _fetch(families: list[str] | None, folder: Path) -> Path:
    write_fonts_csv(fetch_fonts(MANIFEST, families, folder), folder / "fonts.csv")
    return folder


@pytest.fixture(scope="session")
def few_fonts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of four fonts with their fonts.csv."""
    return _fetch(FEW_FAMILIES, tmp_path_factory.mktemp("few_fonts"))


@pytest.fixture(scope="session")
def font_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of all 149 fonts with their fonts.csv; takes half a minute."""
    return _fetch(None, tmp_path_factory.mktemp("fonts"))


@pytest.fixture(scope="session")
def mnist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with MNIST's train.npz and test.npz, as the real stage writes them."""
    folder = tmp_path_factory.mktemp("mnist")
    for part, (images, labels) in load_mnist().items():
        save_arrays(folder / f"{part}.npz", images=images[..., None], labels=labels.astype("int32"))
    return folder


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny experiment after a run on two cores."""
    folder = copy_project(tmp_path_factory.mktemp("finished"))
    result = snakemake(folder, "--cores", "2", *TINY)
    assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture
def experiment(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished tiny experiment that a test may change."""
    folder = tmp_path / "experiment"
    # Times of modification come along, as Snakemake compares them.
    shutil.copytree(finished, folder)
    return folder


@pytest.fixture(scope="session")
def undisturbed(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The experiment that other tests disturb, after a run that nobody did."""
    folder = tmp_path_factory.mktemp("undisturbed") / "experiment"
    shutil.copytree(finished, folder)
    arguments = ("results/accuracy.csv", "--cores", "2", *overlay(folder, DISTURBED))
    result = snakemake(folder, *arguments)
    assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture
def begun(undisturbed: Path, tmp_path: Path) -> Path:
    """The experiment without one of its GANs, and without the table."""
    folder = tmp_path / "experiment"
    shutil.copytree(undisturbed, folder)
    forget_gan(folder, seed=0)
    return folder
