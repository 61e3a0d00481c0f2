"""The configuration: the project's own files pass, mistakes get a line that says what is right."""

import copy
import csv
import re
from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from snakemake.common.configfile import load_configfile
from snakemake.utils import update_config

from synth2real.classify.config import PRESETS as CLASSIFIER_PRESETS
from synth2real.classify.config import ClassifierConfig, classifier_config
from synth2real.config import Experiment, read_experiment
from synth2real.errors import InputError
from synth2real.gan.config import PRESETS as GAN_PRESETS
from synth2real.gan.config import GanConfig, LossWeights, gan_config
from synth2real.render import RenderConfig
from synth2real.splits import SplitsConfig

ROOT = Path(__file__).parents[1]
SCHEMA_PATH = ROOT / "workflow" / "schemas" / "config.schema.yaml"
SCHEMA = yaml.safe_load(SCHEMA_PATH.read_text())
MANIFEST = ROOT / "resources" / "fonts.csv"
DEFAULTS = load_configfile(ROOT / "config.yaml")


def merge(*overlays: Any) -> dict[str, Any]:
    """config.yaml with overlays over it, as Snakemake merges --configfile."""
    config = copy.deepcopy(DEFAULTS)
    for overlay in overlays:
        update_config(config, overlay)
    return config


def read(overlay: str = "{}") -> Experiment:
    """The experiment of config.yaml with a YAML text over it."""
    return read_experiment(merge(yaml.safe_load(overlay)), SCHEMA_PATH, MANIFEST)


def refusal(overlay: str) -> list[str]:
    with pytest.raises(InputError) as error:
        read(overlay)
    return str(error.value).splitlines()


# --- the project's own files ------------------------------------------------------------------


@pytest.mark.parametrize("name", ["config.yaml", "config/paper.yaml", "config/tiny.yaml"])
def test_the_projects_configurations_pass(name: str) -> None:
    read_experiment(merge(load_configfile(ROOT / name)), SCHEMA_PATH, MANIFEST)


def test_the_default_is_the_papers_data_with_small_networks() -> None:
    experiment = read()
    assert experiment.render == RenderConfig() and len(experiment.render.angles) == 47
    assert experiment.splits == SplitsConfig() and experiment.splits.total == 60_000
    assert (experiment.mnist_folder, experiment.font_folder, experiment.families) == (None,) * 3
    assert experiment.gan == gan_config("small") and experiment.gan_seeds == (0,)
    assert experiment.classifier == classifier_config("small") and experiment.runs == 5


def test_the_papers_configuration_is_its_presets_at_its_ratios() -> None:
    config = merge(load_configfile(ROOT / "config" / "paper.yaml"))
    experiment = read_experiment(config, SCHEMA_PATH, MANIFEST)
    assert experiment.gan == gan_config("pixelda-text")
    assert experiment.classifier == classifier_config("paper") and experiment.runs == 5
    with open(ROOT / "resources" / "authors_results.csv", newline="") as file:
        published = {Decimal(row["ratio"]) for row in csv.DictReader(file)}
    assert len(published) == 13
    assert [Decimal(ratio) for ratio in experiment.ratios] == sorted(published)


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
        ("classify", ClassifierConfig, {"preset", "runs"}),
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


# --- mistakes ---------------------------------------------------------------------------------

RATIO = 'a quoted decimal number strictly between 0 and 1, like "0.007"'
RATIOS = "a list of different quoted decimal numbers between 0 and 1"

