"""Figures of what GANs learnt and made, and of what classifiers mistake."""

import json
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from synth2real.classify.config import classifier_config
from synth2real.figures import gallery, mistakes, samples
from synth2real.figures.conversions import COPIES, conversions, convert_often
from synth2real.figures.features import EACH, features, load_features
from synth2real.figures.gallery import TrainingImages
from synth2real.figures.mistakes import Votes, confusion, read_votes
from synth2real.figures.training import read_metrics, training
from synth2real.io.arrays import save_arrays
from synth2real.io.weights import save_weights
from synth2real.spec import ImageSpec
from tiny import DIGITS, random_gan_state, random_pixels, tiny_gan

CELL = 28 + samples.GAP
REAL, SYNTHETIC, CONVERTED = mistakes.PARTS
THREE = ImageSpec(8, 8, 1, ("ant", "bee", "cat"), (0,))


def files(folder: Path) -> tuple[Path, Path]:
    return folder / "a.png", folder / "a.svg"


def canvas_of(figure: Figure, axes: int = 0) -> np.ndarray:
    return np.asarray(figure.axes[axes].images[0].get_array())


def test_training_draws_a_line_for_each_gan_in_the_panels_that_it_has(tmp_path: Path) -> None:
    records = [
        {"samples": 1000 * k, "discriminator": 2.0 / k, "accuracy_real": 0.1 * k, "memorised": None}
        for k in (1, 2)
    ]
    path = tmp_path / "metrics.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    read = read_metrics(path)
    assert read == records
    # The second size's GAN was not trained.
    figure = training({"few": [read, read[:1]], "many": [[]]}, *files(tmp_path))
    drawn = {axes.get_title(): axes.lines for axes in figure.axes if axes.get_visible()}
    assert [*drawn] == [
        "loss of the discriminator",
        "accuracy on held-out real images (%)",
        "memorised (logits)",
    ]
    loss, accuracy, memorised = drawn.values()
    assert [len(line.get_xdata()) for line in loss] == [2, 1, 0]
    assert loss[0].get_xydata().tolist() == [[1, 2], [2, 1]]
    assert accuracy[0].get_ydata().tolist() == [10, 20]
    assert loss[1].get_marker() == "o" and not len(memorised[0].get_xdata())
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["few", "many"]


def test_the_gallery_shows_synthetic_images_above_what_became_of_them(tmp_path: Path) -> None:
    labels = np.arange(200) % 10
    greys = np.tile(np.arange(200, dtype=np.uint8)[:, None, None, None], (1, 28, 28, 1))
    # Of class 3 there is one real image, and none of class 5.
    real_labels = np.where((labels == 3) | (labels == 5), 4, labels)
    real_labels[3] = 3
    data = TrainingImages(greys, real_labels, greys, 255 - greys, labels)
    canvas = canvas_of(gallery.gallery(DIGITS, {"few": data}, *files(tmp_path)))
    cells = canvas[::CELL, ::CELL].astype(int)
    assert cells.shape == (10, 3 * (1 + gallery.EACH) + 2)
    of_real, of_synthetic, of_converted = cells[:, :7], cells[:, 8:15], cells[:, 16:]
    assert (of_synthetic[:, 1:] % 10 == np.arange(10)[:, None]).all()
    assert (of_synthetic[:, 1:] + of_converted[:, 1:] == 255).all()
    # The mean of 0, 10, ..., 190, and so on.
    assert of_synthetic[:, 0].tolist() == (95 + np.arange(10)).tolist()
    assert of_real[3].tolist() == [3, 3, *[255] * 5]
    assert of_real[5].tolist() == [255] * 7
    assert len(set(of_real[0, 1:])) == 6 and (of_real[0, 1:] % 10 == 0).all()


def test_conversions_of_an_image_are_the_generators_and_differ(tmp_path: Path) -> None:
    gan = tiny_gan("synth2real", generator_blocks=1)
    state = random_gan_state(gan, spread=0.3)
    save_weights(tmp_path / "networks.safetensors", state.weights, {})
    images, labels = random_pixels(10), np.arange(10)
    often = convert_often(gan, tmp_path / "networks.safetensors", 0.5, images, labels)
    assert often.shape == (10, COPIES, 28, 28, 1)
    assert all(len({copy.tobytes() for copy in copies}) == COPIES for copies in often)
    figure = conversions(DIGITS, images, {"few": often}, *files(tmp_path))
    canvas = canvas_of(figure)
    np.testing.assert_array_equal(canvas[:28, :28], images[0, ..., 0])
    np.testing.assert_array_equal(canvas[CELL : CELL + 28, 2 * CELL :][:, :28], often[1, 0, ..., 0])


