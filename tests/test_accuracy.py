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
from synth2real.classify.train import make_predict
from synth2real.figures.table import Chain, merge_tables
from synth2real.io.arrays import load_arrays
from synth2real.io.weights import save_weights
from synth2real.splits import Size, Split
from synth2real.training import Images
from tiny import DIGITS, random_images, randomise, tiny_classifier

TINY = tiny_classifier(samples=30)


def shapes(config: ClassifierConfig) -> Classifier:
    return nnx.eval_shape(lambda: Classifier(config, DIGITS, rngs=nnx.Rngs(0)))


def params_of(module: Classifier) -> nnx.State:
    return nnx.state(module, nnx.Param)


def always(digit: int) -> nnx.State:
    """A classifier that answers the same whatever it sees."""
    module = randomise(shapes(TINY))
    nnx.update(module, jax.tree.map(jnp.zeros_like, params_of(module)))
    module.dense2.bias[...] = jnp.zeros(10).at[digit].set(1.0)
    return params_of(module)


def accuracy(params: nnx.State, data: Images) -> float:
    predictions = make_predict(TINY, DIGITS)(params, data.images)
    assert predictions.shape == data.labels.shape
    return float((predictions == np.asarray(data.labels)).mean())


def test_predictions_are_the_classes_with_the_largest_logits() -> None:
    data = random_images(8)._replace(labels=jnp.array([3, 1, 3, 3, 0, 9, 3, 2]))
    assert accuracy(always(3), data) == 4 / 8
    assert accuracy(always(9), data) == 1 / 8
    assert accuracy(always(5), data) == 0


def test_all_batches_images_are_predicted_once() -> None:
    labels = [3] * 499 + [5] * 700 + [3] * 4
    data = random_images(1203)._replace(labels=jnp.array(labels))
    assert accuracy(always(3), data) == pytest.approx(503 / 1203)


def test_predictions_see_pixels_between_0_and_1() -> None:
    module = randomise(shapes(TINY), seed=4)
    greys = np.linspace(0, 255, 40).astype(np.uint8)[:, None, None, None]
    images = np.broadcast_to(greys, (40, 28, 28, 1))
    answers, unscaled = (reference.classifier(module, x).argmax(1) for x in (images / 255, images))
    assert np.mean(answers != unscaled) > 0.3
    labels = np.where(np.arange(40) < 30, answers, (answers + 1) % 10)
    assert accuracy(params_of(module), Images(jnp.asarray(images), jnp.asarray(labels))) == 0.75


def test_recall_of_a_class_is_its_share_of_right_ones() -> None:
    labels = np.array([0, 0, 0, 2, 2, 1])
    right = np.array([True, False, False, True, True, False])
    counts, recalls = testing.recall_by_class(right, labels, 4)
    assert counts.tolist() == [3, 1, 2, 0]
    np.testing.assert_allclose(recalls, [1 / 3, 0, 1, np.nan])