# A YAML text; the key that its only line of error names; what the line has to say.
MISTAKES = [
    ("ratios: [0.1]", "ratios[0]", f"0.1 is wrong; right is {RATIO}"),
    ("ratios: [1]", "ratios[0]", RATIO),
    *((f"ratios: ['{text}']", "ratios[0]", RATIO) for text in ["1.0", "1", "0", "0.0", "-0.1"]),
    *((f"ratios: ['{text}']", "ratios[0]", RATIO) for text in ["1e-3", "abc", ".5", "0,1", "10%"]),
    ("ratios: ['0.2', '0.1 ']", "ratios[1]", f'"0.1 " is wrong; right is {RATIO}'),
    ('ratios: ["0.1\\n"]', "ratios[0]", RATIO),
    ("ratios: ['0.1', '0.1']", "ratios", RATIOS),
    ("ratios: ['0.1', '0.10']", "ratios", '"0.1" and "0.10" are the same number; keep one'),
    ("ratios: ['0.000001']", "ratios", '"0.000001" of 60,000 images makes 0 real'),
    ("ratios: ['0.999999']", "ratios", "and 0 font images; at least one of each is needed"),
    ("{ratios: ['0.001'], splits: {total: 400}}", "ratios", "0.001.* of 400 images makes 0 real"),
    ("ratios: []", "ratios", RATIOS),
    ("ratios: '0.1'", "ratios", RATIOS),
    ("ratios: null", "ratios", RATIOS),
    # Keys that do not exist.
    ("gans: {}", "gans", "there are ratios, mnist, fonts, render, splits, gan, classify"),
    ("mnist: {path: x}", "mnist.path", "no such key; there are folder"),
    ("fonts: {family: x}", "fonts.family", "no such key; there are folder, families"),
    ("render: {angles: 3}", "render.angles", "no such key; there are angle_start"),
    ("splits: {ratio: 1}", "splits.ratio", "no such key; there are total, seed"),
    ("gan: {seed: 1}", "gan.seed", "no such key; there are preset, seeds, samples"),
    ("gan: {weights: {real: 1}}", "gan.weights.real", "no such key; there are .*task_real"),
    ("classify: {epochs: 3}", "classify.epochs", "no such key; there are preset, runs, samples"),
    # Sections that are something else.
    ("mnist: null", "mnist", "null is wrong; right is a section with the key folder"),
    ("fonts: []", "fonts", "keys folder, families"),
    ("render: null", "render", "keys angle_start"),
    ("splits: 60000", "splits", "keys total, seed"),
    ("gan: small", "gan", "keys preset, seeds"),
    ("gan: {weights: null}", "gan.weights", "keys adversarial"),
    ("classify: []", "classify", "keys preset, runs"),
    # Folders and fonts.
    ("mnist: {folder: no/such}", "mnist.folder", "no/such is no folder; null downloads MNIST"),
    ("mnist: {folder: ''}", "mnist.folder", "null downloads them"),
    ("mnist: {folder: 3}", "mnist.folder", "a folder with the four IDX files"),
    (
        "fonts: {folder: no/such}",
        "fonts.folder",
        "no/such has no .ttf or .otf file; null downloads fonts",
    ),
    ("fonts: {families: []}", "fonts.families", "null means all 149"),
    ("fonts: {families: Abel}", "fonts.families", "a list of families"),
    ("fonts: {families: [Abel, Abel]}", "fonts.families", "a list of families"),
    ("fonts: {families: [3]}", "fonts.families[0]", "a family of resources/fonts.csv"),
    (
        "fonts: {families: [Abel]}",
        "splits.total",
        "1 x 10 x 47 .* make 470, of which .* takes 10,030",
    ),
    ("render: {test_images: 10091}", "splits.total", "59,940 font images are needed.*70,030"),
    (
        "render: {angle_step: 4}",
        "splits.total",
        "149 x 10 x 24 .* make 35,760.*or add fonts or angles",
    ),
    # Numbers.
    ("render: {angle_start: -200}", "render.angle_start", "-180 to 180"),
    ("render: {angle_stop: 200}", "render.angle_stop", "-180 to 180"),
    ("render: {angle_step: 0}", "render.angle_step", "a whole number of at least 1"),
    ("render: {angle_step: 2.5}", "render.angle_step", "a whole number of at least 1"),
    ("render: {test_images: 0}", "render.test_images", "a whole number of at least 1"),
    ("render: {seed: -1}", "render.seed", "a whole number of at least 0"),
    ("splits: {total: 1}", "splits.total", "a whole number from 2 to 60000"),
    ("splits: {total: 60001}", "splits.total", "a whole number from 2 to 60000"),
    ("splits: {total: '60000'}", "splits.total", "a whole number from 2 to 60000"),
    ("splits: {seed: null}", "splits.seed", "a whole number of at least 0"),
    # The GAN.
    ("gan: {preset: tiny}", "gan.preset", "pixelda-code .*, pixelda-text .* or small"),
    ("gan: {preset: null}", "gan.preset", "pixelda-code .*, pixelda-text .* or small"),
    ("gan: {seeds: []}", "gan.seeds", "a list of different whole numbers of at least 0"),
    ("gan: {seeds: 0}", "gan.seeds", "a list of different whole numbers of at least 0"),
    ("gan: {seeds: [0, 0]}", "gan.seeds", "a list of different whole numbers of at least 0"),
    ("gan: {seeds: [0, -1]}", "gan.seeds[1]", "a whole number of at least 0"),
    ("gan: {seeds: [0.5]}", "gan.seeds[0]", "a whole number of at least 0"),
    ("gan: {samples: -5}", "gan.samples", "a whole number"),
    ("gan: {samples: 1e6}", "gan.samples", '"1e6" is wrong.* a whole number'),
    ("gan: {samples: 63}", "gan.samples", "63 is not enough for one step; at least 64"),
    ("gan: {samples: 63, batch_size: 32}", "gan.samples", r"64 \(twice gan.batch_size\)"),
    ("gan: {batch_size: 1}", "gan.batch_size", "a whole number of at least 2"),
    ("gan: {noise_dim: 0}", "gan.noise_dim", "a whole number of at least 1"),
    ("gan: {generator_filters: 0}", "gan.generator_filters", "at least 1"),
    ("gan: {generator_blocks: -1}", "gan.generator_blocks", "at least 0"),
    ("gan: {discriminator_filters: x}", "gan.discriminator_filters", "at least 1"),
    ("gan: {task_filters: true}", "gan.task_filters", "a whole number of at least 1"),
    ("gan: {discriminator_dropout: 1}", "gan.discriminator_dropout", "from 0 to below 1"),
    ("gan: {discriminator_noise: -0.1}", "gan.discriminator_noise", "at least 0"),
    ("gan: {discriminator_dropout: -0.1}", "gan.discriminator_dropout", "from 0 to below 1"),
    ("gan: {task_dropout: 1.0}", "gan.task_dropout", "from 0 to below 1"),
    ("gan: {task_dropout: -0.5}", "gan.task_dropout", "from 0 to below 1"),
    ("gan: {learning_rate: 0}", "gan.learning_rate", "Adam's learning rate, above 0"),
    ("gan: {learning_rate: 1e-4}", "gan.learning_rate", '"1e-4" is wrong.* write 0.001 or 1.0e-3'),
    ("gan: {weights: {task_real: -1}}", "gan.weights.task_real", "at least 0"),
    *(
        (f"gan: {{weights: {{{name}: -0.1}}}}", f"gan.weights.{name}", "at least 0")
        for name in ["adversarial", "task_font", "task_converted", "pixel_change"]
    ),
    ("gan: {weights: {adversarial: yes}}", "gan.weights.adversarial", "at least 0"),
    # The classifiers.
    ("classify: {preset: big}", "classify.preset", "paper .* or small"),
    ("classify: {runs: 0}", "classify.runs", "a whole number of at least 1"),
    ("classify: {runs: true}", "classify.runs", "a whole number of at least 1"),
    ("classify: {samples: 99}", "classify.samples", "at least 100 .classify.batch_size."),
    ("classify: {batch_size: 0}", "classify.batch_size", "a whole number of at least 1"),
    ("classify: {filters: [32]}", "classify.filters", "a list of two whole numbers"),
    ("classify: {filters: [1, 2, 3]}", "classify.filters", "a list of two whole numbers"),
    ("classify: {filters: 32}", "classify.filters", "a list of two whole numbers"),
    ("classify: {filters: [16, 0]}", "classify.filters[1]", "a whole number of at least 1"),
    ("classify: {kernel_size: 0}", "classify.kernel_size", "a whole number of at least 1"),
    ("classify: {kernel_size: [5, 5]}", "classify.kernel_size", "a whole number of at least 1"),
    ("classify: {hidden: 0}", "classify.hidden", "a whole number of at least 1"),
    ("classify: {dropout: 1}", "classify.dropout", "from 0 to below 1"),
    ("classify: {dropout: -0.1}", "classify.dropout", "from 0 to below 1"),
    ("classify: {learning_rate: -1}", "classify.learning_rate", "above 0"),
    ("classify: {learning_rate: 1e-4}", "classify.learning_rate", "write 0.001 or 1.0e-3"),
    ("classify: {one_cycle: 'true'}", "classify.one_cycle", "true warms up"),
]