def write_predictions(path: Path, rows: dict[str, list[list[int]]]) -> Path:
    names = [name for name, runs in rows.items() for _ in runs]
    predictions = np.array([run for runs in rows.values() for run in runs], np.uint8)
    labels = np.array([0, 0, 1, 2])
    save_arrays(path, predictions=predictions, labels=labels, datasets=np.array(names))
    return path


@pytest.fixture
def votes(tmp_path: Path) -> dict[tuple[str, ...], Votes]:
    """Two classifiers of each set; four images of the classes 0, 0, 1 and 2."""
    rows = {
        "original": [[0, 1, 1, 0], [0, 1, 1, 2]],
        "original+synthetic": [[0, 0, 1, 2]] * 2,
        "original+GAN": [[0, 0, 2, 2], [1, 0, 2, 2]],
        "augmented-original": [[2, 2, 2, 2]],
    }
    return read_votes([write_predictions(tmp_path / "predictions.npz", rows)], 3)


def test_votes_are_counted_by_set_of_the_plain_recipe(votes: dict) -> None:
    assert votes[REAL].votes.tolist() == [[2, 0, 0], [0, 2, 0], [0, 2, 0], [1, 0, 1]]
    assert votes[REAL].right_N.tolist() == [1, 0, 1, 0.5]
    assert votes[CONVERTED].right_N.tolist() == [0.5, 1, 0, 1]


def test_confusion_matrices_by_hand(votes: dict, tmp_path: Path) -> None:
    figure = confusion(THREE, {"few": votes}, *files(tmp_path))
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["original", "original+synthetic", "original+GAN", ""]  # the last is shades
    # Of the four votes on class 0 two are for 1; of the two on class 2 one is for 0.
    assert canvas_of(figure, 0).tolist() == [[0, 50, 0], [0, 0, 0], [50, 0, 0]]
    assert canvas_of(figure, 2).tolist() == [[0, 25, 0], [0, 0, 100], [0, 0, 0]]
    numbers = {(t.get_position(), t.get_text()) for t in figure.axes[0].texts}
    assert numbers == {
        ((0, 0), "50"),
        ((1, 0), "50"),
        ((1, 1), "100"),
        ((0, 2), "50"),
        ((2, 2), "50"),
    }


def test_mistakes_are_those_of_which_sets_differ_most(votes: dict, tmp_path: Path) -> None:
    greys = np.tile(np.array([10, 20, 30, 40], np.uint8)[:, None, None, None], (1, 8, 8, 1))
    figure = mistakes.mistakes(THREE, {"few": votes}, greys, *files(tmp_path))

    def shown(row: int) -> list[tuple[str, int]]:
        axes = figure.axes[row * mistakes.SHOWN : (row + 1) * mistakes.SHOWN]
        return [(a.get_title(), int(a.images[0].get_array()[0, 0])) for a in axes if a.images]

    assert shown(0) == [("ant not bee", 20), ("cat not ant", 40)]
    assert shown(1) == [("bee not cat", 30), ("ant not bee", 10)]
    mended = figure.subfigs[0].get_suptitle()
    assert mended == "few: read by most classifiers of original+GAN and few of original: 1"


def test_features_are_drawn_for_each_kind_and_size(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    kind = rng.normal(size=(20, 5)), np.arange(20) % 2
    kinds = {"real test": kind, "synthetic": kind, "converted": kind}
    figure = features(THREE, {"few": kinds, "many": kinds}, *files(tmp_path))
    for axes in figure.axes:
        assert [len(np.asarray(c.get_offsets())) for c in axes.collections] == [20, 20, 20]
        # Classes that some image shows.
        assert [text.get_text() for text in axes.texts] == ["ant", "bee"]


def test_features_are_those_of_images_drawn_from_all(tmp_path: Path, monkeypatch) -> None:
    images, labels = random_pixels(600), np.arange(600)
    save_arrays(tmp_path / "images.npz", images=images, labels=labels)
    seen: list[np.ndarray] = []

    def judge(config, spec, path, images):
        seen.append(np.asarray(images))
        return type("Seen", (), {"features": np.asarray(images).reshape(len(images), -1)})

    monkeypatch.setattr("synth2real.figures.features.judge_images", judge)
    found, drawn = load_features(
        classifier_config("small"), DIGITS, tmp_path, tmp_path / "images.npz"
    )
    assert len(set(drawn)) == len(found) == EACH and drawn.max() > EACH
    np.testing.assert_array_equal(seen[0], images[drawn])
