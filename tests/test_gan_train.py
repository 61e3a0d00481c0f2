"""Training of the GAN: the optimiser, one step, a run."""

import json
import math
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import reference
from synth2real.errors import InputError
from synth2real.gan.config import PRESETS, GanConfig, LossWeights, gan_config
from synth2real.gan.state import GanState, Network, init_state, make_graphs, make_optimiser
from synth2real.gan.step import GanData, make_train_step
from synth2real.gan.train import load_gan_data, make_validate, train_gan
from synth2real.splits import SplitsConfig, read_split, write_split
from synth2real.training import Images, TrainingError
from tiny import numbered_images, random_gan_state, random_images, tiny_gan

KEY = jax.random.key(0)
LOSSES = ["discriminator", "task_font", "task_converted", "task_real", "adversarial"]
LOSSES += ["pixel_change"]


# --- the optimiser ----------------------------------------------------------------------------


def updates(*gradients: dict[str, list[float]]) -> list[dict[str, np.ndarray]]:
    """What the optimiser, at learning rate 0.001, adds to the tensors after each gradient."""
    optimiser = make_optimiser(tiny_gan(learning_rate=1e-3))
    trees = [{name: jnp.asarray(g) for name, g in gradient.items()} for gradient in gradients]
    state, changes = optimiser.init(trees[0]), []
    for gradient in trees:
        change, state = optimiser.update(gradient, state)
        changes.append(jax.tree.map(np.asarray, change))
    return changes


def test_adam_forgets_half_of_its_first_moment_at_each_update() -> None:
    # Gradients 1 and -1. First moments: 0.5, then 0.5 * 0.5 - 0.5 = -0.25, divided by 1 - 0.5^2;
    # the second moments, so corrected, are 1 both times.
    first, second = updates({"w": [1.0]}, {"w": [-1.0]})
    assert first["w"] == pytest.approx([-1e-3], rel=1e-4)
    assert second["w"] == pytest.approx([1e-3 * 0.25 / 0.75], rel=1e-4)


def test_each_tensors_gradient_is_clipped_to_norm_5() -> None:
    # First a has norm 10, clipped to [3, 4], and b has norm 4; then both are below 5. Adam's first
    # update does not depend on the gradient's size, its second does:
    steps = updates({"a": [6.0, 8.0], "b": [4.0]}, {"a": [0.3, 0.4], "b": [0.4]})
    for name, index, first, second in [("a", 0, 3, 0.3), ("a", 1, 4, 0.4), ("b", 0, 4, 0.4)]:
        moment = (0.25 * first + 0.5 * second) / 0.75
        square = (0.999 * first**2 + second**2) * 0.001 / (1 - 0.999**2)
        right = -1e-3 * moment / math.sqrt(square)
        assert steps[1][name][index] == pytest.approx(right, rel=1e-4)


def test_a_zero_gradient_is_no_division_by_zero() -> None:
    assert updates({"w": [0.0, 0.0]})[0]["w"].tolist() == [0, 0]


def test_learning_rate_falls_by_a_twentieth_every_10_000_updates() -> None:
    optimiser = make_optimiser(tiny_gan(learning_rate=0.01))
    gradient = jnp.ones(1)

    @jax.jit
    def run() -> jax.Array:
        def update(state, _):
            change, state = optimiser.update(gradient, state)
            return state, change[0]

        return jax.lax.scan(update, optimiser.init(gradient), length=20_001)[1]

    # With a constant gradient each of Adam's updates is the learning rate.
    sizes = -np.asarray(run())
    for update, right in [(0, 0.01), (9_999, 0.01), (10_000, 0.0095), (19_999, 0.0095)]:
        assert sizes[update] == pytest.approx(right, rel=1e-3)
    assert sizes[20_000] == pytest.approx(0.009025, rel=1e-3)


def test_steps_count_both_updates_samples() -> None:
    assert tiny_gan(samples=640, batch_size=32).steps == 10
    assert tiny_gan(samples=703, batch_size=32).steps == 10
    # 12 million samples, 32 in each of a step's two updates.
    assert gan_config("pixelda-code").steps == 187_500


# --- one step ---------------------------------------------------------------------------------

