# SPDX-License-Identifier: Apache-2.0
# make build BOARD=Pynq-Z2 [MODEL=cnv_w1a1] [ARGS="--target-fps 3000"]
# make deploy HOST=xilinx@pynq [DIR=build/cnv_w1a1-pynq_z2/deploy] [TO=cnv_w1a1_pynq_z2]
#   ARGS goes to flows/build.py as it is; `make build ARGS=--help` lists the options.

BOARD  ?= Pynq-Z2
HOST   ?=
DIR    ?= build/cnv_w1a1-pynq_z2/deploy
# Folder on the board: the build's name, so that several networks lie side by side.
TO     ?= $(subst -,_,$(notdir $(patsubst %/,%,$(dir $(patsubst %/,%,$(DIR))))))
SSH    ?= ssh
MODEL  ?=
ARGS   ?=
# Processes side by side, for the build and for the tests.
JOBS   ?= 2
PYTHON ?=

PY := .venv/bin/python
# Yosys keeps its compiled self inside the environment, where set-up put it.
export YOWASP_CACHE_DIR := $(CURDIR)/.venv/cache/yowasp
export PYTHON

.PHONY: help build deploy test nightly lint bench setup clean distclean
.DEFAULT_GOAL := help

help:
	@echo "make build BOARD=Pynq-Z2 [MODEL=cnv_w1a1] [ARGS=...]   trained network -> verified RTL"
	@echo "make deploy HOST=user@board [DIR=build/.../deploy]   copies what a build made to a board"
	@echo "make test      lint, types, tests (25 minutes on 2 cores at most)"
	@echo "make nightly   the long tests"
	@echo "make lint      ruff and mypy only"
	@echo "make bench     seconds per step, cycles/s and images/s, compared with the last run"
	@echo "make setup     only create .venv; build and test do it when needed"
	@echo "make clean     remove build/; make distclean removes .venv too"

setup:
	@./tools/setup.sh

build: setup
	@$(PY) flows/build.py --board "$(BOARD)" $(if $(MODEL),--model "$(MODEL)") $(ARGS)

# Over ssh alone, because boards lack rsync; what only the virtual board needs stays here.
deploy:
	@test -n "$(HOST)" || { echo "make deploy: no board named; add HOST=user@address"; exit 2; }
	@test -f "$(DIR)/overlay.json" || \
		{ echo "make deploy: $(DIR) is no deploy folder; build first, or name one with DIR="; exit 2; }
	@tar -C "$(DIR)" --exclude ./virtual --exclude ./virtual_board.py -cf - . | \
		$(SSH) "$(HOST)" 'mkdir -p "$(TO)" && tar -C "$(TO)" -xf -'
	@echo "copied to $(HOST):$(TO); README.md there says how to run it"

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
