# Everything that a developer runs. `make help` lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# A new lock, or another set of entry points, means that the environment is laid anew.
READY := $(VENV)/.ready-$(shell cat requirements.lock.txt pyproject.toml | cksum | cut -d ' ' -f 1)
# Tests that need no server run side by side, the others one after the other.
PURE := tests/unit tests/architecture tests/conformance/formats
EXTRAS := aws gcp azure databases kafka demo dev docs bench

export AIRFLOW_HOME ?= $(CURDIR)/.airflow
# Compiled modules are kept out of the work tree, but they are kept: Airflow takes seconds to compile.
export PYTHONPYCACHEPREFIX ?= $(CURDIR)/.airflow/pycache

.PHONY: help setup services demo test check start stop bench docs lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  \033[1m%-10s\033[0m %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## make .venv with everything that the other targets need

$(READY): requirements.lock.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; set PYTHON=..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null
	@test -x $(BIN)/uv || $(BIN)/python -m pip install -q --disable-pip-version-check "$$(sed -n 's/^\(uv==[0-9.]*\).*/\1/p' requirements.lock.txt)"
	@echo "Installing the locked packages ..."
	@$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r requirements.lock.txt
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps -e .
	@rm -f $(VENV)/.ready-*
	@touch $@

services: setup ## install or build the real servers that the tests use
	@$(BIN)/python -m tests.services install

demo: setup ## run the standard workflow on real market data (FORCE=1 takes unchanged sources again)
	@FORCE=$(FORCE) $(BIN)/python -m demo

test: setup services ## run all tests, with the real servers
	$(BIN)/python -m pytest -n auto $(PURE)
	$(BIN)/python -m pytest $(addprefix --ignore ,$(PURE))

check: setup ## lint, types, import rules and unit tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q -n auto tests/unit tests/architecture

start: setup ## run Airflow's UI on 127.0.0.1:8080, with the demo's sources
	@$(BIN)/python -m demo.local start

stop: setup ## stop everything that start has started
	@$(BIN)/python -m demo.local stop

bench: setup ## compare speeds, in pairs within one run
	@$(BIN)/python -m benchmarks

docs: setup ## build the documentation into site/
	@$(BIN)/python -m docs.generate
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict -q

lock: setup ## resolve the dependencies anew and write requirements.lock.txt
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade -q \
		$(addprefix --extra ,$(EXTRAS)) pyproject.toml -o requirements.lock.txt

clean: ## remove what the other targets made, but not .venv
	@test ! -d .airflow/local || $(BIN)/python -m demo.local stop
	rm -rf .airflow .finport site dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
