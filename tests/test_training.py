"""The training loop that GAN and classifier share."""

import logging
import math
import re
import time
from types import SimpleNamespace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from synth2real import training
from synth2real.gan.state import init_state
from synth2real.gan.step import GanData
from synth2real.gan.train import STEPS
from synth2real.nn import convolution
from synth2real.nn.config import ComputeConfig
from synth2real.spec import ImageSpec
from synth2real.training import (
    CHUNK_STEPS,
    Images,
    Progress,
    TrainingError,
    draw_batch,
    run_chunks,
    train_chunk,
)
from tiny import DIGITS, random_images, tiny_gan

KEY = jax.random.key(0)


class Walk(NamedTuple):
    """A state that adds up random numbers."""

    step: jax.Array
    place: jax.Array


def start() -> Walk:
    return Walk(jnp.zeros((), jnp.int32), jnp.zeros(3))


def walk(state: Walk, data: jax.Array, key: jax.Array) -> tuple[Walk, dict[str, jax.Array]]:
    move = data * jax.random.normal(jax.random.fold_in(key, state.step), (3,))
    state = Walk(state.step + 1, state.place + move)
    return state, {"step": state.step, "length": jnp.linalg.norm(state.place)}


def test_metrics_are_the_means_of_a_chunk() -> None:
    state, metrics = train_chunk(walk, start(), jnp.ones(3), KEY, 4)
    assert state.step == 4 and metrics["step"] == (1 + 2 + 3 + 4) / 4
    assert isinstance(metrics["length"], float)


def pretend_gpu(monkeypatch: pytest.MonkeyPatch, memory: float) -> None:
    """Lets training take the CPU for a GPU with so many bytes."""
    gpu = SimpleNamespace(memory_stats=lambda: {"bytes_limit": memory})
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    monkeypatch.setattr(jax, "local_devices", lambda: [gpu])


def test_what_a_device_has_no_room_for_is_refused_before_it_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = jnp.ones((1_000_000, 3))

    def step(state: Walk, data: jax.Array, key: jax.Array) -> tuple[Walk, dict[str, jax.Array]]:
        return walk(state, jnp.sort(data, 0)[0], key)

    pretend_gpu(monkeypatch, 13e6)  # enough for the data, 12 MB, and not to sort them
    with pytest.raises(TrainingError, match=r"needs 0\.0 GB .*, which has 0\.0; a smaller batch"):
        next(run_chunks(step, start(), data, KEY, steps=100))


def test_to_know_what_it_needs_a_chunk_is_compiled_and_then_not_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pretend_gpu(monkeypatch, 1e9)
    compiled: list[str] = []
    jax.monitoring.register_event_duration_secs_listener(
        lambda name, *_, **__: compiled.append(name) if "backend_compile" in name else None
    )
    data = jnp.ones(3)
    train_chunk(walk, start(), data, KEY, 96)
    compiled.clear()
    train_chunk(walk, start(), data, KEY, 97)
    alone = len(compiled)
    compiled.clear()
    (end,) = [state for state, _ in run_chunks(walk, start(), data, KEY, steps=98)]
    assert end.step == 98 and len(compiled) == alone > 0


