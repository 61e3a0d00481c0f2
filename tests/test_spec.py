"""What every image is like: its file, and what the networks cannot take."""

import json
from pathlib import Path

import pytest

from synth2real.errors import InputError
from synth2real.spec import ImageSpec, check_spec, read_spec, write_spec

CLASSES = ("cat", "a dog", "ü", "two\nlines", '"')


@pytest.mark.parametrize("background", [(0,), (1, 2, 255), "edge"])
def test_a_spec_is_read_as_it_was_written(tmp_path: Path, background) -> None:
    channels = 1 if background == (0,) else 3
    spec = ImageSpec(32, 28, channels, CLASSES, background)
    write_spec(tmp_path / "spec.json", spec)
    assert read_spec(tmp_path / "spec.json") == spec
    assert hash(read_spec(tmp_path / "spec.json")) == hash(spec)
    values = json.loads((tmp_path / "spec.json").read_text(encoding="utf-8"))
    assert values["height"] == 32 and values["classes"] == list(CLASSES)
    assert [path.name for path in tmp_path.iterdir()] == ["spec.json"]


def test_shape_and_fill() -> None:
    spec = ImageSpec(32, 28, 3, CLASSES, (0, 51, 255))
    assert spec.shape == (32, 28, 3)
    assert spec.fill(1 / 255) == pytest.approx((0, 0.2, 1))
    assert spec.fill(2 / 255, -1) == pytest.approx((-1, -0.6, 1))
    assert ImageSpec(32, 28, 3, CLASSES, "edge").fill(1 / 255) is None


@pytest.mark.parametrize("size", [8, 128])
def test_sizes_that_will_do(size: int) -> None:
    spec = ImageSpec(size, size, 1, ("a", "b"), (0,))
    assert check_spec(spec, "x") is spec


def test_every_fault_is_a_line() -> None:
    with pytest.raises(InputError) as error:
        check_spec(ImageSpec(7, 129, 1, ("only\n",), (0,)), "results/spec.json")
    assert str(error.value).splitlines() == [
        "results/spec.json: height of 7 pixels; 8 to 128 will do (images.height)",
        "results/spec.json: width of 129 pixels; 8 to 128 will do (images.width)",
        r"results/spec.json: 1 class (only\n); 2 to 1,000 will do",
    ]


def test_no_class_is_refused() -> None:
    with pytest.raises(InputError, match="^x: no class; 2 to 1,000 will do$"):
        check_spec(ImageSpec(8, 8, 1, (), (0,)), "x")
