"""One training step of the GAN."""

import math
from dataclasses import asdict, replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import reference
from quiet import LOSSES, QUIET, STATE
from synth2real.gan.config import PRESETS, LossWeights, gan_config
from synth2real.gan.state import GanState, make_gan
from synth2real.gan.step import GanData, make_train_step
from synth2real.training import Images
from tiny import DIGITS, blank_generator, merged, random_gan_state, random_images

KEY = jax.random.key(0)

DATA = GanData(random_images(20), random_images(20, seed=1))
WEIGHTS = {preset: asdict(gan_config(preset).weights) for preset in ("pixelda-code", "small")}


@jax.jit
def quiet_step(weights: dict, state: GanState, data: GanData) -> tuple[GanState, dict]:
    """A step whose loss weights are arguments, so that all tests share what is compiled."""
    config = replace(QUIET.config, weights=LossWeights(**weights))
    return make_train_step(QUIET._replace(config=config))(state, data, KEY)


def step(data: GanData = DATA, state: GanState = STATE, **weights: float) -> tuple[GanState, dict]:
    """A step with the small preset's weights, which are pixelda-text's, or others."""
    return quiet_step(WEIGHTS["small"] | weights, state, data)


def changed(old: nnx.State, new: nnx.State) -> dict[str, bool]:
    """Whether a network's arrays changed, by path."""
    pairs = zip(jax.tree_util.tree_leaves_with_path(old), jax.tree.leaves(new), strict=True)
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): bool(np.any(a != b))
        for (path, a), b in pairs
    }


def same(one, other) -> bool:
    return not any(changed(one, other).values())


def test_small_has_the_texts_weights_and_code_neither_real_labels_nor_pixel_change() -> None:
    assert gan_config("small").weights == gan_config("pixelda-text").weights
    assert WEIGHTS["small"]["task_real"] == 1 and WEIGHTS["small"]["pixel_change"] > 0
    nothing = {"task_real": 0.0, "pixel_change": 0.0}
    assert WEIGHTS["pixelda-code"] == WEIGHTS["small"] | nothing


def test_a_step_changes_every_parameter_and_statistic() -> None:
    state, _ = step()
    assert state.step == 1
    for old, new in zip(STATE[1:], state[1:], strict=True):
        assert all(changed(old.params, new.params).values())
        assert all(changed(old.stats, new.stats).values())


def test_a_fresh_adam_moves_parameters_by_the_learning_rate() -> None:
    state, _ = step()
    for old, new in zip(STATE[1:], state[1:], strict=True):
        for a, b in zip(jax.tree.leaves(old.params), jax.tree.leaves(new.params), strict=True):
            assert np.abs(a - b).max() == pytest.approx(QUIET.config.learning_rate, rel=0.01)


def test_every_step_draws_its_own_batch() -> None:
    losses, later = (
        step(state=STATE._replace(step=jnp.asarray(done, jnp.int32)))[1] for done in (0, 1)
    )
    assert all(losses[name] != later[name] for name in LOSSES)


def relabelled(images: Images) -> Images:
    return images._replace(labels=(images.labels + 1) % 10)


def test_real_labels_matter_to_the_text_and_not_to_the_code() -> None:
    other = DATA._replace(real=relabelled(DATA.real))
    assert not same(step()[0].task.params, step(other)[0].task.params)
    code = WEIGHTS["pixelda-code"]
    assert same(step(**code)[0], step(other, **code)[0])


def test_synthetic_labels_matter_to_task_classifier_and_generator_alone() -> None:
    one, other = step()[0], step(DATA._replace(synthetic=relabelled(DATA.synthetic)))[0]
    assert not same(one.task.params, other.task.params)
    assert not same(one.generator.params, other.generator.params)
    assert same(one.discriminator, other.discriminator)


def test_pixel_change_matters_to_the_generator_alone() -> None:
    one, other = step(pixel_change=0.0)[0], step(pixel_change=10.0)[0]
    assert not same(one.generator.params, other.generator.params)
    assert same(one.discriminator, other.discriminator) and same(one.task, other.task)


def test_without_adversarial_loss_the_discriminator_does_not_learn() -> None:
    state, _ = step(adversarial=0.0)
    assert same(state.discriminator.params, STATE.discriminator.params)
    assert not same(state.task.params, STATE.task.params)


def test_without_the_losses_on_its_images_the_generator_does_not_learn() -> None:
    state, _ = step(adversarial=0.0, task_converted=0.0, pixel_change=0.0)
    assert same(state.generator.params, STATE.generator.params)
    assert not same(step(adversarial=0.0, pixel_change=0.0)[0].generator.params, STATE.generator[0])
    assert not same(step(task_converted=0.0, pixel_change=0.0)[0].generator.params, STATE[1][0])


@pytest.mark.parametrize("silent", ["synthetic", "real"])
def test_each_domain_teaches_its_own_stem(silent: str) -> None:
    off = {"synthetic": ["task_synthetic"], "real": ["task_real", "task_converted"]}[silent]
    state, _ = step(**dict.fromkeys(off, 0.0))
    for name, moved in changed(STATE.task.params, state.task.params).items():
        assert moved != name.startswith(f"{silent}_stem"), name


