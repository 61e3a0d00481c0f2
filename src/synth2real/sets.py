"""The training sets of classifiers: rules, tables and figures read them here and nowhere else.

`original`, `GAN` and their mixtures are the paper's names (section 3); its `font` is `synthetic`.
"""

from typing import NamedTuple


class TrainingSetKind(NamedTuple):
    """What a training set is made of.

    Attributes:
        parts: `real`, `synthetic` (all of a size's images) or `converted`.
        augmented: whether each image goes through a random affine map, and each part makes an
            equal share of every batch: what one would try before a GAN. Without it all images are
            one pool, as in the paper.
        colour: in figures.
        marker: in figures; it tells sets apart without colour.
    """

    parts: tuple[str, ...]
    augmented: bool
    colour: str
    marker: str

    @property
    def needs_gan(self) -> bool:
        return "converted" in self.parts


# The palette of Okabe and Ito, which readers with colour blindness can tell apart. Augmented sets
# look like the plain ones, but for the one that a figure shows beside original+GAN.
SETS = {
    "original": TrainingSetKind(("real",), False, "#000000", "o"),
    "synthetic": TrainingSetKind(("synthetic",), False, "#E69F00", "s"),
    "GAN": TrainingSetKind(("converted",), False, "#009E73", "^"),
    "original+synthetic": TrainingSetKind(("real", "synthetic"), False, "#0072B2", "v"),
    "original+GAN": TrainingSetKind(("real", "converted"), False, "#D55E00", "D"),
    "augmented-original": TrainingSetKind(("real",), True, "#000000", "o"),
    "augmented-original+synthetic": TrainingSetKind(("real", "synthetic"), True, "#0072B2", "v"),
    "augmented-original+GAN": TrainingSetKind(("real", "converted"), True, "#CC79A7", "^"),
}

# What classifiers are tested on: the real test images (the paper's protocol), those set apart of
# the synthetic ones, and their conversions.
TEST_SETS = ("real", "synthetic", "converted")
