"""Writes the pinned environments from pyproject.toml: `make lock`, which needs uv.

For each of cpu and gpu: NAME.txt, pins with hashes for pip, and NAME.yaml, the same for conda
(`snakemake --sdm conda`). No index is named, so both install from whatever index pip is set to.
"""

import subprocess
from pathlib import Path

ENVS = Path(__file__).parent
GROUPS = {"cpu": ["dev"], "gpu": ["dev", "cuda"]}
PYTHON = "3.11"


def lock(name: str) -> None:
    """Resolves an environment; the GPU's keeps the CPU's versions."""
    command = ["uv", "pip", "compile", "pyproject.toml", "--output-file", f"envs/{name}.txt"]
    command += ["--universal", "--generate-hashes", "--python-version", PYTHON, "--quiet"]
    command += ["--no-header", "--no-annotate", "--no-config", "--upgrade"]
    command += [f"--group={group}" for group in GROUPS[name]]
    if name != "cpu":
        command += ["--constraint", "envs/cpu.txt"]
    subprocess.run(command, cwd=ENVS.parent, check=True)


def conda_environment(name: str, requirements: str) -> str:
    """The YAML text of a conda environment that installs the same pins with pip."""
    pins = requirements.replace("\\\n", "").strip().splitlines()
    lines = [
        f"# Made from {name}.txt by lock.py.",
        "channels: [conda-forge, nodefaults]",
        "dependencies:",
        f"  - python={PYTHON}",
        "  - pip",
        "  - pip:",
    ]
    return "\n".join(lines + [f"      - {' '.join(pin.split())}" for pin in pins]) + "\n"


if __name__ == "__main__":
    for name in GROUPS:
        lock(name)
        text = (ENVS / f"{name}.txt").read_text()
        (ENVS / f"{name}.yaml").write_text(conda_environment(name, text))
