"""The configuration: the project's own files pass, and settings reach the experiment."""

import csv
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import yaml
from snakemake.common.configfile import load_configfile

from settings import DEFAULTS, MANIFEST, ROOT, SCHEMA, merge, read
from synth2real.classify.config import PRESETS as CLASSIFIER_PRESETS
from synth2real.classify.config import classifier_config
from synth2real.config import read_experiment
from synth2real.config.experiment import SourceChoice
from synth2real.convert.config import ConvertConfig
from synth2real.gan.config import PRESETS as GAN_PRESETS
from synth2real.gan.config import LossWeights, gan_config
from synth2real.real import RealConfig
from synth2real.sources.fonts.fonts import FontsConfig
from synth2real.sources.fonts.render import RenderConfig
from synth2real.splits import Size, SplitsConfig
from synth2real.synthetic import SyntheticConfig


@pytest.mark.parametrize(
    "path", [ROOT / "config.yaml", *(ROOT / "config").rglob("*.yaml")], ids=str
)
def test_the_projects_configurations_pass(path: Path) -> None:
    read_experiment(merge(load_configfile(path)), MANIFEST)


def test_the_default_is_the_papers_data_with_small_networks() -> None:
    experiment = read()
    assert experiment.is_the_papers
    assert experiment.render == RenderConfig() and len(experiment.render.angles) == 47
    assert experiment.sizes == tuple(Size("ratio", r) for r in ("0.001", "0.007"))
    assert experiment.splits == SplitsConfig(total=60_000, seeds=(0,), stratify=False)
    assert experiment.synthetic == SyntheticConfig(images=None, test_images=10_030, seed=0)
    assert experiment.fonts == FontsConfig()
    # There are no real images without labels, which the preset would use.
    assert gan_config("synth2real").unlabelled
    assert experiment.gan == gan_config("synth2real", unlabelled=False)
    assert experiment.gan_seeds == (0,)
    assert experiment.convert == ConvertConfig(copies=1, least_strength=None)
    assert experiment.classifier == classifier_config("small") and experiment.runs == 5
    assert experiment.controls is True


def test_the_papers_configuration_is_its_presets_at_its_ratios() -> None:
    config = merge(load_configfile(ROOT / "config" / "paper.yaml"))
    experiment = read_experiment(config, MANIFEST)
    assert experiment.gan == gan_config("pixelda-text")
    assert experiment.classifier == classifier_config("paper") and experiment.runs == 5
    with open(ROOT / "resources" / "authors_results.csv", newline="") as file:
        published = {Decimal(row["ratio"]) for row in csv.DictReader(file)}
    assert len(published) == 13
    assert [Decimal(size.value) for size in experiment.sizes] == sorted(published)


def test_the_149_families_of_the_comments_are_the_manifests() -> None:
    with open(MANIFEST, newline="") as file:
        assert len({row["family"] for row in csv.DictReader(file)}) == 149
    assert "149 families" in (ROOT / "config.yaml").read_text()


def test_settings_reach_the_experiment() -> None:
    experiment = read("""
        ratios: ["0.5", "0.25"]
        fonts: {families: [Abel, Acme], angle_start: -10, angle_stop: 10, angle_step: 5}
        images: {height: 16, width: 20, background: [0, 0, 255], fit: crop}
        synthetic: {test_images: 20, seed: 7}
        splits: {total: 80, seeds: [8, 2], stratify: true}
        gan: {preset: pixelda-code, seeds: [3, 1], samples: 640, weights: {pixel_change: 2}}
        convert: {copies: 3}
        classify: {preset: paper, runs: 2, filters: [3, 4], one_cycle: true}
    """)
    assert experiment.sizes == (Size("ratio", "0.5"), Size("ratio", "0.25"))
    assert experiment.fonts.families == ("Abel", "Acme")
    assert list(experiment.render.angles) == [-10, -5, 0, 5, 10]
    assert (experiment.images.height, experiment.images.width) == (16, 20)
    assert experiment.synthetic == SyntheticConfig(None, 20, 7)
    assert experiment.splits == SplitsConfig(80, (8, 2), True)
    assert (experiment.gan_seeds, experiment.runs) == ((3, 1), 2)
    weights = LossWeights(1.0, 1.0, 1.0, task_real=0.0, pixel_change=2, diversity=0.0)
    assert experiment.gan == gan_config("pixelda-code", samples=640, weights=vars(weights))
    assert experiment.gan.weights == weights and experiment.gan.samples == 640
    assert experiment.convert == ConvertConfig(copies=3, least_strength=1.0)  # no bending generator
    assert experiment.classifier.filters == (3, 4) and experiment.classifier.one_cycle
    assert experiment.classifier.hidden == 1024


