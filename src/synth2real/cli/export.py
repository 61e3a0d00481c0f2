"""`synth2real export`: see src/synth2real/convert/export.py."""

import argparse
from pathlib import Path
from typing import Any


def configure(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument(
        "--gan",
        type=Path,
        required=True,
        help="networks.safetensors of a GAN, or its folder, like results/r0.007/draw0/gan/seed0",
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="the file to write, like gan.onnx")


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Writes the generator as ONNX; says what it takes."""
    from synth2real.convert.export import export_onnx
    from synth2real.convert.files import Converter

    inputs = export_onnx(Converter.load(arguments.gan), arguments.out)
    return {"out": str(arguments.out), **inputs}
