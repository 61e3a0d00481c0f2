"""The experiment as Snakemake runs it: which jobs run when, and what they leave behind."""

import csv
import re
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from project import ROOT, TINY, copy_project, overlay, planned, snakemake
from synth2real.report.status import status

# Figures of what GANs make.
MADE = Counter(figure3=1, gallery=1, conversions=1, training=1, features=1)
SAMPLES = Counter(figure2=1) + MADE
CURVES = Counter(figure4=1, figure5=1, figure6=1, error_ratio=1, learning=1, mixed_test_set=1)
CHAIN = Counter(splits=1, gan=1, convert=1, classify_train=3, classify_train_gan=2, classify_test=1)
CHAIN += Counter(gap_converted=1)
VERDICT = Counter(verdict=1, verdict_figure=1)
REPORT = Counter(manifest=1, report=1)
TABLE = Counter(accuracy=1, recall=1, mistakes=1, all=1) + CURVES + VERDICT + REPORT
GAP = Counter(gap_table=1, gap_figure=1)
ONCE = Counter(real=1, fonts=1, synthetic=1, gap_judge=1, gap_synthetic=1, gap_real=1)
# Sets with random warps and of an untrained generator: in the default experiment, not in the tiny.
CONTROLS = Counter(convert_untrained=1, classify_train=2, classify_train_gan=3, gap_untrained=1)
DEFAULT = ONCE + SAMPLES + TABLE + GAP + sum([CHAIN + CONTROLS] * 2, Counter())
# What follows from the GANs of the tiny experiment's two ratios, and what the gap is measured of.
CONVERTED = Counter(gan=2, convert=2, classify_train_gan=4, classify_test=2)
CONVERTED += Counter(gap_converted=2)
MEASURED = Counter(gap_synthetic=1, gap_real=1, gap_converted=2)


def write_photos(folder: Path, counts: dict[str, int], start: int = 0) -> None:
    """Writes small noisy pictures, so many of each class."""
    rng = np.random.default_rng(start)
    for name, count in counts.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(start, start + count):
            picture = rng.integers(0, 256, (12, 16, 3), np.uint8)
            Image.fromarray(picture).save(folder / name / f"{number}.png")


def test_default_experiment_plans_every_stage_for_every_ratio():
    assert planned(ROOT, "--forceall") == DEFAULT


def test_the_drawn_rules_are_those_of_the_workflow():
    result = snakemake(ROOT, "--rulegraph", "--", "results/verdict.csv", "results/gap.csv")
    names = dict(re.findall(r'(\d+)\[label = "(\w+)"', result.stdout))
    arrows = {(names[a], names[b]) for a, b in re.findall(r"(\d+) -> (\d+)", result.stdout)}
    drawing = (ROOT / "docs/rulegraph.svg").read_text()
    drawn = dict(re.findall(r"<title>(\d+)</title>.*?<text [^>]*>(\w+)<", drawing, re.DOTALL))
    drawn_arrows = {
        (drawn[a], drawn[b]) for a, b in re.findall(r"<title>(\d+)&#45;&gt;(\d+)<", drawing)
    }
    # What follows through others is not drawn.
    assert sorted(drawn.values()) == sorted(names.values()) and drawn_arrows <= arrows
    assert {b for _, b in drawn_arrows} == {b for _, b in arrows}


def test_every_draw_has_a_chain_of_its_own(tmp_path: Path):
    folder = copy_project(tmp_path)
    arguments = overlay(folder, {"splits": {"seeds": [0, 4, 7]}})
    one, three = planned(folder, *TINY), planned(folder, *arguments)
    assert three - one == sum([CHAIN] * 4, Counter()) and not one - three


