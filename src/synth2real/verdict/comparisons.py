"""The comparisons that answer the question: do synthetic images help, converted or not?

Each is paired: both sets have the same real images, in each draw of them, and the same test images.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from synth2real.sets import RECIPES, SETS
from synth2real.verdict.intervals import NORMAL, Estimate, estimate

HELPS, NOT_SHOWN, HARMS, TOO_FEW = "helps", "not shown", "harms", "too few test images"
# Of fewer test images a mean is not nearly normal. And if test images alone leave a difference open
# by more than `WIDEST` either way, "not shown" would say nothing of the sets.
FEWEST_IMAGES = 100
WIDEST = 0.02
# A test that finds a difference of d in four of five experiments needs a deviation of d / 2.8: the
# normal quantiles of 0.975 and 0.8, added.
FOUND = 2.8
MOST = 100  # draws that anybody would make

# What is asked of every recipe: by the parts of the set, and of the one that it is compared with.
_SYNTHETIC, _CONVERTED = ("real", "synthetic"), ("real", "converted")
_UNTRAINED = ("real", "untrained")
QUESTIONS = {
    "synthetic images, against none": (_SYNTHETIC, ("real",)),
    "converted images, against none": (_CONVERTED, ("real",)),
    "converted images, against synthetic ones": (_CONVERTED, _SYNTHETIC),
    "training the GAN, against not training it": (_CONVERTED, _UNTRAINED),
}
# Across recipes: which of two ways to more images is the better one; and the one is the other with
# images without labels, and averaged weights.
ACROSS = (
    ("converted images, in the place of warps", "original+GAN", "augmented-original"),
    ("images without labels, against none", "pseudo-original", "augmented-original"),
)

# Whether classifiers, [classifiers, images] of each draw, recognise each test image.
Right = Mapping[int, np.ndarray]


@dataclass(frozen=True)
class Comparison:
    """What a set's classifiers recognise, less what another's do.

    Attributes:
        question: a key of `QUESTIONS`, or one of `ACROSS`.
        dataset: the set.
        against: the one that it is compared with.
        difference: in accuracy.
        draws: of the real images.
        common: the share of its real images that a draw has in common with another one; 1 if there
            is no other.
        n_test: test images.
    """

    question: str
    dataset: str
    against: str
    difference: Estimate
    draws: int
    common: float
    n_test: int

    @property
    def word(self) -> str:
        """What the interval says; nothing where test images are too few to say anything."""
        if self.n_test >= FEWEST_IMAGES:
            if self.difference.low > 0:
                return HELPS
            if self.difference.high < 0:
                return HARMS
        return TOO_FEW if self.n_test < self.needed_images else NOT_SHOWN

    @property
    def needed_images(self) -> int:
        """Test images that leave the difference open by `WIDEST` at most."""
        if math.isnan(self.difference.of_images):
            return FEWEST_IMAGES
        variance = self.n_test * self.difference.of_images
        return max(FEWEST_IMAGES, math.ceil(variance * (NORMAL / WIDEST) ** 2))

    @property
    def decided_by(self) -> str:
        """What would decide it, if the difference is as it seems: a power estimate of 80 %.

        How much draws differ, one alone does not tell.
        """
        mean, of_units, of_images, *_ = self.difference
        if self.word == TOO_FEW:
            return f"at least {self.needed_images:,} test images"
        if self.word != NOT_SHOWN:
            return ""
        if math.isnan(of_units):
            return "more than one classifier of each set"
        more = self._more("runs" if self.draws == 1 else "draws", mean, of_units, of_images)
        return more if self.common < 1 else f"other real images; for these {more}"

    def _more(self, units: str, mean: float, of_units: float, of_images: float) -> str:
        """How many more units, and images, would show a difference as large."""
        variance = (mean / FOUND) ** 2
        if of_images < variance and (more := of_units / (variance - of_images)) < MOST:
            return f"{max(2.0, more):.1f} times as many {units}"
        if 0 < 2 * of_images < MOST * variance:
            images = float(f"{self.n_test * 2 * of_images / variance:.2g}")
            return f"about {images:,.0f} test images, and more {units}"
        return "nothing within reach: the difference is too small"


def compare(right: Mapping[str, Right], common: float) -> Iterator[Comparison]:
    """Compares the sets of one size, by rising strength of the recipe.

    Draws are the units if there are several: a difference is then one that other real images would
    show, too, if draws have few of them in `common`. With one draw classifiers are, and it holds
    for these real images.
    """
    names = {(kind.recipe, kind.parts): name for name, kind in SETS.items()}
    asked = [
        (question, *(names[recipe, parts] for parts in sides))
        for recipe in RECIPES
        for question, sides in QUESTIONS.items()
        if all((recipe, parts) in names for parts in sides)
    ]
    for question, dataset, against in [*asked, *ACROSS]:
        if dataset in right and against in right:
            one, other = right[dataset], right[against]
            n_test = next(iter(one.values())).shape[1]
            difference = _difference(one, other)
            yield Comparison(question, dataset, against, difference, len(one), common, n_test)


def _difference(one: Right, other: Right) -> Estimate:
    if len(one) == 1:
        return estimate([*one.values(), *other.values()])
    return estimate([np.stack([one[draw].mean(0) - other[draw].mean(0) for draw in one])])


def accuracy(right: Right) -> Estimate:
    """The accuracy of a set's classifiers."""
    if len(right) == 1:
        return estimate([*right.values()])
    return estimate([np.stack([values_CxN.mean(0) for values_CxN in right.values()])])


def by_strongest(datasets: Sequence[str]) -> list[bool]:
    """Which comparisons, by their sets in order, are of the strongest recipe that there is."""
    order = [[*RECIPES].index(SETS[dataset].recipe) for dataset in datasets]
    return [place == max(order) for place in order]
