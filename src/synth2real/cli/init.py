"""`synth2real init`: settings for a user's own images, with what was found in comments."""

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synth2real.errors import InputError, printable

if TYPE_CHECKING:  # the command starts in a moment, and imports what it needs when it runs
    from synth2real.cli.images import Found

TEMPLATE = """\
# Settings for `snakemake --cores all --configfile {path}`, laid over config.yaml; all there are:
# docs/settings.md. A folder that does not begin with / starts where Snakemake works.

real: # {found_real}
  {real_kind}: {real}
{test}
  # unlabelled: more/photos # real images without labels

synthetic: # {found_synthetic}
  {synthetic_kind}: {synthetic}

# Images are {size}; of several sizes, or too large ones, say which to use (8 to 128):
{images}
# A first look; leave it out for results that mean something (`synth2real check` says how long):
# gan: {{samples: 50000}}
# classify: {{samples: 30000, runs: 2}}
"""
KINDS = "a folder with a sub-folder of pictures a class, an .npz file or a folder of IDX files"
ENOUGH = 20  # images of the rarest class, a fifth of which can be tested on
SIDE = 64  # pixels at most, with which a GAN takes five times as long as with MNIST's


def configure(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("path", type=Path, metavar="YAML", help="the file to write")
    parser.add_argument("--real", type=Path, required=True, help=f"real images: {KINDS}")
    parser.add_argument("--synthetic", type=Path, required=True, help="synthetic images, likewise")
    parser.add_argument("--test", type=Path, help="real images to test on, of the same kind")


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Looks at the images and writes the file; says what was found."""
    from synth2real.cli.check import read
    from synth2real.io.files import check_new, write_atomically
    from synth2real.sources.base import check_same_classes
    from synth2real.spec import LARGEST, SMALLEST

    check_new(arguments.path)
    real_kind, real = _look("--real", arguments.real)
    synthetic_kind, synthetic = _look("--synthetic", arguments.synthetic)
    check_same_classes(tuple(real.counts), tuple(synthetic.counts))
    fewest = min(real.counts, key=lambda name: real.counts[name])
    if arguments.test:
        _, apart = _look("--test", arguments.test)
        check_same_classes(tuple(real.counts), tuple(apart.counts), ("real training", "real test"))
        test = f"  test: {_quoted(arguments.test)} # real images that nothing learns from"
    elif real_kind == "idx":
        test = "  # its files of test images are those to test on"
    elif real.counts[fewest] < 2:
        raise InputError(
            f"--real: {printable(fewest)} has one image; two at least are needed, to train and to "
            "test on, or images to test on (--test)"
        )
    elif real.counts[fewest] < ENOUGH:
        folds = min(real.counts[fewest], 5)
        test = f"  folds: {folds} # each part is the test set once: what to do with few images"
    else:
        test = "  test_share: 0.2 # of each class, set apart to test on"
    fixed = real.smallest == real.largest and max(real.largest[:2]) <= LARGEST
    side = min(SIDE, max(SMALLEST, *real.largest[:2]))
    images = f"{'# ' if fixed else ''}images: {{height: {side}, width: {side}}}"
    text = TEMPLATE.format(
        path=printable(shlex.quote(str(arguments.path))),
        real_kind=real_kind,
        real=_quoted(arguments.real),
        found_real=real.text,
        synthetic_kind=synthetic_kind,
        synthetic=_quoted(arguments.synthetic),
        found_synthetic=synthetic.text,
        test=test,
        size=real.sizes,
        images=images,
    )
    with write_atomically(arguments.path) as temporary:
        temporary.write_text(text, encoding="utf-8")
        read([temporary])  # refuses what a run would
    return {"real": real.text, "synthetic": synthetic.text, "out": str(arguments.path)}


def _look(argument: str, path: Path) -> tuple[str, "Found"]:
    """The kind of source that a path is, and what is there."""
    from synth2real.cli.images import look_at
    from synth2real.sources import open_source

    kind = "folder"
    if path.suffix.lower() == ".npz":
        kind = "npz"
    elif path.is_file():
        raise InputError(f"{argument}: {printable(path)}: {KINDS} is needed")
    elif path.is_dir() and any("-ubyte" in entry.name for entry in path.iterdir()):
        kind = "idx"
    return kind, look_at(open_source(kind, str(path)))


def _quoted(path: Path) -> str:
    """A path as YAML reads it, whatever is in its name."""
    import yaml

    quoted: str = yaml.safe_dump(str(path.absolute()), default_style='"', width=float("inf"))
    return quoted.strip()