# Without dropout and noise, so that the losses can be computed by other means.
QUIET = tiny_gan(discriminator_dropout=0.0, discriminator_noise=0.0, task_dropout=0.0)
GRAPHS = make_graphs(QUIET)
STATE = random_gan_state(QUIET, spread=0.3)
DATA = GanData(random_images(20), random_images(20, seed=1))
WEIGHTS = {preset: asdict(gan_config(preset).weights) for preset in ("pixelda-code", "small")}


@jax.jit
def quiet_step(weights: dict, state: GanState, data: GanData) -> tuple[GanState, dict]:
    """A step whose loss weights are arguments, so that all tests share what is compiled."""
    config = replace(QUIET, weights=LossWeights(**weights))
    return make_train_step(config, GRAPHS)(state, data, KEY)


def step(data: GanData = DATA, state: GanState = STATE, **weights: float) -> tuple[GanState, dict]:
    """A step with the small preset's weights, which are pixelda-text's, or others."""
    return quiet_step(WEIGHTS["small"] | weights, state, data)


def changed(old: nnx.State, new: nnx.State) -> dict[str, bool]:
    """Whether a network's arrays changed, by path."""
    pairs = zip(jax.tree_util.tree_leaves_with_path(old), jax.tree.leaves(new), strict=True)
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): bool(np.any(a != b))
        for (path, a), b in pairs
    }


def same(one, other) -> bool:
    return not any(changed(one, other).values())


def test_small_has_the_texts_weights_and_code_neither_real_labels_nor_pixel_change() -> None:
    assert gan_config("small").weights == gan_config("pixelda-text").weights
    assert WEIGHTS["small"]["task_real"] == 1 and WEIGHTS["small"]["pixel_change"] > 0
    nothing = {"task_real": 0.0, "pixel_change": 0.0}
    assert WEIGHTS["pixelda-code"] == WEIGHTS["small"] | nothing


def test_a_step_changes_every_parameter_and_statistic() -> None:
    state, _ = step()
    assert state.step == 1
    for old, new in zip(STATE[1:], state[1:], strict=True):
        assert all(changed(old.params, new.params).values())
        assert all(changed(old.stats, new.stats).values())


def test_a_fresh_adam_moves_parameters_by_the_learning_rate() -> None:
    state, _ = step()
    for old, new in zip(STATE[1:], state[1:], strict=True):
        for a, b in zip(jax.tree.leaves(old.params), jax.tree.leaves(new.params), strict=True):
            assert np.abs(a - b).max() == pytest.approx(QUIET.learning_rate, rel=0.01)


def test_every_step_draws_its_own_batch() -> None:
    losses, later = (
        step(state=STATE._replace(step=jnp.asarray(done, jnp.int32)))[1] for done in (0, 1)
    )
    assert all(losses[name] != later[name] for name in LOSSES)


def relabelled(images: Images) -> Images:
    return images._replace(labels=(images.labels + 1) % 10)


def test_real_labels_matter_to_the_text_and_not_to_the_code() -> None:
    other = DATA._replace(real=relabelled(DATA.real))
    assert not same(step()[0].task.params, step(other)[0].task.params)
    code = WEIGHTS["pixelda-code"]
    assert same(step(**code)[0], step(other, **code)[0])


def test_font_labels_matter_to_task_classifier_and_generator_alone() -> None:
    one, other = step()[0], step(DATA._replace(font=relabelled(DATA.font)))[0]
    assert not same(one.task.params, other.task.params)
    assert not same(one.generator.params, other.generator.params)
    assert same(one.discriminator, other.discriminator)


def test_pixel_change_matters_to_the_generator_alone() -> None:
    one, other = step(pixel_change=0.0)[0], step(pixel_change=10.0)[0]
    assert not same(one.generator.params, other.generator.params)
    assert same(one.discriminator, other.discriminator) and same(one.task, other.task)


def test_without_adversarial_loss_the_discriminator_does_not_learn() -> None:
    state, _ = step(adversarial=0.0)
    assert same(state.discriminator.params, STATE.discriminator.params)
    assert not same(state.task.params, STATE.task.params)


