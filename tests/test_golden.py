"""Golden numbers: digits of 28x28 grey pixels give what they gave when golden.json was written.

Networks, losses, splits, renders and conversions of every preset, so that a change of the code
that should change no number is seen to change none. What should change them writes them again:

    python tests/test_golden.py

The functions under "What the project computes" are all that calls it.
"""

import dataclasses
import functools
import hashlib
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from conftest import FEW_FAMILIES, MANIFEST
from synth2real.classify import config as classify_config
from synth2real.classify import train as classify_train
from synth2real.convert.convert import convert_images
from synth2real.gan import config as gan_config
from synth2real.gan import train as gan_train
from synth2real.gan.state import Network, init_state, make_gan
from synth2real.gan.step import GanData
from synth2real.nn import convolution
from synth2real.sources.fonts.fonts import fetch_fonts
from synth2real.sources.fonts.render import Fonts, RenderConfig
from synth2real.sources.fonts.table import write_fonts_csv
from synth2real.splits import Size, make_split
from synth2real.synthetic import SyntheticConfig, draw_parts
from synth2real.training import Images
from tiny import DIGITS

GOLDEN = Path(__file__).with_name("golden.json")

STEPS = 3
GAN_BATCH, CLASSIFIER_BATCH = 4, 10
IMAGES = 40
CONVERTED = 8
RATIOS = ["0.001", "0.007", "0.5"]
POOL = 60_000
CONVERSIONS = ["small", "synth2real"]

# Between SSE4, AVX2 and AVX-512, compiled well or badly, losses differ by up to 2e-6,
# pixels by one level.
LOSS_TOLERANCE = 2e-5
GREY_LEVELS = 1
# At PixelDA's own 1e-3, three steps of the wide generator blow such differences up to 2e-3.
LEARNING_RATES = {"pixelda-code": 1e-5, "pixelda-text": 1e-5}
# Fresh weights of N(0, 0.02) make an image of one grey and a classifier that knows nothing.
SHARPER = 4

INIT, TRAIN, CONVERT = jax.random.split(jax.random.key(28), 3)


