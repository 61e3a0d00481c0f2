# make env    .venv with the pinned packages (make env ENV=gpu: with CUDA)
# make run    the default experiment
# make test   all tests, fast ones first
# make check  format, lint, types
# make lock   pins the newest packages; needs uv

PYTHON ?= python3
# The environment that is there, else the CPU's.
ENV ?= $(or $(patsubst .venv/.made-from-%,%,$(wildcard .venv/.made-from-*)),cpu)
BIN := .venv/bin
STAMP := .venv/.made-from-$(ENV)

.PHONY: env run test check lock

env: $(STAMP)

$(STAMP): envs/$(ENV).txt
	@$(PYTHON) -c 'import sys; sys.exit("PYTHON: 3.11 or later is needed" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --require-hashes --requirement $<
	@touch $@

run: env
	$(BIN)/snakemake
	$(BIN)/snakemake --report results/report.html

test: env
	$(BIN)/pytest -m "not slow"
	$(BIN)/pytest -m slow

check: env
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/mypy
	$(BIN)/snakemake --lint

lock:
	$(PYTHON) envs/lock.py
