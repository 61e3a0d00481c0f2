"""Pictures of any kind as arrays of one size and number of channels."""

from pathlib import Path

import numpy as np
from PIL import Image

from synth2real.io.files import write_atomically
from synth2real.spec import ImageSpec

_QUALITY = 95  # of JPEG and WebP files
_WIDEST = 65535  # the greatest number of 16 bits
_EXIF_ORIENTATION = 0x0112
# What each orientation but the first wants done. From 5 on height and width change places.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# Pillow refuses pictures of twice as many pixels, each of which takes up to 15 bytes here.
Image.MAX_IMAGE_PIXELS = 60_000_000
IMAGES_SHAPE = "[N, H, W] or [N, H, W, C] with C of 1, 3 or 4"
_GREY = {"1", "L", "LA", "I", "F", "I;16", "I;16B", "I;16L"}


def picture_shape(path: Path) -> tuple[int, int, int]:
    """Height, width and channels (1 or 3, as a palette has) of a picture file, from its header."""
    with Image.open(path) as image:
        width, height = image.size
        # Pillow turns a TIFF's size itself. A PNG's EXIF entry may come last, and Pillow decodes
        # the whole picture to find it.
        turns = width != height and image.format != "TIFF"
        if turns and image.getexif().get(_EXIF_ORIENTATION) in range(5, 9):
            width, height = height, width
        return height, width, 1 if image.mode in _GREY else 3


def read_picture(path: Path, spec: ImageSpec) -> np.ndarray:
    """Reads a picture file, uint8 [H, W, C]: the first frame, turned as its EXIF entry says."""
    # Pillow 13 garbles plain TIFF files on their side if it opens them itself: it maps them into
    # memory, turned.
    with open(path, "rb") as file, Image.open(file) as image:
        return fit_picture(_upright(image), spec)


def try_picture(path: Path) -> None:
    """Does to a picture file what `read_picture` may fail at."""
    with open(path, "rb") as file, Image.open(file) as image:
        _opaque(_upright(image), "RGB", (0,))


def _upright(image: Image.Image) -> Image.Image:
    """The picture, turned as its EXIF entry says.

    Pillow's own function then writes the EXIF entries anew, and fails at odd ones.
    """
    image.load()  # a TIFF is turned by that
    orientation = image.getexif().get(_EXIF_ORIENTATION)
    turn = _TURNS.get(orientation) if isinstance(orientation, int) else None
    return image if turn is None else image.transpose(turn)


def fit_picture(image: Image.Image, spec: ImageSpec) -> np.ndarray:
    """A picture as a spec says, uint8 [H, W, C].

    One of the right size keeps its pixels. Transparent ones show the spec's background, black where
    that is the edge. Numbers of 16 bits are divided by 257.
    """
    colour = (0,) if isinstance(spec.background, str) else spec.background
    mode = "L" if spec.channels == 1 else "RGB"
    array_HxWxC = np.asarray(_opaque(image, mode, colour))
    if array_HxWxC.ndim == 2:
        array_HxWxC = array_HxWxC[..., None]
    if array_HxWxC.shape[:2] != (spec.height, spec.width):
        array_HxWxC = _resize(array_HxWxC, spec)
    return array_HxWxC


def is_images_shape(shape: tuple[int, ...]) -> bool:
    """Whether `fit_images` takes images of a shape."""
    return 0 not in shape and (len(shape) == 3 or (len(shape) == 4 and shape[3] in (1, 3, 4)))


def fit_images(images_NxHxW: np.ndarray, spec: ImageSpec) -> np.ndarray:
    """Images, uint8 [N, H, W] or [N, H, W, C] with C of 1, 3 or 4, as a spec says."""
    if images_NxHxW.ndim == 3:
        images_NxHxW = images_NxHxW[..., None]
    if images_NxHxW.shape[1:] == spec.shape:
        return images_NxHxW
    fitted = np.empty((len(images_NxHxW), *spec.shape), np.uint8)
    for place, image in enumerate(images_NxHxW):
        fitted[place] = fit_picture(to_picture(image), spec)
    return fitted


def to_picture(image_HxWxC: np.ndarray) -> Image.Image:
    """An image, uint8 [H, W, C] with C of 1 or more, as Pillow has it."""
    return Image.fromarray(image_HxWxC[..., 0] if image_HxWxC.shape[-1] == 1 else image_HxWxC)


def write_picture(path: Path, image_HxWxC: np.ndarray) -> None:
    """Writes an image as a picture of the format that the path's ending names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with write_atomically(path) as temporary:
        to_picture(image_HxWxC).save(temporary, quality=_QUALITY)


def _opaque(image: Image.Image, mode: str, colour: tuple[int, ...]) -> Image.Image:
    """The picture in the mode L or RGB; what is transparent shows a colour, of one number or three.

    Raises:
        ValueError: its pixels are of another kind.
    """
    if image.mode == "F":
        raise ValueError("its pixels are fractions; whole numbers of 8 or 16 bits are needed")
    if image.mode in ("I", "I;16", "I;16B", "I;16L"):
        wide = np.asarray(image)
        if wide.min() < 0 or wide.max() > _WIDEST:
            raise ValueError(
                f"its pixels are from {wide.min()} to {wide.max()}; 0 to 65535 will do"
            )
        # Rounded: 257 is odd, so that nothing lies in the middle.
        image = Image.fromarray(((wide.astype(np.uint32) + 128) // 257).astype(np.uint8))
    if image.has_transparency_data:
        below = Image.new("RGBA", image.size, (*np.resize(colour, 3).tolist(), 255))
        image = Image.alpha_composite(below, image.convert("RGBA"))
    return image.convert(mode)


def _resize(image_HxWxC: np.ndarray, spec: ImageSpec) -> np.ndarray:
    height, width = image_HxWxC.shape[:2]
    picture = to_picture(image_HxWxC)
    box = None
    size = spec.width, spec.height
    if spec.fit == "crop":
        cut_h = min(height, width * spec.height / spec.width)
        cut_w = min(width, height * spec.width / spec.height)
        left, top = (width - cut_w) / 2, (height - cut_h) / 2
        box = (left, top, left + cut_w, top + cut_h)
    elif spec.fit == "pad":
        scale = min(spec.height / height, spec.width / width)
        size = max(1, round(width * scale)), max(1, round(height * scale))
    # Where an image shrinks, Pillow widens the filter, so that nothing aliases; unlike sharper ones
    # this filter does not ring.
    small = np.asarray(picture.resize(size, Image.Resampling.BILINEAR, box))
    return _pad(small[..., None] if small.ndim == 2 else small, spec)


def _pad(image_HxWxC: np.ndarray, spec: ImageSpec) -> np.ndarray:
    """Centres an image in one of the spec's size, with the background around it."""
    rows, columns = spec.height - image_HxWxC.shape[0], spec.width - image_HxWxC.shape[1]
    pads = ((rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2), (0, 0))
    if isinstance(spec.background, str):
        return np.pad(image_HxWxC, pads, "edge")
    padded = np.empty(spec.shape, np.uint8)
    padded[:] = spec.background
    (top, _), (left, _), _ = pads
    padded[top : top + image_HxWxC.shape[0], left : left + image_HxWxC.shape[1]] = image_HxWxC
    return padded
