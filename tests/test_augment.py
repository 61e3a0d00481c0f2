"""The affine maps: against SciPy, by hand, and how far they go."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.ndimage import affine_transform

from synth2real.nn import augment
from synth2real.nn.augment import random_affine, random_maps, resample, sampling_grid
from tiny import random_pixels

KEY = jax.random.key(0)
IMAGES = (random_pixels(40) / 255).astype(np.float32)
BLACK = (0.0,)


def affine(images: np.ndarray, maps: np.ndarray, fill=BLACK) -> jax.Array:
    return resample(images, sampling_grid(maps, *images.shape[1:3]), fill)


def test_maps_are_scipys() -> None:
    images = IMAGES[:, :, :25]  # not square
    maps = np.asarray(random_maps(KEY, len(images), 28, 25), float)
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


def test_outside_lies_the_background() -> None:
    rgb = np.repeat(IMAGES, 3, axis=-1)
    away = np.broadcast_to([[1.0, 0, 100], [0, 1, 0]], (len(IMAGES), 2, 3))
    colour = (0.25, 0.5, 1.0)
    np.testing.assert_allclose(affine(rgb, away, colour), np.broadcast_to(colour, rgb.shape))
    # The reflection at the edge, with the edge itself: what SciPy calls "reflect".
    maps = np.asarray(random_maps(KEY, len(rgb), 28, 28), float)
    centre = np.array([13.5, 13.5])
    right = [
        affine_transform(image, matrix, centre + shift - matrix @ centre, order=1, mode="reflect")
        for image, matrix, shift in zip(IMAGES[..., 0], maps[:, :, :2], maps[:, :, 2], strict=True)
    ]
    for channel in range(3):
        np.testing.assert_allclose(affine(rgb, maps, None)[..., channel], right, atol=1e-4)


def test_a_shift_moves_pixels_and_brings_in_zeros() -> None:
    maps = np.broadcast_to([[1.0, 0, 2], [0, 1, -0.5]], (len(IMAGES), 2, 3))
    shifted = affine(IMAGES, maps)
    between = (IMAGES[:, 2:, :-1] + IMAGES[:, 2:, 1:]) / 2
    np.testing.assert_allclose(shifted[:, :-2, 1:], between, atol=1e-6)
    np.testing.assert_allclose(shifted[:, :-2, 0], IMAGES[:, 2:, 0] / 2, atol=1e-6)
    np.testing.assert_array_equal(shifted[:, -2:], 0)


def test_draws_fill_their_ranges() -> None:
    maps = np.asarray(random_maps(KEY, 20_000, 28, 56), float)
    # A = turn x shear x scale: the second column is the turned unit vector times the width's scale.
    angle, width = np.arctan2(-maps[:, 0, 1], maps[:, 1, 1]), np.hypot(*maps[:, :, 1].T)
    cos, sin = np.cos(angle), np.sin(angle)
    height = cos * maps[:, 0, 0] + sin * maps[:, 1, 0]
    shear = (cos * maps[:, 1, 0] - sin * maps[:, 0, 0]) / height
    draws = {
        0.15: [angle],
        0.2: [shear],
        np.log(1.12): [np.log(height), np.log(width)],
        2.0: [maps[:, 0, 2], maps[:, 1, 2] / 2],  # of 28 rows and of 56 columns
    }
    drawn = np.array([draw / limit for limit, group in draws.items() for draw in group])
    assert np.abs(drawn).max() <= 1 + 1e-5
    # Uniform in [-1, 1], each by itself; 20,000 draws: the deviation of a mean is 0.004.
    assert np.abs(np.quantile(drawn, [0.05, 0.5, 0.95], axis=1).T - [-0.9, 0, 0.9]).max() < 0.03
    assert np.abs(np.corrcoef(drawn) - np.eye(6)).max() < 0.03


def test_every_image_and_key_has_its_own_map() -> None:
    copies = jnp.broadcast_to(IMAGES[0], (5, 28, 28, 1))
    images = [*random_affine(copies, KEY, BLACK), *random_affine(copies, jax.random.key(1), BLACK)]
    assert len({np.asarray(image).tobytes() for image in images}) == 10


def test_ranges_of_nothing_leave_images_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, nothing in [("ROTATION", 0), ("SHEAR", 0), ("SCALE", 1), ("SHIFT", 0)]:
        monkeypatch.setattr(augment, name, nothing)
    np.testing.assert_allclose(random_affine(jnp.asarray(IMAGES), KEY, BLACK), IMAGES, atol=1e-6)


def test_a_warp_is_affine_and_elastic(monkeypatch: pytest.MonkeyPatch) -> None:
    warped = augment.random_warp(IMAGES, KEY, BLACK)
    monkeypatch.setattr(augment, "ELASTICITY", 0.0)
    key_affine, _ = jax.random.split(KEY)
    np.testing.assert_allclose(
        augment.random_warp(IMAGES, KEY, BLACK), random_affine(IMAGES, key_affine, BLACK), atol=1e-5
    )
    assert np.abs(np.asarray(warped) - random_affine(IMAGES, key_affine, BLACK)).mean() > 0.05


def test_elastic_displacements_have_the_stated_size() -> None:
    # A ramp says where each of its pixels came from; only the elastic part varies by pixel.
    ramp = np.broadcast_to(np.arange(28.0).reshape(1, 28, 1, 1), (500, 28, 28, 1))
    rows = np.asarray(augment.random_warp(ramp, KEY, BLACK))[:, 14, 14, 0]
    maps = random_maps(jax.random.split(KEY)[0], 500, 28, 28)
    right = augment.sampling_grid(maps, 28, 28)[:, 0, 14, 14]
    assert 0.7 < (rows - right).std() < 1.1  # a pixel of 28
