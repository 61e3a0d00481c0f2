"""The configuration: the project's own files pass; schema and settings are in step."""

import csv
from dataclasses import fields, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from snakemake.common.configfile import load_configfile

from settings import DEFAULTS, MANIFEST, ROOT, SCHEMA, SCHEMA_PATH, merge, read, refusal
from synth2real.classify.config import PRESETS as CLASSIFIER_PRESETS
from synth2real.classify.config import ClassifierConfig, classifier_config
from synth2real.config import read_experiment
from synth2real.gan.config import PRESETS as GAN_PRESETS
from synth2real.gan.config import GanConfig, LossWeights, gan_config
from synth2real.render import RenderConfig
from synth2real.splits import SplitsConfig


@pytest.mark.parametrize(
    "path", [ROOT / "config.yaml", *(ROOT / "config").rglob("*.yaml")], ids=str
)
def test_the_projects_configurations_pass(path: Path) -> None:
    read_experiment(merge(load_configfile(path)), SCHEMA_PATH, MANIFEST)


def test_the_default_is_the_papers_data_with_small_networks() -> None:
    experiment = read()
    assert experiment.render == RenderConfig() and len(experiment.render.angles) == 47
    assert experiment.splits == SplitsConfig() and experiment.splits.total == 60_000
    assert (experiment.mnist_folder, experiment.font_folder, experiment.families) == (None,) * 3
    assert experiment.gan == gan_config("synth2real") and experiment.gan_seeds == (0,)
    assert experiment.classifier == classifier_config("small") and experiment.runs == 5
    assert experiment.augmented is False


def test_the_papers_configuration_is_its_presets_at_its_ratios() -> None:
    config = merge(load_configfile(ROOT / "config" / "paper.yaml"))
    experiment = read_experiment(config, SCHEMA_PATH, MANIFEST)
    assert experiment.gan == gan_config("pixelda-text")
    assert experiment.classifier == classifier_config("paper") and experiment.runs == 5
    with open(ROOT / "resources" / "authors_results.csv", newline="") as file:
        published = {Decimal(row["ratio"]) for row in csv.DictReader(file)}
    assert len(published) == 13
    assert [Decimal(ratio) for ratio in experiment.ratios] == sorted(published)


def test_the_baselines_overlay_switches_them_on_and_nothing_else() -> None:
    overlay = load_configfile(ROOT / "config" / "baselines.yaml")
    experiment = read_experiment(merge(overlay), SCHEMA_PATH, MANIFEST)
    assert experiment == replace(read(), augmented=True)


def test_the_149_families_of_the_comments_are_the_manifests() -> None:
    with open(MANIFEST, newline="") as file:
        assert len({row["family"] for row in csv.DictReader(file)}) == 149
    assert "149 families" in (ROOT / "config.yaml").read_text()


def test_settings_reach_the_experiment() -> None:
    experiment = read("""
        ratios: ["0.5", "0.25"]
        fonts: {families: [Abel, Acme]}
        render: {angle_start: -10, angle_stop: 10, angle_step: 5, test_images: 20, seed: 7}
        splits: {total: 100, seed: 8}
        gan: {preset: pixelda-code, seeds: [3, 1], samples: 640, weights: {pixel_change: 2}}
        classify: {preset: paper, runs: 2, filters: [3, 4], one_cycle: true}
    """)
    assert experiment.ratios == ("0.5", "0.25") and experiment.families == ("Abel", "Acme")
    assert list(experiment.render.angles) == [-10, -5, 0, 5, 10]
    assert (experiment.render.test_images, experiment.render.seed) == (20, 7)
    assert experiment.splits == SplitsConfig(100, 8)
    assert (experiment.gan_seeds, experiment.runs) == ((3, 1), 2)
    weights = LossWeights(1.0, 1.0, 1.0, task_real=0.0, pixel_change=2)
    assert experiment.gan == gan_config("pixelda-code", samples=640, weights=vars(weights))
    assert experiment.gan.weights == weights and experiment.gan.samples == 640
    assert experiment.classifier.filters == (3, 4) and experiment.classifier.one_cycle
    assert experiment.classifier.hidden == 1024


