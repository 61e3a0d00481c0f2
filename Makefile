# make env   makes .venv with the pinned packages (make env ENV=gpu: with CUDA)
# make run   runs the default experiment
# make test  runs all tests

PYTHON ?= python3
ENV ?= cpu
BIN := .venv/bin
# Scripts of a rule find the environment's Python by PATH.
export PATH := $(CURDIR)/$(BIN):$(PATH)
STAMP := .venv/.made-from-$(ENV)

.PHONY: env run test check lock

env: $(STAMP)

$(STAMP): envs/$(ENV).txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make env PYTHON=...")'
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --require-hashes --requirement envs/$(ENV).txt
	touch $@

run: env
	snakemake --cores
	snakemake --report results/report.html

test: env
	pytest

check: env
	ruff format --check .
	ruff check .
	snakefmt --check Snakefile rules
	mypy
	snakemake --lint

lock:
	$(PYTHON) envs/lock.py
