"""The report: its tables by hand, its manifest, and the page in a real browser."""

import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import matplotlib
import pandas as pd
import pytest

from project import ROOT
from synth2real.errors import InputError
from synth2real.figures.style import STYLE, new_figure, save
from synth2real.report import tables
from synth2real.report.compare import compare
from synth2real.report.manifest import commit, write_manifest
from synth2real.report.page import write_report

REAL_AND_CONVERTED = "real images and conversions by the GAN, without warps"
TITLES = {"r0.1": "60 real images (r = 0.1)", "n9": "9 real images"}
ACCURACY = """\
size,fold,n_real,n_synthetic,dataset,run,test_set,n_test,accuracy,arithmetic
r0.1,,60,540,original,0,real,200,0.5,cpu onednn
r0.1,,60,540,original,1,real,200,0.7,cpu onednn
r0.1,,60,540,original,0,synthetic,90,0.1,cpu onednn
r0.1,,60,540,original+GAN,0,real,200,0.8,cpu xla
n9,,9,540,original,0,real,200,0.25,cpu onednn
n9,,9,540,original+GAN,0,real,200,0.25,cpu onednn
"""
VERDICT = """\
size,question,dataset,against,difference,low,high,verdict,decided_by,draws,common,n_test
r0.1,"converted images, against none",original+GAN,original,0.2,0.1,0.3,helps,,1,1,200
n9,"converted images, against none",original+GAN,original,0,,,not shown,more <runs>,1,1,200
"""
GAP = """\
size,fold,draw,n_real,gan_seed,images,metric,value,std,n
,,,,,synthetic,frechet_distance,70,,200
r0.1,,0,60,0,converted,frechet_distance,20,,200
r0.1,,0,60,1,converted,frechet_distance,30,,200
r0.1,,0,60,0,converted,label_agreement,0.995,,200
"""
CONFIG = {
    "real_source": {"kind": "mnist", "path": None},
    "synthetic_source": {"kind": "folder", "path": "my/renders"},
    "gan_preset": "synth2real",
    "classifier_preset": "small",
    "sizes": list(TITLES),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Tables of an experiment of two sizes, some of its figures, and the page of both."""
    for name, text in [("accuracy", ACCURACY), ("verdict", VERDICT), ("gap", GAP)]:
        (tmp_path / f"{name}.csv").write_text(text)
    (tmp_path / "lock.txt").write_text("jax==0\n")
    (tmp_path / "benchmarks" / "r0.1").mkdir(parents=True)
    header = "s\th:m:s\tmax_rss\tcpu_time\n"
    times = {"r0.1/gan_seed0": "9.6\t0\t700\t8", "r0.1/gan_seed1": "5.1\t0\t900\t4.9"}
    for name, line in (times | {"real": "0.2\t0\t-\t0"}).items():
        (tmp_path / "benchmarks" / f"{name}.tsv").write_text(f"{header}{line}\n")
    figures = {}
    for name in ("verdict", "figure3", "figure5"):
        with matplotlib.rc_context(STYLE):
            figure = new_figure()
            figure.add_subplot().plot([0, 1])
        figures[name] = tmp_path / f"{name}.svg"
        save(figure, tmp_path / f"{name}.png", figures[name])
    write_manifest(
        CONFIG,
        root=ROOT,
        lock=tmp_path / "lock.txt",
        accuracy=tmp_path / "accuracy.csv",
        path=tmp_path / "manifest.json",
    )
    write_report(
        TITLES,
        shown=TITLES,
        verdict=tmp_path / "verdict.csv",
        accuracy=tmp_path / "accuracy.csv",
        gap=tmp_path / "gap.csv",
        manifest=tmp_path / "manifest.json",
        figures=figures,
        benchmarks=tmp_path / "benchmarks",
        path=tmp_path / "report.html",
    )
    return tmp_path


def cells(table: pd.DataFrame) -> list[list[str]]:
    return [[str(cell) for cell in row] for row in table.itertuples(index=False)]


def test_tables_by_hand(folder: Path) -> None:
    accuracy = tables.accuracy_table(folder / "accuracy.csv", TITLES)
    assert [*accuracy.columns] == [
        "set",
        "what it is",
        "classifiers",
        "60 real images (r = 0.1), %",
        "9 real images, %",
    ]
    # The standard deviation of 0.5 and 0.7; of one classifier there is none.
    assert cells(accuracy) == [
        ["original", "real images, without warps", "2", "60.00 ± 14.14", "25.00"],
        ["original+GAN", REAL_AND_CONVERTED, "1", "80.00", "25.00"],
    ]
    gap = tables.gap_table(folder / "gap.csv", TITLES)
    assert cells(gap)[0][:4] == ["all", "synthetic", "", "70.0"]
    assert cells(gap)[1][:4] == ["60 real images (r = 0.1)", "converted", "99.5", "25.0"]
    stages = tables.stages_table(folder / "benchmarks")
    assert cells(stages) == [
        ["gan", "2", "15", "10", "13", "900"],
        ["real", "1", "0", "0", "0", "0"],
    ]
    first, head, line, *scope = tables.short_verdict(folder / "verdict.csv", TITLES).splitlines()
    assert first == "Points of accuracy, without warps:"
    assert head.split() == " ".join(TITLES.values()).split()
    right = "converted images, against none helps +20.00 not shown +0.00"
    assert " ".join(line.split()) == right
    assert " ".join(scope).startswith("There is one choice of the real images, so intervals are of")
    # Of a table that a run of other sizes left, no more than it has.
    others = {"n9": "9 real images", "n10": "10 real images"}
    _, head, *_ = tables.short_verdict(folder / "verdict.csv", others).splitlines()
    assert head.split() == ["9", "real", "images"]
    assert tables.short_verdict(folder / "verdict.csv", {"n10": "10 real images"}) == ""
    few = VERDICT.replace("not shown,more <runs>", "too few test images,at least 700 test images")
    (folder / "few.csv").write_text(few.replace(",1,1,200", ",3,0.01,200"))
    *_, line = tables.short_verdict(folder / "few.csv", {"n9": "9 real images"}).splitlines()
    assert " ".join(line.split()) == (
        "converted images, against none too few test images at least 700 test images"
    )
    verdict = tables.verdict_table(folder / "verdict.csv", TITLES)
    assert [*verdict["points"]] == ["+20.00 [+10.00, +30.00]", "+0.00"]


def test_test_images_of_folds_add_up(tmp_path: Path) -> None:
    rows = [
        f"n9,{fold},9,540,original,{run},real,{20 + fold},0.5,cpu"
        for fold in (0, 1)
        for run in (0, 1)
    ]
    (tmp_path / "accuracy.csv").write_text("\n".join([ACCURACY.splitlines()[0], *rows]))
    table = tables.data_table(tmp_path / "accuracy.csv", {"n9": "9 real images"})
    assert table["real test images"].tolist() == ["41"]


def test_the_manifest_says_what_ran(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["config"] == CONFIG
    assert manifest["lock"] == hashlib.sha256(b"jax==0\n").hexdigest()
    assert manifest["arithmetic"] == ["cpu onednn", "cpu xla"]
    assert manifest["packages"]["jax"].startswith("0.")
    assert manifest["machine"]["cpu"]


def test_the_commit_is_gits_and_none_elsewhere(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
        command = ["git", "-C", str(tmp_path), *identity, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    assert commit(tmp_path) is None
    git("init", "--quiet")
    (tmp_path / "file").write_text("1")
    git("add", "file")
    git("commit", "--quiet", "--message", "first")
    assert commit(tmp_path) == git("rev-parse", "HEAD")
    (tmp_path / "file").write_text("2")
    assert commit(tmp_path) == git("rev-parse", "HEAD") + "+"


def test_the_page_needs_no_other_file_and_escapes_what_it_shows(folder: Path) -> None:
    page = (folder / "report.html").read_text()
    assert not re.search(r"""(?:src|href)=["'](?!#|data:)""", page)
    assert "more &lt;runs&gt;" in page and "<runs>" not in page
    assert "digits of fonts" not in page and "my/renders" in page


# What a reader does, done in the page itself: its findings are its title.
READER = """
<script>
const problems = [];
window.addEventListener("error", (event) => problems.push(`error: ${event.message}`));
window.addEventListener("load", () => setTimeout(() => {
  const seen = (element) => element.offsetWidth > 40 && element.offsetHeight > 10;
  const first = document.querySelector("h1").getBoundingClientRect();
  if (first.top < 0 || first.left < 0) problems.push("the heading is cut off");
  const answer = document.querySelector("#answers td").getBoundingClientRect();
  if (answer.bottom > innerHeight) problems.push("the first answer is below the window");
  for (const image of document.images)
    if (!seen(image) || !image.naturalWidth) problems.push(`picture ${image.alt}`);
  for (const table of document.querySelectorAll("table"))
    if (!seen(table) || !table.rows.length) problems.push(`table ${table.id}`);
  if (document.documentElement.scrollWidth > innerWidth) problems.push("wider than the window");
  const links = [...document.querySelectorAll("nav a")];
  for (const link of links) {
    link.click();
    const target = document.querySelector(link.hash).getBoundingClientRect();
    const reached = scrollY + innerHeight >= document.documentElement.scrollHeight - 1;
    if (!(target.top >= 0 && target.top < innerHeight / 2) && !reached)
      problems.push(`menu ${link.hash} leads to ${target.top}`);
  }
  const button = document.querySelectorAll("#table-stages th button")[1];
  const order = () => [...document.querySelectorAll("#table-stages tbody tr")].map(
    (row) => row.cells[1].textContent).join(" ");
  button.click();
  if (order() !== "1 2") problems.push(`rising: ${order()}`);
  button.click();
  if (order() !== "2 1") problems.push(`falling: ${order()}`);
  document.title = `${links.length} entries; ${problems.join("; ")}`;
}, 100));
</script>
"""
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.mark.skipif(not CHROMIUM, reason="needs Chromium (Debian: apt install chromium)")
@pytest.mark.parametrize("size", ["1280,800", "500,800"])
def test_a_browser_shows_all_of_it(folder: Path, size: str) -> None:
    page = folder / "read.html"
    # Before the page's own, so that an error in it is heard.
    page.write_text((folder / "report.html").read_text().replace("<style>", READER + "<style>", 1))
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--window-size={size}"]
    options += [f"--user-data-dir={folder / 'browser'}", "--virtual-time-budget=5000"]
    result = subprocess.run(
        [str(CHROMIUM), *options, "--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "<title>6 entries; </title>" in result.stdout, re.findall(
        "<title>.*</title>", result.stdout
    )


def test_runs_stand_side_by_side_with_the_settings_that_differ(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    for name in ("accuracy.csv", "verdict.csv"):
        (other / name).write_text((folder / name).read_text().replace("n9", "n10"))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["config"]["gan_preset"] = "small"
    (other / "manifest.json").write_text(json.dumps(manifest))
    lines = [line.split() for line in compare([folder, other]).splitlines()]
    assert ["gan_preset", '"synth2real"', '"small"'] in lines
    assert not any(line[:1] == ["classifier_preset"] for line in lines)
    # A size that one of the two does not have.
    assert ["n10", "original", "25.00"] in lines and ["n9", "original", "25.00"] in lines
    first = lines.index(["r0.1", "original", *["60.00", "±", "14.14"] * 2])
    assert lines[first + 1] == ["original+GAN", "80.00", "80.00"]
    verdict = ["helps,", "+20.00", "[+10.00,", "+30.00]"]
    assert ["r0.1", "original+GAN", "against", "original", *verdict * 2] in lines


def test_what_is_no_finished_run_is_not_compared(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"{tmp_path}: no manifest.json"):
        compare([tmp_path, tmp_path])
    with pytest.raises(InputError, match="two results folders"):
        compare([tmp_path])
