"""The optimiser of the GAN's networks, and how its budget is counted."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from synth2real.gan.config import gan_config
from synth2real.gan.state import make_optimiser
from tiny import tiny_gan_config


def updates(*gradients: dict[str, list[float]]) -> list[dict[str, np.ndarray]]:
    """What the optimiser, at learning rate 0.001, adds to the tensors after each gradient."""
    optimiser = make_optimiser(tiny_gan_config(learning_rate=1e-3))
    trees = [{name: jnp.asarray(g) for name, g in gradient.items()} for gradient in gradients]
    state, changes = optimiser.init(trees[0]), []
    for gradient in trees:
        change, state = optimiser.update(gradient, state)
        changes.append(jax.tree.map(np.asarray, change))
    return changes


def test_adam_forgets_half_of_its_first_moment_at_each_update() -> None:
    # Gradients 1 and -1. First moments: 0.5, then 0.5 * 0.5 - 0.5 = -0.25, divided by 1 - 0.5^2;
    # the second moments, so corrected, are 1 both times.
    first, second = updates({"w": [1.0]}, {"w": [-1.0]})
    assert first["w"] == pytest.approx([-1e-3], rel=1e-4)
    assert second["w"] == pytest.approx([1e-3 * 0.25 / 0.75], rel=1e-4)


def test_each_tensors_gradient_is_clipped_to_norm_5() -> None:
    # First a has norm 10, clipped to [3, 4], and b has norm 4; then both are below 5. Adam's first
    # update does not depend on the gradient's size, its second does:
    steps = updates({"a": [6.0, 8.0], "b": [4.0]}, {"a": [0.3, 0.4], "b": [0.4]})
    for name, index, first, second in [("a", 0, 3, 0.3), ("a", 1, 4, 0.4), ("b", 0, 4, 0.4)]:
        moment = (0.25 * first + 0.5 * second) / 0.75
        square = (0.999 * first**2 + second**2) * 0.001 / (1 - 0.999**2)
        right = -1e-3 * moment / math.sqrt(square)
        assert steps[1][name][index] == pytest.approx(right, rel=1e-4)


def test_a_zero_gradient_is_no_division_by_zero() -> None:
    assert updates({"w": [0.0, 0.0]})[0]["w"].tolist() == [0, 0]


def test_learning_rate_falls_by_a_twentieth_every_10_000_updates() -> None:
    optimiser = make_optimiser(tiny_gan_config(learning_rate=0.01))
    gradient = jnp.ones(1)

    @jax.jit
    def run() -> jax.Array:
        def update(state, _):
            change, state = optimiser.update(gradient, state)
            return state, change[0]

        return jax.lax.scan(update, optimiser.init(gradient), length=20_001)[1]

    # With a constant gradient each of Adam's updates is the learning rate.
    sizes = -np.asarray(run())
    for update, right in [(0, 0.01), (9_999, 0.01), (10_000, 0.0095), (19_999, 0.0095)]:
        assert sizes[update] == pytest.approx(right, rel=1e-3)
    assert sizes[20_000] == pytest.approx(0.009025, rel=1e-3)


def test_steps_count_both_updates_samples() -> None:
    assert tiny_gan_config(samples=640, batch_size=32).steps == 10
    assert tiny_gan_config(samples=703, batch_size=32).steps == 10
    # 12 million samples, 32 in each of a step's two updates.
    assert gan_config("pixelda-code").steps == 187_500
