"""What an experiment was: settings, code, packages and machine."""

import hashlib
import json
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from synth2real.environment import ONEDNN, cpu, versions, xla_flags
from synth2real.io.files import write_atomically

PACKAGES = ("synth2real", "jax", "jaxlib", "flax", "optax", "numpy", "pillow", "snakemake", ONEDNN)


def write_manifest(
    config: Mapping[str, Any], *, root: Path, lock: Path, accuracy: Path, path: Path
) -> None:
    """Writes all that one needs to get the same results again (JSON).

    Args:
        config: the settings, with presets and defaults filled in.
        root: the project's folder, for the commit.
        lock: the pinned packages.
        accuracy: the table of accuracies, which says what convolved.
        path: the manifest.
    """
    manifest = {
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(root),
        "lock": hashlib.sha256(lock.read_bytes()).hexdigest(),
        "python": platform.python_version(),
        "packages": versions(PACKAGES),
        "machine": {"cpu": cpu(), "system": platform.platform()},
        "xla_flags": xla_flags(),
        "arithmetic": sorted(pd.read_csv(accuracy)["arithmetic"].unique()),
        "config": config,
    }
    with write_atomically(path) as temporary:
        temporary.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def commit(root: Path) -> str | None:
    """The commit that is checked out, "+" where files differ from it; None outside of Git."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(root), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no", "--", ".")
        return git("rev-parse", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return None
