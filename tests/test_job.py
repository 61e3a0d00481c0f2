"""What a job does first, seen from outside: its log, its standard error, its exit status."""

import os
import subprocess
import sys
from pathlib import Path


def run_job(folder: Path, body: str, library: str = "os") -> tuple[int, str, str]:
    """Exit status, log and standard error of a job on two cores."""
    lines = [
        f"import logging, os, {library}",
        "from synth2real.errors import InputError",
        "from synth2real.job import start_job",
        f"start_job({str(folder / 'job.log')!r}, 2)",
        body,
    ]
    result = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        env=os.environ | {"NPROC": "1"},
        capture_output=True,
        text=True,
    )
    # Whatever came of it, that it ends stands last.
    *lines, last = result.stderr.splitlines(keepends=True)
    assert last.endswith(" ends\n")
    log = (folder / "job.log").read_text()
    return result.returncode, log.removesuffix(f"{last[:8]} ends\n"), "".join(lines)


def test_log_lines_go_to_the_file_and_to_standard_error(tmp_path: Path) -> None:
    status, log, stderr = run_job(tmp_path, "logging.info('halfway')")
    assert status == 0
    log_lines, lines = log.splitlines(), stderr.splitlines()
    assert [line[8:] for line in log_lines] == [" begins", " halfway"]
    assert [line[8:] for line in lines] == [
        f" {tmp_path}/job: {word}" for word in ("begins", "halfway")
    ]


def test_a_log_ends_when_its_job_does(tmp_path: Path) -> None:
    run_job(tmp_path, "raise InputError('splits.total: too many')")
    assert (tmp_path / "job.log").read_text().endswith(" ends\n")


def test_metrics_stand_in_the_file_alone(tmp_path: Path) -> None:
    _, log, stderr = run_job(tmp_path, "logging.info('45 %', extra={'metrics': ', loss 1.00'})")
    assert log.endswith(" 45 %, loss 1.00\n") and stderr.endswith("job: 45 %\n")


def test_a_job_is_named_by_its_log_in_results(tmp_path: Path) -> None:
    body = "os.chdir({!r}); os.makedirs('results/logs/r0.1/draw0'); {}".format(
        str(tmp_path), "start_job('results/logs/r0.1/draw0/gan_seed0.log', 1)"
    )
    assert " r0.1/draw0/gan_seed0: begins\n" in run_job(tmp_path, body)[2]


def test_a_full_device_is_a_line(tmp_path: Path) -> None:
    # 4 EB, which no machine has.
    body = "jax.numpy.zeros((1 << 30, 1 << 30), 'float32').block_until_ready()"
    status, log, _ = run_job(tmp_path, body, "jax")
    assert status == 1 and "RESOURCE_EXHAUSTED: Out of memory" in log and "Traceback" not in log


def test_a_library_that_logs_takes_nothing_away(tmp_path: Path) -> None:
    _, log, stderr = run_job(tmp_path, "logging.info('halfway')", "orbax.checkpoint")
    assert log.endswith(" halfway\n") and stderr.endswith(" halfway\n")


def test_a_full_disk_costs_the_log_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "job.log").symlink_to("/dev/full")
    lines = [
        "import logging",
        "from synth2real.job import start_job",
        f"start_job({str(tmp_path / 'job.log')!r}, 2)",
        "raise OSError(28, 'No space left on device', 'train.npz')",
    ]
    result = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True
    )
    begins, error, ends = (line[8:] for line in result.stderr.splitlines())
    assert begins.endswith(": begins") and ends.endswith(": ends")
    assert error.endswith(": OSError: [Errno 28] No space left on device: 'train.npz'")


def test_a_log_that_cannot_be_opened_is_named_in_a_line(tmp_path: Path) -> None:
    body = f"from synth2real.job import start_job; start_job({str(tmp_path / 'none/job.log')!r}, 2)"
    result = subprocess.run([sys.executable, "-c", body], capture_output=True, text=True)
    (line,) = result.stderr.splitlines()
    assert line.startswith("FileNotFoundError: ") and "none/job.log" in line


def test_a_log_starts_anew(tmp_path: Path) -> None:
    (tmp_path / "job.log").write_text("an older run\n")
    assert "older" not in run_job(tmp_path, "logging.info('new')")[1]


def test_an_error_that_a_user_can_mend_is_one_line(tmp_path: Path) -> None:
    status, log, stderr = run_job(tmp_path, "raise InputError('splits.total: too many')")
    assert status == 1 and stderr.endswith("/job: InputError: splits.total: too many\n")
    assert log.endswith(" InputError: splits.total: too many\n") and log.count("\n") == 2


def test_any_other_error_has_its_traceback(tmp_path: Path) -> None:
    status, log, _ = run_job(tmp_path, "1 / 0")
    assert status == 1 and "Traceback" in log and "ZeroDivisionError: division by zero" in log


def test_xla_and_onednn_get_the_jobs_threads(tmp_path: Path) -> None:
    both = "os.environ['NPROC'], os.environ['OMP_NUM_THREADS']"
    _, log, _ = run_job(tmp_path, f"logging.info('%s %s', {both})")
    assert log.endswith(" 2 2\n")
