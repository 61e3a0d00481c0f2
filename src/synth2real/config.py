"""The experiment's settings: checked as a whole, then one frozen dataclass for each stage."""

import csv
import json
import math
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
from synth2real.gan.config import PRESETS, GanConfig, gan_config
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
    augmented: bool


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
    classify = {k: v for k, v in config["classify"].items() if k not in ("runs", "augmented")}
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
        augmented=config["classify"]["augmented"],
    )
    problems = [*_check_ratios(experiment), *_check_budgets(experiment)]
    problems += _check_unused(experiment.gan, PRESETS[gan["preset"]])
    _raise([*problems, *_check_sources(experiment, manifest)])
    _raise(_check_font_images(experiment, manifest))
    return experiment


def _raise(problems: Iterable[str]) -> None:
    if problems := [f"config: {problem}" for problem in problems]:
        raise InputError("\n".join(problems))


def _check_schema(config: Mapping[str, Any], schema: Path) -> None:
    errors = Validator(yaml.safe_load(schema.read_text())).iter_errors(config)
    # One line for a value, however many rules it breaks.
    by_key = {
        _key(error): error for error in sorted(errors, key=lambda error: error.validator == "type")
    }
    _raise(line for key, error in by_key.items() for line in _explain(key, error))


def _key(error: jsonschema.ValidationError) -> str:
    return error.json_path.removeprefix("$").lstrip(".")


def _explain(key: str, error: jsonschema.ValidationError) -> Iterable[str]:
    """What is wrong with a key's value, and the schema's description of what is right."""
    schema: Any = error.schema
    value: Any = error.instance
    known = ", ".join(schema.get("properties", {}))
    prefix = f"{key}." if key else ""
    if error.validator == "additionalProperties":
        for name in value:
            if name not in schema["properties"]:
                yield f"{prefix}{name}: no such key; there are {known}"
    elif error.validator == "required":
        for name in schema["required"]:
            if name not in value:
                yield f"{prefix}{name}: is missing; needed are {', '.join(schema['required'])}"
    else:
        right = " ".join(schema["description"].split())
        yield f"{key}: {json.dumps(value, default=str)} is wrong; right is {right}"


def _is_whole(_, value: Any) -> bool:
    """As JSON Schema's integer, but 2.0 is none: it would fail where a count is needed."""
    return isinstance(value, int) and not isinstance(value, bool)


def _is_finite(_, value: Any) -> bool:
    return _is_whole(_, value) or (isinstance(value, float) and math.isfinite(value))


Validator = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"integer": _is_whole, "number": _is_finite}
    ),
)


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
    if gan.samples and not gan.steps:
        yield (
            f"gan.samples: {gan.samples} is not enough for one step; at least "
            f"{2 * gan.batch_size} (twice gan.batch_size), or 0 for none"
        )
    if classifier.steps < 1:
        yield (
            f"classify.samples: {classifier.samples} is not enough for one step; at least "
            f"{classifier.batch_size} (classify.batch_size)"
        )
    if experiment.augmented and classifier.batch_size % 2:
        yield (
            f"classify.batch_size: {classifier.batch_size} cannot be half real, as "
            "classify.augmented has it; an even number can"
        )
    if gan.font_worth is not None and not gan.augment:
        yield (
            "gan.font_worth: without gan.augment real images would be copied, not warped; it must "
            "be null"
        )
    if not experiment.render.angles:
        yield "render.angle_stop: must not be below render.angle_start"


def _check_unused(gan: GanConfig, preset: Mapping[str, Any]) -> Iterable[str]:
    """Checks that no setting differs from the preset's and has no effect."""
    for key in ("discriminator_dropout", "discriminator_noise"):
        if gan.warp and getattr(gan, key) != preset[key]:
            yield (
                f"gan.{key}: is PixelDA's discriminator's alone; leave it out or set gan.warp to "
                "false"
            )


def _check_sources(experiment: Experiment, manifest: Path) -> Iterable[str]:
    mnist, own = experiment.mnist_folder, experiment.font_folder
    if mnist and not Path(mnist).is_dir():
        yield f"mnist.folder: {mnist} is no folder; null downloads MNIST"
    if own and not Path(own).is_dir():
        yield f"fonts.folder: {own} is no folder; null downloads fonts"
    elif own and not font_files(Path(own)):
        yield f"fonts.folder: {own} has no .ttf or .otf file; null downloads fonts"
    if own and experiment.families:
        yield "fonts.families: choose from the downloaded fonts; with fonts.folder it must be null"
    known = _known_families(manifest)
    unknown = [name for name in experiment.families or () if name not in known]
    if unknown:
        yield f"fonts.families: {', '.join(unknown)} not among the {len(known)} of {manifest}"


def _check_font_images(experiment: Experiment, manifest: Path) -> Iterable[str]:
    """Checks that there are enough font images for every ratio."""
    if experiment.font_folder:
        fonts = len(font_files(Path(experiment.font_folder)))
    else:
        fonts = len(experiment.families or _known_families(manifest))
    images = fonts * DIGITS * len(experiment.render.angles)
    test_images = experiment.render.test_images
    needed = max(count_images(ratio, experiment.splits.total)[1] for ratio in experiment.ratios)
    if images - test_images < needed:
        yield (
            f"splits.total: {needed:,} font images are needed, but {fonts} x {DIGITS} x "
            f"{len(experiment.render.angles)} (fonts, digits, angles) make {images:,}, of which "
            f"render.test_images takes {test_images:,}; lower splits.total or "
            "render.test_images, or add fonts or angles"
        )


def _known_families(manifest: Path) -> set[str]:
    with open(manifest, newline="", encoding="utf-8") as file:
        return {row["family"] for row in csv.DictReader(file)}
