"""The GAN's losses, by hand."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from synth2real.gan.losses import (
    adversarial_loss,
    discriminator_loss,
    pixel_change_loss,
    task_loss,
)

LOG3 = math.log(3)  # the logit of 3/4


def test_an_undecided_discriminator_pays_log_2_for_each_kind() -> None:
    zeros = jnp.zeros(4)
    assert discriminator_loss(zeros, zeros) == pytest.approx(2 * math.log(2))
    assert adversarial_loss(zeros) == pytest.approx(math.log(2))


def test_discriminator_loss_calls_real_1_and_converted_0() -> None:
    # Real are called 3/4 and 1/4, converted 3/4.
    loss = discriminator_loss(jnp.array([LOG3, -LOG3]), jnp.array([LOG3]))
    assert loss == pytest.approx(-(math.log(3 / 4) + math.log(1 / 4)) / 2 - math.log(1 / 4))


def test_adversarial_loss_wants_converted_to_be_called_1() -> None:
    loss = adversarial_loss(jnp.array([LOG3, -LOG3]))
    assert loss == pytest.approx(-(math.log(3 / 4) + math.log(1 / 4)) / 2)


def test_a_hopeless_generator_still_has_a_gradient() -> None:
    # Non-saturating: -d log sigmoid(l) / dl is -1 where log(1 - sigmoid(l)) would be flat.
    assert jax.grad(adversarial_loss)(jnp.array([-50.0])) == pytest.approx(-1)


def test_task_loss_is_the_mean_log_of_the_right_digits_share() -> None:
    logits = jnp.log(jnp.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]]))
    loss = task_loss(logits, jnp.array([0, 1]))
    assert loss == pytest.approx(-(math.log(0.7) + math.log(0.1)) / 2)
    assert task_loss(jnp.zeros((3, 10)), jnp.array([1, 2, 3])) == pytest.approx(math.log(10))


@pytest.mark.parametrize("size", [1e4, -1e4, 1e30, -1e30])
def test_extreme_logits_stay_finite(size: float) -> None:
    logits = jnp.array([size])
    both = jnp.array([[size, -size]])
    losses = [discriminator_loss(logits, logits), adversarial_loss(logits)]
    losses.append(task_loss(both, jnp.array([0])))
    for loss in losses:
        assert np.isfinite(loss)
    for loss in (adversarial_loss, lambda x: discriminator_loss(x, x)):
        assert np.isfinite(jax.grad(loss)(logits)).all()


def brute_force(converted: np.ndarray, source: np.ndarray) -> float:
    """The mean over images of the mean squared difference between any two pixels' changes."""
    means = []
    for change in (converted - source).reshape(len(source), -1).astype(float):
        squares = [(a - b) ** 2 for a in change for b in change]
        means.append(sum(squares) / len(squares))
    return sum(means) / len(means)


def test_pixel_change_equals_the_mean_over_all_pairs() -> None:
    converted, source = np.random.default_rng(0).uniform(-1, 1, (2, 3, 5, 4, 1)).astype("f4")
    loss = pixel_change_loss(jnp.asarray(converted), jnp.asarray(source))
    assert loss == pytest.approx(brute_force(converted, source), rel=1e-5)


def test_pixel_change_by_hand() -> None:
    # Changes 1, 0, 0, 0: of the 16 ordered pairs 6 differ by 1.
    converted = jnp.zeros((1, 2, 2, 1)).at[0, 0, 0, 0].set(1)
    assert pixel_change_loss(converted, jnp.zeros((1, 2, 2, 1))) == pytest.approx(6 / 16)


def test_an_even_change_costs_nothing() -> None:
    source = jax.random.uniform(jax.random.key(0), (2, 28, 28, 1))
    assert pixel_change_loss(source, source) == 0
    assert pixel_change_loss(source + 0.5, source) == pytest.approx(0, abs=1e-9)
