"""The benchmarks' own workers still run; how fast they are is no test."""

import json
import subprocess
import sys

import pytest

from settings import ROOT


@pytest.mark.slow
def test_the_jax_worker_answers() -> None:
    requests = [{"version": 0}, {"make": ["classifier", "small"]}, {"run": 2}, {"memory": 0}]
    run = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "jax_worker.py", "cpu", "1", "native"],
        input="".join(json.dumps(request) + "\n" for request in requests),
        capture_output=True,
        text=True,
    )
    version, made, rate, memory = map(json.loads, run.stdout.splitlines())
    assert version["version"].startswith("jax ")
    assert made["seconds"] > 0 and rate["rate"] > 0
    assert memory["bytes"] > 2**26