def test_the_tables_have_a_row_for_each_classifier_and_test_set(tmp_path: Path) -> None:
    for digit in (3, 9):
        about = {"network": "classifier", "arithmetic": f"cpu of {digit}"}
        save_weights(tmp_path / f"{digit}.safetensors", always(digit), about)
    images = random_images(8)
    split = Split(np.arange(6), np.arange(1), np.arange(9), np.arange(2))
    testing.test_classifiers(
        TINY,
        DIGITS,
        Size("ratio", "0.4"),
        split,
        {
            ("original", 0): tmp_path / "3.safetensors",
            ("original+GAN", 1): tmp_path / "9.safetensors",
        },
        {
            "real": images._replace(labels=jnp.array([3, 1, 3, 3, 0, 9, 3, 2])),
            "converted": images._replace(labels=jnp.array([9, 9, 9, 9, 9, 9, 9, 3])),
        },
        path=tmp_path / "accuracy.csv",
        recall_path=tmp_path / "recall.csv",
        predictions_path=tmp_path / "predictions.npz",
    )
    names = ("predictions", "labels", "datasets", "runs")
    predictions, labels, datasets, runs = load_arrays(tmp_path / "predictions.npz", *names)
    assert predictions.dtype == np.uint8 and predictions.tolist() == [[3] * 8, [9] * 8]
    assert labels.tolist() == [3, 1, 3, 3, 0, 9, 3, 2]
    assert (datasets.tolist(), runs.tolist()) == (["original", "original+GAN"], [0, 1])
    # Of five classes shown one is recognised, whole; of two one.
    assert (tmp_path / "accuracy.csv").read_text() == (
        "ratio,n_real,n_synthetic,dataset,run,test_set,n_test,accuracy,balanced_accuracy,arithmetic\n"
        "0.4,7,11,original,0,real,8,0.500000,0.200000,cpu of 3\n"
        "0.4,7,11,original,0,converted,8,0.125000,0.500000,cpu of 3\n"
        "0.4,7,11,original+GAN,1,real,8,0.125000,0.200000,cpu of 9\n"
        "0.4,7,11,original+GAN,1,converted,8,0.875000,0.500000,cpu of 9\n"
    )
    with open(tmp_path / "recall.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["dataset"] == "original"]
    found = {(row["test_set"], row["class"]): (row["n_test"], row["recall"]) for row in rows}
    assert found == {
        ("real", "0"): ("1", "0.000000"),
        ("real", "1"): ("1", "0.000000"),
        ("real", "2"): ("1", "0.000000"),
        ("real", "3"): ("4", "1.000000"),
        ("real", "9"): ("1", "0.000000"),
        ("converted", "3"): ("1", "1.000000"),
        ("converted", "9"): ("7", "0.000000"),
    }


def write_table(path: Path, *rows: str) -> Path:
    path.write_text("\n".join(["n_real,dataset,run,test_set,accuracy", *rows]) + "\n")
    return path


def test_tables_are_merged_and_rows_without_a_gan_kept_once(tmp_path: Path) -> None:
    shared = [
        "7,original,0,real,0.9",
        "7,original,1,real,0.8",
        "7,original+synthetic,0,synthetic,0.7",
    ]
    shared += ["7,augmented-original,0,real,0.91", "7,augmented-original+synthetic,0,real,0.92"]
    own = [
        ["7,original,0,converted,0.5", "7,GAN,0,real,0.95", "7,augmented-original+GAN,0,real,0.96"],
        ["7,original,0,converted,0.4", "7,GAN,0,real,0.85", "7,augmented-original+GAN,0,real,0.86"],
    ]
    seed0 = write_table(tmp_path / "0.csv", *shared, *own[0])
    seed3 = write_table(tmp_path / "3.csv", *shared, *own[1])
    other = write_table(tmp_path / "other.csv", "8,original,0,real,0.99", "8,GAN,0,synthetic,0.6")
    tables = {
        Chain("", "n7", 0, 0): seed0,
        Chain("", "n7", 0, 3): seed3,
        Chain("", "n7", 1, 0): other,
        Chain("fold1", "n7", 0, 0): other,
    }
    merge_tables(tables, tmp_path / "accuracy.csv")
    with open(tmp_path / "accuracy.csv", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == [
        "size",
        "fold",
        "draw",
        "gan_seed",
        "n_real",
        "dataset",
        "run",
        "test_set",
        "accuracy",
    ]
    assert rows[1:] == [
        ["n7", "", "0", "", "7", "original", "0", "real", "0.9"],
        ["n7", "", "0", "", "7", "original", "1", "real", "0.8"],
        ["n7", "", "0", "", "7", "original+synthetic", "0", "synthetic", "0.7"],
        ["n7", "", "0", "", "7", "augmented-original", "0", "real", "0.91"],
        ["n7", "", "0", "", "7", "augmented-original+synthetic", "0", "real", "0.92"],
        ["n7", "", "0", "0", "7", "original", "0", "converted", "0.5"],
        ["n7", "", "0", "0", "7", "GAN", "0", "real", "0.95"],
        ["n7", "", "0", "0", "7", "augmented-original+GAN", "0", "real", "0.96"],
        ["n7", "", "0", "3", "7", "original", "0", "converted", "0.4"],
        ["n7", "", "0", "3", "7", "GAN", "0", "real", "0.85"],
        ["n7", "", "0", "3", "7", "augmented-original+GAN", "0", "real", "0.86"],
        ["n7", "", "1", "", "8", "original", "0", "real", "0.99"],
        ["n7", "", "1", "0", "8", "GAN", "0", "synthetic", "0.6"],
        ["n7", "fold1", "0", "", "8", "original", "0", "real", "0.99"],
        ["n7", "fold1", "0", "0", "8", "GAN", "0", "synthetic", "0.6"],
    ]
