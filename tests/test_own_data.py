"""The whole experiment on images that are neither MNIST's nor of fonts."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from project import copy_project, planned, snakemake

pytestmark = pytest.mark.slow

SMALL = {
    # Another than the default, which tables say.
    "compute": {"convolutions": "xla"},
    "gan": {
        "samples": 64,
        "batch_size": 8,
        "generator_filters": 4,
        "generator_blocks": 1,
        "discriminator_filters": 4,
        "task_filters": 4,
    },
    "classify": {
        "samples": 400,
        "batch_size": 20,
        "runs": 1,
        "filters": [4, 8],
        "hidden": 16,
        "controls": False,
    },
}


def run(folder: Path, settings: dict, *targets: str) -> Path:
    """Runs an experiment, or makes some targets, and returns results; a second run does nothing."""
    copy_project(folder)
    (folder / "mine.yaml").write_text(yaml.safe_dump(SMALL | settings))
    arguments = (*targets, "--configfile", "mine.yaml")
    result = snakemake(folder, "--cores", "2", *arguments)
    assert result.returncode == 0, result.stderr
    assert not planned(folder, *arguments)
    return folder / "results"


def rows(path: Path) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def pictures(count: int, label: int, shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Noise around a tint and a bar that belong to the class, uint8 [count, *shape]."""
    rng = np.random.default_rng([label, seed])
    images = rng.integers(60, 120, (count, *shape))
    tint = np.random.default_rng(label).integers(0, 120, shape[2:] or 1)
    images[:, 3 * label % shape[0]] += 100
    return (images + tint).clip(0, 255).astype(np.uint8)


def write_folder(folder: Path, counts: dict[str, int], seed: int, suffix: str) -> None:
    for label, (name, count) in enumerate(counts.items()):
        (folder / name).mkdir(parents=True)
        for number, image in enumerate(pictures(count, label, (40, 30, 3), seed)):
            Image.fromarray(image).save(folder / name / f"{number}.{suffix}", quality=95)


def test_unbalanced_folders_of_jpegs_in_folds(tmp_path: Path):
    real, synthetic = {"cat": 24, "dog": 12, "new world monkey": 6}, {}
    synthetic = dict.fromkeys(real, 20)
    write_folder(tmp_path / "photos", real, 0, "jpg")
    write_folder(tmp_path / "renders", synthetic, 1, "JPEG")
    settings = {
        "images": {"height": 32, "width": 24},
        "real": {"folder": "photos", "folds": 2, "counts": [12]},
        "synthetic": {"folder": "renders"},
        "splits": {"stratify": True},
    }
    results = run(tmp_path, settings)
    spec = json.loads((results / "real/spec.json").read_text())
    assert (spec["height"], spec["width"], spec["channels"]) == (32, 24, 3)
    assert spec["classes"] == list(real) and spec["background"] == "edge"
    seen = []
    for fold in range(2):
        with np.load(results / f"fold{fold}/real/test.npz") as file:
            assert file["images"].shape[1:] == (32, 24, 3)
            assert np.bincount(file["labels"]).tolist() == [12, 6, 3]
            seen += file["source"].tolist()
        with np.load(results / f"fold{fold}/n12/draw0/splits/split.npz") as split:
            assert len(split["real_train"]) + len(split["real_validation"]) == 12
    assert sorted(seen) == list(range(42))  # every image is a test image once
    accuracies = rows(results / "accuracy.csv")
    assert {row["arithmetic"] for row in accuracies} == {"cpu xla float32"}
    # Two folds, five sets, three test sets.
    assert len(accuracies) == 2 * 5 * 3
    assert {row["fold"] for row in accuracies} == {"fold0", "fold1"}
    assert {row["n_test"] for row in accuracies if row["test_set"] == "real"} == {"21"}
    recalls = rows(results / "recall.csv")
    assert {row["class"] for row in recalls} == set(real)
    check_balanced(accuracies, recalls)