def test_without_the_losses_on_its_images_the_generator_does_not_learn() -> None:
    state, _ = step(adversarial=0.0, task_converted=0.0, pixel_change=0.0)
    assert same(state.generator.params, STATE.generator.params)
    assert not same(step(adversarial=0.0, pixel_change=0.0)[0].generator.params, STATE.generator[0])
    assert not same(step(task_converted=0.0, pixel_change=0.0)[0].generator.params, STATE[1][0])


@pytest.mark.parametrize("silent", ["font", "mnist"])
def test_each_domain_teaches_its_own_stem(silent: str) -> None:
    off = {"font": ["task_font"], "mnist": ["task_real", "task_converted"]}[silent]
    state, _ = step(**dict.fromkeys(off, 0.0))
    for name, moved in changed(STATE.task.params, state.task.params).items():
        assert moved != name.startswith(f"{silent}_stem"), name


@pytest.mark.parametrize("loss", ["task_real", "task_converted"])
def test_real_and_converted_images_both_teach_the_mnist_stem(loss: str) -> None:
    off = {"task_real": 0.0, "task_converted": 0.0, "task_font": 0.0} | {loss: 1.0}
    moved = changed(STATE.task.params, step(**off)[0].task.params)
    assert all(moved[name] for name in moved if name.startswith("mnist_stem"))


# --- the losses of one step, by numpy -----------------------------------------------------------


def blank_generator(tint: float) -> Network:
    """A generator that makes images of one grey, tanh(tint), whatever it gets."""

    def fill(path, leaf: jax.Array) -> jax.Array:
        name = jax.tree_util.keystr(path)
        return jnp.full_like(leaf, tint if "conv_out" in name and "bias" in name else 0)

    params = jax.tree_util.tree_map_with_path(fill, STATE.generator.params)
    return STATE.generator._replace(params=params)


def merged(graph: nnx.GraphDef, network: Network) -> nnx.Module:
    return nnx.merge(graph, network.params, network.stats, copy=True)


@pytest.fixture(scope="module")
def known() -> tuple[GanState, GanState, dict, np.ndarray, np.ndarray]:
    """A step on copies of one font and one real image: whatever is drawn, the batch is known."""
    font, real = (Images(*(x[jnp.zeros(20, int)] for x in images)) for images in DATA)
    before = STATE._replace(generator=blank_generator(0.4))
    after, losses = step(GanData(font, real), before)
    real, font = (np.asarray(x.images[:2]) / 127.5 - 1 for x in (real, font))
    return before, after, losses, real, font


def test_real_and_converted_batches_are_normalised_apart(known) -> None:
    before, _, losses, real, font = known
    judge = merged(GRAPHS.discriminator, before.discriminator)
    logits = [
        reference.discriminator(judge, x, train=True)
        for x in (real, np.full_like(font, np.tanh(0.4)))
    ]
    right = sum(
        reference.sigmoid_cross_entropy(x, target).mean()
        for x, target in zip(logits, (1, 0), strict=True)
    )
    together = reference.discriminator(
        judge, np.concatenate([real, np.full_like(font, np.tanh(0.4))]), train=True
    )
    assert not np.allclose(together, np.concatenate(logits), atol=0.01)
    assert losses["discriminator"] == pytest.approx(right, rel=1e-4)