def soft_pixels(count: int, seed: int) -> np.ndarray:
    """Soft light patches on black, uint8 [count, 28, 28]; integers alone make them."""
    coarse = np.random.default_rng(seed).integers(0, 256, (count, 7, 7))
    coarse[:, [0, -1]] = coarse[:, :, [0, -1]] = 0
    sharp = coarse.repeat(4, axis=1).repeat(4, axis=2)
    near = [np.roll(sharp, (i, j), (1, 2)) for i in range(-1, 3) for j in range(-1, 3)]
    return (sum(near) // len(near)).astype(np.uint8)


def checksum(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


# What the project computes


def labelled_images(seed: int) -> Images:
    """A domain of 40 images, four of each digit."""
    labels = np.arange(IMAGES) % 10
    images = soft_pixels(IMAGES, seed)[..., None]
    return Images(jnp.asarray(images), jnp.asarray(labels, "int32"))


def xla_convolutions(function: Callable) -> Callable:
    """Has XLA convolve, in float32, on any processor."""

    @functools.wraps(function)
    def wrapped(*arguments: Any) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(convolution, "has_onednn", lambda: False)
            return function(*arguments)

    return wrapped


def sharpen(network: Network) -> Network:
    """Multiplies a fresh network's parameters."""
    return network._replace(params=jax.tree.map(lambda leaf: SHARPER * leaf, network.params))


@xla_convolutions
def gan_numbers(preset: str) -> dict[str, Any]:
    """Parameters and losses of a GAN from fresh networks."""
    default = gan_config.gan_config(preset)
    learning_rate = LEARNING_RATES.get(preset, default.learning_rate)
    config = dataclasses.replace(default, batch_size=GAN_BATCH, learning_rate=learning_rate)
    state = jax.jit(init_state, static_argnums=(0, 1))(config, DIGITS, INIT)
    state = state._replace(task=sharpen(state.task))
    names = ["generator", "discriminator", "task"]
    networks = {name: getattr(state, name).params for name in names}
    step = jax.jit(gan_train.STEPS[config.step](make_gan(config, DIGITS)))
    data = GanData(synthetic=labelled_images(0), real=labelled_images(1))
    return {"parameters": counts(networks), "losses": losses(step, state, data)}


@xla_convolutions
def classifier_numbers(preset: str, augment: bool) -> dict[str, Any]:
    """Parameters and losses of a classifier from fresh weights."""
    config = classify_config.classifier_config(preset, batch_size=CLASSIFIER_BATCH)
    state = jax.jit(classify_train.init_state, static_argnums=(0, 1))(config, DIGITS, INIT)
    step = jax.jit(classify_train.make_train_step(config, DIGITS, augment))
    data = [labelled_images(0)]
    return {"parameters": counts({"classifier": state.params}), "losses": losses(step, state, data)}


def losses(step: Callable, state: Any, data: Any) -> dict[str, list[float]]:
    """Every metric of the first training steps."""
    history = []
    for _ in range(STEPS):
        state, metrics = step(state, data, TRAIN)
        history.append(metrics)
    return {name: [float(metrics[name]) for metrics in history] for name in sorted(history[0])}


def counts(networks: dict[str, Any]) -> dict[str, int]:
    """Number of parameters of each network."""
    return {name: sum(leaf.size for leaf in jax.tree.leaves(n)) for name, n in networks.items()}


@xla_convolutions
def converted(preset: str) -> np.ndarray:
    """Conversions by a fresh generator, uint8 [8, 784]."""
    # No other test has compiled a conversion with this number of samples.
    config = gan_config.gan_config(preset, batch_size=GAN_BATCH, samples=2 * GAN_BATCH * STEPS)
    state = jax.jit(init_state, static_argnums=(0, 1))(config, DIGITS, INIT)
    generator = sharpen(state.generator)
    pixels = jnp.asarray(soft_pixels(CONVERTED, 2)[..., None])
    synthetic = Images(pixels, jnp.arange(CONVERTED, dtype="int32"))
    images = convert_images(make_gan(config, DIGITS), generator, synthetic, CONVERT)
    return images.reshape(CONVERTED, -1)


def split_checksums(ratio: str) -> dict[str, str]:
    """Checksums of a ratio's indices, int64 [n]."""
    labels = np.zeros(POOL, np.int32)
    split = make_split(Size("ratio", ratio), POOL, 0, labels, POOL)
    names = ["real_train", "real_validation", "synthetic_train", "synthetic_validation"]
    return {name: checksum(indices) for name, indices in zip(names, split, strict=True)}


def render_checksums(folder: Path) -> dict[str, str]:
    """Checksums of the font images, uint8 [N, 784], and their labels, int64 [N]."""
    fonts = Fonts(folder / "fonts.csv", folder, RenderConfig(angle_step=10))
    labels = np.array([int(label) for label in fonts.labels()])
    parts = draw_parts(len(labels), SyntheticConfig(None, test_images=20, seed=0), "fonts")
    checksums = {}
    for part, index in zip(("train", "test"), parts, strict=True):
        images = fonts.read(index, DIGITS)
        checksums[f"{part} images"] = checksum(images.reshape(-1, 784))
        checksums[f"{part} labels"] = checksum(labels[index])
    return checksums


# Writing and testing


def classifier_names() -> list[tuple[str, bool]]:
    return [(preset, augment) for preset in classify_config.PRESETS for augment in (False, True)]


def key_of(preset: str, augment: bool) -> str:
    return f"{preset} augmented" if augment else preset


def write_golden() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_fonts_csv(fetch_fonts(MANIFEST, FEW_FAMILIES, folder), folder / "fonts.csv")
        renders = render_checksums(folder)
    golden = {
        "gan": {preset: gan_numbers(preset) for preset in gan_config.PRESETS},
        "classifier": {key_of(*name): classifier_numbers(*name) for name in classifier_names()},
        "splits": {ratio: split_checksums(ratio) for ratio in RATIOS},
        "renders": renders,
        # A line of hexadecimal digits for each image.
        "conversions": {
            preset: [bytes(image).hex() for image in converted(preset)] for preset in CONVERSIONS
        },
    }
    GOLDEN.write_text(json.dumps(golden, indent=1) + "\n")


@pytest.fixture(scope="module")
def golden() -> dict[str, Any]:
    return json.loads(GOLDEN.read_text())


def compare(numbers: dict[str, Any], expected: dict[str, Any]) -> None:
    assert numbers["parameters"] == expected["parameters"]
    assert numbers["losses"].keys() == expected["losses"].keys()
    for name, values in expected["losses"].items():
        np.testing.assert_allclose(
            numbers["losses"][name], values, rtol=LOSS_TOLERANCE, atol=0, err_msg=name
        )


@pytest.mark.slow
@pytest.mark.parametrize("preset", gan_config.PRESETS)
def test_gan_losses(golden: dict[str, Any], preset: str) -> None:
    compare(gan_numbers(preset), golden["gan"][preset])


@pytest.mark.parametrize("preset, augment", classifier_names())
def test_classifier_losses(golden: dict[str, Any], preset: str, augment: bool) -> None:
    expected = golden["classifier"][key_of(preset, augment)]
    compare(classifier_numbers(preset, augment), expected)


@pytest.mark.parametrize("ratio", RATIOS)
def test_splits(golden: dict[str, Any], ratio: str) -> None:
    assert split_checksums(ratio) == golden["splits"][ratio]


def test_renders(golden: dict[str, Any], few_fonts: Path) -> None:
    assert render_checksums(few_fonts) == golden["renders"]


@pytest.mark.slow
@pytest.mark.parametrize("preset", CONVERSIONS)
def test_conversions(golden: dict[str, Any], preset: str) -> None:
    expected = [list(bytes.fromhex(image)) for image in golden["conversions"][preset]]
    np.testing.assert_allclose(converted(preset).astype(int), expected, rtol=0, atol=GREY_LEVELS)


if __name__ == "__main__":
    write_golden()
