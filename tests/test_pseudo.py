"""The step with pseudo-labels: its losses by numpy, and that unlabelled images teach."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from synth2real.classify.config import classifier_config
from synth2real.classify.pseudo import AVERAGING, CONFIDENT, WARM_UP, PseudoData, make_pseudo_step
from synth2real.classify.sets import TrainingSet
from synth2real.classify.state import ClassifierState, init_state, make_graph
from synth2real.classify.train import make_predict, train_classifiers
from synth2real.nn import augment
from synth2real.training import load_images
from tiny import DIGITS, random_images, randomise, tiny_classifier

KEY = jax.random.key(0)
CONFIG = tiny_classifier(samples=300, dropout=0.0)  # 30 steps of 10
# Of one image of each kind a batch is known, whatever is drawn.
LABELLED = random_images(1)
DATA = PseudoData([LABELLED], random_images(1, seed=1).images)


@pytest.fixture
def no_warps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Maps that move nothing, so that numpy can tell what comes out."""
    for name in ("ROTATION", "SHEAR", "SHIFT", "ELASTICITY"):
        monkeypatch.setattr(augment, name, 0.0)
    monkeypatch.setattr(augment, "SCALE", 1.0)


def state(step: int, certain: float) -> ClassifierState:
    """A state whose average is as sure of class 3 as its last bias says, whatever it sees."""
    fresh = jax.jit(init_state, static_argnums=(0, 1, 3))(CONFIG, DIGITS, KEY, True)
    module = randomise(nnx.merge(make_graph(CONFIG, DIGITS), fresh.average))
    module.dense2.kernel[...] = jnp.zeros_like(module.dense2.kernel[...])
    module.dense2.bias[...] = jnp.zeros(10).at[3].set(certain)
    return fresh._replace(step=jnp.asarray(step, jnp.int32), average=nnx.state(module, nnx.Param))


def cross_entropy(params: nnx.State, images: jax.Array, label: int) -> float:
    logits = nnx.merge(make_graph(CONFIG, DIGITS), params)(images.astype("float32") / 255)
    beliefs = np.exp(np.asarray(logits[0], float))
    return -np.log(beliefs[label] / beliefs.sum())


def certainty(probability: float) -> float:
    """The logit that gives one of ten classes a probability, of the others the same each."""
    return float(np.log(9 * probability / (1 - probability)))


LATER = CONFIG.steps // WARM_UP


@pytest.mark.usefixtures("no_warps")
@pytest.mark.parametrize(
    "step, probability, sure",
    [(LATER, CONFIDENT + 0.01, 1), (LATER, CONFIDENT - 0.01, 0), (LATER - 1, 0.999, 0)],
    ids=["sure", "not sure", "too early"],
)
def test_losses_by_numpy(step: int, probability: float, sure: int) -> None:
    before = state(step, certainty(probability))
    after, metrics = jax.jit(make_pseudo_step(CONFIG, DIGITS))(before, DATA, KEY)
    assert metrics["sure"] == sure
    right = cross_entropy(before.params, LABELLED.images, int(LABELLED.labels[0]))
    assert metrics["loss"] == pytest.approx(right, rel=1e-4)
    # 15 images without labels for ten with one.
    right = 1.5 * sure * cross_entropy(before.params, DATA.unlabelled, 3)
    assert metrics["pseudo"] == pytest.approx(right, rel=1e-4)
    assert after.step == step + 1 and after.trained is after.average
    trees = (before.average, after.average, after.params)
    for old, average, params in zip(*map(jax.tree.leaves, trees), strict=True):
        newest = max(AVERAGING, 1 / (step + 1))
        right = np.asarray(old) + newest * (np.asarray(params) - np.asarray(old))
        np.testing.assert_allclose(average, right, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_images_without_labels_teach(mnist: Path) -> None:
    config = classifier_config("small", samples=40_000, batch_size=50, filters=[16, 32], hidden=128)
    few = load_images(mnist / "train.npz", np.arange(100))
    many = load_images(mnist / "train.npz", np.arange(100, 5100))
    test = load_images(mnist / "test.npz", np.arange(2000))
    predict, accuracies = make_predict(config, DIGITS), []
    for unlabelled in (many.images, few.images):
        training_set = TrainingSet([few], unlabelled=unlabelled)
        (params,) = train_classifiers(config, DIGITS, training_set, seeds=[0])
        accuracies.append((predict(params, test.images) == np.asarray(test.labels)).mean())
    assert accuracies[0] > accuracies[1] + 0.03
