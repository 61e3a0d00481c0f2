"""Seeds of GANs and classifiers (`synth2real.seeds`)."""

from collections.abc import Callable

import pytest

from synth2real.seeds import classifier_seed, gan_seed


@pytest.mark.parametrize(
    "make, name, others",
    [
        (gan_seed, ("", "r0.1", "0", "0"), ("fold1/", "r0.2", "1", "1")),
        (
            classifier_seed,
            ("", "r0.1", "0", "GAN", "0", 0),
            ("fold1/", "r0.2", "1", "original", None, 1),
        ),
    ],
)
def test_whatever_a_seed_is_for_changes_it(
    make: Callable[..., int], name: tuple, others: tuple
) -> None:
    seeds = {make(*name)}
    for place, other in enumerate(others):
        seeds.add(make(*name[:place], other, *name[place + 1 :]))
    assert len(seeds) == 1 + len(others) and all(0 <= seed < 2**32 for seed in seeds)


def test_gans_and_their_classifiers_share_no_seed() -> None:
    draws, names = range(20), ("GAN", "original+GAN")
    seeds = [gan_seed("", "r0.1", str(draw), seed) for draw in draws for seed in "01"]
    seeds += [
        classifier_seed("", "r0.1", str(draw), name, seed, run)
        for draw in draws
        for name in names
        for seed in "01"
        for run in range(5)
    ]
    assert len(set(seeds)) == len(seeds) == 440
