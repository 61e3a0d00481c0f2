"""Testing: what the classifiers of a split make of real, synthetic and converted images."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from synth2real.classify.config import ClassifierConfig
from synth2real.classify.train import load_classifier, make_predict
from synth2real.io.arrays import save_arrays
from synth2real.io.files import write_csv
from synth2real.io.weights import read_about
from synth2real.spec import ImageSpec
from synth2real.splits import Size, Split
from synth2real.training import Images

SIZE_COLUMNS = ("ratio", "n_real", "n_synthetic")
CLASSIFIER_COLUMNS = ("dataset", "run", "test_set")
COLUMNS = (
    *SIZE_COLUMNS,
    *CLASSIFIER_COLUMNS,
    "n_test",
    "accuracy",
    "balanced_accuracy",
    "arithmetic",
)
RECALL_COLUMNS = (*SIZE_COLUMNS, *CLASSIFIER_COLUMNS, "class", "n_test", "recall")


def test_classifiers(
    config: ClassifierConfig,
    spec: ImageSpec,
    size: Size,
    split: Split,
    weights: Mapping[tuple[str, int], Path],
    test_sets: Mapping[str, Images],
    *,
    path: Path,
    recall_path: Path,
    predictions_path: Path,
) -> None:
    """Writes the accuracy of each classifier, given by (dataset, run), on each test set.

    Accuracies and recalls are in [0, 1]. Recall is the share of a class' images that are
    recognised, balanced accuracy its mean over the classes that the test set shows. `arithmetic` is
    what convolved where the classifier was trained. The third file (.npz) holds `predictions` of
    the real test images, uint8 or uint16 [classifiers, images], the set `datasets` and the `runs`
    of each classifier, and the images' `labels`.
    """
    predict = make_predict(config, spec)
    ratio = size.value if size.kind == "ratio" else ""
    counts = (ratio, len(split.real), len(split.synthetic))
    rows, recall_rows, of_real = [], [], []
    for (dataset, run), weights_path in weights.items():
        params = load_classifier(config, spec, weights_path)
        arithmetic = read_about(weights_path, "classifier")["arithmetic"]
        for test_set, (images, labels) in test_sets.items():
            labels_N = np.asarray(labels)
            predictions_N = predict(params, images)
            if test_set == "real":
                of_real.append(predictions_N)
            right_N = predictions_N == labels_N
            n_C, recall_C = recall_by_class(right_N, labels_N, len(spec.classes))
            key = (*counts, dataset, run, test_set)
            balanced = f"{np.nanmean(recall_C):.6f}"
            rows.append((*key, len(labels_N), f"{right_N.mean():.6f}", balanced, arithmetic))
            recall_rows += [
                (*key, name, n, f"{recall:.6f}")
                for name, n, recall in zip(spec.classes, n_C, recall_C, strict=True)
                if n
            ]
    write_csv(path, COLUMNS, rows)
    write_csv(recall_path, RECALL_COLUMNS, recall_rows)
    datasets, runs = zip(*weights, strict=True)
    save_arrays(
        predictions_path,
        predictions=np.stack(of_real).astype(np.min_scalar_type(len(spec.classes) - 1)),
        labels=np.asarray(test_sets["real"].labels),
        datasets=np.array(datasets),
        runs=np.array(runs),
    )


def recall_by_class(
    right_N: np.ndarray, labels_N: np.ndarray, classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """How many images each class has, int64 [C], and the share recognised, NaN if it has none."""
    n_C = np.bincount(labels_N, minlength=classes)
    right_C = np.bincount(labels_N, weights=right_N, minlength=classes)
    recall_C = np.divide(right_C, n_C, out=np.full(classes, np.nan), where=n_C > 0)
    return n_C, recall_C
