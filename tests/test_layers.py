"""Layers, against plain numpy and JAX's own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import reference
from synth2real.nn.layers import depth_to_space, max_pool_2x2, space_to_depth, upsample


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("height, width", [(4, 4), (7, 7), (5, 8), (2, 3)])
def test_max_pool(height: int, width: int) -> None:
    x = normal(3, height, width, 2)
    np.testing.assert_array_equal(max_pool_2x2(jnp.asarray(x)), reference.max_pool(x))


@pytest.mark.parametrize("height, width", [(4, 4), (7, 7), (5, 8)])
def test_max_pools_gradient_is_jaxs(height: int, width: int) -> None:
    x, weights = normal(3, height, width, 2), normal(3, height // 2, width // 2, 2, seed=1)

    def pool(x):
        return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")

    ours = jax.grad(lambda x: (max_pool_2x2(x) * weights).sum())(jnp.asarray(x))
    np.testing.assert_array_equal(ours, jax.grad(lambda x: (pool(x) * weights).sum())(x))


def test_max_pools_gradient_goes_to_the_first_of_equal_pixels() -> None:
    image = jnp.array([[1, 1, 0, 2], [1, 1, 2, 2], [0, 3, 0, 0], [3, 0, 0, 5.0]])
    gradient = jax.grad(lambda x: max_pool_2x2(x[None, ..., None]).sum())(image)
    np.testing.assert_array_equal(
        gradient, [[1, 0, 0, 1], [0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]]
    )


def test_space_to_depth_keeps_a_blocks_pixels_together() -> None:
    image = jnp.arange(16.0).reshape(1, 4, 4, 1)
    blocks = space_to_depth(image, 2)
    np.testing.assert_array_equal(
        blocks[0], [[[0, 1, 4, 5], [2, 3, 6, 7]], [[8, 9, 12, 13], [10, 11, 14, 15]]]
    )


@pytest.mark.parametrize("block", [1, 2])
def test_depth_to_space_undoes_space_to_depth(block: int) -> None:
    x = normal(3, 4, 6, 5)
    blocks = space_to_depth(jnp.asarray(x), block)
    np.testing.assert_array_equal(blocks, reference.space_to_depth(x, block))
    np.testing.assert_array_equal(depth_to_space(blocks, block, 4, 6), x)


def test_odd_sides_are_padded_with_their_edge_and_cut_again() -> None:
    x = normal(2, 5, 7, 3)
    padded = np.pad(x, ((0, 0), (0, 1), (0, 1), (0, 0)), "edge")
    blocks = space_to_depth(jnp.asarray(x), 2)
    np.testing.assert_array_equal(blocks, reference.space_to_depth(padded, 2))
    np.testing.assert_array_equal(depth_to_space(blocks, 2, 5, 7), x)


@pytest.mark.parametrize("size", [(7, 7, 28, 28), (5, 4, 9, 20), (3, 3, 3, 3)])
def test_upsampling_is_cubic_interpolation(size: tuple[int, int, int, int]) -> None:
    *small, height, width = size
    x = jax.random.normal(jax.random.key(0), (2, 3, *small))
    right = jax.image.resize(x, (2, 3, height, width), "cubic")
    np.testing.assert_allclose(upsample(x, height, width), right, atol=1e-5)