def test_every_fold_has_images_and_chains_of_its_own(tmp_path: Path):
    folder = copy_project(tmp_path)
    for name in ("photos", "renders"):
        write_photos(folder / name, {"cat": 8, "dog": 9})
    own = {"real": {"folder": "photos", "folds": 3}, "synthetic": {"folder": "renders"}}
    (folder / "mine.yaml").write_text(yaml.safe_dump(own))
    jobs = planned(folder, "--configfile", "mine.yaml")
    figures = TABLE + SAMPLES - Counter(mixed_test_set=1, figure4=1)
    folds = Counter(gap_judge=3, gap_synthetic=3, gap_real=3)
    # A quarter, half and all of the real images.
    assert (
        jobs
        == Counter(real=1, synthetic=1)
        + folds
        + sum([CHAIN + CONTROLS] * 9, Counter())
        + figures
        + GAP
    )


def test_own_conversions_can_be_had_in_other_formats(tmp_path: Path):
    folder = copy_project(tmp_path)
    for name in ("photos", "renders"):
        write_photos(folder / name, {"cat": 8, "dog": 9})
    own = {"real": {"folder": "photos", "folds": 2}, "synthetic": {"folder": "renders"}}
    own["convert"] = {"formats": ["folder", "parquet"]}
    (folder / "mine.yaml").write_text(yaml.safe_dump(own))
    # Three sizes in each of two folds.
    assert planned(folder, "--configfile", "mine.yaml")["convert_format"] == 3 * 2 * 2


def test_a_new_image_makes_its_source_stale(tmp_path: Path):
    folder = copy_project(tmp_path)
    for name in ("photos", "renders"):
        write_photos(folder / name, {"cat": 8, "dog": 9})
    own = {"real": {"folder": "photos", "folds": 3}, "synthetic": {"folder": "renders"}}
    (folder / "mine.yaml").write_text(yaml.safe_dump(own))
    arguments = ("results/real/spec.json", "--configfile", "mine.yaml")
    result = snakemake(folder, "--cores", "1", *arguments)
    assert result.returncode == 0, result.stderr
    assert planned(folder, *arguments) == Counter()
    write_photos(folder / "photos", {"dog": 1}, start=9)
    assert planned(folder, *arguments) == Counter(real=1)


def test_the_papers_five_sets_can_be_had_alone(tmp_path: Path):
    (tmp_path / "plain.yaml").write_text("classify: {controls: false}")
    jobs = planned(ROOT, "--forceall", "--configfile", str(tmp_path / "plain.yaml"))
    assert DEFAULT - jobs == sum([CONTROLS] * 2, Counter()) and not jobs - DEFAULT


def test_default_profile_is_read():
    result = snakemake(ROOT, "--dry-run")
    assert "profiles/default" in result.stdout + result.stderr


def test_slurm_profile_plans_the_same_jobs_and_asks_for_gpus():
    result = snakemake(ROOT, "--dry-run", "--forceall", "--workflow-profile", "profiles/slurm")
    assert result.returncode == 0, result.stderr
    jobs = re.split(r"^(?:local)?rule ", result.stdout + result.stderr, flags=re.MULTILINE)
    gans = [job for job in jobs if job.startswith("gan:")]
    assert len(gans) == 2
    assert all("gpu=1" in job for job in gans)
    others = [job for job in jobs if job.startswith(("fonts:", "synthetic:", "splits:"))]
    assert len(others) == 4
    # What follows of a job's text may be entries of several jobs.
    assert not any("gpu=" in re.search("resources: .*", job)[0] for job in others)


def test_slurm_profile_gives_a_gpu_to_every_rule_that_computes():
    text = "".join(path.read_text() for path in (ROOT / "rules").glob("*.smk"))
    bodies = dict(re.findall(r"^rule (\w+):\n(.*?)(?=^\S|\Z)", text, re.MULTILINE | re.DOTALL))
    rules = {name for name, body in bodies.items() if "gpu=" in body and "localrule" not in body}
    like = dict(map(reversed, re.findall(r"^use rule (\w+) as (\w+) with", text, re.MULTILINE)))
    assert rules and like
    while new := {name for name, other in like.items() if other in rules} - rules:
        rules |= new
    profile = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text())
    assert profile["set-resources"] == {name: {"gpu": 1} for name in rules}


