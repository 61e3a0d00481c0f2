"""What a user does with an experiment's results; Snakemake runs the experiments themselves.

Each command is a module here with `configure`, which says what it takes, and `run`, which returns
what came out.
"""

import argparse
import importlib
import json
import signal
import sys
from collections.abc import Sequence

from synth2real.environment import check_device, clean_environment
from synth2real.errors import InputError

COMMANDS = {
    "init": "writes settings for your own images",
    "check": "says what an experiment finds, does and needs, before it runs",
    "convert": "converts images with a trained GAN, under the names that they had",
    "export": "writes a GAN's generator as an ONNX file",
    "classify": "reads images with a trained classifier",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command; 0 if all went well, 1 after a line that says what is wrong, 2 for usage."""
    parser = argparse.ArgumentParser("synth2real", description=__doc__.partition("\n")[0])
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
    # What a cluster sends when time is up is as good as Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        check_device()
        found = module.run(arguments)
    except InputError as error:
        for line in str(error).splitlines():
            print(f"synth2real {arguments.command}: {line}", file=sys.stderr)
        return 1
    except OSError as error:  # a full disk, a folder that cannot be written to
        place = f"{error.filename}: " if error.filename else ""
        print(f"synth2real {arguments.command}: {place}{error.strerror}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"synth2real {arguments.command}: stopped", file=sys.stderr)
        return 130
    if arguments.json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            if isinstance(value, dict):
                value = ", ".join(f"{key} {number:,}" for key, number in value.items())
            print(f"{name}: {value:,}" if isinstance(value, int) else f"{name}: {value}")
    return 0
