# SPDX-License-Identifier: Apache-2.0
# make build BOARD=Pynq-Z2 [MODEL=cnv_w1a1] [ARGS="--target-fps 3000"]
#   ARGS goes to flows/build.py as it is; `make build ARGS=--help` lists the options.

BOARD  ?= Pynq-Z2
MODEL  ?=
ARGS   ?=
# Processes side by side, for the build and for the tests.
JOBS   ?= 2
PYTHON ?=

PY := .venv/bin/python
# Yosys keeps its compiled self inside the environment, where set-up put it.
export YOWASP_CACHE_DIR := $(CURDIR)/.venv/cache/yowasp
export PYTHON

.PHONY: help build test nightly lint bench setup clean distclean
.DEFAULT_GOAL := help

help:
	@echo "make build BOARD=Pynq-Z2 [MODEL=cnv_w1a1] [ARGS=...]   trained network -> verified RTL"
	@echo "make test      lint, types, tests (20 minutes on 2 cores at most)"
	@echo "make nightly   the long tests"
	@echo "make lint      ruff and mypy only"
	@echo "make bench     seconds per step, cycles/s and images/s, compared with the last run"
	@echo "make setup     only create .venv; build and test do it when needed"
	@echo "make clean     remove build/; make distclean removes .venv too"

setup:
	@./tools/setup.sh

build: setup
	@$(PY) flows/build.py --board "$(BOARD)" $(if $(MODEL),--model "$(MODEL)") $(ARGS)

lint: setup
	@echo "ruff, mypy"
	@$(PY) -m ruff check --quiet --output-format concise .
	@$(PY) -m ruff format --check --quiet . || \
		{ echo "not formatted; run: $(PY) -m ruff format ."; exit 1; }
	@$(PY) -m mypy --no-error-summary

test: lint
	@$(PY) -m pytest -q -n $(JOBS) --dist worksteal -m "not nightly" $(ARGS)

nightly: lint
	@$(PY) -m pytest -q -n $(JOBS) --dist worksteal -m nightly $(ARGS)

bench: setup
	@$(PY) -m tests.bench $(ARGS)

clean:
	rm -rf build .pytest_cache .mypy_cache .ruff_cache .hypothesis

distclean: clean
	rm -rf .venv