def test_entry_of_the_queue_takes_a_day_at_most(tmp_path: Path):
    (tmp_path / "controls.yaml").write_text("classify: {controls: true}")
    overlays = ("--configfile", "config/paper.yaml", str(tmp_path / "controls.yaml"))
    slurm = ("--workflow-profile", "profiles/slurm")
    result = snakemake(ROOT, "--dry-run", "--forceall", *slurm, *overlays)
    assert result.returncode == 0, result.stderr
    found = re.findall(r"rule (\w+):\n.*?runtime=(\d+)", result.stdout + result.stderr, re.DOTALL)
    minutes = {rule: int(runtime) for rule, runtime in found}
    # What is tried again asks for more, up to the same limit for each job.
    entries = {
        "a GAN": minutes["gan"],
        "converted": minutes["convert"] + 3 * minutes["classify_train_gan"],
        "real_or_synthetic": 4 * minutes["classify_train"],
        "measured": 10 * minutes["gap_converted"],
        "tests": 10 * minutes["classify_test"],
    }
    assert all(300 < entry <= 24 * 60 for entry in entries.values()), entries


@pytest.mark.parametrize("ratio", ["1.5", 0.007, "0,007"])
def test_bad_ratio_is_refused_in_one_line_before_any_job(tmp_path: Path, ratio):
    folder = copy_project(tmp_path)
    # The table is there already: without a check Snakemake would find nothing to do.
    (folder / "results").mkdir()
    (folder / "results/accuracy.csv").touch()
    result = snakemake(folder, "--cores", "1", *overlay(folder, {"ratios": ["0.1", ratio]}))
    assert result.returncode != 0
    lines = [line for line in result.stderr.splitlines() if "config: ratios[1]" in line]
    assert len(lines) == 1 and str(ratio) in lines[0] and 'like "0.007"' in lines[0]
    assert "Job stats" not in result.stderr and "begins" not in result.stderr


def test_another_checkouts_package_is_refused(tmp_path: Path):
    folder = copy_project(tmp_path)
    result = snakemake(folder, "--dry-run", PYTHONPATH=str(ROOT / "src"))
    assert result.returncode != 0
    right = f"installed from {ROOT / 'src'}, not from {folder / 'src'}; the programs"
    assert right in result.stdout + result.stderr


@pytest.mark.slow
def test_bad_font_is_refused_by_name_and_leaves_nothing(few_fonts: Path, tmp_path: Path):
    folder = copy_project(tmp_path)
    (folder / "own").mkdir()
    for font in few_fonts.glob("*.ttf"):
        shutil.copy2(font, folder / "own")
    (folder / "own/broken.ttf").write_bytes(b"\0\1\0\0 no font")
    settings = {"fonts": {"folder": "own", "families": None}, "splits": {"total": 100}}
    target = "results/fonts/fonts.csv"
    result = snakemake(folder, target, "--cores", "1", *overlay(folder, settings))
    assert result.returncode != 0
    log = (folder / "results/logs/fonts.log").read_text().splitlines()
    assert len(log) == 3 and "broken.ttf" in log[1]  # between begins and ends
    assert not list((folder / "results/fonts").rglob("*"))


@pytest.mark.slow
def test_own_fonts_are_rendered_and_a_new_one_makes_them_stale(few_fonts: Path, tmp_path: Path):
    folder = copy_project(tmp_path)
    (folder / "own").mkdir()
    first, second, third, *_ = sorted(few_fonts.glob("*.ttf"))
    own = shutil.copy2(first, folder / "own")
    settings = {
        "fonts": {"folder": "own", "families": None},
        "synthetic": {"test_images": 40},
        "splits": {"total": 200},
    }
    arguments = ("results/synthetic/train.npz", *overlay(folder, settings))

    def run() -> np.ndarray:
        result = snakemake(folder, "--cores", "1", *arguments)
        assert result.returncode == 0, result.stderr
        with np.load(folder / "results/synthetic/train.npz") as images:
            assert len(images["labels"]) == 1 * 10 * 24 - 40
            return images["images"]

    before = run()
    assert planned(folder, *arguments) == Counter()
    # Another font under the name of the first.
    shutil.copyfile(third, own)
    assert (run() != before).any()
    shutil.copy2(second, folder / "own")
    assert planned(folder, *arguments) == Counter(fonts=1, synthetic=1)


