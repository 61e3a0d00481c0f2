"""The joint step: its losses by other means, its optimiser, its averages."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from synth2real.gan.joint import (
    MEMORISED_IMAGES,
    draw_balanced,
    make_joint_step,
    memorised,
    random_map,
)
from synth2real.gan.losses import hinge_adversarial_loss, hinge_discriminator_loss
from synth2real.gan.projected import NO_CLASS
from synth2real.gan.state import AVERAGING, GanState, apply_gradients, make_optimiser
from synth2real.gan.step import GanData, discriminate, generate
from synth2real.training import Images
from tiny import DIGITS, merged, random_gan_state, random_images, tiny_gan, tiny_gan_config

KEY = jax.random.key(0)
LEARNING_RATE = 1e-3
GAN = tiny_gan(
    "synth2real", generator_blocks=1, task_dropout=0.0, learning_rate=LEARNING_RATE, samples=400
)
# The tenth step of 100: a tenth of the average is new.
STATE = random_gan_state(GAN, spread=0.3)._replace(step=jnp.int32(9))
# Of one image of each kind a batch is known, whatever is drawn. Both show the same class: one that
# no real image shows would be left out.
SYNTHETIC = random_images(1)
DATA = GanData(SYNTHETIC, random_images(1, seed=1)._replace(labels=SYNTHETIC.labels))
STEP = jax.jit(make_joint_step(GAN))  # compiled once for all tests


def test_hinge_losses_by_hand() -> None:
    real, fake = jnp.array([2.0, 0.5, -1.0]), jnp.array([-3.0, 0.5])
    # Real: 0, 0.5 and 2; converted: 0 and 1.5.
    assert hinge_discriminator_loss(real, fake) == pytest.approx(2.5 / 3 + 0.75)
    assert hinge_adversarial_loss(fake) == pytest.approx(1.25)


def same(one, other) -> bool:
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


@pytest.fixture(scope="module")
def after() -> tuple[GanState, dict]:
    return STEP(STATE, DATA, KEY)


def test_every_network_learns_and_its_average_follows(after: tuple[GanState, dict]) -> None:
    assert after[0].step == 10
    for old, new in zip(STATE[1:], after[0][1:], strict=True):
        trees = [jax.tree.leaves(tree) for tree in (old.params, new.params, new.average)]
        moved = []
        for before, params, average in zip(*trees, strict=True):
            moved.append(np.abs(params - before).max())
            np.testing.assert_allclose(
                average, before + (params - before) / 10, rtol=1e-5, atol=1e-7
            )
        # A fresh Adam moves parameters by the learning rate, less where gradients are tiny.
        assert min(moved) > 0 and max(moved) < 1.01 * LEARNING_RATE
        assert new.trained is new.average


def test_losses_are_those_of_the_networks_before_the_step(after: tuple[GanState, dict]) -> None:
    keys = jax.random.split(jax.random.fold_in(KEY, STATE.step), 7)
    synthetic, real = (images.images / 127.5 - 1 for images in DATA[:2])
    synthetic, real = (jnp.repeat(x, 2, axis=0) for x in (synthetic, real))
    labels, real_labels = (jnp.repeat(images.labels, 2) for images in DATA[:2])
    key_noise, key_map = jax.random.split(keys[2])
    converted, _ = generate(GAN, STATE.generator, synthetic, labels, key_noise, train=True)
    generator = merged(GAN.generator, STATE.generator)
    z = jax.random.uniform(key_noise, (2, GAN.config.noise_dim), minval=-1)
    bent = generator.bend(synthetic, generator.style_of(labels, z), jnp.ones(2))
    bent = (np.asarray(bent, float) + 1) / 2
    assert after[1]["diversity"] == pytest.approx(np.abs(bent[0] - bent[1]).mean(), rel=1e-4)
    key_synthetic, key_real = jax.random.split(keys[3])
    seen = {
        "task_converted": (random_map(GAN, converted, key_map), labels),
        "task_real": (random_map(GAN, real, key_real), real_labels),
    }
    real_logits, stats = discriminate(GAN, STATE.discriminator, *seen["task_real"], KEY)
    second = STATE.discriminator._replace(stats=stats)
    fake_logits, _ = discriminate(GAN, second, *seen["task_converted"], KEY)
    logits = np.asarray(real_logits, float), np.asarray(fake_logits, float)
    right = np.maximum(1 - logits[0], 0).mean() + np.maximum(1 + logits[1], 0).mean()
    assert after[1]["discriminator"] == pytest.approx(right, rel=1e-4)
    # The generator meets the discriminator of before the step, statistics included.
    fake_logits, _ = discriminate(GAN, STATE.discriminator, *seen["task_converted"], KEY)
    assert after[1]["adversarial"] == pytest.approx(-float(fake_logits.mean()), rel=1e-4)
    task = merged(GAN.task, STATE.task)
    for name, (images, of_images) in seen.items():
        beliefs = np.asarray(jax.nn.softmax(task.from_real(images)), float)
        right = -np.log(beliefs[np.arange(2), np.asarray(of_images)]).mean()
        assert after[1][name] == pytest.approx(right, rel=1e-4)
    mapped = random_map(GAN, synthetic, key_synthetic)
    beliefs = np.asarray(jax.nn.softmax(task.from_synthetic(mapped)), float)
    right = -np.log(beliefs[np.arange(2), np.asarray(labels)]).mean()
    assert after[1]["task_synthetic"] == pytest.approx(right, rel=1e-4)


def test_real_images_of_a_rare_class_are_drawn_as_often_as_others() -> None:
    many = random_images(30)._replace(labels=jnp.array([4] * 20 + [9] + [2] * 9))
    gan = GAN._replace(config=dataclasses.replace(GAN.config, batch_size=6000))
    images, labels = draw_balanced(gan, many, KEY)
    counts = np.bincount(labels, minlength=10)
    assert set(np.flatnonzero(counts)) == {2, 4, 9}
    np.testing.assert_allclose(counts[[2, 4, 9]], 2000, rtol=0.1)
    rare = np.asarray(images[labels == 9])
    assert np.array_equal(rare, np.broadcast_to(many.images[20], rare.shape))
    # Of a class each image is as likely as any other.
    nine = {image.tobytes(): 0 for image in np.asarray(many.images[21:])}
    for image in np.asarray(images[labels == 2]):
        nine[image.tobytes()] += 1
    np.testing.assert_allclose(list(nine.values()), 2000 / 9, rtol=0.3)


def test_averages_are_plain_means_at_first_and_then_forget() -> None:
    network = STATE.generator
    grads = jax.tree.map(jnp.ones_like, network.params)
    for step, newest in [(0, 1), (1, 1 / 2), (1000, AVERAGING)]:
        after = apply_gradients(GAN.config, network, grads, jnp.int32(step))
        trees = (network.average, after.params, after.average)
        for old, new, average in zip(*map(jax.tree.leaves, trees), strict=True):
            np.testing.assert_allclose(average, old + newest * (new - old), rtol=1e-5, atol=1e-7)


def test_diversity_is_rewarded_and_matters_to_the_generator_alone() -> None:
    weights = dataclasses.replace(GAN.config.weights, adversarial=0.0, task_converted=0.0)
    states = []
    for weight in (0, 1):  # as settings may have it
        weights = dataclasses.replace(weights, diversity=weight)
        gan = GAN._replace(config=dataclasses.replace(GAN.config, weights=weights))
        step = jax.jit(make_joint_step(gan))
        states.append(step(STATE, DATA, KEY))
    (one, _), (other, before) = states
    assert same(one.generator.params, STATE.generator.params)
    assert not same(other.generator.params, one.generator.params)
    assert same(other.task.params, one.task.params)
    assert same(other.discriminator.params, one.discriminator.params)
    # The same images and noises again: they are farther from each other.
    again = other._replace(step=STATE.step)
    assert step(again, DATA, KEY)[1]["diversity"] > before["diversity"]


def test_images_without_labels_show_the_discriminator_what_the_average_reads() -> None:
    state, image = STATE._replace(step=jnp.int32(24)), random_images(1, seed=2).images
    # The average is sure of a class that the labelled real image does not show, the newest weights
    # of none.
    label = int(9 - DATA.real.labels[0])

    def believe(path, leaf: jax.Array) -> jax.Array:
        last = "dense2" in (name := jax.tree_util.keystr(path)) and "bias" in name
        return leaf.at[label].set(100.0) if last else leaf

    average = jax.tree_util.tree_map_with_path(believe, state.task.average)
    state = state._replace(task=state.task._replace(average=average))
    more = DATA._replace(unlabelled=image)

    def losses_of(data: GanData) -> dict[str, float]:
        return {name: float(loss) for name, loss in STEP(state, data, KEY)[1].items()}

    assert losses_of(more) == pytest.approx(losses_of(DATA), rel=1e-4)
    state = state._replace(step=jnp.int32(25))  # a fourth of 100
    without, losses = losses_of(DATA), losses_of(more)
    changed = {name for name in losses if losses[name] != pytest.approx(without[name], rel=1e-4)}
    assert changed == {"discriminator"}
    keys = jax.random.split(jax.random.fold_in(KEY, 25), 7)
    key_noise, key_map = jax.random.split(keys[2])
    synthetic = jnp.repeat(DATA.synthetic.images, 2, axis=0) / 127.5 - 1
    labels = jnp.repeat(DATA.synthetic.labels, 2)
    converted, _ = generate(GAN, state.generator, synthetic, labels, key_noise, train=True)
    real = random_map(GAN, jnp.repeat(image, 2, axis=0) / 127.5 - 1, jax.random.split(keys[6])[1])
    # No labelled image shows the class, so the discriminator is asked whether it is of any.
    seen = (real, jnp.full(2, NO_CLASS)), (random_map(GAN, converted, key_map), labels)
    real_logits, stats = discriminate(GAN, state.discriminator, *seen[0], KEY)
    second = state.discriminator._replace(stats=stats)
    fake_logits, _ = discriminate(GAN, second, *seen[1], KEY)
    right = hinge_discriminator_loss(real_logits, fake_logits)
    assert losses["discriminator"] == pytest.approx(float(right), rel=1e-4)


def test_four_fifths_of_the_images_go_through_maps_of_their_own() -> None:
    image = np.asarray(random_images(1).images / 127.5 - 1)
    mapped = np.asarray(random_map(GAN, jnp.broadcast_to(image, (400, *DIGITS.shape)), KEY))
    as_they_were = [np.array_equal(one, image[0]) for one in mapped]
    assert sum(as_they_were) == pytest.approx(80, abs=30)
    assert len({one.tobytes() for one in mapped}) == 400 - sum(as_they_were) + 1
    assert mapped.min() >= -1 - 1e-5 and mapped.max() <= 1 + 1e-5
    # What comes in from outside is background.
    assert np.isclose(mapped[:, [0, 0, -1, -1], [0, -1, 0, -1]], -1).any()


def test_the_learning_rate_falls_to_nothing_over_the_second_half() -> None:
    config = tiny_gan_config("synth2real", samples=400, learning_rate=0.01)
    assert config.steps == 100
    optimiser, gradient = make_optimiser(config), jnp.ones(1)
    state, sizes = optimiser.init(gradient), []
    for _ in range(100):
        change, state = optimiser.update(gradient, state)
        sizes.append(-float(change[0]))
    # With a constant gradient each of Adam's updates is the learning rate.
    np.testing.assert_allclose(sizes[:51], 0.01, rtol=1e-3)
    np.testing.assert_allclose(sizes[75], 0.005, rtol=1e-3)
    np.testing.assert_allclose(sizes[99], 0.01 / 50, rtol=1e-3)


def test_labels_of_real_images_matter() -> None:
    other = DATA._replace(real=Images(DATA.real.images, (DATA.real.labels + 1) % 10))
    one, two = STEP(STATE, DATA, KEY)[0], STEP(STATE, other, KEY)[0]
    for name in ("task", "discriminator"):
        assert not same(getattr(one, name).params, getattr(two, name).params)


def test_memorised_is_how_much_more_real_training_images_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("synth2real.gan.joint.MAPPED", 0.0)
    train, held_out = random_images(3), random_images(2, seed=1)
    network = STATE.discriminator

    def mean_logit(data: Images) -> float:
        logits = [
            float(discriminate(GAN, network, image[None] / 127.5 - 1, label[None], KEY)[0][0])
            for image, label in zip(*data, strict=True)
        ]
        # As often as their turn comes.
        turns = np.bincount(np.arange(MEMORISED_IMAGES) % len(logits))
        return np.average(logits, weights=turns)

    right = mean_logit(train) - mean_logit(held_out)
    assert abs(right) > 0.01
    assert memorised(GAN, network, train, held_out, KEY) == pytest.approx(right, abs=1e-4)
