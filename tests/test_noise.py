"""Cheap random numbers: as random as dropout and noise need."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from synth2real.nn.noise import dropout, gaussian_noise, random_bits

KEY = jax.random.key(0)


def test_every_bit_is_a_fair_coin_of_its_own() -> None:
    bits_N = np.asarray(random_bits(KEY, (100_000,)))
    coins = (bits_N[:, None] >> np.arange(32, dtype=np.uint32)) & 1
    # 100,000 draws: the standard deviation of a share is 0.0016, of a correlation 0.0032.
    assert np.abs(coins.mean(axis=0) - 0.5).max() < 0.008
    correlations = np.corrcoef(coins.T) - np.eye(32)
    assert np.abs(correlations).max() < 0.02
    neighbours = [np.corrcoef(coins[1:, i], coins[:-1, i])[0, 1] for i in range(32)]
    assert np.abs(neighbours).max() < 0.016


def test_keys_give_unrelated_bits() -> None:
    keys = [KEY, jax.random.key(1), jax.random.key(2**31), *jax.random.split(KEY, 5)]
    noise = np.stack([gaussian_noise(key, (50_000,)) for key in keys])
    assert np.abs(np.corrcoef(noise) - np.eye(len(keys))).max() < 0.025


def test_the_same_key_gives_the_same_bits_in_any_shape() -> None:
    np.testing.assert_array_equal(
        random_bits(KEY, (6, 4)).ravel(), jax.jit(random_bits, static_argnums=1)(KEY, (24,))
    )


def test_gaussian_noises_moments() -> None:
    noise = np.asarray(gaussian_noise(KEY, (1000, 1000)), float)
    assert noise.mean() == pytest.approx(0, abs=0.005)
    assert noise.std() == pytest.approx(1, abs=0.003)
    assert (noise**3).mean() == pytest.approx(0, abs=0.015)
    # Of four uniform numbers: 3 - 6/5/4.
    assert (noise**4).mean() == pytest.approx(2.7, abs=0.02)
    assert np.mean(np.abs(noise) < 1) == pytest.approx(0.6827, abs=0.02)


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_dropout_zeroes_its_share_and_scales_up_the_rest(rate: float) -> None:
    x = jnp.full((1000, 100), 3.0)
    y = np.asarray(dropout(x, rate, KEY))
    np.testing.assert_allclose(y[y != 0], 3 / (1 - rate), rtol=1e-6)
    # 100,000 draws: the standard deviation of a share is below 0.0016.
    assert np.mean(y == 0) == pytest.approx(rate, abs=0.007)
    assert y.mean() == pytest.approx(3, abs=0.05)
    # Each activation is drawn by itself: neither rows nor columns fall together.
    assert np.std((y == 0).mean(axis=0)) < 0.03 and np.std((y == 0).mean(axis=1)) < 0.07


def test_no_dropout_changes_nothing() -> None:
    x = jnp.arange(12.0).reshape(3, 4)
    np.testing.assert_array_equal(dropout(x, 0.0, KEY), x)
