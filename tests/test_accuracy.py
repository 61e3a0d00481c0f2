"""Accuracies of the classifiers, and the table of all of them."""

import csv
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import reference
from synth2real.classify import accuracy as testing
from synth2real.classify.config import ClassifierConfig
from synth2real.classify.network import Classifier
from synth2real.classify.train import make_accuracy
from synth2real.figures.table import merge_tables
from synth2real.training import Images
from synth2real.trees import save_tree
from tiny import random_images, randomise, tiny_classifier

TINY = tiny_classifier(samples=30)


def shapes(config: ClassifierConfig) -> Classifier:
    return nnx.eval_shape(lambda: Classifier(config, rngs=nnx.Rngs(0)))


def params_of(module: Classifier) -> nnx.State:
    return nnx.state(module, nnx.Param)


def always(digit: int) -> nnx.State:
    """A classifier that answers the same whatever it sees."""
    module = randomise(shapes(TINY))
    nnx.update(module, jax.tree.map(jnp.zeros_like, params_of(module)))
    module.dense2.bias[...] = jnp.zeros(10).at[digit].set(1.0)
    return params_of(module)


def test_accuracy_is_the_share_of_right_digits() -> None:
    data = random_images(8)._replace(labels=jnp.array([3, 1, 3, 3, 0, 9, 3, 2]))
    accuracy = make_accuracy(TINY)
    assert accuracy(always(3), data) == 4 / 8
    assert accuracy(always(9), data) == 1 / 8
    assert accuracy(always(5), data) == 0


def test_accuracy_counts_the_images_of_all_batches_once() -> None:
    labels = [3] * 499 + [5] * 700 + [3] * 4
    data = random_images(1203)._replace(labels=jnp.array(labels))
    assert make_accuracy(TINY)(always(3), data) == pytest.approx(503 / 1203)


def test_accuracy_sees_pixels_between_0_and_1() -> None:
    module = randomise(shapes(TINY), seed=4)
    greys = np.linspace(0, 255, 40).astype(np.uint8)[:, None, None, None]
    images = np.broadcast_to(greys, (40, 28, 28, 1))
    answers, unscaled = (reference.classifier(module, x).argmax(1) for x in (images / 255, images))
    assert np.mean(answers != unscaled) > 0.3
    labels = np.where(np.arange(40) < 30, answers, (answers + 1) % 10)
    data = Images(jnp.asarray(images), jnp.asarray(labels))
    assert make_accuracy(TINY)(params_of(module), data) == 0.75


def test_the_table_has_a_row_for_each_classifier_and_test_set(tmp_path: Path) -> None:
    for digit in (3, 9):
        save_tree(tmp_path / f"{digit}.npz", always(digit))
    images = random_images(8)
    testing.test_classifiers(
        TINY,
        {("original", 0): tmp_path / "3.npz", ("original+GAN", 1): tmp_path / "9.npz"},
        {
            "MNIST": images._replace(labels=jnp.array([3, 1, 3, 3, 0, 9, 3, 2])),
            "GAN": images._replace(labels=jnp.array([9, 9, 9, 9, 9, 9, 9, 3])),
        },
        tmp_path / "accuracy.csv",
    )
    assert (tmp_path / "accuracy.csv").read_text() == (
        "dataset,run,test_set,accuracy\n"
        "original,0,MNIST,0.500000\n"
        "original,0,GAN,0.125000\n"
        "original+GAN,1,MNIST,0.125000\n"
        "original+GAN,1,GAN,0.875000\n"
    )


def write_table(path: Path, *rows: str) -> Path:
    path.write_text("\n".join(["dataset,run,test_set,accuracy", *rows]) + "\n")
    return path


def test_tables_are_merged_and_rows_without_a_gan_kept_once(tmp_path: Path) -> None:
    shared = ["original,0,MNIST,0.9", "original,1,MNIST,0.8", "original+font,0,font,0.7"]
    shared += ["augmented-original,0,MNIST,0.91", "augmented-original+font,0,MNIST,0.92"]
    own = [
        ["original,0,GAN,0.5", "original+GAN,0,MNIST,0.95", "augmented-original+GAN,0,MNIST,0.96"],
        ["original,0,GAN,0.4", "original+GAN,0,MNIST,0.85", "augmented-original+GAN,0,MNIST,0.86"],
    ]
    seed0 = write_table(tmp_path / "0.csv", *shared, *own[0])
    seed3 = write_table(tmp_path / "3.csv", *shared, *own[1])
    other = write_table(tmp_path / "other.csv", "original,0,MNIST,0.99", "GAN,0,font,0.6")
    tables = {("0.007", 0): seed0, ("0.007", 3): seed3, ("0.1", 0): other}
    merge_tables(tables, 1000, tmp_path / "accuracy.csv")
    with open(tmp_path / "accuracy.csv", newline="") as file:
        rows = list(csv.reader(file))
    columns = "ratio n_real n_synthetic gan_seed dataset run test_set accuracy"
    assert rows[0] == columns.split()
    assert rows[1:] == [
        ["0.007", "7", "993", "", "original", "0", "MNIST", "0.9"],
        ["0.007", "7", "993", "", "original", "1", "MNIST", "0.8"],
        ["0.007", "7", "993", "", "original+font", "0", "font", "0.7"],
        ["0.007", "7", "993", "", "augmented-original", "0", "MNIST", "0.91"],
        ["0.007", "7", "993", "", "augmented-original+font", "0", "MNIST", "0.92"],
        ["0.007", "7", "993", "0", "original", "0", "GAN", "0.5"],
        ["0.007", "7", "993", "0", "original+GAN", "0", "MNIST", "0.95"],
        ["0.007", "7", "993", "0", "augmented-original+GAN", "0", "MNIST", "0.96"],
        ["0.007", "7", "993", "3", "original", "0", "GAN", "0.4"],
        ["0.007", "7", "993", "3", "original+GAN", "0", "MNIST", "0.85"],
        ["0.007", "7", "993", "3", "augmented-original+GAN", "0", "MNIST", "0.86"],
        ["0.1", "100", "900", "", "original", "0", "MNIST", "0.99"],
        ["0.1", "100", "900", "0", "GAN", "0", "font", "0.6"],
    ]
