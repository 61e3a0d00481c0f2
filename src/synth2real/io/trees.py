"""Pytrees of arrays, networks for example, as arrays with names."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np


def to_arrays(tree: Any) -> dict[str, np.ndarray]:
    """The arrays of a tree by their path in it, as "generator/params/kernel"."""
    return {name: np.asarray(leaf) for name, leaf in _named_leaves(tree)}


def to_shapes(tree: Any) -> dict[str, tuple[int, ...]]:
    """The shapes of a tree's arrays, which need not be there yet, by their path in it."""
    return {name: leaf.shape for name, leaf in _named_leaves(tree)}


def from_arrays(like: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """The inverse of `to_arrays`: a tree shaped like the given one."""
    leaves = [jax.numpy.asarray(arrays[name]) for name, _ in _named_leaves(like)]
    return jax.tree.unflatten(jax.tree.structure(like), leaves)


def _named_leaves(tree: Any) -> list[tuple[str, Any]]:
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return [(jax.tree_util.keystr(path, simple=True, separator="/"), leaf) for path, leaf in leaves]