def test_the_discriminators_averages_see_real_then_converted_images(known) -> None:
    before, after, _, real, font = known
    judge = merged(GRAPHS.discriminator, before.discriminator)
    mean, variance = np.zeros(4), np.ones(4)
    for x in (real, np.full_like(font, np.tanh(0.4))):
        h = reference.leaky_relu(reference.module_conv(judge.conv_in, x))
        moments = reference.batch_moments(reference.module_conv(judge.convs[0], h, stride=2))
        mean, variance = 0.9 * mean + 0.1 * moments[0], 0.9 * variance + 0.1 * moments[1]
    stats = merged(GRAPHS.discriminator, after.discriminator).bns[0]
    np.testing.assert_allclose(stats.mean[...], mean, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(stats.var[...], variance, rtol=1e-4)


def test_task_losses_are_those_of_the_networks_before_the_step(known) -> None:
    before, _, losses, real, font = known
    task = merged(GRAPHS.task, before.task)
    font_label, real_label = (images.labels[:1] for images in DATA)
    for name, x, stem, label in [
        ("task_font", font, "font", font_label),
        ("task_converted", np.full_like(font, np.tanh(0.4)), "mnist", font_label),
        ("task_real", real, "mnist", real_label),
    ]:
        logits = reference.task_classifier(task, x, stem=stem)
        right = reference.softmax_cross_entropy(logits, np.repeat(label, 2)).mean()
        assert losses[name] == pytest.approx(right, rel=1e-5)


def test_the_generator_is_judged_by_the_updated_discriminator(known) -> None:
    before, after, losses, _, font = known
    converted = np.full_like(font, np.tanh(0.4))
    new, old = (
        reference.sigmoid_cross_entropy(
            reference.discriminator(
                merged(GRAPHS.discriminator, state.discriminator), converted, train=True
            ),
            1,
        ).mean()
        for state in (after, before)
    )
    assert abs(new - old) > 1e-3
    assert losses["adversarial"] == pytest.approx(new, rel=1e-4)


def test_pixel_change_compares_the_conversion_with_its_font_image(known) -> None:
    *_, losses, _, font = known
    # A constant image less the font image: twice the font image's variance.
    assert losses["pixel_change"] == pytest.approx(2 * font[0].var(), rel=1e-5)


# --- presets ----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
def test_one_step_of_each_preset(preset: str) -> None:
    config = gan_config(preset, batch_size=2)
    state = random_gan_state(config)
    train_step = jax.jit(make_train_step(config, make_graphs(config)))
    after, losses = train_step(state, DATA, KEY)
    for old, new in zip(state[1:], after[1:], strict=True):
        assert all(changed(old.params, new.params).values())
    assert sorted(losses) == sorted(LOSSES)
    # Weights are small at first, so that the task classifier starts from chance.
    assert losses["task_font"] == pytest.approx(math.log(10), rel=0.1)
    assert all(np.isfinite(loss) for loss in losses.values())
    other = DATA._replace(real=relabelled(DATA.real))
    unmoved = same(after, train_step(state, other, KEY)[0])
    assert unmoved == (preset == "pixelda-code")


# --- a run ------------------------------------------------------------------------------------

RUN = tiny_gan(samples=423)  # 105 steps of 4 samples, and 3 samples too few for another


def run(folder: Path, config: GanConfig = RUN, seed: int = 0) -> tuple[Path, Path]:
    """Trains on nine font images and a single real one."""
    paths = folder / "networks.npz", folder / "metrics.jsonl"
    train = GanData(random_images(9), random_images(1, seed=1))
    validation = GanData(random_images(3, seed=2), random_images(4, seed=3))
    train_gan(
        config, train, validation, seed=seed, path=paths[0], metrics_path=paths[1], label="test"
    )
    return paths


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return run(tmp_path_factory.mktemp("gan"))


def test_metrics_are_lines_of_json_up_to_the_budget(trained: tuple[Path, Path]) -> None:
    records = [json.loads(line) for line in trained[1].read_text().splitlines()]
    rates = ["accuracy_real", "accuracy_converted", "samples_per_second"]
    for record in records:
        assert sorted(record) == sorted(["samples", *LOSSES, *rates])
        assert all(math.isfinite(record[name]) for name in LOSSES)
        assert record["accuracy_real"] in (0, 0.25, 0.5, 0.75, 1)
        assert record["samples_per_second"] > 0
    assert [record["samples"] for record in records] == [400, 420]


def test_the_file_holds_parameters_and_statistics_of_all_networks(
    trained: tuple[Path, Path],
) -> None:
    shapes = jax.eval_shape(lambda: init_state(RUN, KEY))
    with np.load(trained[0]) as file:
        sizes = {name: file[name].shape for name in file.files}
        assert not np.allclose(file["generator/stats/noise_bn/var/value"], 1)
    assert {name.split("/")[0] for name in sizes} == {"generator", "discriminator", "task"}
    assert sizes["generator/params/conv_in/kernel/value"] == (3, 3, 2, 2)
    assert sizes["discriminator/stats/bns/2/mean/value"] == (16,)
    assert len(sizes) == len(jax.tree.leaves(shapes.weights))


@pytest.mark.slow
def test_the_same_seed_trains_the_same_bits(trained: tuple[Path, Path], tmp_path: Path) -> None:
    again = run(tmp_path)
    assert again[0].read_bytes() == trained[0].read_bytes()


@pytest.mark.slow
def test_another_seed_trains_another_gan(trained: tuple[Path, Path], tmp_path: Path) -> None:
    other = run(tmp_path, seed=1)
    with np.load(trained[0]) as one, np.load(other[0]) as two:
        kernels = [name for name in one.files if "kernel" in name]
        assert kernels and not any(np.array_equal(one[name], two[name]) for name in kernels)


@pytest.mark.slow
def test_a_run_that_diverges_names_the_loss_and_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"^training diverged by step 5: .*task_font = nan"):
        run(tmp_path, replace(RUN, samples=20, learning_rate=1e30))
    assert list(tmp_path.iterdir()) == []


