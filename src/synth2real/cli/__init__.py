"""Commands for before and after an experiment; Snakemake runs the experiments themselves.

Each command is a module here with `configure`, which says what it takes, and `run`, which returns
what came out.
"""

import argparse
import importlib
import io
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from synth2real.environment import check_device, clean_environment, keep_programs
from synth2real.errors import InputError, no_memory, reason

COMMANDS = {
    "init": "writes settings for your own images",
    "check": "says what an experiment finds, does and needs, before it runs",
    "convert": "converts images with a trained GAN, under the names that they had",
    "export": "writes a GAN's generator as an ONNX file, or its weights",
    "classify": "reads images with a trained classifier",
}


class Version(argparse.Action):
    """Says the version; to find it takes longer than all else before a command runs."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import version

        print(f"synth2real {version('synth2real')}")
        parser.exit()


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command; 0 if all went well, 1 after a line that says what is wrong, 2 for usage."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names that its encoding does not have
    parser = argparse.ArgumentParser("synth2real", description=__doc__.partition("\n")[0])
    parser.add_argument("--version", action=Version, nargs=0, help="say which this is, and exit")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, about in COMMANDS.items():
        command = commands.add_parser(
            name, help=about, description=f"{about[0].upper()}{about[1:]}."
        )
        command.add_argument("--json", action="store_true", help="print what came out as JSON")
        # jax and the rest are imported when a command runs: --help is there at once.
        importlib.import_module(f"synth2real.cli.{name}").configure(command)
    arguments = parser.parse_args(argv)
    module = importlib.import_module(f"synth2real.cli.{arguments.command}")
    clean_environment()
    keep_programs()
    # What a cluster sends when time is up is as good as Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        check_device()
        show(module.run(arguments), arguments.json)
    except InputError as error:
        return refuse(arguments.command, *str(error).splitlines())
    except OSError as error:  # a full disk, a folder that cannot be written to
        place = f"{error.filename}: " if error.filename else ""
        return refuse(arguments.command, f"{place}{error.strerror}")
    except Exception as error:
        if not no_memory(error):
            raise
        return refuse(arguments.command, f"there is not enough memory ({reason(error)})")
    except KeyboardInterrupt:
        refuse(arguments.command, "stopped")
        return 130
    return 0


def refuse(command: str, *lines: str) -> int:
    """Says on standard error what is wrong; returns how the command ends."""
    for line in lines:
        print(f"synth2real {command}: {line}", file=sys.stderr)
    return 1


def show(found: Mapping[str, Any], as_json: bool) -> None:
    """Prints what came out.

    Raises:
        InputError: it cannot be written.
    """
    lines = [json.dumps(found)] if as_json else [in_words(*item) for item in found.items()]
    try:
        print(*lines, sep="\n", flush=True)
    except OSError as error:
        # Python would try once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):  # whoever reads it, as `head`, has enough
            raise InputError(f"standard output: {error.strerror}") from error


def in_words(name: str, value: Any) -> str:
    """One of the things that came out, as a line."""
    if isinstance(value, dict):
        value = ", ".join(f"{key}: {number:,}" for key, number in value.items())
    return f"{name}: {value:,}" if isinstance(value, int) else f"{name}: {value}"
