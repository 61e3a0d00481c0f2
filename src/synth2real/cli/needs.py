"""How much an experiment takes: jobs, time and disk, roughly."""

import shutil
from collections.abc import Mapping
from typing import Any

import jax

from synth2real.classify.config import PRESETS as CLASSIFIERS
from synth2real.classify.state import init_state
from synth2real.cli.images import Found
from synth2real.config.experiment import Experiment
from synth2real.gan.config import PRESETS as GANS
from synth2real.sets import PSEUDO, PSEUDO_COST
from synth2real.spec import EDGE, ImageSpec

COLOUR = 1.4  # times as long a GAN takes with three channels, which it sees with their background
COMPILING = 20.0  # seconds that a job takes besides its work
MNIST = ImageSpec(28, 28, 1, tuple("0123456789"), (0,))
MNIST_IMAGES, MNIST_TESTS = 60_000, 10_000


def needs(
    experiment: Experiment, found: Mapping[str, Found | None], cores: int, *, numbers: bool
) -> dict[str, Any]:
    """What a run takes, in words, and in seconds and bytes if numbers are wanted.

    Args:
        experiment: the settings.
        found: the images of `real` and `synthetic`, None where they are downloaded.
        cores: of a CPU, each as fast as the presets say.

    The working folder is where results/ will be.
    """
    spec, converted = _spec(experiment, found["real"]), _converted(experiment, found["synthetic"])
    chains = (experiment.real.folds or 1) * len(experiment.sizes) * len(experiment.splits.seeds)
    gans = chains * len(experiment.gan_seeds)
    # Classifiers by the name of their set.
    trained = {
        name: experiment.runs * (gans if kind.needs_gan else chains)
        for name, kind in experiment.sets.items()
    }
    seconds = _seconds(experiment, spec, converted, gans, trained, cores)
    conversions = gans * (1 + experiment.controls + len(experiment.formats))
    size = (conversions + 4) * converted * spec.height * spec.width * spec.channels
    size += sum(trained.values()) * _weights(experiment, spec)
    free = shutil.disk_usage(".").free
    said = {
        "real images": ", ".join(one.title(experiment.splits.total) for one in experiment.sizes),
        "GANs": gans,
        "classifiers": sum(trained.values()),
        "time": f"about {_words(seconds)} on {cores} {'core' if cores == 1 else 'cores'} of a CPU",
        "disk": f"about {size / 1e9 + 0.05:.1f} GB in results/; {free / 1e9:.1f} GB are free",
    }
    return said | ({"seconds": round(seconds), "bytes": size} if numbers else {})


def _spec(experiment: Experiment, real: Found | None) -> ImageSpec:
    """What images are like, but for their background."""
    images, classes = experiment.images, MNIST.classes
    height, width, channels = MNIST.shape
    if real:
        height, width, channels = real.largest
        classes = tuple(real.counts)
    return ImageSpec(
        images.height or height, images.width or width, images.channels or channels, classes, EDGE
    )


def _converted(experiment: Experiment, synthetic: Found | None) -> int:
    """How many images a GAN converts, at most."""
    there = sum(synthetic.counts.values()) if synthetic else MNIST_IMAGES
    images = experiment.splits.total or experiment.synthetic.images or there
    return images * experiment.convert.copies


def _seconds(
    experiment: Experiment,
    spec: ImageSpec,
    converted: int,
    gans: int,
    trained: Mapping[str, int],
    cores: int,
) -> float:
    gan, classifier = GANS[experiment.gan_preset], CLASSIFIERS[experiment.classifier_preset]
    pixels = spec.height * spec.width / (MNIST.height * MNIST.width)
    of_gan = pixels * (COLOUR if spec.channels == 3 else 1)
    training = of_gan * experiment.gan.samples / gan.training_rate + COMPILING
    conversion = (1 + experiment.controls) * of_gan * converted / gan.conversion_rate
    learning = pixels * experiment.classifier.samples / classifier.rate
    costs = {
        name: PSEUDO_COST if kind.recipe == PSEUDO else 1 for name, kind in experiment.sets.items()
    }
    work = gans * (training + conversion)
    work += sum(count * costs[name] * learning for name, count in trained.items())
    work += COMPILING * sum(trained.values()) / experiment.runs
    # However many cores there are, a GAN and what follows from it take turns.
    chain = training + conversion + COMPILING + experiment.runs * learning
    return max(work / cores, chain)


def _weights(experiment: Experiment, spec: ImageSpec) -> int:
    """Bytes of a classifier's file."""
    shapes = jax.eval_shape(lambda: init_state(experiment.classifier, spec, jax.random.key(0)))
    return sum(4 * leaf.size for leaf in jax.tree.leaves(shapes.params))


def _words(seconds: float) -> str:
    if seconds < 90:
        return "a minute"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.0f} hours"