def test_own_images_are_all_used_along_a_learning_curve(tmp_path: Path) -> None:
    labels = np.arange(10)
    np.savez(tmp_path / "x.npz", images=np.zeros((10, 8, 8), np.uint8), labels=labels)
    for label in labels:
        (tmp_path / str(label)).mkdir()
        (tmp_path / str(label) / "x.png").touch()
    sources = f"{{real: {{folder: {tmp_path}, folds: 3}}, synthetic: {{npz: {tmp_path}/x.npz}}}}"
    experiment = read(sources)
    assert experiment.sizes == tuple(Size("share", share) for share in ("0.25", "0.5", "1"))
    assert experiment.splits.total is None and experiment.synthetic.test_images is None
    assert experiment.real_source == SourceChoice("folder", str(tmp_path))
    assert experiment.synthetic_source == SourceChoice("npz", f"{tmp_path}/x.npz")
    assert experiment.real == RealConfig(test=None, test_share=None, folds=3)
    assert not experiment.is_the_papers
    counted = read(f"real: {{folder: {tmp_path}, test_share: 0.2, counts: [20, 100]}}")
    assert counted.sizes == (Size("count", "20"), Size("count", "100"))


def test_fewer_fonts_need_no_other_numbers(tmp_path: Path) -> None:
    experiment = read("fonts: {families: [Abel, Acme]}")
    assert experiment.synthetic.count_test(940) == 94 and experiment.splits.total == 940 - 94
    for index in range(3):
        (tmp_path / f"{index}.ttf").write_text(f"font {index}")
    experiment = read(f"fonts: {{folder: {tmp_path}}}")
    assert experiment.fonts.folder == str(tmp_path) and experiment.splits.total == 1410 - 141


# --- the schema -------------------------------------------------------------------------------


def test_the_default_configuration_has_every_required_key() -> None:
    assert list(DEFAULTS) == SCHEMA["required"] == list(SCHEMA["properties"])
    for name in ("images", "real", "synthetic", "fonts", "splits"):
        # Whatever may be said is in config.yaml.
        assert set(DEFAULTS[name]) == set(SCHEMA["properties"][name]["properties"])


def test_every_setting_says_what_is_right() -> None:
    def check(schema: dict[str, Any]) -> None:
        assert schema["description"]
        for child in [*schema.get("properties", {}).values(), *filter(None, [schema.get("items")])]:
            check(child)

    for section in SCHEMA["properties"].values():
        check(section)
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(
    "section, presets", [("gan", GAN_PRESETS), ("classify", CLASSIFIER_PRESETS)]
)
def test_presets_pass_the_schema(section: str, presets: dict[str, Any]) -> None:
    for preset, of_name in presets.items():
        values = of_name.settings
        # A user may write any setting of a preset out.
        overlay = {section: {"preset": preset} | values | _as_yaml(values)}
        read(yaml.safe_dump(overlay))


def _as_yaml(values: dict[str, Any]) -> dict[str, Any]:
    """Tuples as lists, as YAML has them."""
    return {name: list(value) for name, value in values.items() if isinstance(value, tuple)}
