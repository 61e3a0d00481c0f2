"""The affine maps: against SciPy, by hand, and how far they go."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.ndimage import affine_transform

from synth2real import augment
from synth2real.augment import affine, random_affine, random_maps
from tiny import random_pixels

KEY = jax.random.key(0)
IMAGES = (random_pixels(40)[..., None] / 255).astype(np.float32)


def test_maps_are_scipys() -> None:
    images = IMAGES[:, :, :25]  # not square
    maps = np.asarray(random_maps(KEY, len(images)), float)
    centre = np.array([27, 24]) / 2
    right = [
        affine_transform(
            image[..., 0],
            matrix,
            centre + shift - matrix @ centre,
            order=1,
            mode="grid-constant",
        )
        for image, matrix, shift in zip(images, maps[:, :, :2], maps[:, :, 2], strict=True)
    ]
    np.testing.assert_allclose(affine(images, maps)[..., 0], right, atol=1e-4)
    assert np.abs(np.array(right) - images[..., 0]).mean() > 0.1


def test_a_shift_moves_pixels_and_brings_in_zeros() -> None:
    maps = np.broadcast_to([[1.0, 0, 2], [0, 1, -0.5]], (len(IMAGES), 2, 3))
    shifted = affine(IMAGES, maps)
    between = (IMAGES[:, 2:, :-1] + IMAGES[:, 2:, 1:]) / 2
    np.testing.assert_allclose(shifted[:, :-2, 1:], between, atol=1e-6)
    np.testing.assert_allclose(shifted[:, :-2, 0], IMAGES[:, 2:, 0] / 2, atol=1e-6)
    np.testing.assert_array_equal(shifted[:, -2:], 0)


def test_draws_fill_their_ranges() -> None:
    maps = np.asarray(random_maps(KEY, 20_000), float)
    # A = turn x shear x scale: the second column is the turned unit vector times the width's scale.
    angle, width = np.arctan2(-maps[:, 0, 1], maps[:, 1, 1]), np.hypot(*maps[:, :, 1].T)
    cos, sin = np.cos(angle), np.sin(angle)
    height = cos * maps[:, 0, 0] + sin * maps[:, 1, 0]
    shear = (cos * maps[:, 1, 0] - sin * maps[:, 0, 0]) / height
    draws = {
        0.15: [angle],
        0.2: [shear],
        np.log(1.12): [np.log(height), np.log(width)],
        2.0: [*maps[:, :, 2].T],
    }
    drawn = np.array([draw / limit for limit, group in draws.items() for draw in group])
    assert np.abs(drawn).max() <= 1 + 1e-5
    # Uniform in [-1, 1], each by itself; 20,000 draws: the deviation of a mean is 0.004.
    assert np.abs(np.quantile(drawn, [0.05, 0.5, 0.95], axis=1).T - [-0.9, 0, 0.9]).max() < 0.03
    assert np.abs(np.corrcoef(drawn) - np.eye(6)).max() < 0.03


def test_every_image_and_key_has_its_own_map() -> None:
    copies = jnp.broadcast_to(IMAGES[0], (5, 28, 28, 1))
    images = [*random_affine(copies, KEY), *random_affine(copies, jax.random.key(1))]
    assert len({np.asarray(image).tobytes() for image in images}) == 10


def test_ranges_of_nothing_leave_images_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, nothing in [("ROTATION", 0), ("SHEAR", 0), ("SCALE", 1), ("SHIFT", 0)]:
        monkeypatch.setattr(augment, name, nothing)
    np.testing.assert_allclose(random_affine(jnp.asarray(IMAGES), KEY), IMAGES, atol=1e-6)


def test_a_warp_is_affine_and_elastic(monkeypatch: pytest.MonkeyPatch) -> None:
    warped = augment.random_warp(IMAGES, KEY)
    monkeypatch.setattr(augment, "ELASTICITY", 0.0)
    key_affine, _ = jax.random.split(KEY)
    np.testing.assert_allclose(
        augment.random_warp(IMAGES, KEY), random_affine(IMAGES, key_affine), atol=1e-5
    )
    assert np.abs(np.asarray(warped) - random_affine(IMAGES, key_affine)).mean() > 0.05


def test_elastic_displacements_have_the_stated_size() -> None:
    # A ramp says where each of its pixels came from; only the elastic part varies by pixel.
    ramp = np.broadcast_to(np.arange(28.0).reshape(1, 28, 1, 1), (500, 28, 28, 1))
    rows = np.asarray(augment.random_warp(ramp, KEY))[:, 14, 14, 0]
    maps = random_maps(jax.random.split(KEY)[0], 500)
    right = augment.places(maps, 28, 28)[:, 0, 14, 14]
    assert 0.7 * augment.ELASTICITY < (rows - right).std() < 1.1 * augment.ELASTICITY
