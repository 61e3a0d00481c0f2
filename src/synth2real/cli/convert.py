"""`synth2real convert`: see src/synth2real/convert/files.py."""

import argparse
from pathlib import Path
from typing import Any

from synth2real.cli.arguments import add_gan, natural, positive, share


def configure(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    add_gan(parser)
    parser.add_argument(
        "images",
        type=Path,
        metavar="IN",
        help="labelled images: a folder with a sub-folder a class, an .npz or an IDX file",
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="the same of their conversions")
    parser.add_argument(
        "--copies", type=positive, default=1, help="conversions of each image (%(default)s)"
    )
    parser.add_argument(
        "--seed", type=natural, default=0, help="draws noise and strengths (%(default)s)"
    )
    parser.add_argument(
        "--least-strength",
        type=share,
        help="of the weakest conversions, from 0 to 1; without it as the GAN's training measured",
    )


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Converts the images; says how many, and where they are."""
    from synth2real.cli.images import Progress, open_images
    from synth2real.convert.converter import Converter
    from synth2real.convert.files import Wanted, convert_arrays, convert_folder
    from synth2real.sources.folder import Folder

    source = open_images(arguments.images, labelled=True)
    converter = Converter.load(arguments.gan, arguments.least_strength)
    total = arguments.copies * source.count()
    wanted = Wanted(arguments.copies, arguments.seed, Progress(total).update)
    if isinstance(source, Folder):
        count = convert_folder(converter, source, arguments.out, wanted)
    else:
        count = convert_arrays(converter, source, arguments.out, wanted)
    return {
        "images": count,
        "out": str(arguments.out),
        "least_strength": round(converter.least_strength, 3),
    }
