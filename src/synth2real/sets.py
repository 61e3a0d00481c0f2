"""The training sets of classifiers: rules, tables and figures read them here and nowhere else.

`original`, `GAN` and their mixtures are the paper's names (section 3); its `font` is `synthetic`.
"""

from typing import NamedTuple

# How a classifier learns from a set; the same for every set that has it.
PLAIN = "plain"  # all images are one pool, as in the paper
AUGMENTED = "augmented"  # random warps; each part makes an equal share of every batch
PSEUDO = "pseudo"  # that, and real images without labels (classify/pseudo.py)
# With pseudo-labels a batch has 1.5 times as many images more, which the average classifies, too:
# a step takes three times as long.
PSEUDO_COST = 3

# Recipes as a person reads them, by rising strength.
RECIPES = {
    PLAIN: "without warps",
    AUGMENTED: "with random warps",
    PSEUDO: "with random warps and images without labels",
}


# The parts as a person reads them.
PARTS = {
    "real": "real images",
    "synthetic": "synthetic images",
    "converted": "conversions by the GAN",
    "untrained": "conversions by the GAN before training",
}


class TrainingSetKind(NamedTuple):
    """What a training set is made of.

    Attributes:
        parts: `real`, `synthetic` (all of a size's images), or those `converted` by the GAN or by
            the `untrained` generator that its training began with.
        recipe: how classifiers learn from it: `PLAIN`, `AUGMENTED`, which is what one would try
            before a GAN, or `PSEUDO`, which needs real images without labels.
        colour: in figures.
        marker: in figures; it tells sets apart without colour.
    """

    parts: tuple[str, ...]
    recipe: str
    colour: str
    marker: str

    @property
    def words(self) -> str:
        """What the set is, as a person reads it."""
        return f"{' and '.join(PARTS[part] for part in self.parts)}, {RECIPES[self.recipe]}"

    @property
    def needs_gan(self) -> bool:
        return self.conversions is not None

    @property
    def conversions(self) -> str | None:
        """The part that a generator has converted, if one has."""
        return next((part for part in self.parts if part in ("converted", "untrained")), None)

    @property
    def is_control(self) -> bool:
        """Whether it is none of the paper's, but tells what those owe to the GAN."""
        return self.recipe == AUGMENTED or "untrained" in self.parts


# The palette of Okabe and Ito, which readers with colour blindness can tell apart. Sets of the same
# parts look alike, but for those that a figure shows beside each other.
SETS = {
    "original": TrainingSetKind(("real",), PLAIN, "#000000", "o"),
    "synthetic": TrainingSetKind(("synthetic",), PLAIN, "#E69F00", "s"),
    "GAN": TrainingSetKind(("converted",), PLAIN, "#009E73", "^"),
    "original+synthetic": TrainingSetKind(("real", "synthetic"), PLAIN, "#0072B2", "v"),
    "original+GAN": TrainingSetKind(("real", "converted"), PLAIN, "#D55E00", "D"),
    "original+untrained": TrainingSetKind(("real", "untrained"), PLAIN, "#999999", "X"),
    "augmented-original": TrainingSetKind(("real",), AUGMENTED, "#000000", "o"),
    "augmented-original+synthetic": TrainingSetKind(
        ("real", "synthetic"), AUGMENTED, "#0072B2", "v"
    ),
    "augmented-original+GAN": TrainingSetKind(("real", "converted"), AUGMENTED, "#CC79A7", "^"),
    "augmented-original+untrained": TrainingSetKind(
        ("real", "untrained"), AUGMENTED, "#999999", "X"
    ),
    "pseudo-original": TrainingSetKind(("real",), PSEUDO, "#56B4E9", "P"),
    "pseudo-original+synthetic": TrainingSetKind(("real", "synthetic"), PSEUDO, "#0072B2", "v"),
    "pseudo-original+GAN": TrainingSetKind(("real", "converted"), PSEUDO, "#D55E00", "D"),
}

# What classifiers are tested on: the real test images (the paper's protocol), those set apart of
# the synthetic ones, and their conversions.
TEST_SETS = ("real", "synthetic", "converted")
