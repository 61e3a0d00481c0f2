"""What every job does first: logging, its share of the cores, readable errors."""

import logging
import os
import sys

from synth2real.errors import InputError

log = logging.getLogger(__name__)

# For the environment of whoever starts jobs; what a user has set there stays.
ENVIRONMENT = {
    # XLA allocates a step's memory anew each time; glibc would give it back in between, and
    # zeroing it again took a fifth of a training step.
    "GLIBC_TUNABLES": "glibc.malloc.arena_max=1"
    ":glibc.malloc.mmap_max=0"
    ":glibc.malloc.trim_threshold=17179869184",
    # Jobs share what XLA compiled: a training step takes 2 to 9 s to compile, 1.5 s from there.
    "JAX_COMPILATION_CACHE_DIR": os.path.abspath(".cache/jax"),
    # Jobs may share a GPU's memory, of which JAX would take three quarters at once.
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
}


def start_job(log_file: str, threads: int) -> None:
    """Sets a job up; to be called before jax runs anything.

    Log lines go to the job's file, and to standard error if that is not a terminal (in one a
    progress bar stands instead, see `synth2real.training.Progress`).
    """
    handlers: list[logging.Handler] = [logging.FileHandler(log_file, mode="w")]
    if not sys.stderr.isatty():
        handlers.append(logging.StreamHandler())
    # Forced: absl, which Orbax imports, has put a handler of its own there.
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(message)s",
        datefmt="%H:%M:%S",
        handlers=handlers,
        force=True,
    )
    for library in ("jax", "absl"):
        logging.getLogger(library).setLevel(logging.WARNING)
    sys.excepthook = _report
    # XLA on CPU makes a pool of as many threads as NPROC says, else one for each core. Besides
    # slowing the jobs beside it, that would change the order of sums, and so the last bits.
    os.environ["NPROC"] = str(threads)


def _report(kind: type[BaseException], error: BaseException, traceback) -> None:
    """Logs an error that a user can mend as one line, any other with its traceback."""
    trace = None if isinstance(error, InputError) else (kind, error, traceback)
    log.error(f"{kind.__name__}: {error}", exc_info=trace)
    if sys.stderr.isatty():
        print(f"{kind.__name__}: {error}", file=sys.stderr)