def test_folders_of_ones_own_are_taken(tmp_path: Path) -> None:
    for index in range(3):
        (tmp_path / f"{index}.ttf").touch()
    experiment = read(f"""
        ratios: ["0.5"]
        mnist: {{folder: {tmp_path}}}
        fonts: {{folder: {tmp_path}}}
        render: {{test_images: 410}}
        splits: {{total: 2000}}
    """)
    assert experiment.mnist_folder == experiment.font_folder == str(tmp_path)
    # 3 fonts x 10 digits x 47 angles are 1,410 images, just enough; one fewer is not.
    (tmp_path / "2.ttf").unlink()
    assert "2 x 10 x 47 (fonts, digits, angles) make 940" in "".join(
        refusal(f"{{ratios: ['0.5'], fonts: {{folder: {tmp_path}}}, splits: {{total: 2000}}}}")
    )


@pytest.mark.parametrize("ratio", ["0.00001", "0.9999", "0.040", "0.1000"])
def test_ratios_that_leave_an_image_of_each_kind_pass(ratio: str) -> None:
    assert read(f"ratios: ['{ratio}']").ratios == (ratio,)


# --- schema and settings in step ----------------------------------------------------------------


def schema_keys(schema: dict[str, Any], path: str = "") -> dict[str, dict[str, Any]]:
    """All keys that a schema describes, list items as []."""
    found = {}
    for name, child in schema.get("properties", {}).items():
        found |= {f"{path}{name}": child} | schema_keys(child, f"{path}{name}.")
    if "items" in schema:
        found |= {f"{path}[]": schema["items"]} | schema_keys(schema["items"], f"{path}[].")
    return found


def test_the_schema_is_valid_and_describes_every_key() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    keys = schema_keys(SCHEMA)
    assert {"ratios", "ratios.[]", "gan.weights.task_real", "classify.filters.[]"} <= keys.keys()
    for key, schema in keys.items():
        assert schema.get("description", "").strip(), key
        if schema.get("type") == "object":
            assert schema["additionalProperties"] is False, key


def test_descriptions_name_the_keys_of_their_section() -> None:
    for section in ("mnist", "fonts", "render", "splits"):
        schema = SCHEMA["properties"][section]
        names = schema["description"].split(" key")[1].removeprefix("s").split(",")
        assert [name.strip() for name in names] == list(schema["properties"])
    weights = SCHEMA["properties"]["gan"]["properties"]["weights"]
    names = weights["description"].split(" keys ")[1].split(", ")
    assert names == list(weights["properties"])


def test_the_default_configuration_has_every_required_key() -> None:
    assert list(DEFAULTS) == SCHEMA["required"] == list(SCHEMA["properties"])
    for section, values in DEFAULTS.items():
        if section != "ratios":
            assert list(values) == SCHEMA["properties"][section]["required"]


@pytest.mark.parametrize(
    "section, settings, own",
    [
        ("render", RenderConfig, set()),
        ("splits", SplitsConfig, set()),
        ("gan", GanConfig, {"preset", "seeds"}),
        ("classify", ClassifierConfig, {"preset", "runs", "augmented"}),
    ],
)
def test_a_section_has_the_settings_of_its_stage(section: str, settings, own: set[str]) -> None:
    names = {field.name for field in fields(settings)}
    assert SCHEMA["properties"][section]["properties"].keys() == names | own


def test_the_loss_weights_are_the_schemas() -> None:
    weights = SCHEMA["properties"]["gan"]["properties"]["weights"]
    assert weights["properties"].keys() == {field.name for field in fields(LossWeights)}


@pytest.mark.parametrize(
    "section, presets", [("gan", GAN_PRESETS), ("classify", CLASSIFIER_PRESETS)]
)
def test_presets_are_the_schemas_and_pass_it(section: str, presets: dict[str, dict]) -> None:
    assert set(SCHEMA["properties"][section]["properties"]["preset"]["enum"]) == set(presets)
    for preset, values in presets.items():
        # A user may write any setting of a preset out.
        overlay = yaml.safe_dump({section: {"preset": preset} | values | _as_yaml(values)})
        read(overlay)


def _as_yaml(values: dict[str, Any]) -> dict[str, Any]:
    """Tuples as lists, as YAML has them."""
    return {name: list(value) for name, value in values.items() if isinstance(value, tuple)}