@pytest.mark.parametrize("loss", ["task_real", "task_converted"])
def test_real_and_converted_images_both_teach_the_real_stem(loss: str) -> None:
    off = {"task_real": 0.0, "task_converted": 0.0, "task_synthetic": 0.0} | {loss: 1.0}
    moved = changed(STATE.task.params, step(**off)[0].task.params)
    assert all(moved[name] for name in moved if name.startswith("real_stem"))


# --- the losses of one step, by numpy -----------------------------------------------------------


@pytest.fixture(scope="module")
def known() -> tuple[GanState, GanState, dict, np.ndarray, np.ndarray]:
    """A step on copies of one image of each kind: whatever is drawn, the batch is known."""
    synthetic, real = (Images(*(x[jnp.zeros(20, int)] for x in images)) for images in DATA[:2])
    before = STATE._replace(generator=blank_generator(STATE, 0.4))
    after, losses = step(GanData(synthetic, real), before)
    real, synthetic = (np.asarray(x.images[:2]) / 127.5 - 1 for x in (real, synthetic))
    return before, after, losses, real, synthetic


def test_real_and_converted_batches_are_normalised_apart(known) -> None:
    before, _, losses, real, synthetic = known
    judge = merged(QUIET.discriminator, before.discriminator)
    logits = [
        reference.discriminator(judge, x, train=True)
        for x in (real, np.full_like(synthetic, np.tanh(0.4)))
    ]
    right = sum(
        reference.sigmoid_cross_entropy(x, target).mean()
        for x, target in zip(logits, (1, 0), strict=True)
    )
    together = reference.discriminator(
        judge, np.concatenate([real, np.full_like(synthetic, np.tanh(0.4))]), train=True
    )
    assert not np.allclose(together, np.concatenate(logits), atol=0.01)
    assert losses["discriminator"] == pytest.approx(right, rel=1e-4)


def test_the_discriminators_averages_see_real_then_converted_images(known) -> None:
    before, after, _, real, synthetic = known
    judge = merged(QUIET.discriminator, before.discriminator)
    mean, variance = np.zeros(4), np.ones(4)
    for x in (real, np.full_like(synthetic, np.tanh(0.4))):
        h = reference.leaky_relu(reference.module_conv(judge.conv_in, x))
        moments = reference.batch_moments(reference.module_conv(judge.convs[0], h, stride=2))
        mean, variance = 0.9 * mean + 0.1 * moments[0], 0.9 * variance + 0.1 * moments[1]
    stats = merged(QUIET.discriminator, after.discriminator).bns[0]
    np.testing.assert_allclose(stats.mean[...], mean, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(stats.var[...], variance, rtol=1e-4)


def test_task_losses_are_those_of_the_networks_before_the_step(known) -> None:
    before, _, losses, real, synthetic = known
    task = merged(QUIET.task, before.task)
    synthetic_label, real_label = (images.labels[:1] for images in DATA[:2])
    for name, x, stem, label in [
        ("task_synthetic", synthetic, "synthetic", synthetic_label),
        ("task_converted", np.full_like(synthetic, np.tanh(0.4)), "real", synthetic_label),
        ("task_real", real, "real", real_label),
    ]:
        logits = reference.task_classifier(task, x, stem=stem)
        right = reference.softmax_cross_entropy(logits, np.repeat(label, 2)).mean()
        assert losses[name] == pytest.approx(right, rel=1e-5)


def test_the_generator_is_judged_by_the_updated_discriminator(known) -> None:
    before, after, losses, _, synthetic = known
    converted = np.full_like(synthetic, np.tanh(0.4))
    new, old = (
        reference.sigmoid_cross_entropy(
            reference.discriminator(
                merged(QUIET.discriminator, state.discriminator), converted, train=True
            ),
            1,
        ).mean()
        for state in (after, before)
    )
    assert abs(new - old) > 1e-3
    assert losses["adversarial"] == pytest.approx(new, rel=1e-4)


def test_pixel_change_compares_the_conversion_with_its_synthetic_image(known) -> None:
    *_, losses, _, synthetic = known
    # A constant image less the synthetic image: twice the synthetic image's variance.
    assert losses["pixel_change"] == pytest.approx(2 * synthetic[0].var(), rel=1e-5)


# --- presets ----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("preset", [p for p in PRESETS if gan_config(p).step == "pixelda"])
def test_one_step_of_each_preset(preset: str) -> None:
    gan = make_gan(gan_config(preset, batch_size=2), DIGITS)
    state = random_gan_state(gan)
    train_step = jax.jit(make_train_step(gan))
    after, losses = train_step(state, DATA, KEY)
    for old, new in zip(state[1:], after[1:], strict=True):
        assert all(changed(old.params, new.params).values())
    # The discriminator's normalisation goes on from step to step.
    assert all(changed(state.discriminator.stats, after.discriminator.stats).values())
    assert sorted(losses) == sorted(LOSSES)
    # Weights are small at first, so that the task classifier starts from chance.
    assert losses["task_synthetic"] == pytest.approx(math.log(10), rel=0.1)
    assert all(np.isfinite(loss) for loss in losses.values())
    other = DATA._replace(real=relabelled(DATA.real))
    unmoved = same(after, train_step(state, other, KEY)[0])
    assert unmoved == (preset == "pixelda-code")
