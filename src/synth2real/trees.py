"""Pytrees of arrays, networks for example, on disk."""

from pathlib import Path
from typing import Any

import jax
import numpy as np

from synth2real.arrays import load_arrays, save_arrays


def save_tree(path: Path, tree: Any) -> None:
    """Writes a pytree of arrays; an array's name in the file is its path in the tree."""
    save_arrays(path, **{name: np.asarray(leaf) for name, leaf in named_leaves(tree)})


def load_tree(path: Path, like: Any) -> Any:
    """Reads a pytree that `save_tree` wrote, shaped like the given one."""
    names = [name for name, _ in named_leaves(like)]
    leaves = [jax.numpy.asarray(array) for array in load_arrays(path, *names)]
    return jax.tree.unflatten(jax.tree.structure(like), leaves)


def named_leaves(tree: Any) -> list[tuple[str, Any]]:
    """The arrays of a tree, each with its path in it, as "generator/params/kernel"."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return [(jax.tree_util.keystr(path, simple=True, separator="/"), leaf) for path, leaf in leaves]
