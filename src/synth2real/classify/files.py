"""Classification of files that a user has, with a classifier that was trained before."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np
from flax import nnx

from synth2real.classify.config import load_classifier_config
from synth2real.classify.state import make_graph, scale_pixels
from synth2real.classify.train import load_classifier
from synth2real.errors import InputError, printable
from synth2real.io.files import check_new, write_csv
from synth2real.io.weights import read_about, unknown_settings
from synth2real.sources.folder import Folder
from synth2real.sources.idx import IdxFile
from synth2real.sources.npz import Npz
from synth2real.spec import load_spec
from synth2real.training import BATCH, in_batches

COLUMNS = ("image", "class", "probability")


def classify_files(
    model: Path, source: Folder | Npz | IdxFile, out: Path, update: Callable[[int], None]
) -> dict[str, int]:
    """Writes a table (CSV) of the class and its probability for each image.

    Returns how many are of each class that the classifier knows.

    Raises:
        InputError: the table is there already, the file is no classifier's, or an image cannot be
            read.
    """
    check_new(out)
    about = read_about(model, "classifier")
    try:
        config, spec = load_classifier_config(about["config"]), load_spec(about["spec"])
        graph = make_graph(config, spec)
    except (KeyError, TypeError) as error:
        raise unknown_settings(model, error) from error
    classifier = nnx.merge(graph, load_classifier(config, spec, model))
    predict = jax.jit(lambda images: jax.nn.softmax(classifier(scale_pixels(images))))
    total = source.count()
    if not total:
        raise InputError(f"{source.path}: has no image; one at least is needed")
    # What lies in one file is in memory as a whole; pictures need not be.
    step = BATCH if isinstance(source, Folder) else total
    rows = []
    for start in range(0, total, step):
        index = np.arange(start, min(start + step, total))
        probability_NxC = in_batches(predict, source.read(index, spec))
        labels_N, most_N = probability_NxC.argmax(-1), probability_NxC.max(-1)
        for i, label, most in zip(index, labels_N, most_N, strict=True):
            name = Path(source.listing.paths[i]) if isinstance(source, Folder) else i
            rows.append((printable(name), spec.classes[label], f"{most:.6f}"))
        update(len(rows))
    write_csv(out, COLUMNS, rows)
    found = Counter(row[1] for row in rows)
    return {name: found[name] for name in spec.classes}
