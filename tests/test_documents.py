"""What documents tell a reader to do works."""

import csv
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import publish
import tables
from settings import ROOT, read
from synth2real import sources
from synth2real.sources import base, images
from synth2real.spec import ImageSpec


@pytest.mark.parametrize("path", tables.DOCUMENTS, ids=str)
def test_results_are_those_of_the_files(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert tables.MARKED.search(text)
    assert tables.filled(text) == text  # else: make tables


def test_a_table_says_what_its_file_does(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(tables, "HERE", tmp_path)
    rows = ["size,draw,n_real,dataset,run,test_set,accuracy"]
    for draw, accuracies in enumerate([(0.5, 0.7), (0.8, 0.8)]):
        rows += [f"n60,{draw},60,GAN,{run},real,{a}" for run, a in enumerate(accuracies)]
        rows += [f"n60,{draw},60,augmented-original,0,real,0.9", f"n60,{draw},60,GAN,0,synthetic,0"]
    (tmp_path / "mine_accuracy.csv").write_text("\n".join(rows))
    plain, warps = list(tables.accuracy("mine"))[1:]
    # Means of the draws, 60 and 80, not of the four classifiers.
    assert plain == ["60", "plain", "", "", "70.00 ± 14.14", "", "", ""]
    assert warps == ["60", "with warps", "90.00 ± 0.00", "", "", "", "", ""]
    more = [rows[0], "n99,0,99,GAN,0,real,0.25", "n99,0,99,GAN,1,real,0.75"]
    (tmp_path / "more_accuracy.csv").write_text("\n".join(more))
    *_, last = tables.accuracy("mine more")
    assert last == ["99", "plain", "", "", "50.00 ± 35.36", "", "", ""]
    assert len(list(tables.accuracy("mine more"))) == 4


def test_the_table_of_the_gap_has_means_of_each_kind(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(tables, "HERE", tmp_path)
    header = "size,n_real,images,metric,value"
    distances = [f"n60,60,converted,frechet_distance,{distance}" for distance in (30, 32)]
    copying = "n60,60,untrained,nearer_to_training,0.51"
    one = [",,real test,label_agreement,0.99", ",,synthetic,coverage,0.25", *distances, copying]
    other = [",,synthetic,coverage,0.35", "n1440,1440,converted,frechet_distance,9"]
    (tmp_path / "one_gap.csv").write_text("\n".join([header, *one]))
    (tmp_path / "other_gap.csv").write_text("\n".join([header, *other]))
    _, *rows = tables.gap("one other")
    assert rows == [
        ["synthetic", "", "", "", "", "", "0.25", "", ""],  # by the first one's judge
        ["untrained", "60", "", "", "", "", "", "", "51.0"],
        ["converted", "60", "", "31.0", "", "", "", "", ""],
        ["converted", "1,440", "", "9.0", "", "", "", "", ""],
        ["real test", "", "99.0", "", "", "", "", "", ""],
    ]


def test_a_goal_is_bold_where_it_was_reached(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(tables, "HERE", tmp_path)
    header = "size,draw,n_real,dataset,run,test_set,accuracy"
    rows = [f"n60,0,60,augmented-original+GAN,{run},real,{a}" for run, a in enumerate((0.96, 0.98))]
    (tmp_path / "mine_accuracy.csv").write_text("\n".join([header, *rows]))
    converted = "n_real,images,metric,value"
    values = ["60,converted,frechet_distance,20", "60,converted,frechet_distance,42"]
    coverage = ["60,converted,coverage,0.4", "60,synthetic,coverage,0.9"]
    (tmp_path / "mine_gap.csv").write_text("\n".join([converted, *values, *coverage]))
    columns = "size,question,dataset,difference,low,high,verdict"
    question = '"training the GAN, against not training it"'
    verdict = f"n60,{question},augmented-original+GAN,0.004,-0.001,0.009,not shown"
    (tmp_path / "mine_verdict.csv").write_text("\n".join([columns, verdict]))
    _, distance, coverage, accuracy, points = (row[1] for row in tables.goals("mine"))
    # More than 0.3 points, but they may be none.
    assert (distance, coverage) == ("30: 31.0", "0.5: 0.40")
    assert (accuracy, points) == ("96.8: **97.00**", "0.3: +0.40 [-0.10, +0.90]")


def write_run(folder: Path, accuracy: str, commit: str) -> Path:
    """Tables of a run of 60 real images, as the pipeline leaves them."""
    times = folder / "results/benchmarks/n60/draw0"
    times.mkdir(parents=True)
    for seed, seconds in enumerate((97.4, 80.6)):
        (times / f"gan_seed{seed}.tsv").write_text(f"s\tcpu_time\n{seconds}\t9\n")
    texts = {
        "accuracy": f"size,n_real,accuracy\nn60,60,{accuracy}\n",
        "gap": f"size,images,value\n,real test,0.{commit}\nn60,converted,{accuracy}\n",
        "verdict": f"size,low,verdict\nn60,,{commit}\n",
    }
    for name, text in texts.items():
        (folder / f"results/{name}.csv").write_text(text)
    manifest = {"commit": commit, "finished": "2026-12-01", "arithmetic": ["cpu a", "cpu b"]}
    manifest["machine"] = {"cpu": "a, processor"}
    (folder / "results/manifest.json").write_text(json.dumps(manifest))
    return folder


def test_a_run_replaces_its_sizes_and_leaves_others(tmp_path: Path, monkeypatch) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.setattr(tables, "HERE", here)
    monkeypatch.setattr(publish, "RUNS", here / "runs.csv")
    publish.publish(write_run(tmp_path / "first", "0.50", "1"), "mine")
    header = (here / "runs.csv").read_text().splitlines()[0]
    other = "n9,9,0.1"
    with open(here / "mine_accuracy.csv", "a") as file:
        file.write(f"{other}\n")
    for name in ("mine", "others"):
        publish.publish(write_run(tmp_path / name, "0.70", "2"), name)
    assert (
        here / "mine_accuracy.csv"
    ).read_text() == f"size,n_real,accuracy\n{other}\nn60,60,0.70\n"
    gap = "size,images,value\n,real test,0.2\nn60,converted,0.70\n"
    assert (here / "mine_gap.csv").read_text() == gap == (here / "others_gap.csv").read_text()
    assert (here / "mine_verdict.csv").read_text() == "size,low,verdict\nn60,,2\n"
    measured = 'n60,2,2026-12-01,"a, processor",cpu a and cpu b,81,97'
    right = f"{header}\nmine,{measured}\nothers,{measured}\n"
    assert (here / "runs.csv").read_text() == right


def test_the_documents_source_is_one(tmp_path: Path, monkeypatch) -> None:
    text = (ROOT / "docs" / "own-data.md").read_text()
    module, line = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names = {"csv": csv, "Path": Path, "np": np, "ImageSpec": ImageSpec}
    exec(module, names | vars(images) | vars(base), names)
    kinds = eval("{" + line + "}", names | {"SourceKind": sources.SourceKind})
    pixels = np.random.default_rng(0).integers(0, 256, (3, 8, 9, 3), np.uint8)
    rows = [(str(tmp_path / f"{n}.png"), name) for n, name in enumerate(["cat", "dog", "cat"])]
    for image, (path, _) in zip(pixels, rows, strict=True):
        Image.fromarray(image).save(path)
    with open(tmp_path / "train.csv", "w", newline="") as file:
        csv.writer(file).writerows(rows)
    source = kinds["table"].open(tmp_path / "train.csv", "train")
    assert source.labels() == ["cat", "dog", "cat"] and source.name(1) == rows[1][0]
    index = np.array([2, 0])
    assert source.shapes(index) == {(8, 9, 3)}
    spec = ImageSpec(8, 9, 3, ("cat", "dog"), "edge")
    np.testing.assert_array_equal(source.read(index, spec), pixels[index])
    before = source.digest()
    Image.fromarray(pixels[0, :4]).save(rows[0][0])
    assert source.digest() != before
    # Settings know it by the registry alone.
    monkeypatch.setitem(sources.SOURCES, "table", kinds["table"])
    monkeypatch.setitem(sources.PLACES, "table", kinds["table"].place)
    synthetic = shutil.copy(tmp_path / "train.csv", tmp_path / "more.csv")
    real = f"table: {tmp_path / 'train.csv'}, folds: 2"
    experiment = read(f"{{real: {{{real}}}, synthetic: {{table: {synthetic}}}}}")
    assert experiment.real_source.kind == experiment.synthetic_source.kind == "table"


def test_make_run_lays_several_files_over_each_other() -> None:
    command = ["make", "--dry-run", "run", "CONFIG=a.yaml b.yaml"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert "snakemake --configfile a.yaml b.yaml" in result.stdout


def test_paths_that_documents_link_to_are_there() -> None:
    for page in [*ROOT.glob("*.md"), *ROOT.glob("*/*.md"), *ROOT.glob("*/*/*.md")]:
        if ".venv" in page.parts or "runs" in page.parts:
            continue
        for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
            if not link.startswith("http"):
                assert (page.parent / link).exists(), f"{page.relative_to(ROOT)}: {link}"
