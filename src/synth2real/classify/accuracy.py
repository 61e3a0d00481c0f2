"""Testing: the accuracy of a ratio's classifiers on MNIST, font and GAN images."""

from collections.abc import Mapping
from pathlib import Path

from synth2real.classify.config import ClassifierConfig
from synth2real.classify.train import load_classifier, make_accuracy
from synth2real.files import write_csv
from synth2real.training import Images

COLUMNS = ("dataset", "run", "test_set", "accuracy")


def test_classifiers(
    config: ClassifierConfig,
    weights: Mapping[tuple[str, int], Path],
    test_sets: Mapping[str, Images],
    path: Path,
) -> None:
    """Writes the accuracy of each classifier, given by (dataset, run), on each test set."""
    accuracy = make_accuracy(config)
    rows = []
    for (dataset, run), weights_path in weights.items():
        params = load_classifier(config, weights_path)
        for test_set, images in test_sets.items():
            rows.append((dataset, run, test_set, f"{accuracy(params, images):.6f}"))
    write_csv(path, COLUMNS, rows)
