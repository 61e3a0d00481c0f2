"""What every job does first: logging, its share of the cores, readable errors."""

import atexit
import logging
import os
import sys
import tempfile
from pathlib import Path
from types import TracebackType

from synth2real.environment import check_device, take_gpu
from synth2real.errors import InputError, no_memory

log = logging.getLogger(__name__)

LOGS = Path("results/logs")
ENDS = "ends"


def start_job(log_file: str, threads: int, gpu: int = 0) -> None:
    """Sets a job up; to be called before jax runs anything.

    A job that asks for a GPU has one of its own, where there are several. Log lines go to the job's
    file, and without their metrics to standard error, where each names its job: several write there
    at once.
    """
    sys.excepthook = _report
    path = Path(log_file)
    name = (path.relative_to(LOGS) if path.is_relative_to(LOGS) else path).with_suffix("")
    file = _LogFile(log_file, mode="w")
    terminal = logging.StreamHandler()
    for handler, text in ((file, "%(message)s%(metrics)s"), (terminal, f"{name}: %(message)s")):
        line = f"%(asctime)s {text}"
        handler.setFormatter(logging.Formatter(line, "%H:%M:%S", defaults={"metrics": ""}))
    # Forced: absl, which Orbax imports, has put a handler of its own there.
    logging.basicConfig(level=logging.INFO, handlers=[file, terminal], force=True)
    logging.getLogger("jax").setLevel(logging.WARNING)
    # Orbax's errors come as exceptions, too, and a line is made of them.
    logging.getLogger("absl").setLevel(logging.CRITICAL)
    log.info("begins")
    # Whoever asks what runs knows by this that the job does not.
    atexit.register(log.info, ENDS)
    # XLA on CPU and oneDNN make as many threads as these say, else one for each core. Besides
    # slowing the jobs beside it, that would change the order of sums, and so the last bits.
    os.environ["NPROC"] = os.environ["OMP_NUM_THREADS"] = str(threads)
    if gpu:
        take_gpu(Path(tempfile.gettempdir()) / f"synth2real_gpus_{os.getuid()}")
    check_device()


class _LogFile(logging.FileHandler):
    """A log that a full disk may stop; what it does to the job is told on standard error."""

    def handleError(self, record: logging.LogRecord) -> None:
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)


def _report(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    """Logs an error that a user can mend as one line, any other with its traceback.

    What the system refuses is one, too: a file that cannot be read, a disk that is full, memory
    that a device does not have.
    """
    if isinstance(error, KeyboardInterrupt):
        log.info("stopped")
        return
    refused = isinstance(error, (InputError, OSError)) or no_memory(error)
    trace = None if refused else (kind, error, traceback)
    log.error(f"{kind.__name__}: {error}", exc_info=trace)
