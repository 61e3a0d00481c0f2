"""Arguments that commands share."""

import argparse
import re
from pathlib import Path


def add_gan(parser: argparse.ArgumentParser) -> None:
    """Adds --gan, a trained GAN."""
    parser.add_argument(
        "--gan",
        type=Path,
        required=True,
        help="networks.safetensors of a GAN, or its folder, like results/r0.007/draw0/gan/seed0",
    )


def positive(text: str) -> int:
    """A whole number of at least 1, and less than 2^32."""
    return natural(text, least=1)


def natural(text: str, least: int = 0) -> int:
    """A whole number of at least 0, and less than 2^32."""
    if not re.fullmatch(r"[0-9]{1,10}", text) or not least <= int(text) < 2**32:
        raise argparse.ArgumentTypeError(
            f"{text}: a whole number from {least} to {2**32 - 1:,} is needed"
        )
    return int(text)


def share(text: str) -> float:
    """A number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text}: a number from 0 to 1 is needed")
    return value
