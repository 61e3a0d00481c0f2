"""Pytrees of arrays, networks for example, on disk."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from synth2real.io.arrays import load_arrays, save_arrays


def save_tree(path: Path, tree: Any) -> None:
    """Writes a pytree of arrays; an array's name in the file is its path in the tree."""
    save_arrays(path, **to_arrays(tree))


def load_tree(path: Path, like: Any) -> Any:
    """Reads a pytree that `save_tree` wrote, shaped like the given one."""
    names = [name for name, _ in _named_leaves(like)]
    return from_arrays(like, dict(zip(names, load_arrays(path, *names), strict=True)))


def to_arrays(tree: Any) -> dict[str, np.ndarray]:
    """The arrays of a tree by their path in it, as "generator/params/kernel"."""
    return {name: np.asarray(leaf) for name, leaf in _named_leaves(tree)}


def from_arrays(like: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """The inverse of `to_arrays`: a tree shaped like the given one."""
    leaves = [jax.numpy.asarray(arrays[name]) for name, _ in _named_leaves(like)]
    return jax.tree.unflatten(jax.tree.structure(like), leaves)


def _named_leaves(tree: Any) -> list[tuple[str, Any]]:
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return [(jax.tree_util.keystr(path, simple=True, separator="/"), leaf) for path, leaf in leaves]
