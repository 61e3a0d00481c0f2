"""Mistakes in the configuration get a line that names the key and says what is right."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from settings import MANIFEST, ROOT, merge, read, refusal
from synth2real.config import read_experiment
from synth2real.config.files import find_file_problems
from synth2real.errors import InputError

RATIO = 'a quoted decimal number strictly between 0 and 1, like "0.007"'
RATIOS = "a list of different quoted decimal numbers between 0 and 1"

# A YAML text; the key that its only line of error names; what the line has to say.
MISTAKES = [
    ("ratios: [0.1]", "ratios[0]", f"0.1 is wrong; right is {RATIO}"),
    ("ratios: [1]", "ratios[0]", RATIO),
    *((f"ratios: ['{text}']", "ratios[0]", RATIO) for text in ["1.0", "1", "0", "0.0", "-0.1"]),
    *((f"ratios: ['{text}']", "ratios[0]", RATIO) for text in ["1e-3", "abc", ".5", "0,1", "10%"]),
    ("ratios: ['1e-3']", "ratios[0]", 'like "0.001"'),
    ("ratios: ['0.2', '0.1 ']", "ratios[1]", f'"0.1 " is wrong; right is {RATIO}'),
    ('ratios: ["0.1\\n"]', "ratios[0]", RATIO),
    ("ratios: ['0.1', '0.1']", "ratios", RATIOS),
    ("ratios: ['0.1', '0.10']", "ratios", '"0.1" and "0.10" are the same number; keep one'),
    ("ratios: ['0.000001']", "ratios", '"0.000001" of 60,000 images makes 0 real'),
    ("ratios: ['0.999999']", "ratios", "and 0 synthetic images; at least one of each is needed"),
    ("{ratios: ['0.001'], splits: {total: 400}}", "ratios", "0.001.* of 400 images makes 0 real"),
    ("ratios: []", "ratios", RATIOS),
    ("ratios: '0.1'", "ratios", RATIOS),
    # Keys that do not exist.
    ("gans: {}", "gans", "there are ratios, images, real, synthetic, fonts, splits, gan, convert"),
    ("real: {path: x}", "real.path", "no such key; there are folder, npz, idx, counts, unlabelled"),
    ("fonts: {family: x}", "fonts.family", "no such key; there are folder, families"),
    ("fonts: {angles: 3}", "fonts.angles", "no such key; .* angle_start"),
    ("splits: {ratio: 1}", "splits.ratio", "no such key; there are total, seeds, stratify"),
    ("convert: {font_worth: 1}", "convert.font_worth", "no such key; there are formats, copies"),
    ("gan: {seed: 1}", "gan.seed", "no such key; there are preset, seeds, samples"),
    ("gan: {weights: {real: 1}}", "gan.weights.real", "no such key; there are .*task_real"),
    ("classify: {epochs: 3}", "classify.epochs", "no such key; there are preset, runs, controls"),
    # Sections that are something else.
    ("real: null", "real", "null is wrong; right is a section with some of the keys folder"),
    ("fonts: []", "fonts", "keys folder, families"),
    ("images: null", "images", "keys height"),
    ("splits: 60000", "splits", "keys total, seeds"),
    ("gan: small", "gan", "keys preset, seeds"),
    ("gan: {weights: null}", "gan.weights", "keys adversarial"),
    ("classify: []", "classify", "keys preset, runs"),
    # A list that holds itself, and one that would be a billion long.
    ("gan: &a [*a]", "gan", r"\[\[\[.* \.\.\. is wrong; right is a section"),
    (
        "{images: {height: &a [&b [&c [&d [&e [1, 1, 1, 1, 1, 1, 1, 1], *e, *e, *e, *e, *e, *e], "
        "*d, *d, *d, *d, *d, *d], *c, *c, *c, *c, *c, *c], *b, *b, *b, *b, *b, *b]}}",
        "images.height",
        r"\.\.\. is wrong; right is",
    ),
    # Places and fonts.
    ("{real: {folder: no/such, folds: 2}}", "real.folder", "no/such is not there; /.*/no/such was"),
    ("synthetic: {npz: no.npz}", "synthetic.npz", "no.npz is not there; /.*no.npz was looked at"),
    (
        "real: {folder: ''}",
        "real.folder",
        "a folder with one sub-folder of images a class, or null",
    ),
    ("real: {idx: 3}", "real.idx", "a folder with IDX files"),
    ("real: {folder: 2024-02-20}", "real.folder", 'as a date; write "2024-02-20"'),
    ("real: {folder: src, npz: .}", "real", "folder and npz are two sources of images; keep one"),
    (
        "real: {folder: src}",
        "real.test",
        "nothing is said .* real.test_share .like 0.2. or real.folds",
    ),
    ("real: {folder: src, folds: 3, test: tests}", "real.test", "test and folds are said"),
    ("real: {folds: 3}", "real.folds", "mnist has test images of its own; leave it out"),
    ("real: {folder: src, folds: 1}", "real.folds", "a whole number from 2 to 20"),
    ("real: {folder: src, test_share: 1}", "real.test_share", "above 0 and below 1"),
    ("{real: {folder: .., folds: 2}}", "real.folder", r"\.\. lies in results/ or around it"),
    ("real: {unlabelled: no/such}", "real.unlabelled", "no/such is not there; /"),
    (
        "{real: {unlabelled: rest}, classify: {controls: false, batch_size: 51}}",
        "classify.batch_size",
        "cannot be half real, as real.unlabelled has it",
    ),
    ("real: {counts: [0]}", "real.counts[0]", "a whole number of at least 1"),
    ("{real: {counts: [5]}, ratios: ['0.1']}", "real.counts", "keep one of them"),
    ("{real: {folder: src, folds: 2}, ratios: ['0.1']}", "splits.total", "of how many images"),
    ("synthetic: {images: 1}", "synthetic.images", "a whole number of at least 2"),
    ("synthetic: {test_images: 0}", "synthetic.test_images", "a whole number of at least 1"),
    ("synthetic: {seed: -1}", "synthetic.seed", "a whole number of at least 0"),
    ("images: {height: 7}", "images.height", "a whole number from 8 to 128"),
    ("images: {width: 129}", "images.width", "a whole number from 8 to 128"),
    ("images: {channels: 4}", "images.channels", "1 .grey., 3 .red, green, blue. or null"),
    ("images: {background: white}", "images.background", "black, edge .*, a colour as a list"),
    ("images: {background: [256]}", "images.background", "0 to 255"),
    ("images: {fit: squeeze}", "images.fit", "pad or crop or stretch"),
    (
        "fonts: {folder: no/such}",
        "fonts.folder",
        "no/such is no folder; /.*/no/such was looked at; null downloads fonts",
    ),
    ("fonts: {families: []}", "fonts.families", "null means all 149"),
    ("fonts: {families: Abel}", "fonts.families", "a list of families"),
    ("fonts: {families: [Abel, Abel]}", "fonts.families", "a list of families"),
    ("fonts: {families: [3]}", "fonts.families[0]", "a family of resources/fonts.csv"),
    (
        "{fonts: {families: [Abel]}, splits: {total: 1000}}",
        "splits.total",
        "1 x 10 x 47 .* make 470, of which .* takes 47",
    ),
    (
        "{synthetic: {test_images: 10091}, splits: {total: 60000}}",
        "splits.total",
        "59,940 synthetic images are needed.*70,030",
    ),
    (
        "{fonts: {angle_step: 4}, splits: {total: 60000}}",
        "splits.total",
        "149 x 10 x 24 .* make 35,760.*or add fonts or angles",
    ),
    # Numbers.
    ("fonts: {angle_start: -200}", "fonts.angle_start", "-180 to 180"),
    ("fonts: {angle_stop: 200}", "fonts.angle_stop", "-180 to 180"),
    ("fonts: {angle_step: 0}", "fonts.angle_step", "a whole number of at least 1"),
    ("fonts: {angle_step: 2.5}", "fonts.angle_step", "a whole number of at least 1"),
    ("splits: {total: 1}", "splits.total", "a whole number of at least 2"),
    ("splits: {total: '60000'}", "splits.total", "a whole number of at least 2"),
    ("splits: {total: 6e4}", "splits.total", "YAML reads 6e4 as text; write 60000"),
    ("splits: {seeds: []}", "splits.seeds", "a list of different whole numbers"),
    ("splits: {seeds: [1, -1]}", "splits.seeds[1]", "a whole number of at least 0"),
    ("splits: {stratify: 1}", "splits.stratify", "true draws each class in proportion"),
    # The GAN.
    (
        "gan: {preset: tiny}",
        "gan.preset",
        "synth2real .* or pixelda-code .* or small",
    ),
    (
        "gan: {preset: null}",
        "gan.preset",
        "synth2real .* or pixelda-code .* or small",
    ),
    ("gan: {seeds: []}", "gan.seeds", "a list of different whole numbers of at least 0"),
    ("gan: {seeds: 0}", "gan.seeds", "a list of different whole numbers of at least 0"),
    ("gan: {seeds: [0, 0]}", "gan.seeds", "a list of different whole numbers of at least 0"),
    ("gan: {seeds: [0, -1]}", "gan.seeds[1]", "a whole number from 0 to 4294967295"),
    ("gan: {seeds: [0.5]}", "gan.seeds[0]", "a whole number from 0 to 4294967295"),
    ("gan: {seeds: [4294967296]}", "gan.seeds[0]", "a whole number from 0 to 4294967295"),
    ("gan: {samples: -5}", "gan.samples", "a whole number"),
    ("gan: {samples: 1e6}", "gan.samples", "YAML reads 1e6 as text; write 1000000"),
    ("gan: {batch_size: 33}", "gan.batch_size", "33 cannot be halved, as gan.step joint has it"),
    ("gan: {samples: 127}", "gan.samples", "127 is not enough for one step; at least 128"),
    ("gan: {samples: 63, batch_size: 32}", "gan.samples", r"64 \(twice gan.batch_size\)"),
    ("gan: {batch_size: 1}", "gan.batch_size", "a whole number of at least 2"),
    ("gan: {pixel_block: 3}", "gan.pixel_block", "1 or 2"),
    ("gan: {generator: unet}", "gan.generator", "resnet or bend"),
    ("gan: {discriminator: 3}", "gan.discriminator", "pixelda or projected"),
    ("gan: {step: both}", "gan.step", "pixelda or joint"),
    ("gan: {generator: resnet}", "gan.step", "joint needs gan.generator bend, not resnet"),
    ("convert: {least_strength: 1.5}", "convert.least_strength", "from 0 .* to 1"),
    (
        "{gan: {preset: small}, convert: {least_strength: 0.5}}",
        "convert.least_strength",
        "0.5 needs gan.generator bend; resnet",
    ),
    ("convert: {copies: 0}", "convert.copies", "a whole number of at least 1"),
    ("convert: {copies: 2.5}", "convert.copies", "a whole number of at least 1"),
    (
        "gan: {discriminator_noise: 0.1}",
        "gan.discriminator_noise",
        "pixelda's alone; .* gan.discriminator",
    ),
    (
        "gan: {discriminator_dropout: 0}",
        "gan.discriminator_dropout",
        "pixelda's alone; .* gan.discriminator",
    ),
    (
        "gan: {weights: {pixel_change: 0.1}}",
        "gan.weights.pixel_change",
        "0.1 has no effect in step joint; set gan.step to pixelda",
    ),
    (
        "gan: {preset: small, weights: {diversity: 1}}",
        "gan.weights.diversity",
        "1 has no effect in step pixelda; set gan.step to joint",
    ),
    (
        "{gan: {preset: small, unlabelled: true}, real: {unlabelled: rest}}",
        "gan.unlabelled",
        "True has no effect in step pixelda; set gan.step to joint",
    ),
    (
        "classify: {controls: true, batch_size: 51}",
        "classify.batch_size",
        "51 cannot be half real, .* an even number can",
    ),
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
    ("gan: {learning_rate: 0}", "gan.learning_rate", "at the start, above 0"),
    ("gan: {learning_rate: 1e-4}", "gan.learning_rate", '"1e-4" is wrong.* write 0.001 or 1.0e-3'),
    ("gan: {weights: {task_real: -1}}", "gan.weights.task_real", "at least 0"),
    *(
        (f"gan: {{weights: {{{name}: -0.1}}}}", f"gan.weights.{name}", "at least 0")
        for name in ["adversarial", "task_synthetic", "task_converted", "pixel_change"]
    ),
    ("gan: {weights: {adversarial: yes}}", "gan.weights.adversarial", "at least 0"),
    # The classifiers.
    ("classify: {preset: big}", "classify.preset", "small .* or paper"),
    ("classify: {runs: 0}", "classify.runs", "a whole number of at least 1"),
    ("classify: {runs: true}", "classify.runs", "a whole number of at least 1"),
    ("classify: {controls: 1}", "classify.controls", "true adds .*, false leaves the"),
    ("classify: {controls: 'false'}", "classify.controls", "true adds .*, false leaves the"),
    ("classify: {controls: null}", "classify.controls", "true adds .*, false leaves the"),
    ("classify: {samples: 99}", "classify.samples", "at least 100 .classify.batch_size."),
    ("classify: {batch_size: 0}", "classify.batch_size", "a whole number of at least 1"),
    ("classify: {filters: [32]}", "classify.filters", "a list of two whole numbers"),
    ("classify: {filters: [1, 2, 3]}", "classify.filters", "a list of two whole numbers"),
    ("classify: {filters: 32}", "classify.filters", "a list of two whole numbers"),
    ("classify: {filters: [16, 0]}", "classify.filters[1]", "a whole number of at least 1"),
    ("classify: {kernel_size: 0}", "classify.kernel_size", "a whole number of at least 1"),
    ("classify: {kernel_size: [5, 5]}", "classify.kernel_size", "a whole number of at least 1"),
    ("classify: {hidden: 0}", "classify.hidden", "a whole number of at least 1"),
    ("classify: {pixel_block: 0}", "classify.pixel_block", "1 or 2"),
    ("classify: {dropout: 1}", "classify.dropout", "from 0 to below 1"),
    ("classify: {dropout: -0.1}", "classify.dropout", "from 0 to below 1"),
    ("classify: {learning_rate: -1}", "classify.learning_rate", "above 0"),
    ("classify: {learning_rate: 1e-4}", "classify.learning_rate", "write 0.001 or 1.0e-3"),
    ("classify: {learning_rate: 25e-8}", "classify.learning_rate", "as text; write 0.00000025"),
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
    lines = refusal("fonts: {angle_start: 46}")
    assert lines[0] == "config: fonts.angle_stop: must not be below fonts.angle_start"


def test_a_single_angle_will_do() -> None:
    overlay = "fonts: {angle_start: 0, angle_stop: 0}"
    assert list(read(overlay).render.angles) == [0]


@pytest.mark.parametrize(
    "section", ["ratios", "images", "real", "fonts", "synthetic", "splits", "gan", "classify"]
)
def test_a_section_that_is_missing_is_named(section: str) -> None:
    config = merge()
    del config[section]
    with pytest.raises(
        InputError, match=f"^config: {section}: is missing; needed are ratios, images"
    ):
        read_experiment(config, MANIFEST)


def test_every_mistake_gets_its_line() -> None:
    lines = refusal("{ratios: [0.1], gan: {preset: x, foo: 1}, classify: {runs: 0}}")
    keys = [line.split(": ")[1] for line in lines]
    assert sorted(keys) == ["classify.runs", "gan.foo", "gan.preset", "ratios[0]"]
    lines = refusal("{gan: {samples: 10}, classify: {samples: 5}, synthetic: {folder: no/such}}")
    keys = [line.split(": ")[1] for line in lines]
    assert sorted(keys) == ["classify.samples", "gan.samples", "synthetic.folder"]


# JSON Schema takes 2.0 for an integer, and compares nothing with NaN.
@pytest.mark.parametrize(
    "overlay, key",
    [
        ("fonts: {angle_step: 2.0}", "fonts.angle_step"),
        ("splits: {total: 1.0e+4}", "splits.total"),
        ("gan: {seeds: [0.0]}", "gan.seeds[0]"),
        ("gan: {samples: 1.0e+6}", "gan.samples"),
        ("classify: {runs: 2.0}", "classify.runs"),
        ("gan: {learning_rate: .nan}", "gan.learning_rate"),
        ("classify: {learning_rate: .inf}", "classify.learning_rate"),
        ("gan: {discriminator_noise: .inf}", "gan.discriminator_noise"),
        ("gan: {weights: {task_synthetic: .nan}}", "gan.weights.task_synthetic"),
    ],
)
def test_whole_numbers_have_no_point_and_numbers_are_finite(overlay: str, key: str) -> None:
    (line,) = refusal(overlay)
    assert line.startswith(f"config: {key}: ")


@pytest.mark.parametrize("name", ["a/b", "..", ""])
def test_a_class_that_no_folder_can_be_called_is_refused(tmp_path: Path, name: str) -> None:
    images = np.zeros((4, 9, 9), np.uint8)
    for file in ("a.npz", "b.npz"):
        np.savez(tmp_path / file, images=images, labels=["a", name] * 2)
    real, synthetic = (f"npz: {tmp_path / file}" for file in ("a.npz", "b.npz"))
    settings = f"real: {{{real}, folds: 2}}, synthetic: {{{synthetic}}}"
    assert read(f"{{{settings}}}")
    (line,) = refusal(f"{{{settings}, convert: {{formats: [folder]}}}}")
    assert line.startswith("config: convert.formats: no folder can be called")


def test_inputs_may_not_lie_where_a_run_deletes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "results/fonts/files").mkdir(parents=True)
    (tmp_path / "results/fonts/files/mine.ttf").write_bytes(b"font")
    (tmp_path / "linked").symlink_to(tmp_path / "results")
    monkeypatch.chdir(tmp_path)
    for folder in ("results/fonts/files", "linked", ".", "/", ".venv/fonts", ".snakemake"):
        lines = refusal(f"fonts: {{folder: {folder}}}")
        place = f"config: fonts.folder: {folder} lies in results/ or around it"
        assert [line for line in lines if line.startswith(place)]


def test_settings_may_not_lie_where_a_run_deletes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("results").mkdir()
    Path("results/mine.yaml").write_text("ratios: ['0.1']\n")
    (line,) = find_file_problems([Path("results/mine.yaml")])
    assert line == "results/mine.yaml: lies in results/, where runs write and delete; move it"


@pytest.mark.parametrize("path", ["a\0b", "x" * 300, "loop"])
@pytest.mark.parametrize("key", ["fonts.folder", "real.folder", "real.idx", "synthetic.npz"])
def test_what_is_no_path_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, path: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("loop").symlink_to("loop")
    section, name = key.split(".")
    rest = {"test_share": 0.2} if key == "real.folder" else {}
    lines = refusal(json.dumps({section: {name: path} | rest}))
    assert any(line.startswith(f"config: {key}: ") for line in lines)


def test_aliases_of_aliases_take_no_time(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    (tmp_path / "bomb.yaml").write_text("\n".join([*lines, "a0: twice", ""]))
    (line,) = find_file_problems([tmp_path / "bomb.yaml"])
    assert "a0 is there twice" in line


def test_a_folder_without_fonts_is_named(tmp_path: Path) -> None:
    (line,) = refusal(f"fonts: {{folder: {tmp_path}}}")
    assert line.startswith("config: fonts.folder: ")


@pytest.mark.parametrize("overlay", ["fonts: {angle_start: 46}", "fonts: {families: [Nope]}"])
def test_one_mistake_gets_one_line(overlay: str) -> None:
    assert len(refusal(overlay)) == 1


@pytest.mark.parametrize(
    "text, right",
    [
        ("real: {folder: x\nfoo: [1", "broken.yaml, line 2, column 4: expected ',' or '}'"),
        ("real:\n\tfolder: x", "broken.yaml, line 2, column 1: found character '\\t'"),
        ("gan:\n  seeds: [0]\n  seeds: [1]", "broken.yaml, line 3: seeds is there twice; keep one"),
        ("just text", "broken.yaml: no line starts with a key"),
        ("real: {folder: 2024-02-30}", "broken.yaml: a value is none of its kind (day is out of"),
        ("ratios: " + "[" * 3000, "broken.yaml: has lists in lists beyond count"),
        ("real: a\x7fb", "broken.yaml: unacceptable character #x007f: special characters"),
        (None, "broken.yaml: No such file or directory\n"),
    ],
)
def test_a_file_that_is_no_configuration_is_named_with_its_line(
    tmp_path: Path, text: str | None, right: str
) -> None:
    path = tmp_path / "broken.yaml"
    if text is not None:
        path.write_text(text)
    command = [sys.executable, "-m", "synth2real.config", ROOT / "config.yaml", path]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 1 and right in result.stderr
    assert result.stderr.count("\n") == 1


def folders(root: Path, classes: str) -> Path:
    """A folder with a picture for each class."""
    for name in classes:
        (root / name).mkdir(parents=True)
        Image.new("L", (8, 8)).save(root / name / "x.png")
    return root


def test_other_classes_are_refused_before_anything_is_downloaded(tmp_path: Path) -> None:
    real, synthetic = folders(tmp_path / "r", "ab"), folders(tmp_path / "s", "ac")
    (line,) = refusal(f"{{real: {{folder: {real}, folds: 2}}, synthetic: {{folder: {synthetic}}}}}")
    assert line.endswith("real are a, b, synthetic are a, c: both must be the same")
    (line,) = refusal(f"real: {{folder: {real}, folds: 2}}")
    assert "no synthetic image shows a, b" in line
    assert line.endswith("synthetic.folder, synthetic.npz, synthetic.idx: one of them is missing")
    (line,) = refusal(f"synthetic: {{folder: {synthetic}}}")
    assert line.endswith("real.folder, real.npz, real.idx: one of them is missing")


def test_the_rest_of_all_images_is_nothing(tmp_path: Path) -> None:
    real = folders(tmp_path / "r", "0123456789")
    sources = f"real: {{folder: {real}, folds: 2, unlabelled: rest}}"
    (line,) = refusal(sources)
    assert line.startswith("config: real.unlabelled: rest is nothing where all 5 real images have")
    assert read(sources.replace("rest}", "rest, counts: [3]}")).unlabelled == "rest"


def test_images_with_labels_are_none_without(tmp_path: Path) -> None:
    real = folders(tmp_path / "r", "0123456789")
    (line,) = refusal(f"real: {{folder: {real}, folds: 2, unlabelled: {real}, counts: [3]}}")
    assert line.startswith("config: real.unlabelled: ") and "say rest for those of them" in line


def test_the_training_images_are_no_test_images(tmp_path: Path) -> None:
    real = folders(tmp_path / "r", "0123456789")
    (line,) = refusal(f"real: {{folder: {real}, test: {real}/../r}}")
    assert line.startswith("config: real.test: ") and "has the images to train on" in line


@pytest.mark.parametrize("key", ["real.folder", "real.test"])
def test_real_images_are_no_synthetic_ones(tmp_path: Path, key: str) -> None:
    real, test = folders(tmp_path / "r", "0123456789"), folders(tmp_path / "t", "0123456789")
    folder = {"real.folder": real, "real.test": test}[key]
    sources = (
        f"real: {{folder: {real}, test: {test}}}, synthetic: {{folder: {folder}/../{folder.name}}}"
    )
    (line,) = refusal(f"{{{sources}}}")
    assert line.startswith("config: synthetic.folder: ")
    assert line.endswith(f"has the images of {key}; others are needed")
