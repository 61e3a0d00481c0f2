"""Which of several conversions is kept."""

import numpy as np
import pytest

from synth2real.classify.sets import TrainingSet
from synth2real.classify.train import fit_classifier
from synth2real.redraw import hardest, keep_hardest, train_teacher
from tiny import random_images, random_pixels, tiny_classifier


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


def test_images_are_kept_by_what_the_teacher_believes() -> None:
    config = tiny_classifier(samples=100)
    teacher = train_teacher(config, [random_images(20), random_images(30, seed=1)], seed=0)
    candidates, labels = [random_pixels(7, seed) for seed in range(3)], np.arange(7)
    kept = keep_hardest(config, teacher, candidates, labels)
    among = np.stack([(images == kept).all((1, 2)) for images in candidates])
    assert (among.sum(0) == 1).all() and among.any(1).sum() > 1


def test_a_teacher_is_a_classifier_of_all_parts() -> None:
    config, parts = tiny_classifier(samples=50), [random_images(20), random_images(30, seed=1)]
    joined = type(parts[0])(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))
    teacher = train_teacher(config, parts, seed=3)
    right = fit_classifier(config, TrainingSet([joined]), seed=3, label="test")
    for name in ("conv1", "dense2"):
        np.testing.assert_array_equal(teacher[name]["kernel"][...], right[name]["kernel"][...])