@pytest.mark.parametrize(("backend", "onednn"), [("gpu", False), ("cpu", True)])
def test_a_scanned_chunk_equals_a_stepped_one(
    backend: str, onednn: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(training, "has_onednn", lambda: False)
        patch.setattr(training, "_compile_scan", None)
        stepped = train_chunk(walk, start(), jnp.full(3, 2.0), KEY, 7)
    monkeypatch.setattr(jax, "default_backend", lambda: backend)
    monkeypatch.setattr(training, "has_onednn", lambda: onednn)
    monkeypatch.setattr(training, "_compile_step", None)
    scanned = train_chunk(walk, start(), jnp.full(3, 2.0), KEY, 7)
    np.testing.assert_allclose(scanned[0].place, stepped[0].place, rtol=1e-6)
    assert scanned[0].step == stepped[0].step == 7
    assert scanned[1] == pytest.approx(stepped[1])


PHOTOS = ImageSpec(12, 15, 3, ("a", "b", "c"), "edge")


@pytest.mark.parametrize("preset, spec", [("synth2real", PHOTOS), ("small", DIGITS)])
def test_on_a_gpu_a_chunk_of_a_gans_steps_is_one_program(
    preset: str, spec: ImageSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing runs here: a chunk is lowered for a GPU, as one would compile it.
    monkeypatch.setattr(convolution, "_config", ComputeConfig("xla", "float32"))
    gan = tiny_gan(preset, spec)
    data = GanData(random_images(9, spec=spec), random_images(5, seed=1, spec=spec))
    scan = training._compile_scan(STEPS[gan.config.step](gan), CHUNK_STEPS)
    state = jax.eval_shape(lambda: init_state(gan.config, spec, KEY))
    text = jax.export.export(scan, platforms=["cuda"])(state, data, KEY).mlir_module()
    main = text[text.index("@main") :].partition("func.func private")[0]
    # One loop over the steps, no convolution before it, and no way out of it to the host.
    assert main.count("stablehlo.while") == 1 and f"dense<{CHUNK_STEPS}>" in main
    assert "stablehlo.convolution" in text
    assert "stablehlo.convolution" not in main.partition("stablehlo.while")[0]
    assert not re.search("custom_call|callback|send|recv|infeed|outfeed", text)


def test_chunks_make_up_the_steps() -> None:
    chunks = [int(state.step) for state, _ in run_chunks(walk, start(), 1.0, KEY, steps=250)]
    assert CHUNK_STEPS == 100 and chunks == [100, 200, 250]


def test_chunks_do_not_change_the_result() -> None:
    *_, (state, _) = run_chunks(walk, start(), 1.0, KEY, steps=130)
    whole, _ = train_chunk(walk, start(), 1.0, KEY, 130)
    np.testing.assert_array_equal(state.place, whole.place)


@pytest.mark.parametrize("bad, text", [(math.nan, "nan"), (math.inf, "inf"), (-math.inf, "-inf")])
def test_a_loss_that_is_no_number_stops_the_run_and_is_named(bad: float, text: str) -> None:
    def diverge(state: Walk, data, key):
        state, metrics = walk(state, data, key)
        return state, metrics | {"loss": jnp.where(state.step == 120, bad, 0.5)}

    chunks = run_chunks(diverge, start(), 1.0, KEY, steps=200)
    next(chunks)
    with pytest.raises(TrainingError) as error:
        next(chunks)
    message = str(error.value)
    assert message.startswith(f"training diverged by step 200: loss = {text}; ")
    assert "learning_rate" in message and "\n" not in message


def test_a_batch_pairs_images_with_their_labels() -> None:
    pixels = jnp.broadcast_to(jnp.arange(50, dtype=jnp.uint8)[:, None, None, None], (50, 28, 28, 1))
    images, labels = draw_batch(Images(pixels, jnp.arange(50) + 100), KEY, 4000)
    assert images.shape == (4000, 28, 28, 1) and images.dtype == jnp.uint8
    np.testing.assert_array_equal(images[:, 3, 4, 0] + 100, labels)
    # With replacement, and each alike: 80 times on average, with a deviation of 8.9.
    counts = np.bincount(np.asarray(labels) - 100, minlength=50)
    assert counts.min() > 40 and counts.max() < 120


def test_a_batch_depends_on_its_key_alone() -> None:
    data = random_images(30)
    one, again = (draw_batch(data, KEY, 8)[1].tolist() for _ in range(2))
    assert one == again != draw_batch(data, jax.random.key(1), 8)[1].tolist()


def test_the_time_left_does_not_count_compiling(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    seconds = iter([0, 40, 80, 130])
    monkeypatch.setattr(time, "monotonic", lambda: next(seconds))
    progress = Progress(1_000)
    for done in (100, 500, 1_000):
        progress.update(done, {"loss": 0.5, "accuracy": None})
    assert caplog.messages == [
        "compiling, then 1,000 samples",
        "10% of 1,000 samples",
        "50% of 1,000 samples, 10 samples/s, 0:00:50 left",
        "100% of 1,000 samples, 10 samples/s, 0:00:00 left",
    ]