@pytest.mark.parametrize("overlay, key, right", MISTAKES, ids=[mistake[0] for mistake in MISTAKES])
def test_a_mistake_gets_a_line_that_names_its_key_and_says_what_is_right(
    overlay: str, key: str, right: str
) -> None:
    (line,) = refusal(overlay)
    assert line.startswith(f"config: {key}: ")
    assert right in line or re.search(right, line)


def test_an_unknown_family_is_named() -> None:
    lines = refusal("fonts: {families: [Abel, Nope, Comic Sans]}")
    assert lines[0].startswith("config: fonts.families: Nope, Comic Sans not among the 149 of ")


def test_angles_that_run_backwards_are_refused() -> None:
    lines = refusal("render: {angle_start: 46}")
    assert lines[0] == "config: render.angle_stop: must not be below render.angle_start"


def test_a_single_angle_will_do() -> None:
    overlay = "{render: {angle_start: 0, angle_stop: 0, test_images: 10}, splits: {total: 1000}}"
    assert list(read(overlay).render.angles) == [0]


@pytest.mark.parametrize(
    "section", ["ratios", "mnist", "fonts", "render", "splits", "gan", "classify"]
)
def test_a_section_that_is_missing_is_named(section: str) -> None:
    config = merge()
    del config[section]
    with pytest.raises(
        InputError, match=f"^config: {section}: is missing; needed are ratios, mnist"
    ):
        read_experiment(config, SCHEMA_PATH, MANIFEST)


