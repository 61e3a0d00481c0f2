"""What documents tell a reader to do works."""

import csv
import re
import subprocess
from pathlib import Path

import numpy as np
from PIL import Image

from settings import ROOT, read
from synth2real import sources
from synth2real.sources import base, images
from synth2real.spec import ImageSpec


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
    np.testing.assert_array_equal(source.read(index, spec, "pad"), pixels[index])
    before = source.digest()
    Image.fromarray(pixels[0, :4]).save(rows[0][0])
    assert source.digest() != before
    # Settings know it by the registry alone.
    monkeypatch.setitem(sources.SOURCES, "table", kinds["table"])
    monkeypatch.setitem(sources.PLACES, "table", kinds["table"].place)
    table = f"table: {tmp_path / 'train.csv'}"
    experiment = read(f"{{real: {{{table}, folds: 2}}, synthetic: {{{table}}}}}")
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
