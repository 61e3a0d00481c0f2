"""`synth2real export`: see src/synth2real/convert/export.py."""

import argparse
from pathlib import Path
from typing import Any

from synth2real.cli.arguments import add_gan


def configure(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    add_gan(parser)
    parser.add_argument("out", type=Path, metavar="OUT", help="the file to write, like gan.onnx")


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Writes the generator as ONNX; says what it takes."""
    from synth2real.convert.converter import Converter
    from synth2real.convert.export import export_onnx

    inputs = export_onnx(Converter.load(arguments.gan), arguments.out)
    return {"out": str(arguments.out), **inputs}
