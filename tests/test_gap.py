"""The gap stage: the judge, the domain classifier, what is measured of what, and the table."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import reference
from synth2real.classify.network import Classifier
from synth2real.classify.train import load_classifier, make_predict
from synth2real.gap import measure
from synth2real.gap.domain import domain_accuracy
from synth2real.gap.judge import judge_images, train_judge
from synth2real.gap.metrics import (
    density_and_coverage,
    frechet_distance,
    kernel_distance,
    nearer_to_training,
)
from synth2real.gap.table import Measured, Measurement, merge_measurements, write_measurements
from synth2real.io.weights import save_weights
from synth2real.training import Images
from tiny import DIGITS, random_images, randomise, tiny_classifier

TINY = tiny_classifier(samples=30)
HEADER = "metric,value,std,n\n"


@pytest.fixture(scope="module")
def judge() -> Classifier:
    return randomise(nnx.eval_shape(lambda: Classifier(TINY, DIGITS, rngs=nnx.Rngs(0))), seed=3)


@pytest.fixture
def judge_path(judge: Classifier, tmp_path: Path) -> Path:
    save_weights(tmp_path / "judge.safetensors", nnx.state(judge, nnx.Param), {})
    return tmp_path / "judge.safetensors"


# --- networks ---------------------------------------------------------------------------------


def test_features_are_what_the_last_layer_sees(judge: Classifier) -> None:
    x = np.random.default_rng(1).uniform(0, 1, (4, 28, 28, 1)).astype(np.float32)
    features = np.asarray(judge.features(jnp.asarray(x)))
    assert features.shape == (4, TINY.hidden) and features.min() == 0 < features.max()
    logits = reference.module_dense(judge.dense2, features)
    np.testing.assert_allclose(logits, reference.classifier(judge, x), rtol=2e-4, atol=2e-5)


def test_the_judge_sees_all_batches_with_pixels_between_0_and_1(
    judge: Classifier, judge_path: Path
) -> None:
    images = random_images(503).images
    seen = judge_images(TINY, DIGITS, judge_path, images)
    x = jnp.asarray(images, jnp.float32) / 255
    assert seen.features.dtype == np.float64
    np.testing.assert_allclose(seen.features, judge.features(x), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(seen.predictions, judge(x).argmax(-1))
    assert len(set(seen.predictions.tolist())) > 1


def test_the_judges_accuracy_is_written_beside_it(tmp_path: Path) -> None:
    path, table = tmp_path / "judge.safetensors", tmp_path / "judge.csv"
    test = random_images(40, seed=1)
    train_judge(TINY, DIGITS, random_images(20), test, path=path, table=table)
    predictions = make_predict(TINY, DIGITS)(load_classifier(TINY, DIGITS, path), test.images)
    accuracy = np.mean(predictions == np.asarray(test.labels))
    assert table.read_text() == f"{HEADER}label_agreement,{accuracy:.6g},,40\n"


def test_images_like_the_real_ones_are_not_told_from_them() -> None:
    # Trained long enough to know its 100 images by heart: none of them may be in the test.
    config = tiny_classifier(samples=5000, hidden=32, filters=[4, 8])
    accuracy = domain_accuracy(config, DIGITS, random_images(101), random_images(101, seed=1))
    assert accuracy == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(102))


def test_images_unlike_the_real_ones_are_told_from_them() -> None:
    black = Images(*jax.tree.map(jnp.zeros_like, random_images(100)))
    config = tiny_classifier(samples=2000, hidden=32, filters=[4, 8])
    assert domain_accuracy(config, DIGITS, random_images(100), black) > 0.98


# --- measuring --------------------------------------------------------------------------------


@pytest.fixture
def told_apart(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Images, Images]]:
    """What the domain classifier, which is not trained, is given."""
    given: list[tuple[Images, Images]] = []

    def domain(config: object, spec: object, real: Images, images: Images) -> float:
        given.append((real, images))
        return 0.75

    monkeypatch.setattr(measure, "domain_accuracy", domain)
    return given


def measured(
    judge_path: Path, real: Images, images: Images, learnt: Images | None = None
) -> list[str]:
    path = judge_path.with_name("gap.csv")
    measure.measure_gap(TINY, DIGITS, judge_path, real, images, learnt, path=path)
    text = path.read_text()
    assert text.startswith(HEADER)
    return text.removeprefix(HEADER).splitlines()


def test_every_metric_of_as_many_images_as_are_real(judge_path: Path, told_apart: list) -> None:
    real, images = random_images(20), random_images(30, seed=1)
    rows = [line.split(",") for line in measured(judge_path, real, images)]
    ((real_apart, images_apart),) = told_apart
    assert len(real_apart.labels) == len(images_apart.labels) == 20
    (x, _), (y, predictions) = (
        judge_images(TINY, DIGITS, judge_path, some.images) for some in (real_apart, images_apart)
    )
    distance, std = kernel_distance(x, y, subset=1000, draws=100)
    density, coverage = density_and_coverage(x, y)
    right = {
        "label_agreement": np.mean(predictions == np.asarray(images_apart.labels)),
        "frechet_distance": frechet_distance(x, y),
        "kernel_distance": distance,
        "density": density,
        "coverage": coverage,
        "domain_accuracy": 0.75,
    }
    assert [row[0] for row in rows] == list(right) and {row[3] for row in rows} == {"20"}
    assert [float(row[1]) for row in rows] == pytest.approx(list(right.values()), rel=1e-4)
    assert [row[2] for row in rows] == ["", "", f"{std:.6g}", "", "", ""]


def test_conversions_are_compared_with_what_their_gan_learnt_from(
    judge_path: Path, told_apart: list
) -> None:
    real, images, learnt = random_images(20), random_images(30, seed=1), random_images(4, seed=2)
    *_, last = measured(judge_path, real, images, learnt)
    ((all_real, used),) = told_apart
    flat = [np.asarray(some.images, float).reshape(-1, 784) for some in (used, learnt, all_real)]
    metric, value, *rest = last.split(",")
    assert (metric, rest) == ("nearer_to_training", ["", "20"])
    assert 0 < float(value) < 1 and float(value) == pytest.approx(nearer_to_training(*flat))
    # Images that a GAN learnt from may be more than there are test images to compare with.
    *_, last = measured(judge_path, real, real, random_images(50, seed=2))
    assert last == "nearer_to_training,0,,20"


def test_few_images_meet_all_real_ones_where_numbers_may_differ(
    judge_path: Path, told_apart: list
) -> None:
    real, images = random_images(50), random_images(8, seed=1)
    rows = dict(line.split(",")[:2] for line in measured(judge_path, real, images))
    x, y = (judge_images(TINY, DIGITS, judge_path, some.images).features for some in (real, images))
    assert float(rows["frechet_distance"]) == pytest.approx(frechet_distance(x, y), rel=1e-4)
    ((real_apart, images_apart),) = told_apart
    assert len(real_apart.labels) == len(images_apart.labels) == 8


def test_images_are_drawn_from_everywhere_and_always_the_same(
    judge_path: Path, told_apart: list
) -> None:
    real = random_images(20)
    greys = jnp.broadcast_to(
        jnp.arange(100, dtype=jnp.uint8)[:, None, None, None], (100, 28, 28, 1)
    )
    for _ in range(2):
        measured(judge_path, real, Images(greys, jnp.zeros(100, jnp.int32)))
    drawn, again = (images.images[:, 0, 0, 0].tolist() for _, images in told_apart)
    assert drawn == again and len(set(drawn)) == 20
    assert min(drawn) < 30 and max(drawn) > 70 and drawn != sorted(drawn)


@pytest.mark.parametrize(("count", "metrics"), [(1, 1), (5, 1), (6, 6)])
def test_too_few_images_have_their_labels_read_only(
    judge_path: Path, told_apart: list, count: int, metrics: int
) -> None:
    lines = measured(judge_path, random_images(20), random_images(count))
    assert len(lines) == metrics and len(told_apart) == metrics // 6
    assert all("nan" not in line and line.endswith(f",{count}") for line in lines)


# --- the table --------------------------------------------------------------------------------


def test_tables_are_merged(tmp_path: Path) -> None:
    def table(name: str, *rows: Measurement) -> Path:
        write_measurements(tmp_path / name, rows)
        return tmp_path / name

    agreement = table("judge.csv", Measurement("label_agreement", 0.99, None, 10_000))
    distance = table(
        "synthetic.csv",
        Measurement("kernel_distance", -1e-8 / 3, 0.25, 200),
        Measurement("density", 1.5, None, 200),
    )
    tables = {
        Measured("", "", "", "", "real test"): agreement,
        Measured("", "", "", "", "synthetic"): distance,
        Measured("", "r0.007", 0, 1, "converted"): agreement,
        Measured("fold1", "n100", 2, 3, "converted"): distance,
    }
    counts = {("", "r0.007", 0): 7, ("fold1", "n100", 2): 100}
    merge_measurements(tables, counts, tmp_path / "gap.csv")
    assert (tmp_path / "gap.csv").read_text() == (
        "size,fold,draw,n_real,gan_seed,images,metric,value,std,n\n"
        ",,,,,real test,label_agreement,0.99,,10000\n"
        ",,,,,synthetic,kernel_distance,-3.33333e-09,0.25,200\n"
        ",,,,,synthetic,density,1.5,,200\n"
        "r0.007,,0,7,1,converted,label_agreement,0.99,,10000\n"
        "n100,fold1,2,100,3,converted,kernel_distance,-3.33333e-09,0.25,200\n"
        "n100,fold1,2,100,3,converted,density,1.5,,200\n"
    )
