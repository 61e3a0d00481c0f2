"""`synth2real check`: what an experiment will find, do and need, before it runs."""

import argparse
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synth2real.cli.arguments import positive
from synth2real.errors import InputError

if TYPE_CHECKING:  # the command starts in a moment, and imports what it needs when it runs
    import numpy as np

    from synth2real.cli.images import Found
    from synth2real.config.experiment import Experiment, SourceChoice
    from synth2real.sources.base import Source

ROOT = Path(__file__).parents[3]  # the project's folder, which the workflow needs as well
MANIFEST = ROOT / "resources" / "fonts.csv"
# With so many, differences of a point or two show in most experiments; fewer may say "not shown".
ENOUGH_TESTS = 1000


def configure(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument(
        "files", type=Path, nargs="*", metavar="YAML", help="settings, laid over config.yaml"
    )
    parser.add_argument(
        "--directory", type=Path, default=Path(), help="where Snakemake will work (here)"
    )
    parser.add_argument(
        "--cores",
        type=positive,
        default=os.cpu_count(),
        help="how many a run has; without it all that are here, %(default)s",
    )


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Checks settings and images; says what was found and what a run needs."""
    from synth2real.cli.needs import needs

    files = [path.absolute() for path in arguments.files]
    if not arguments.directory.is_dir():
        raise InputError(f"--directory: {arguments.directory} is no folder")
    os.chdir(arguments.directory)
    experiment = read(files)
    found: dict[str, Any] = {}
    problems: list[str] = []
    images = {}
    for name, choice in _sources(experiment):
        try:
            images[name], found[name] = _describe(experiment, choice)
        except InputError as error:
            problems.append(f"{name}: {error}")
    for check in [] if problems else [_check_splits, _check_sizes]:
        try:
            check(experiment)
        except InputError as error:
            problems.append(str(error))
    if problems:
        raise InputError("\n".join(problems))
    found["real test images"] = _describe_tests(_count_tests(experiment, images))
    return found | needs(experiment, images, arguments.cores, numbers=arguments.json)


def read(files: Sequence[Path]) -> "Experiment":
    """The experiment of config.yaml and the files laid over it.

    Raises:
        InputError: a line for each thing that is wrong with them.
    """
    from synth2real.config import read_experiment
    from synth2real.config.files import find_file_problems, lay_over, read_settings

    if problems := find_file_problems(list(files)):
        raise InputError("\n".join(problems))
    config = read_settings(ROOT / "config.yaml")
    for path in files:
        config = lay_over(config, read_settings(path))
    return read_experiment(config, MANIFEST)


def _describe(experiment: "Experiment", choice: "SourceChoice") -> tuple["Found | None", str]:
    """What was found of a source, None if it is downloaded when it is needed, and in words."""
    from synth2real.cli.images import look_at
    from synth2real.sources import NAMES, open_source

    if choice.path is None:
        return None, NAMES[choice.kind]
    source = _open(experiment, choice)
    found = look_at(source)
    left_out = len(open_source(choice.kind, choice.path).labels()) - sum(found.counts.values())
    without = f", without {left_out:,} that cannot be read" if left_out else ""
    return found, f"{found.text} ({choice.path}{without})"


def _open(experiment: "Experiment", choice: "SourceChoice") -> "Source":
    """What a run takes of a source."""
    from synth2real.sources import open_source
    from synth2real.sources.usable import skip_unreadable

    source = open_source(choice.kind, choice.path)
    return skip_unreadable(source, []) if experiment.images.skip_bad else source


def _sources(experiment: "Experiment") -> Iterator[tuple[str, "SourceChoice"]]:
    """All images that settings name, and what to call them."""
    from synth2real.config.experiment import SourceChoice

    real = experiment.real_source
    yield "real", real
    if experiment.real.test:
        yield "real, to test on", SourceChoice(real.kind, experiment.real.test)
    yield "synthetic", experiment.synthetic_source
    if experiment.unlabelled_source:
        yield "real, without labels", experiment.unlabelled_source


def _count_tests(experiment: "Experiment", found: Mapping[str, "Found | None"]) -> int:
    """How many real images classifiers are tested on, of all folds."""
    from synth2real.cli.needs import MNIST_TESTS
    from synth2real.sources import open_source

    choice, real, apart = experiment.real_source, found["real"], found.get("real, to test on")
    if apart:
        return sum(apart.counts.values())
    if not real:
        return MNIST_TESTS
    if choice.kind == "idx":
        return len(open_source(choice.kind, str(choice.path), "test").labels())
    there = sum(real.counts.values())
    return there if experiment.real.folds else there - len(next(_training_labels(experiment)))


def _describe_tests(count: int) -> str:
    """A number of real test images, and whether it is too small."""
    from synth2real.verdict.comparisons import FEWEST_IMAGES

    if count < FEWEST_IMAGES:
        return f"{count:,}; too few for a verdict, which needs {FEWEST_IMAGES} at least"
    if count < ENOUGH_TESTS:
        return f"{count:,}; a verdict may need more, {ENOUGH_TESTS:,} or so"
    return f"{count:,}"


def _check_sizes(experiment: "Experiment") -> None:
    """Refuses real images of several sizes, or too large ones, if none is stated."""
    from synth2real.images import spec_of_headers
    from synth2real.sources.base import natural_order

    choice = experiment.real_source
    if choice.path:
        source = _open(experiment, choice)
        spec_of_headers(experiment.images, source, natural_order(source.labels()))


def _check_splits(experiment: "Experiment") -> None:
    """Refuses splits for which there are too few images, or too few of a class."""
    from synth2real.splits import make_split

    splits, pool = experiment.splits, _count_synthetic(experiment)
    for labels_N in _training_labels(experiment):
        for size in experiment.sizes:
            make_split(size, splits.total, 0, labels_N, pool, stratify=splits.stratify)


def _training_labels(experiment: "Experiment") -> "Iterator[np.ndarray]":
    """Labels of the real images to train on, int [N], of each fold.

    Raises:
        InputError: a share or folds leave a class without images to test or to train on.
    """
    import numpy as np

    from synth2real.cli.needs import MNIST_IMAGES
    from synth2real.real import choose_test
    from synth2real.sources.base import class_labels, natural_order

    config, choice = experiment.real, experiment.real_source
    if choice.path is None:
        yield np.arange(MNIST_IMAGES) % 10  # counts near those of MNIST, which is not here yet
        return
    source = _open(experiment, choice)
    names = source.labels()
    classes = natural_order(names)
    labels_N = class_labels(names, classes, "real")
    if config.test_share or config.folds:
        yield from (labels_N[~is_test_N] for is_test_N in choose_test(config, labels_N, classes))
    else:
        yield labels_N


def _count_synthetic(experiment: "Experiment") -> int:
    """How many synthetic images there are to train on.

    Raises:
        InputError: there are not as many as the settings ask for.
    """
    from synth2real.sources.fonts.checks import count_renders
    from synth2real.synthetic import draw_parts

    choice = experiment.synthetic_source
    if choice.path is None:
        there = count_renders(experiment.fonts, experiment.render, MANIFEST)
    else:
        source = _open(experiment, choice)
        there = len(source.labels())
    train_N, _ = draw_parts(there, experiment.synthetic, "synthetic")
    return len(train_N)
