"""The spec of an experiment's images: stated, or what the real ones are like."""

from collections.abc import Sequence

import numpy as np
import pytest

from synth2real.errors import InputError
from synth2real.images import SAMPLE, ImagesConfig, find_background, find_spec, spec_of_headers
from synth2real.sources.images import fit_images
from synth2real.spec import Background, ImageSpec

CLASSES = ("a", "b")


class Images:
    """Images of any sizes, in memory, as a source; keeps which were read."""

    def __init__(self, images: Sequence[np.ndarray]):
        self.images = images
        self.read_at: list[int] = []

    def labels(self) -> list[str]:
        return [CLASSES[place % 2] for place in range(len(self.images))]

    def name(self, index: int) -> str:
        return f"image {index}"

    def shapes(self, index_N: np.ndarray) -> set[tuple[int, int, int]]:
        return {self.images[index].shape for index in index_N}

    def read(self, index_N: np.ndarray, spec: ImageSpec) -> np.ndarray:
        self.read_at += index_N.tolist()
        return np.concatenate([fit_images(self.images[i][None], spec) for i in index_N])

    def digest(self) -> str:
        return ""


def noise(height: int, width: int, channels: int = 1, count: int = 4) -> np.ndarray:
    shape = (count, height, width, channels)
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def config(
    height: int | None = None,
    width: int | None = None,
    channels: int | None = None,
    background: Background | list[int] | None = None,
    fit: str = "pad",
) -> ImagesConfig:
    return ImagesConfig(height, width, channels, background, fit)


def refused(settings: ImagesConfig, *images: np.ndarray, classes: tuple = CLASSES) -> str:
    with pytest.raises(InputError) as error:
        find_spec(settings, Images([one for many in images for one in many]), classes)
    return str(error.value)


def test_headers_tell_all_but_the_background() -> None:
    source = Images(noise(20, 31, 3))
    assert spec_of_headers(config(), source, CLASSES).shape == (20, 31, 3)
    assert spec_of_headers(config(background=[7]), source, CLASSES).background == (7, 7, 7)
    assert not source.read_at


@pytest.mark.parametrize("channels", [1, 3])
def test_one_size_is_found(channels: int) -> None:
    spec = find_spec(config(), Images(noise(20, 31, channels)), CLASSES)
    assert spec == ImageSpec(20, 31, channels, CLASSES, "edge")


def test_one_colour_image_makes_all_colour() -> None:
    images = [*noise(9, 9), *noise(9, 9, 3, 1)]
    assert find_spec(config(), Images(images), CLASSES).channels == 3


def test_what_is_stated_counts() -> None:
    images = Images([*noise(300, 200, 3), *noise(9, 9)])
    spec = find_spec(config(32, 16, 1, [7], "crop"), images, CLASSES)
    assert spec == ImageSpec(32, 16, 1, CLASSES, (7,), "crop")
    assert images.read_at == []
    assert find_spec(config(32, 16), images, CLASSES).channels == 3
    assert find_spec(config(12), Images(noise(20, 31)), CLASSES).shape == (12, 31, 1)
    assert find_spec(config(width=12), Images(noise(20, 31)), CLASSES).shape == (20, 12, 1)


@pytest.mark.parametrize("stated", [config(), config(height=32), config(width=32)])
def test_several_sizes_need_a_stated_one(stated: ImagesConfig) -> None:
    message = refused(stated, noise(20, 31), noise(300, 10), noise(50, 40))
    assert message == (
        "images.height, images.width: the real images are 20x31 to 300x10 pixels (height x width); "
        "say which size to use, at most 128"
    )


@pytest.mark.parametrize("height, width", [(129, 20), (20, 129)])
def test_large_images_need_a_stated_size(height: int, width: int) -> None:
    message = refused(config(), noise(height, width))
    assert f"the real images are {height}x{width} pixels" in message
    assert "say which size to use, at most 128" in message


@pytest.mark.parametrize("size", [8, 128])
def test_the_smallest_and_the_largest_pass(size: int) -> None:
    spec = find_spec(config(), Images(noise(size, size)), CLASSES)
    assert spec.shape == (size, size, 1)


def test_small_images_are_refused() -> None:
    assert refused(config(), noise(7, 20)) == (
        "images: height of 7 pixels; 8 to 128 will do (images.height)"
    )
    assert refused(config(), noise(7, 5)).splitlines() == [
        "images: height of 7 pixels; 8 to 128 will do (images.height)",
        "images: width of 5 pixels; 8 to 128 will do (images.width)",
    ]