def check_balanced(accuracies: list[dict], recalls: list[dict]) -> None:
    """Balanced accuracy is the mean recall, accuracy the mean weighted by images."""
    names = ("size", "fold", "draw", "gan_seed", "dataset", "run", "test_set")
    for row in accuracies:
        key = [row[name] for name in names]
        of_row = [r for r in recalls if [r[name] for name in names] == key]
        values = np.array([float(r["recall"]) for r in of_row])
        weights = np.array([int(r["n_test"]) for r in of_row])
        assert float(row["balanced_accuracy"]) == pytest.approx(values.mean(), abs=2e-6)
        assert float(row["accuracy"]) == pytest.approx(values @ weights / weights.sum(), abs=2e-6)


def test_scikit_learns_digits_with_fonts_of_their_size(tmp_path: Path):
    datasets = pytest.importorskip("sklearn.datasets", reason="scikit-learn has the digits")
    digits = datasets.load_digits()
    for number, (image, label) in enumerate(zip(digits.images, digits.target, strict=True)):
        path = tmp_path / "photos" / str(label) / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        grey = np.round(image * 255 / 16).astype(np.uint8)
        picture = Image.fromarray(grey).resize((16, 16), Image.Resampling.BILINEAR)
        picture.save(path)
        if number < 200:  # turned a little: none may be a test image
            (tmp_path / "more").mkdir(exist_ok=True)
            picture.rotate(5, Image.Resampling.BILINEAR).save(tmp_path / "more" / path.name)
    settings = {
        "real": {"folder": "photos", "test_share": 0.5, "counts": [40], "unlabelled": "more"},
        "fonts": {"families": ["Abel", "Acme"], "angle_step": 10},
        "splits": {"seeds": [3]},
    }
    # Without figures, for time.
    results = run(tmp_path, settings, "results/accuracy.csv", "results/gap.csv")
    with np.load(results / "synthetic/train.npz") as file:
        assert file["images"].shape == (2 * 10 * 10 * 9 // 10, 16, 16, 1)
        assert (file["images"] > 0).any(axis=(0, 3)).mean() > 0.5  # digits fill the smaller canvas
    accuracies = rows(results / "accuracy.csv")
    assert {(row["draw"], row["n_real"]) for row in accuracies} == {("3", "40")}
    with np.load(results / "real/unlabelled.npz") as file:
        assert file["images"].shape == (200, 16, 16, 1)
    learnt = {row["dataset"] for row in accuracies if row["dataset"].startswith("pseudo")}
    assert learnt == {f"pseudo-original{more}" for more in ("", "+synthetic", "+GAN")}
    # Half of each class: 1,797 images, of which classes of odd numbers round to even.
    n_test = {int(row["n_test"]) for row in accuracies if row["test_set"] == "real"}
    assert n_test == {sum(round(0.5 * n) for n in np.bincount(digits.target))}
    # The authors' results are of MNIST: they belong to no figure here.
    figures = planned(tmp_path, "--configfile", "mine.yaml")
    assert figures["learning"] and not figures["mixed_test_set"]


def test_an_npz_of_many_classes_one_of_which_is_rare(tmp_path: Path):
    names = np.array([chr(ord("a") + label) for label in range(26)])
    parts = {"real": [3] + [12] * 25, "test": [2] + [4] * 25, "renders": [20] * 26}
    for seed, (part, counts) in enumerate(parts.items()):
        images = [pictures(count, label, (64, 64, 3), seed) for label, count in enumerate(counts)]
        labels = np.repeat(names, counts)
        np.savez(tmp_path / f"{part}.npz", images=np.concatenate(images), labels=labels)
    settings = {
        "real": {"npz": "real.npz", "test": "test.npz"},
        "synthetic": {"npz": "renders.npz", "images": 400, "test_images": 100},
    }
    # One size instead of the learning curve, for time.
    settings["real"]["counts"] = [200]
    results = run(tmp_path, settings)
    spec = json.loads((results / "real/spec.json").read_text())
    assert spec["classes"] == names.tolist() and spec["height"] == spec["width"] == 64
    with np.load(results / "synthetic/train.npz") as file:
        assert file["images"].shape == (300, 64, 64, 3)
    with np.load(results / "n200/draw0/convert/seed0/train.npz") as file:
        assert file["images"].shape == (300, 64, 64, 3) and file["labels"].max() == 25
    recalls = rows(results / "recall.csv")
    of_real = {row["class"]: int(row["n_test"]) for row in recalls if row["test_set"] == "real"}
    assert of_real == dict(zip(names.tolist(), [2] + [4] * 25, strict=True))