# --- data and validation ----------------------------------------------------------------------


def test_training_and_validation_images_are_the_splits(tmp_path: Path) -> None:
    paths = {name: tmp_path / f"{name}.npz" for name in ("mnist", "font", "split")}
    numbered_images(paths["mnist"], 40)
    _, font_labels = numbered_images(paths["font"], 60, start=100)
    write_split("0.5", SplitsConfig(total=60), paths["mnist"], paths["font"], paths["split"])
    split = read_split(paths["split"])
    train, validation = load_gan_data(paths["split"], paths["mnist"], paths["font"])
    assert train.real.images.shape == (27, 28, 28, 1)
    assert train.real.images[:, 0, 0, 0].tolist() == split.real_train.tolist()
    assert validation.real.images[:, 5, 7, 0].tolist() == split.real_validation.tolist()
    assert train.font.images[:, 0, 0, 0].tolist() == (100 + split.font_train).tolist()
    assert validation.font.images[:, 9, 0, 0].tolist() == (100 + split.font_validation).tolist()
    assert train.font.labels.tolist() == font_labels[split.font_train].tolist()


def test_a_damaged_image_file_is_refused_by_name(tmp_path: Path) -> None:
    numbered_images(tmp_path / "images.npz", 20)
    images = tmp_path / "images.npz"
    write_split("0.5", SplitsConfig(total=20), images, images, tmp_path / "split.npz")
    (tmp_path / "font.npz").write_bytes(images.read_bytes()[:2000])
    with pytest.raises(InputError, match=r"font\.npz: cannot be read"):
        load_gan_data(tmp_path / "split.npz", images, tmp_path / "font.npz")


def test_validation_accuracies_are_the_task_classifiers() -> None:
    state = STATE._replace(generator=blank_generator(0.4))
    # 520 font images, of which the first 500 count.
    validation = GanData(random_images(520, seed=3), random_images(30, seed=4))
    module = merged(GRAPHS.task, STATE.task)
    read = partial(reference.task_classifier, module, stem="mnist")
    real = read(np.asarray(validation.real.images) / 127.5 - 1).argmax(axis=1)
    grey = read(np.full((1, 28, 28, 1), np.tanh(0.4))).argmax()
    accuracies = make_validate(GRAPHS, validation)(state, KEY)
    right = np.mean(real == np.asarray(validation.real.labels))
    assert 0 < right < 1
    assert accuracies["accuracy_real"] == pytest.approx(right)
    share = np.mean(np.asarray(validation.font.labels[:500]) == grey)
    assert share != np.mean(np.asarray(validation.font.labels) == grey)
    assert accuracies["accuracy_converted"] == pytest.approx(share)


@pytest.mark.parametrize("n_font, n_real", [(3, 0), (0, 3), (0, 0)])
def test_accuracy_is_none_where_no_image_is_held_out(n_font: int, n_real: int) -> None:
    # Fewer than ten images of a kind leave none to validate on.
    validate = make_validate(GRAPHS, GanData(random_images(n_font), random_images(n_real)))
    accuracies = validate(STATE, KEY)
    assert (accuracies["accuracy_converted"] is None) == (n_font == 0)
    assert (accuracies["accuracy_real"] is None) == (n_real == 0)