@pytest.mark.slow
def test_tiny_experiment_makes_every_artifact(finished: Path):
    results = finished / "results"
    with open(results / "accuracy.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    # Two ratios, five sets, two runs, three test sets.
    assert len(rows) == 2 * 5 * 2 * 3
    assert {row["n_real"] for row in rows if row["size"] == "r0.1"} == {"100"}
    assert all(0 <= float(row["accuracy"]) <= 1 for row in rows)
    with open(results / "gap.csv", newline="") as file:
        gap = Counter((row["images"], row["size"]) for row in csv.DictReader(file))
    # Six metrics, of conversions copying, too, and of real test images what the judge reads.
    measured = {("real test", ""): 1, ("real train", ""): 6, ("synthetic", ""): 6}
    assert gap == measured | {("converted", "r0.1"): 7, ("converted", "r0.5"): 7}
    for name in [*SAMPLES, *CURVES, "gap"]:
        for suffix in ("png", "svg"):
            assert (results / f"figures/{name}.{suffix}").stat().st_size > 1000
    assert "OFL-1.1" in (results / "fonts/credits.md").read_text()
    with np.load(results / "r0.1/draw0/convert/seed0/train.npz") as converted:
        assert converted["images"].shape == (900, 28, 28, 1)
    with np.load(results / "r0.1/draw0/convert/seed0/test.npz") as converted:
        assert converted["images"].shape == (200, 28, 28, 1)
    for kept in ("*.finished", "checkpoints"):  # what killed jobs go on from
        assert not list(results.rglob(kept))


@pytest.mark.slow
def test_report_shows_every_figure(finished: Path):
    text = (finished / "results/report.html").read_text()
    for path in (finished / "results/figures").glob("*.svg"):
        assert f'<figure id="{path.stem}">' in text
    assert len(text) < 4_000_000


@pytest.mark.slow
def test_status_knows_that_the_run_has_ended(finished: Path):
    jobs = sum([CHAIN] * 2, ONCE + SAMPLES + TABLE + GAP).total()
    assert status(finished) == f"{jobs} of {jobs} jobs done; the run has ended"


@pytest.mark.slow
def test_second_run_does_nothing(finished: Path):
    assert planned(finished, *TINY) == Counter()


@pytest.mark.slow
def test_finished_experiment_stays_finished_when_its_folder_moves(experiment: Path):
    assert planned(experiment, *TINY) == Counter()


@pytest.mark.slow
def test_new_ratio_runs_its_chain_and_what_sums_up(finished: Path):
    settings = {"ratios": ["0.1", "0.5", "0.2"]}
    jobs = CHAIN + TABLE + GAP + MADE
    assert planned(finished, *overlay(finished, settings)) == jobs


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "jobs"),
    [
        (
            {"gan": {"learning_rate": 0.002}},
            CONVERTED + MADE + TABLE + GAP,
        ),
        (
            {"convert": {"copies": 2}},
            CONVERTED - Counter(gan=2) + Counter(figure3=1, gallery=1, features=1) + TABLE + GAP,
        ),
        (
            {"gan": {"seeds": [0, 1]}},
            CONVERTED + Counter(training=1) + TABLE + GAP,
        ),
        (
            {"classify": {"samples": 3000}},
            Counter(classify_train=6, classify_train_gan=4, classify_test=2)
            + Counter(gap_judge=1, features=1)
            + MEASURED
            + TABLE
            + GAP,
        ),
        (
            {"classify": {"controls": True}},
            sum([CONTROLS] * 2, Counter(classify_test=2)) + TABLE + GAP,
        ),
        (
            {"real": {"unlabelled": "rest"}},
            CONVERTED
            + Counter(classify_train=4, classify_train_gan=2, unlabelled=1)
            + MADE
            + TABLE
            + GAP,
        ),
        (
            {"real": {"unlabelled": "rest"}, "gan": {"unlabelled": False}},
            Counter(classify_train=4, classify_train_gan=2, classify_test=2, unlabelled=1) + TABLE,
        ),
        ({"ratios": ["0.1"]}, TABLE + GAP + MADE),
        ({"real": {"folder": None}}, Counter()),
    ],
    ids=[
        "GAN setting",
        "conversion setting",
        "GAN seed",
        "classifier setting",
        "controls",
        "unlabelled images",
        "unlabelled images for the classifiers alone",
        "ratio removed",
        "nothing",
    ],
)
def test_setting_reruns_only_what_uses_it(finished: Path, settings: dict, jobs: Counter):
    assert planned(finished, *overlay(finished, settings)) == jobs


