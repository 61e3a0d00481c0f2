"""`synth2real export`: see src/synth2real/convert/export.py."""

import argparse
from pathlib import Path
from typing import Any

from synth2real.cli.arguments import add_gan
from synth2real.errors import InputError


def configure(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    add_gan(parser)
    parser.add_argument("out", type=Path, metavar="OUT", help="the file to write, like gan.onnx")
    parser.add_argument(
        "--to",
        choices=["onnx", "safetensors"],
        default="onnx",
        help="onnx runs elsewhere; safetensors are the generator's weights alone (default: onnx)",
    )


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Writes the generator; says what an ONNX file takes."""
    from synth2real.convert.converter import Converter
    from synth2real.convert.export import export_onnx, export_weights

    if arguments.out.suffix != f".{arguments.to}":
        raise InputError(f"{arguments.out}: a name that ends in .{arguments.to} is needed")
    converter = Converter.load(arguments.gan)
    if arguments.to == "onnx":
        return {"out": str(arguments.out), **export_onnx(converter, arguments.out)}
    export_weights(converter, arguments.out)
    return {"out": str(arguments.out)}
