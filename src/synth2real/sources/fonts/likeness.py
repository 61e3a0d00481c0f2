"""Whether what a font draws for digits are digits.

Symbol fonts draw arrows where others have digits, and call them zero, one, two.
"""

import functools
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from synth2real.errors import printable
from synth2real.sources.fonts.glyphs import DIGITS, Outline, draw_boxes
from synth2real.sources.fonts.outlines import FontError, digit_outlines

# Fonts that come with matplotlib, upright and slanted.
FAMILIAR = ("DejaVuSans.ttf", "DejaVuSerif.ttf", "cmr10.ttf", "STIXGeneralItalic.ttf", "cmtt10.ttf")
SLANTS = (-24, -12, 0, 12, 24)
# Of 555 fonts with digits the least alike have 0.40, of seven symbol fonts the most alike 0.32.
LEAST = 0.36
SIDE = 6  # pixels of the small images that are compared
NARROW = 0.35  # a 1 stays narrow; other digits fill their box


def check_digits(path: Path, outlines: list[Outline]) -> None:
    """Refuses a font whose digits look like no digits.

    Raises:
        FontError: one line.
    """
    found = likeness(outlines)
    if found < LEAST:
        raise FontError(
            f"{printable(path)}: what it draws for {DIGITS} are no digits (likeness {found:.2f}, "
            f"at least {LEAST}); a font with digits is needed"
        )


def likeness(outlines: list[Outline]) -> float:
    """How alike the ten digits are to familiar ones: mean correlation with the most alike, to 1."""
    shapes_10x1xD = np.stack([_shapes(outline, (0,)) for outline in outlines])
    correlation_10xK: NDArray[np.float64] = np.einsum("nid,nkd->nk", shapes_10x1xD, _familiar())
    return float(correlation_10xK.max(1).mean())


@functools.cache
def _familiar() -> NDArray[np.float64]:
    """Shapes of digits that anyone would read, [10, K, D]."""
    # It takes part of a second, and looks at the environment, which is not cleaned yet when the
    # workflow imports this.
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    fonts = [digit_outlines(folder / name) for name in FAMILIAR]
    return np.stack(
        [np.concatenate([_shapes(font[n], SLANTS) for font in fonts]) for n in range(10)]
    )


def _shapes(outline: Outline, angles_A: tuple[int, ...]) -> NDArray[np.float64]:
    """A digit at some angles as small images [A, D] of mean 0 and length 1."""
    small_AxD: NDArray[np.float64] = np.stack(
        [_stretch(box).ravel() for box in draw_boxes(outline, angles_A)]
    )
    small_AxD = small_AxD - small_AxD.mean(1, keepdims=True)
    lengths_Ax1 = np.linalg.norm(small_AxD, axis=1, keepdims=True)
    shapes_AxD: NDArray[np.float64] = small_AxD / lengths_Ax1.clip(1e-9)
    return shapes_AxD


def _stretch(box_BxB: NDArray[np.uint8]) -> NDArray[np.float64]:
    """A drawn digit, made to fill a small square but for a narrow one, whose proportion stays."""
    rows, columns = (np.flatnonzero(box_BxB.any(axis)) for axis in (1, 0))
    ink = box_BxB[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = ink.shape
    wide = SIDE if width > NARROW * height else max(round(SIDE * width / height), 1)
    high = SIDE if height > NARROW * width else max(round(SIDE * height / width), 1)
    small = np.zeros((SIDE, SIDE))
    top, left = (SIDE - high) // 2, (SIDE - wide) // 2
    shrunk = Image.fromarray(ink).resize((wide, high), Image.Resampling.BOX)
    small[top : top + high, left : left + wide] = np.asarray(shrunk)
    return small