def test_every_mistake_gets_its_line() -> None:
    lines = refusal("{ratios: [0.1], gan: {preset: x, foo: 1}, classify: {runs: 0}}")
    keys = [line.split(": ")[1] for line in lines]
    assert sorted(keys) == ["classify.runs", "gan.foo", "gan.preset", "ratios[0]"]
    lines = refusal("{gan: {samples: 10}, classify: {samples: 5}, mnist: {folder: no/such}}")
    keys = [line.split(": ")[1] for line in lines]
    assert sorted(keys) == ["classify.samples", "gan.samples", "mnist.folder"]


# JSON Schema takes 2.0 for an integer, and compares nothing with NaN.
@pytest.mark.parametrize(
    "overlay, key",
    [
        ("render: {angle_step: 2.0}", "render.angle_step"),
        ("splits: {total: 1.0e+4}", "splits.total"),
        ("gan: {seeds: [0.0]}", "gan.seeds[0]"),
        ("gan: {samples: 1.0e+6}", "gan.samples"),
        ("classify: {runs: 2.0}", "classify.runs"),
        ("gan: {learning_rate: .nan}", "gan.learning_rate"),
        ("classify: {learning_rate: .inf}", "classify.learning_rate"),
        ("gan: {discriminator_noise: .inf}", "gan.discriminator_noise"),
        ("gan: {weights: {task_font: .nan}}", "gan.weights.task_font"),
    ],
)
def test_whole_numbers_have_no_point_and_numbers_are_finite(overlay: str, key: str) -> None:
    (line,) = refusal(overlay)
    assert line.startswith(f"config: {key}: ")


def test_a_folder_without_fonts_is_named(tmp_path: Path) -> None:
    (line,) = refusal(f"fonts: {{folder: {tmp_path}}}")
    assert line.startswith("config: fonts.folder: ")


@pytest.mark.parametrize("overlay", ["render: {angle_start: 46}", "fonts: {families: [Nope]}"])
def test_one_mistake_gets_one_line(overlay: str) -> None:
    assert len(refusal(overlay)) == 1
