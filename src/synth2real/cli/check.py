"""`synth2real check`: what an experiment will find, do and need, before it runs."""

import argparse
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from synth2real.cli.arguments import positive

ROOT = Path(__file__).parents[3]  # the project's folder, which the workflow needs as well
COMPILING = 20.0  # seconds that a job takes besides its work


def configure(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument(
        "files", type=Path, nargs="*", metavar="YAML", help="settings, laid over config.yaml"
    )
    parser.add_argument("--cores", type=positive, default=os.cpu_count(), help="all (%(default)s)")


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Checks settings and images; says what was found and what a run needs."""
    from synth2real.errors import InputError

    experiment = _read(arguments.files)
    found: dict[str, Any] = {}
    problems: list[str] = []
    images = {}
    for name, choice in _sources(experiment):
        try:
            images[name], found[name] = _describe(choice)
        except InputError as error:
            problems.append(f"{name}: {error}")
    for check in [] if problems else [_check_test_images, _check_sizes]:
        try:
            check(experiment)
        except InputError as error:
            problems.append(str(error))
    if problems:
        raise InputError("\n".join(problems))
    return found | _needs(experiment, images, arguments.cores)


def _read(files: Sequence[Path]) -> Any:
    """The experiment of config.yaml and the files laid over it."""
    from synth2real.config import read_experiment
    from synth2real.config.files import find_file_problems, lay_over, read_settings
    from synth2real.errors import InputError

    if problems := find_file_problems(list(files)):
        raise InputError("\n".join(problems))
    config = read_settings(ROOT / "config.yaml")
    for path in files:
        config = lay_over(config, read_settings(path))
    return read_experiment(config, ROOT / "resources" / "fonts.csv")


def _describe(choice: Any) -> tuple[Any, str]:
    """What was found of a source, None if it is downloaded when it is needed, and in words."""
    from synth2real.cli.images import look_at
    from synth2real.sources import NAMES

    if choice.kind in NAMES:
        return None, NAMES[choice.kind]
    found = look_at(choice.kind, Path(choice.path))
    return found, f"{found.text} ({choice.path})"


def _sources(experiment: Any) -> Iterator[tuple[str, Any]]:
    """All images that settings name, and what to call them."""
    from synth2real.config.experiment import SourceChoice

    real = experiment.real_source
    yield "real", real
    if experiment.real.test:
        yield "real, to test on", SourceChoice(real.kind, experiment.real.test)
    yield "synthetic", experiment.synthetic_source
    if experiment.unlabelled_source:
        yield "real, without labels", experiment.unlabelled_source


def _check_sizes(experiment: Any) -> None:
    """Refuses real images of several sizes, or too large ones, if none is stated."""
    from synth2real.images import find_spec
    from synth2real.sources import open_source
    from synth2real.sources.base import natural_order

    if experiment.real_source.path:
        source = open_source(experiment.real_source.kind, experiment.real_source.path)
        find_spec(experiment.images, source, natural_order(source.labels()))


def _check_test_images(experiment: Any) -> None:
    """Refuses a share or folds that leave a class without images to test or to train on."""
    import numpy as np

    from synth2real.real import choose_test
    from synth2real.sources import open_source
    from synth2real.sources.base import class_labels, natural_order

    config, choice = experiment.real, experiment.real_source
    if config.test_share or config.folds:
        names = open_source(choice.kind, choice.path).labels()
        classes = natural_order(names)
        labels_N: np.ndarray = class_labels(names, classes, "real")
        list(choose_test(config, labels_N, classes))


def _needs(experiment: Any, found: Mapping[str, Any], cores: int) -> dict[str, Any]:
    """How many chains and jobs there are, and the time and disk that they take, roughly."""
    from synth2real.classify.config import PRESETS as CLASSIFIERS
    from synth2real.gan.config import PRESETS as GANS
    from synth2real.sets import PSEUDO, PSEUDO_COST

    gan, classifier = GANS[experiment.gan_preset], CLASSIFIERS[experiment.classifier_preset]
    chains = (experiment.real.folds or 1) * len(experiment.sizes) * len(experiment.splits.seeds)
    gans = chains * len(experiment.gan_seeds)
    trained = {name: gans if kind.needs_gan else chains for name, kind in experiment.sets.items()}
    steps = sum(
        count * (PSEUDO_COST if experiment.sets[name].recipe == PSEUDO else 1)
        for name, count in trained.items()
    )
    height, width, channels = found["real"].largest if found["real"] else (28, 28, 1)
    height, width = experiment.images.height or height, experiment.images.width or width
    channels = experiment.images.channels or channels
    pixels = height * width / 28**2
    all_of_them = sum(found["synthetic"].counts.values()) if found["synthetic"] else 60_000
    images = experiment.splits.total or experiment.synthetic.images or all_of_them
    converted = (2 if experiment.controls else 1) * gans * images * experiment.convert.copies
    seconds = gans * (experiment.gan.samples / gan.training_rate + COMPILING)
    seconds += converted / gan.conversion_rate
    seconds += steps * experiment.runs * experiment.classifier.samples / classifier.rate
    seconds += sum(trained.values()) * COMPILING
    megabytes = (converted + 4 * images) * height * width * channels / 1e6
    return {
        "real images": ", ".join(size.title(experiment.splits.total) for size in experiment.sizes),
        "GANs": gans,
        "classifiers": sum(trained.values()) * experiment.runs,
        "time": f"about {_time(seconds * pixels / cores)} on {cores} cores of a CPU",
        "disk": f"about {megabytes / 1000:.1f} GB in results/",
    }


def _time(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.0f} hours"
