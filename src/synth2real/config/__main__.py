"""Checks configuration files: `python -m synth2real.config mine.yaml ...`.

Snakemake reads the files of --configfile before the workflow can look at them, and says neither
which line of a broken one is wrong nor, in one line, that one is missing. So `make run
CONFIG=mine.yaml` asks here first.
"""

import sys
from pathlib import Path

from synth2real.config.files import find_file_problems

if __name__ == "__main__":
    sys.exit("\n".join(find_file_problems([Path(name) for name in sys.argv[1:]])) or 0)