def test_one_class_and_1001_are_refused() -> None:
    assert refused(config(), noise(9, 9), classes=("a",)) == (
        "images: 1 class (a); 2 to 1,000 will do"
    )
    many = tuple(f"c{number}" for number in range(1001))
    assert refused(config(), noise(9, 9), classes=many) == (
        "images: 1,001 classes (c0, c1, c2, ...); 2 to 1,000 will do"
    )
    assert find_spec(config(), Images(noise(9, 9)), many[:1000]).classes == many[:1000]


# Backgrounds.


@pytest.mark.parametrize(
    "stated, channels, found",
    [
        ("black", 1, (0,)),
        ("black", 3, (0, 0, 0)),
        ("edge", 3, "edge"),
        ([255], 1, (255,)),
        ([255], 3, (255, 255, 255)),
        ([1, 2, 3], 3, (1, 2, 3)),
        ((1, 2, 3), 3, (1, 2, 3)),
    ],
)
def test_stated_backgrounds(stated, channels: int, found: Background) -> None:
    images = Images(noise(9, 9, channels))
    assert find_spec(config(background=stated), images, CLASSES).background == found


@pytest.mark.parametrize("values, channels", [([1, 2], 3), ([1, 2], 1), ([1, 2, 3], 1)])
def test_no_colour_is_refused(values: list[int], channels: int) -> None:
    fault = f"images.background: {values} is no colour of images of {channels} channel"
    message = refused(config(background=values), noise(9, 9, channels))
    assert message.startswith(fault) and "\n" not in message
    assert message.endswith("1 number will do" if channels == 1 else "1 or 3 numbers will do")


@pytest.mark.parametrize("colour", [(0,), (255,), (0, 0, 0), (255, 255, 255), (200, 10, 90)])
def test_borders_of_one_colour_are_found(colour: tuple[int, ...]) -> None:
    images = noise(12, 10, len(colour), 20)
    images[:, [0, -1]] = colour
    images[:, :, [0, -1]] = colour
    assert find_spec(config(), Images(images), CLASSES).background == colour
    # JPEG's noise, and an object that reaches the border now and then.
    images[:, [0, -1]] = np.clip(images[:, [0, -1]].astype(int) + 5, 0, 255)
    images[0, [0, -1]] = noise(2, 10, len(colour), 1)
    found = np.array(find_background(images))
    assert np.abs(found - colour).max() <= 5


def test_pictures_have_no_border() -> None:
    assert find_background(noise(12, 10, 3, 20)) == "edge"
    images = np.zeros((20, 12, 10, 1), np.uint8)
    images[10:] = 255  # half black, half white
    assert find_background(images) == "edge"
    # One channel of three is no colour.
    images = np.zeros((20, 12, 10, 3), np.uint8)
    images[..., 1] = noise(12, 10, 1, 20)[..., 0]
    assert find_background(images) == "edge"


@pytest.mark.parametrize("others, found", [(0.39, (0,)), (0.42, "edge")])
def test_three_fifths_of_the_border_decide(others: float, found: Background) -> None:
    images = np.zeros((100, 8, 8, 1), np.uint8)
    images[: round(100 * others)] = 255
    assert find_background(images) == found
    images[images == 255] = 8  # levels that count as the same
    assert find_background(images) == (0,)


def test_inner_pixels_do_not_count() -> None:
    images = np.full((5, 12, 10, 1), 30, np.uint8)
    images[:, 1:-1, 1:-1] = noise(10, 8, 1, 5)
    assert find_background(images) == (30,)


def test_each_border_pixel_counts_once() -> None:
    """Of 28 border pixels of 8x8, 17 are three fifths and 16 are not."""
    for marked, found in [(3, (0,)), (4, "edge")]:
        images = np.zeros((1, 8, 8, 1), np.uint8)
        images[0, :, 0] = images[0, 0, 1 : 1 + marked] = 255  # a corner is of both borders
        assert find_background(images) == found


@pytest.mark.parametrize("count", [1, 499, 500, 501, 1700])
def test_a_sample_decides(count: int) -> None:
    images = Images(np.zeros((count, 8, 8, 1), np.uint8))
    assert find_spec(config(), images, CLASSES).background == (0,)
    assert len(images.read_at) <= SAMPLE and len(images.read_at) >= min(count, SAMPLE // 2)
    assert np.ptp(images.read_at) >= 0.99 * (count - 1)


def test_padding_is_no_background() -> None:
    """White pictures of another shape show their white, not the black around them."""
    white = Images(np.full((4, 40, 80, 3), 255, np.uint8))
    assert find_spec(config(32, 32), white, CLASSES).background == (255, 255, 255)
