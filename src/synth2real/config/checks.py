"""Checks of the configuration that look at more than one value, or at files."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from glob import escape, glob
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from synth2real.config.experiment import REST, Experiment, SourceChoice
from synth2real.convert.config import no_folder_name
from synth2real.errors import InputError, printable, whereabouts
from synth2real.gan.config import PRESETS, GanConfig
from synth2real.sources import PLACES, SOURCES, open_source
from synth2real.sources.base import check_same_classes, natural_order, show_names
from synth2real.sources.fonts.checks import count_renders, explain_renders, find_font_problems
from synth2real.sources.fonts.glyphs import DIGITS
from synth2real.sources.listing import meets_outputs, real_path
from synth2real.splits import Size, count_real


def find_problems(
    config: Mapping[str, Any], experiment: Experiment, manifest: Path
) -> Iterator[str]:
    """Yields a line for each mistake that the schema cannot see."""
    # Sources are listed if nothing else is wrong.
    problems = [*_check_values(config, experiment, manifest)]
    yield from problems or (*_check_classes(experiment), *_check_unlabelled(experiment))


def _check_values(
    config: Mapping[str, Any], experiment: Experiment, manifest: Path
) -> Iterator[str]:
    yield from _check_sizes(config, experiment)
    yield from _check_budgets(experiment)
    yield from _check_unused(experiment.gan, PRESETS[experiment.gan_preset].settings)
    if experiment.gan.generator != "bend" and experiment.convert.least_strength != 1:
        yield (
            f"convert.least_strength: {experiment.convert.least_strength} needs gan.generator "
            f"bend; {experiment.gan.generator} converts with strength 1 alone"
        )
    if "parquet" in experiment.formats and not find_spec("pyarrow"):
        yield "convert.formats: parquet needs pyarrow; `pip install pyarrow` installs it"
    yield from _check_test(experiment)
    of_files = [
        *_check_places(experiment),
        *find_font_problems(experiment.fonts, experiment.render, manifest),
    ]
    yield from of_files
    if experiment.synthetic_source.kind == "fonts" and not of_files:
        yield from _check_enough(experiment, manifest)


def _check_sizes(config: Mapping[str, Any], experiment: Experiment) -> Iterator[str]:
    total = experiment.splits.total
    if config["ratios"] is not None and config["real"].get("counts") is not None:
        yield "real.counts: ratios say how many real images there are, too; keep one of them"
    elif config["ratios"] is not None and total is None:
        yield "splits.total: of how many images ratios are shares; a whole number of at least 2"
    elif config["ratios"] is not None:
        yield from _check_ratios(experiment.sizes, total)


def _check_ratios(sizes: Iterable[Size], total: int | None) -> Iterator[str]:
    numbers: dict[Decimal, str] = {}
    for size in sizes:
        twin = numbers.setdefault(Decimal(size.value), size.value)
        if twin is not size.value:
            yield f'ratios: "{twin}" and "{size.value}" are the same number; keep one of them'
        assert total
        n_real = count_real(size, total, 0)
        if not 0 < n_real < total:
            yield (
                f'ratios: "{size.value}" of {total:,} images makes {n_real:,} real and '
                f"{total - n_real:,} synthetic images; at least one of each is needed"
            )


def _check_budgets(experiment: Experiment) -> Iterator[str]:
    gan, classifier = experiment.gan, experiment.classifier
    if not gan.steps:
        yield (
            f"gan.samples: {gan.samples} is not enough for one step; at least "
            f"{2 * gan.batch_size} (twice gan.batch_size)"
        )
    if gan.step == "joint" and gan.batch_size % 2:
        yield (
            f"gan.batch_size: {gan.batch_size} cannot be halved, as gan.step joint has it; an even "
            "number can"
        )
    if classifier.steps < 1:
        yield (
            f"classify.samples: {classifier.samples} is not enough for one step; at least "
            f"{classifier.batch_size} (classify.batch_size)"
        )
    halves = {"classify.controls": experiment.controls, "real.unlabelled": experiment.unlabelled}
    if classifier.batch_size % 2 and any(halves.values()):
        asked = next(key for key, value in halves.items() if value)
        yield (
            f"classify.batch_size: {classifier.batch_size} cannot be half real, as {asked} has it; "
            "an even number can"
        )


def _check_unused(gan: GanConfig, preset: Mapping[str, Any]) -> Iterator[str]:
    """Checks that no setting differs from the preset's and has no effect, and that parts fit."""
    if gan.step == "joint" and gan.generator != "bend":
        yield f"gan.step: joint needs gan.generator bend, not {gan.generator}"
    for key in ("discriminator_dropout", "discriminator_noise"):
        if gan.discriminator != "pixelda" and getattr(gan, key) != preset[key]:
            yield (
                f"gan.{key}: is the discriminator pixelda's alone; leave it out or set "
                "gan.discriminator to pixelda"
            )
    other = "pixelda" if gan.step == "joint" else "joint"
    unused = {
        "joint": {"weights.pixel_change": gan.weights.pixel_change},
        "pixelda": {"weights.diversity": gan.weights.diversity, "unlabelled": gan.unlabelled},
    }
    for key, value in unused[gan.step].items():
        if value:
            yield f"gan.{key}: {value} has no effect in step {gan.step}; set gan.step to {other}"


