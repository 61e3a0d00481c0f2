"""Which of several conversions is kept."""

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from synth2real.classify.sets import TrainingSet
from synth2real.classify.train import make_graph, train_classifiers
from synth2real.convert.hard_examples import Candidate, hardest, keep_hardest, train_teacher
from synth2real.training import Images
from tiny import DIGITS, random_images, random_pixels, tiny_classifier


# Beliefs in the digits 0, 1 and 2 of three candidates; the label is 1.
@pytest.mark.parametrize(
    "beliefs, kept",
    [
        ([[0.1, 0.9, 0], [0.3, 0.7, 0], [0.2, 0.8, 0]], 1),  # all right: the least sure
        ([[0.1, 0.9, 0], [0.6, 0.4, 0], [0, 1, 0]], 0),  # a misread one is not kept
        ([[0.9, 0.1, 0], [0.6, 0.4, 0], [0.8, 0.2, 0]], 1),  # all misread: the best of them
        ([[0.4, 0.2, 0.4], [0, 1, 0], [0.5, 0.49, 0.01]], 1),  # however sure, if the only one
    ],
)
def test_the_hardest_right_candidate_is_kept(beliefs: list, kept: int) -> None:
    assert hardest(np.array(beliefs)[:, None], np.array([1], np.uint8)).tolist() == [kept]


def test_of_each_copy_images_are_kept_by_what_the_teacher_believes() -> None:
    config = tiny_classifier(samples=100)
    real, labels = random_images(20), np.arange(7)
    marks = np.eye(3, 7, dtype=bool)  # one image of each candidate is a real one
    copies = [
        [Candidate(random_pixels(7, seed), marks[seed % 3]) for seed in seeds]
        for seeds in ((1, 2, 3), (4, 5, 6))
    ]
    kept = list(keep_hardest(config, DIGITS, real, copies, jnp.asarray(labels), 0))
    first = Images(jnp.asarray(copies[0][0].images), jnp.asarray(labels))
    teacher = train_teacher(config, DIGITS, [real, first], seed=0)
    classifier = nnx.merge(make_graph(config, DIGITS), teacher)
    for candidates, choice in zip(copies, kept, strict=True):
        logits = [
            np.asarray(classifier(jnp.asarray(c.images / 255, "float32"))) for c in candidates
        ]
        for i, image in enumerate(choice.images):
            right = [k for k in range(3) if logits[k][i].argmax() == labels[i]]
            odds = [np.exp(x[i] - x[i].max()) for x in logits]
            belief = [odd[labels[i]] / odd.sum() for odd in odds]
            best = min(right, key=belief.__getitem__) if right else int(np.argmax(belief))
            np.testing.assert_array_equal(image, candidates[best].images[i])
            assert choice.from_real[i] == candidates[best].from_real[i]


def test_a_teacher_is_a_classifier_of_all_parts() -> None:
    config, parts = tiny_classifier(samples=50), [random_images(20), random_images(30, seed=1)]
    joined = type(parts[0])(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))
    teacher = train_teacher(config, DIGITS, parts, seed=3)
    (right,) = train_classifiers(config, DIGITS, TrainingSet([joined]), seeds=[3], label="test")
    for name in ("conv1", "dense2"):
        np.testing.assert_array_equal(teacher[name]["kernel"][...], right[name]["kernel"][...])
