# make env    .venv with the pinned packages (make env ENV=gpu: with CUDA)
# make run    the default experiment (make run CONFIG=mine.yaml: yours)
# make status what a run does now (make status RUN=runs/mine: one in that folder)
# make test   all tests, fast ones first
# make check  format, lint, types
# make settings  writes docs/settings.md anew
# make tables    makes results' tables and curves anew from docs/results/*.csv
# make publish   takes a run over into those files (make publish RUN=runs/draws NAME=draws)
# make docs      the documents as pages, in .cache/docs
# make rulegraph draws docs/rulegraph.svg anew; needs graphviz
# make benchmark  speed against PyTorch, in benchmarks/README.md and results-*.csv
# make growth     how cost grows, in benchmarks/growth.csv
# make ablations  what parts of the preset and more budget are worth, in runs/ablations (-j2: two at once)
# make lock   pins the newest packages; needs uv
# make help   says all of this

PYTHON ?= python3
# The environment that is there, else the CPU's.
ENV ?= $(or $(patsubst .venv/.made-from-%,%,$(wildcard .venv/.made-from-*)),cpu)
BIN := .venv/bin
STAMP := .venv/.made-from-$(ENV)

.PHONY: help env run status test check docs rulegraph settings tables publish ablations benchmark growth lock

env: $(STAMP)

help:
	@sed -n 's/^# make/make/p' $(MAKEFILE_LIST)

$(STAMP): envs/$(ENV).txt
	@$(PYTHON) -c 'import sys; sys.exit("PYTHON: 3.11 or later is needed" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --no-compile --require-hashes --requirement $<
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	-$(BIN)/python -m compileall -qq -j 0 -x '/tests?/' .venv/lib # pip would use one core
	@touch $@

run: env
	$(BIN)/python -m synth2real.config $(CONFIG)
	$(BIN)/snakemake $(if $(CONFIG),--configfile $(CONFIG))

RUN ?= .

status:
	@$(BIN)/python -m synth2real.report.status $(RUN)

test: env
	$(BIN)/pytest -n 2 -m "not slow"
	$(BIN)/pytest -n 2 -m slow

check: env
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/mypy
	$(BIN)/snakemake --lint
	$(BIN)/python docs/settings.py | diff docs/settings.md - # else: make settings

docs: env
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going -c docs . .cache/docs
	@echo .cache/docs/README.html

rulegraph: env
	$(BIN)/snakemake --rulegraph -- results/verdict.csv results/gap.csv | tred | dot -Grankdir=LR -Tsvg -o docs/rulegraph.svg

settings: env
	$(BIN)/python docs/settings.py > docs/settings.md

tables: env
	$(BIN)/python docs/results/tables.py
	$(BIN)/python docs/results/curves.py

publish: env
	$(BIN)/python docs/results/publish.py $(RUN) $(NAME)

TABLES := results/manifest.json results/accuracy.csv results/gap.csv results/verdict.csv
ABLATIONS := $(patsubst config/ablations/%.yaml,runs/ablations/%/results/verdict.csv,$(wildcard config/ablations/*.yaml))

ablations: $(ABLATIONS)

$(ABLATIONS): runs/ablations/%/results/verdict.csv: config/ablations/%.yaml env
	$(BIN)/snakemake --cores 1 --configfile $< --directory runs/ablations/$* -- $(TABLES)

benchmark: env .venv-torch/.made
	$(BIN)/snakemake results/fonts/fonts.csv
	$(BIN)/python benchmarks/measure.py --torch .venv-torch/bin/python --fonts results/fonts/files $(ROWS)

# An environment of its own; pip's settings say which build of PyTorch (benchmarks/README.md).
.venv-torch/.made: benchmarks/requirements.txt
	$(PYTHON) -m venv --clear .venv-torch
	.venv-torch/bin/python -m pip install --quiet --requirement $<
	@touch $@

growth: env
	$(BIN)/python benchmarks/growth.py

lock:
	$(PYTHON) envs/lock.py