def _check_places(experiment: Experiment) -> Iterator[str]:
    """Checks that there is something where a path says."""
    pictures = experiment.unlabelled_source
    unlabelled = pictures.path if pictures else None
    places = {
        f"real.{experiment.real_source.kind}": experiment.real_source.path,
        f"synthetic.{experiment.synthetic_source.kind}": experiment.synthetic_source.path,
        "real.test": experiment.real.test,
        "real.unlabelled": unlabelled,
    }
    for key, text in places.items():
        # IDX files may be named by how their names begin.
        pattern = escape(text or "") + ("*" if key.endswith(".idx") else "")
        if text is not None and not glob(pattern):
            yield f"{key}: {printable(text)} is not there{whereabouts(text)}"
    for key, text in (places | {"fonts.folder": experiment.fonts.folder}).items():
        if text is not None and meets_outputs(text):
            yield (
                f"{key}: {printable(text)} lies in results/ or around it, where runs write and "
                "delete, or in .snakemake/ or .venv/; name a folder outside"
            )
    synthetic = f"synthetic.{experiment.synthetic_source.kind}"
    for key in (f"real.{experiment.real_source.kind}", "real.test"):
        path = places[key]
        if path is not None and _same(path, places[synthetic]):
            yield f"{synthetic}: {path} has the images of {key}; others are needed"
    test = experiment.real.test
    if test and _same(test, experiment.real_source.path):
        yield (
            f"real.test: {test} has the images to train on; others are needed, or "
            "real.test_share (like 0.2) or real.folds (like 5) instead"
        )
    if unlabelled and _same(unlabelled, experiment.real_source.path):
        yield (
            f"real.unlabelled: {unlabelled} has the images with labels; say rest for those of them "
            "that a split leaves out, or name others"
        )
    if test and _same(test, unlabelled):
        yield f"real.unlabelled: {test} has the images to test on; others are needed"


def _same(path: str, other: str | None) -> bool:
    return other is not None and real_path(path) == real_path(other)


def _check_classes(experiment: Experiment) -> Iterator[str]:
    """Checks that both kinds of images show the same classes, before anything is downloaded."""
    chosen = {"real": experiment.real_source, "synthetic": experiment.synthetic_source}
    try:
        real, synthetic = (_classes(f"{key}.{s.kind}", s) for key, s in chosen.items())
        check_same_classes(real, synthetic)
        if "folder" in experiment.formats and (names := no_folder_name(real)):
            yield f"convert.formats: no folder can be called {show_names(names)}, like the class"
        if experiment.real.test:
            source = SourceChoice(experiment.real_source.kind, experiment.real.test)
            check_same_classes(real, _classes("real.test", source), ("real training", "real test"))
    except InputError as error:
        said = [f"{key}.{kind}" for key in chosen if not chosen[key].path for kind in PLACES]
        hint = f"; {', '.join(said)}: one of them is missing" if said else ""
        yield f"{error}{hint}"


def _classes(key: str, source: SourceChoice) -> tuple[str, ...]:
    if source.path is None:  # MNIST or fonts
        return tuple(DIGITS)
    try:
        return natural_order(open_source(source.kind, source.path).labels())
    except InputError as error:
        raise InputError(f"{key}: {error}") from error


def _check_test(experiment: Experiment) -> Iterator[str]:
    """Checks that there is one way, and not more, to come by real test images."""
    real, kind = experiment.real, experiment.real_source.kind
    said = [key for key in ("test", "test_share", "folds") if getattr(real, key) is not None]
    if SOURCES[kind].has_test and said:
        yield f"real.{said[0]}: {kind} has test images of its own; leave it out"
    elif not SOURCES[kind].has_test and len(said) != 1:
        found = f"{' and '.join(said)} are said" if said else "nothing is said"
        yield (
            f"real.test: {found} of the real test images; say one of real.test "
            f"({SOURCES[kind].place}), real.test_share (like 0.2) or real.folds (like 5)"
        )


def _check_unlabelled(experiment: Experiment) -> Iterator[str]:
    """Checks that there are images without labels at every size."""
    source, real, pictures = experiment.real_source, experiment.real, experiment.unlabelled_source
    if experiment.unlabelled == REST and source.path:
        # To train on; as good as exact.
        images = len(open_source(source.kind, source.path).labels())
        held_out = 1 / real.folds if real.folds else real.test_share or 0
        pool = int(images * (1 - held_out))
        for size in experiment.sizes:
            if count_real(size, experiment.splits.total, pool) >= pool:
                yield (
                    f"real.unlabelled: rest is nothing where all {pool:,} real images have labels "
                    f"(size {size.name}); say fewer of them (real.counts, like [20, 100]), or a "
                    "folder"
                )
                return
    elif pictures:
        try:
            open_source(pictures.kind, pictures.path).labels()
        except InputError as error:
            yield f"real.unlabelled: {error}"


def _check_enough(experiment: Experiment, manifest: Path) -> Iterator[str]:
    """Checks that fonts make enough images for every ratio."""
    fonts, render = experiment.fonts, experiment.render
    rendered, total = count_renders(fonts, render, manifest), experiment.splits.total
    test_images = experiment.synthetic.count_test(experiment.synthetic.images or rendered)
    ratios = [size for size in experiment.sizes if size.kind == "ratio"]
    if total is None or not ratios:
        return
    needed = total - min(count_real(size, total, 0) for size in ratios)
    if rendered - test_images < needed:
        yield (
            f"splits.total: {needed:,} synthetic images are needed, but "
            f"{explain_renders(fonts, render, manifest)}, of which synthetic.test_images takes "
            f"{test_images:,}; lower splits.total or synthetic.test_images, or add fonts or angles"
        )
