"""The experiment's settings: checked as a whole, then one frozen dataclass for each stage."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from synth2real.classify.config import ClassifierConfig, classifier_config
from synth2real.errors import InputError
from synth2real.fonts import font_files
from synth2real.gan.config import GanConfig, gan_config
from synth2real.render import RenderConfig
from synth2real.splits import SplitsConfig, count_images

DIGITS = 10


@dataclass(frozen=True)
class Experiment:
    """All settings. `families` and the folders are None where the defaults of a stage hold."""

    ratios: tuple[str, ...]
    mnist_folder: str | None
    font_folder: str | None
    families: tuple[str, ...] | None
    render: RenderConfig
    splits: SplitsConfig
    gan: GanConfig
    gan_seeds: tuple[int, ...]
    classifier: ClassifierConfig
    runs: int


def read_experiment(config: Mapping[str, Any], schema: Path, manifest: Path) -> Experiment:
    """Checks a configuration and builds the experiment that it describes.

    Args:
        config: the merged YAML files.
        schema: JSON schema of it.
        manifest: table of the fonts that can be downloaded.

    Raises:
        InputError: a key or value is wrong; one line for each, that says what is right.
    """
    _check_schema(config, schema)
    gan = {k: v for k, v in config["gan"].items() if k != "seeds"}
    classify = {k: v for k, v in config["classify"].items() if k != "runs"}
    families = config["fonts"]["families"]
    experiment = Experiment(
        ratios=tuple(config["ratios"]),
        mnist_folder=config["mnist"]["folder"],
        font_folder=config["fonts"]["folder"],
        families=families and tuple(families),
        render=RenderConfig(**config["render"]),
        splits=SplitsConfig(**config["splits"]),
        gan=gan_config(**gan),
        gan_seeds=tuple(config["gan"]["seeds"]),
        classifier=classifier_config(**classify),
        runs=config["classify"]["runs"],
    )
    problems = [*_check_ratios(experiment), *_check_budgets(experiment)]
    problems += _check_sources(experiment, manifest)
    _raise(problems)
    return experiment


def _raise(problems: Iterable[str]) -> None:
    if problems := [f"config: {problem}" for problem in problems]:
        raise InputError("\n".join(problems))


def _check_schema(config: Mapping[str, Any], schema: Path) -> None:
    validator = jsonschema.Draft202012Validator(yaml.safe_load(schema.read_text()))
    errors = sorted(validator.iter_errors(config), key=lambda error: error.json_path)
    _raise(_explain(error) for error in errors)


def _explain(error: jsonschema.ValidationError) -> str:
    """One line: the key, what is wrong with its value, and the schema's description of it."""
    key = error.json_path.removeprefix("$").lstrip(".") or "top level"
    what = error.message.splitlines()[0]
    description = error.schema.get("description", "") if isinstance(error.schema, dict) else ""
    return f"{key}: {what}" + (f" ({' '.join(description.split())})" if description else "")


def _check_ratios(experiment: Experiment) -> Iterable[str]:
    total = experiment.splits.total
    numbers: dict[Decimal, str] = {}
    for ratio in experiment.ratios:
        twin = numbers.setdefault(Decimal(ratio), ratio)
        if twin is not ratio:
            yield f'ratios: "{twin}" and "{ratio}" are the same number; keep one of them'
        n_real, n_font = count_images(ratio, total)
        if not (n_real and n_font):
            yield (
                f'ratios: "{ratio}" of {total:,} images makes {n_real:,} real and {n_font:,} font '
                "images; at least one of each is needed"
            )


def _check_budgets(experiment: Experiment) -> Iterable[str]:
    gan, classifier = experiment.gan, experiment.classifier
    if gan.steps < 1:
        yield (
            f"gan.samples: {gan.samples} is not enough for one step; at least "
            f"{2 * gan.batch_size} (twice gan.batch_size)"
        )
    if classifier.steps < 1:
        yield (
            f"classify.samples: {classifier.samples} is not enough for one step; at least "
            f"{classifier.batch_size} (classify.batch_size)"
        )
    if not experiment.render.angles:
        yield "render.angle_stop: must not be below render.angle_start"


def _check_sources(experiment: Experiment, manifest: Path) -> Iterable[str]:
    """Checks that folders exist and that there are enough font images for every ratio."""
    if experiment.mnist_folder and not Path(experiment.mnist_folder).is_dir():
        yield f"mnist.folder: {experiment.mnist_folder} is no folder; null downloads MNIST"
    if experiment.font_folder:
        if not Path(experiment.font_folder).is_dir():
            yield f"fonts.folder: {experiment.font_folder} is no folder; null downloads fonts"
            return
        fonts = len(font_files(Path(experiment.font_folder)))
    else:
        with open(manifest, newline="") as file:
            known = {row["family"] for row in csv.DictReader(file)}
        unknown = [name for name in experiment.families or () if name not in known]
        if unknown:
            yield f"fonts.families: {', '.join(unknown)} not among the {len(known)} of {manifest}"
        fonts = len(experiment.families or known)
    images = fonts * DIGITS * len(experiment.render.angles)
    pool = images - experiment.render.test_images
    needed = max(count_images(ratio, experiment.splits.total)[1] for ratio in experiment.ratios)
    if pool < needed:
        yield (
            f"splits.total: {needed:,} font images are needed, but {fonts} fonts make {images:,}, "
            f"of which render.test_images takes {experiment.render.test_images:,}; lower either, "
            "or add fonts or angles"
        )
