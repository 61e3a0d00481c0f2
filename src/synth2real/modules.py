"""Which modules of this package a script depends on.

Snakemake reruns a job when its script or an input changes, but does not look into what the script
imports. Rules therefore list the modules as inputs, and this finds them.
"""

import ast
import functools
from pathlib import Path


def modules_used(script: Path, src: Path) -> list[str]:
    """Returns the files below `src` that a script imports, directly or through others, sorted.

    Imports are read from the code, which is not run; imports inside functions count too.
    """
    used: set[Path] = set()
    to_read = [script]
    while to_read:
        imported = _imports(to_read.pop().read_text(encoding="utf-8"), src) - used
        used |= imported
        to_read += [path for path in imported if path.suffix == ".py"]
    return sorted(str(path) for path in used)


@functools.cache  # dozens of scripts use the same modules, and to parse one takes milliseconds
def _imports(code: str, src: Path) -> set[Path]:
    names = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            # The names may be submodules: `from synth2real.sources import mnist`.
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {path for name in names for path in _files(name, src)}


def _files(name: str, src: Path) -> set[Path]:
    """The module's file, what it compiles, and its packages' `__init__.py`, where they are."""
    parts = name.split(".")
    packages = [src.joinpath(*parts[:i], "__init__.py") for i in range(1, len(parts) + 1)]
    module = src.joinpath(*parts[:-1], f"{parts[-1]}.py")
    compiled = module.with_suffix(".cc")
    return {path for path in (*packages, module, compiled) if path.is_file()}
