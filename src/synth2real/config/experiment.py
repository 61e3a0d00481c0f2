"""The experiment that a configuration describes: one frozen dataclass for each stage."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from synth2real.classify.config import ClassifierConfig, classifier_config
from synth2real.config.schema import raise_problems
from synth2real.convert.config import ConvertConfig
from synth2real.gan.config import GanConfig, gan_config
from synth2real.images import ImagesConfig
from synth2real.nn.config import ComputeConfig
from synth2real.real import RealConfig
from synth2real.sets import AUGMENTED, PLAIN, PSEUDO, SETS, TrainingSetKind
from synth2real.sources import PLACES
from synth2real.sources.fonts.checks import count_renders
from synth2real.sources.fonts.fonts import FontsConfig
from synth2real.sources.fonts.render import RenderConfig
from synth2real.splits import Size, SplitsConfig
from synth2real.synthetic import SyntheticConfig

# The paper's experiment (section 3), at two of its ratios.
PAPER_RATIOS = ("0.001", "0.007")
PAPER_TOTAL, PAPER_RENDERS, PAPER_TEST_IMAGES = 60_000, 70_030, 10_030
# Real images without labels: those that a split leaves out.
REST = "rest"
# With own images: a learning curve.
SHARES = ("0.25", "0.5", "1")


@dataclass(frozen=True)
class SourceChoice:
    """A source of images by its name in `synth2real.sources`, and where it lies."""

    kind: str
    path: str | None = None


@dataclass(frozen=True)
class Experiment:
    """All settings, with nothing left open but what images tell of themselves.

    `unlabelled` is a folder of real images without labels, `REST` or None.
    """

    sizes: tuple[Size, ...]
    images: ImagesConfig
    real_source: SourceChoice
    real: RealConfig
    unlabelled: str | None
    synthetic_source: SourceChoice
    synthetic: SyntheticConfig
    fonts: FontsConfig
    render: RenderConfig
    splits: SplitsConfig
    gan: GanConfig
    gan_preset: str
    gan_seeds: tuple[int, ...]
    convert: ConvertConfig
    formats: tuple[str, ...]
    classifier: ClassifierConfig
    classifier_preset: str
    runs: int
    controls: bool
    compute: ComputeConfig

    @property
    def unlabelled_source(self) -> SourceChoice | None:
        """The folder of real images without labels, if there is one."""
        if self.unlabelled in (None, REST):
            return None
        return SourceChoice("pictures", self.unlabelled)

    @property
    def sets(self) -> dict[str, TrainingSetKind]:
        """The training sets of classifiers, by name."""
        recipes = {PLAIN}
        recipes |= {AUGMENTED} if self.controls else set()
        recipes |= {PSEUDO} if self.unlabelled else set()
        return {
            name: kind
            for name, kind in SETS.items()
            if kind.recipe in recipes and (self.controls or not kind.is_control)
        }

    @property
    def is_the_papers(self) -> bool:
        """Whether the images are the paper's, so that its authors' results belong beside these."""
        return (self.real_source.kind, self.synthetic_source.kind) == ("mnist", "fonts")


def build_experiment(config: Mapping[str, Any], manifest: Path) -> Experiment:
    """Builds the experiment that a configuration describes, which the schema has passed.

    Args:
        config: the merged YAML files.
        manifest: table of the fonts that can be downloaded.
    """
    real, real_settings = _split("real", config["real"], "mnist")
    synthetic, synthetic_settings = _split("synthetic", config["synthetic"], "fonts")
    counts, unlabelled = real_settings.pop("counts"), real_settings.pop("unlabelled")
    fonts, render = _pick(FontsConfig, config["fonts"]), _pick(RenderConfig, config["fonts"])
    gan, classify = dict(config["gan"]), dict(config["classify"])
    conversions = dict(config["convert"])
    gan_preset, classifier_preset = gan.pop("preset"), classify.pop("preset")
    gan_settings = gan_config(gan_preset, **{k: v for k, v in gan.items() if k != "seeds"})
    formats = tuple(conversions.pop("formats") or ())
    convert = ConvertConfig(**conversions)
    if convert.least_strength is None and gan_settings.generator != "bend":
        convert = replace(convert, least_strength=1.0)
    experiment = Experiment(
        sizes=(),
        images=ImagesConfig(**config["images"]),
        real_source=real,
        real=RealConfig(**real_settings),
        unlabelled=unlabelled,
        synthetic_source=synthetic,
        synthetic=SyntheticConfig(**synthetic_settings),
        fonts=replace(fonts, families=fonts.families and tuple(fonts.families)),
        render=render,
        splits=SplitsConfig(**config["splits"] | {"seeds": tuple(config["splits"]["seeds"])}),
        gan_preset=gan_preset,
        gan_seeds=tuple(gan["seeds"]),
        gan=replace(gan_settings, unlabelled=gan_settings.unlabelled and unlabelled is not None),
        convert=convert,
        formats=formats,
        classifier_preset=classifier_preset,
        runs=classify.pop("runs"),
        controls=classify.pop("controls"),
        classifier=classifier_config(classifier_preset, **classify),
        compute=ComputeConfig(**config["compute"]),
    )
    if experiment.is_the_papers:
        rendered = count_renders(experiment.fonts, render, manifest)
        experiment = _with_the_papers_numbers(experiment, rendered)
    return replace(experiment, sizes=_sizes(experiment, config["ratios"], counts))


def _split(
    key: str, values: Mapping[str, Any], default: str
) -> tuple[SourceChoice, dict[str, Any]]:
    """Which source a section names, and its other settings."""
    named = {kind: values[kind] for kind in PLACES if values.get(kind) is not None}
    if len(named) > 1:
        raise_problems([f"{key}: {' and '.join(named)} are two sources of images; keep one"])
    rest = {key: value for key, value in values.items() if key not in PLACES}
    kind, path = next(iter(named.items()), (default, None))
    return SourceChoice(kind, path), rest


def _pick(settings: type, values: Mapping[str, Any]) -> Any:
    """A dataclass of those values that are its fields."""
    return settings(**{field.name: values[field.name] for field in fields(settings)})


def _with_the_papers_numbers(experiment: Experiment, rendered: int) -> Experiment:
    """Fills in the paper's numbers where nothing is said, and of fewer fonts all."""
    splits, synthetic = experiment.splits, experiment.synthetic
    images = synthetic.images or rendered
    if synthetic.test_images is None and images == PAPER_RENDERS:
        synthetic = replace(synthetic, test_images=PAPER_TEST_IMAGES)
    if splits.total is None:
        splits = replace(splits, total=min(PAPER_TOTAL, images - synthetic.count_test(images)))
    return replace(experiment, splits=splits, synthetic=synthetic)


def _sizes(
    experiment: Experiment, ratios: list[str] | None, counts: list[int] | None
) -> tuple[Size, ...]:
    if counts is not None:
        return tuple(Size("count", str(count)) for count in counts)
    if ratios is None and not experiment.is_the_papers:
        return tuple(Size("share", share) for share in SHARES)
    return tuple(Size("ratio", ratio) for ratio in ratios or PAPER_RATIOS)