@pytest.mark.slow
def test_flags_that_may_change_bits_rerun_what_computes(finished: Path):
    flags = "--xla_cpu_enable_fast_math=true"
    jobs = planned(finished, *TINY, XLA_FLAGS=flags)
    assert jobs >= CONVERTED + Counter(classify_train=6, gap_judge=1, gap_synthetic=1)
    assert not {"real", "fonts", "synthetic", "splits"} & set(jobs)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "jobs"),
    [
        (
            "gan/losses.py",
            CONVERTED + MADE + TABLE + GAP,
        ),
        (
            "classify/accuracy.py",
            Counter(classify_test=2) + TABLE,
        ),
        ("gap/measure.py", MEASURED + GAP + REPORT + Counter(all=1)),
        ("figures/curves.py", CURVES + Counter(report=1, all=1)),
        ("verdict/report.py", VERDICT + REPORT + Counter(all=1)),
        ("report/page.py", Counter(report=1, all=1)),
        ("config/checks.py", Counter()),
    ],
)
def test_edited_module_reruns_only_what_uses_it(experiment: Path, module: str, jobs: Counter):
    path = experiment / "src/synth2real" / module
    path.write_text(path.read_text() + "\n# edited\n")
    assert planned(experiment, *TINY) == jobs


@pytest.mark.slow
def test_script_reruns_its_jobs_when_edited_and_not_when_touched(experiment: Path):
    script = experiment / "workflow/scripts/accuracy.py"
    script.touch()
    assert planned(experiment, *TINY) == Counter()
    script.write_text(script.read_text() + "\n# edited\n")
    assert planned(experiment, *TINY) == TABLE - VERDICT - Counter(mistakes=1)


@pytest.mark.slow
def test_results_with_new_times_are_compared_by_content(experiment: Path):
    """As after a copy without times, or under a clock that was put back in between."""
    for path in (experiment / "results").rglob("*"):
        path.touch()
    assert planned(experiment, *TINY) == {}
    path = experiment / "results/r0.1/draw0/gan/seed0/networks.safetensors"
    with open(path, "ab") as file:
        file.write(b" ")
    assert planned(experiment, *TINY)["convert"] == 1


@pytest.mark.slow
def test_a_run_that_succeeds_deletes_what_killed_jobs_left(experiment: Path):
    chain = experiment / "results/r0.1/draw0"
    kept = chain / "convert/seed0/.notes.npz"
    left = [
        chain / "convert/seed0/.train.0123abcd.npz",
        chain / "gap/converted_seed0.finished/digests.json",
        chain / "gap/.converted_seed0.finished.lock",
        chain / "gan/seed0/checkpoints/fingerprint.json",
        chain / "gan/seed0/.checkpoints.lock",
    ]
    # Of a training that a later run goes on with.
    begun = [
        chain / "classify/original/run0.finished/run0.safetensors",
        chain / "classify/original/.run0.finished.lock",
        chain / "gan/seed7/checkpoints/fingerprint.json",
    ]
    for path in (kept, *left, *begun):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    left[1].write_text('{"converted_seed0.csv": ""}')
    target = ("results/figures/figure2.png", "--force")
    result = snakemake(experiment, *target, "--cores", "1", *TINY)
    assert result.returncode == 0, result.stderr
    assert "steps (100%) done" in result.stderr  # and what jobs say themselves is not said again
    assert not re.search("Select jobs|Execute 1 jobs|Finished jobid", result.stderr)
    assert all(path.exists() for path in (kept, *begun))
    assert not any(path.exists() for path in left)
    assert not left[1].parent.exists()
