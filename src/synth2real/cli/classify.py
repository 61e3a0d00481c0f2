"""`synth2real classify`: see src/synth2real/classify/files.py."""

import argparse
from pathlib import Path
from typing import Any


def configure(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument(
        "--model",
        type=Path,
        required=True,
        help="a trained classifier, like results/r0.007/draw0/classify/original/run0.safetensors",
    )
    parser.add_argument(
        "images",
        type=Path,
        metavar="IN",
        help="images, with labels or without: a folder of pictures, an .npz or an IDX file",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("predictions.csv"),
        help="a table of image, class and probability (%(default)s)",
    )


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Classifies the images; says how many, and how many of each class."""
    from synth2real.classify.files import classify_files
    from synth2real.cli.images import Progress, open_images

    source = open_images(arguments.images, labelled=False)
    update = Progress(source.count()).update
    counts = classify_files(arguments.model, source, arguments.out, update)
    return {"images": sum(counts.values()), "out": str(arguments.out), "classes": counts}
