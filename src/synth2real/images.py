"""What the configuration says of images, and what the real ones say of themselves."""

from dataclasses import dataclass, replace

import numpy as np

from synth2real.errors import InputError
from synth2real.settings import choice, flag, setting
from synth2real.sources.base import Source
from synth2real.spec import EDGE, FITS, LARGEST, SMALLEST, Background, ImageSpec, check_spec

SAMPLE = 500  # images that the background is looked for in
# Their border is one colour if three fifths of its pixels are within eight levels of the median. Of
# scikit-learn's digits, which fill their images, 0.69 are; of digits on photographs 0.002.
SAME_LEVELS, SAME_SHARE = 8, 0.6


@dataclass(frozen=True)
class ImagesConfig:
    """What images are like; None is taken from the real ones."""

    height: int | None = setting(
        f"pixels, a whole number from {SMALLEST} to {LARGEST}; null takes the real images' own",
        type=["integer", "null"],
        minimum=SMALLEST,
        maximum=LARGEST,
    )
    width: int | None = setting(
        f"pixels, a whole number from {SMALLEST} to {LARGEST}; null takes the real images' own",
        type=["integer", "null"],
        minimum=SMALLEST,
        maximum=LARGEST,
    )
    channels: int | None = setting(
        "1 (grey), 3 (red, green, blue) or null, which takes the real images' own",
        enum=[1, 3, None],
    )
    background: Background | None = setting(
        "what lies outside an image: black, edge (its reflection there for warps, its border for "
        "padding), a colour as a list of 1 or 3 whole numbers from 0 to 255, or null, which looks "
        "at the real images' borders",
        anyOf=[
            {"enum": ["black", EDGE, None]},
            {
                "type": "array",
                "items": {"type": "integer", "minimum": 0, "maximum": 255},
                "minItems": 1,
                "maxItems": 3,
            },
        ],
    )
    fit: str = choice("how an image of another shape is fitted", FITS)
    skip_bad: bool = flag(
        "leaves out pictures that cannot be read, and training images that are test images, too "
        "(results/real/left_out.csv and the like)",
        default=False,
    )


def find_spec(config: ImagesConfig, source: Source, classes: tuple[str, ...]) -> ImageSpec:
    """The spec that the configuration states, and where it does not, that of the real images.

    Raises:
        InputError: the real images are of several sizes or too large, and none is stated.
    """
    spec = spec_of_headers(config, source, classes)
    if config.background is not None:
        return spec
    index_N = np.arange(len(source.labels()))
    images_NxHxWxC = source.read(index_N[sample_of(len(index_N))], spec)
    return replace(spec, background=find_background(images_NxHxWxC))


def sample_of(count: int) -> slice:
    """In which of so many images a background is looked for: in `SAMPLE` at most, from all over."""
    return slice(None, None, -(-count // SAMPLE))


def spec_of_headers(config: ImagesConfig, source: Source, classes: tuple[str, ...]) -> ImageSpec:
    """As `find_spec`, without decoding an image: a background to be looked for is "edge".

    Raises:
        InputError: as there.
    """
    stated = config.height and config.width and config.channels
    shapes = set() if stated else source.shapes(np.arange(len(source.labels())))
    height, width = _find_size(config, shapes)
    channels = config.channels or max(channels for _, _, channels in shapes)
    # Until the background is known, padding shows the images' own borders.
    spec = check_spec(ImageSpec(height, width, channels, classes, EDGE, config.fit), "images")
    background = EDGE if config.background is None else config.background
    if background == "black":
        background = (0,) * channels
    elif not isinstance(background, str):
        background = _colour(background, channels)
    return replace(spec, background=background)


def _find_size(config: ImagesConfig, shapes: set[tuple[int, int, int]]) -> tuple[int, int]:
    if config.height and config.width:
        return config.height, config.width
    sizes = sorted({(height, width) for height, width, _ in shapes})
    if len(sizes) > 1 or max(sizes[0]) > LARGEST:
        found = f"{sizes[0][0]}x{sizes[0][1]}"
        if len(sizes) > 1:
            found += f" to {sizes[-1][0]}x{sizes[-1][1]}"
        raise InputError(
            f"images.height, images.width: the real images are {found} pixels (height x width); "
            f"say which size to use, at most {LARGEST}"
        )
    return config.height or sizes[0][0], config.width or sizes[0][1]


def _colour(values: tuple[int, ...], channels: int) -> tuple[int, ...]:
    if len(values) not in (1, channels):
        channel, number = (
            ("channel", "1 number") if channels == 1 else ("channels", "1 or 3 numbers")
        )
        raise InputError(
            f"images.background: {list(values)} is no colour of images of {channels} {channel}; "
            f"{number} will do"
        )
    return tuple(values) * (channels // len(values))


def find_background(images_NxHxWxC: np.ndarray) -> Background:
    """The colour of the images' borders, uint8 [N, H, W, C], or "edge" if they have none."""
    rows, columns = images_NxHxWxC[:, [0, -1]], images_NxHxWxC[:, 1:-1, [0, -1]]
    channels = images_NxHxWxC.shape[-1]
    border_PxC = np.concatenate([rows.reshape(-1, channels), columns.reshape(-1, channels)])
    colour_C = np.median(border_PxC, axis=0)
    same_P = (np.abs(border_PxC - colour_C) <= SAME_LEVELS).all(-1)
    return tuple(int(value) for value in colour_C) if same_P.mean() >= SAME_SHARE else EDGE
