#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes .venv from requirements.lock. Run through `make setup`; does nothing when .venv is up to date.
#
# A set-up that was killed leaves no marker behind, so the next one starts over with a clean folder.
# A changed lock is installed on top of the folder that is there.
set -eu
cd "$(dirname "$0")/.."

TORCH="torch==2.13.0"
VENV=".venv"
MARKER="$VENV/.set-up-complete"
LOG="build/setup.log"
PYTHON="${PYTHON:-}"

say() { printf '%s\n' "$*"; }
fail() { printf '\nset-up stopped: %s\n' "$*" >&2; exit 2; }

is_python_311() {
    "$1" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' >/dev/null 2>&1
}

find_python() {
    if [ -n "$PYTHON" ]; then
        is_python_311 "$PYTHON" || fail "PYTHON=$PYTHON is not a Python 3.11."
        return
    fi
    for candidate in python3.11 python3 python; do
        if command -v "$candidate" >/dev/null 2>&1 && is_python_311 "$candidate"; then
            PYTHON="$candidate"
            return
        fi
    done
}

# Looks for all prerequisites before it stops, so that one command installs what is missing.
check_prerequisites() {
    missing="" apt="" dnf=""
    find_python
    if [ -z "$PYTHON" ]; then
        missing="$missing, Python 3.11" apt="$apt python3.11 python3.11-venv" dnf="$dnf python3.11"
    elif ! "$PYTHON" -c 'import venv, ensurepip' >/dev/null 2>&1; then
        missing="$missing, Python's venv module" apt="$apt python3.11-venv" dnf="$dnf python3.11"
    fi
    if ! command -v g++ >/dev/null 2>&1; then
        missing="$missing, g++" apt="$apt g++" dnf="$dnf gcc-c++"
    fi
    if ! command -v make >/dev/null 2>&1; then
        missing="$missing, make" apt="$apt make" dnf="$dnf make"
    fi
    [ -z "$missing" ] && return
    note=""
    if [ -z "$PYTHON" ]; then
        note="
  A Python 3.11 elsewhere:  make setup PYTHON=/path/to/python3.11
  Ubuntu releases without python3.11: sudo add-apt-repository ppa:deadsnakes/ppa  first"
    fi
    fail "${missing#, } not found. Install with
  Debian, Ubuntu:  sudo apt install$apt
  Fedora:          sudo dnf install$dnf$note"
}

# Of the lock and of the project's own version, which the environment records.
checksum() { { cat requirements.lock; grep '^version' pyproject.toml; } | cksum; }

# $1: what is shown; the rest: a command whose output goes to the log.
step() {
    label="$1"; shift
    printf '  %-58s' "$label"
    began="$(date +%s)"
    if "$@" >>"$LOG" 2>&1; then
        printf '%4d s\n' "$(($(date +%s) - began))"
    else
        printf 'failed\n\n' ; tail -n 25 "$LOG" >&2
        fail "the step above failed; its full output is in $LOG.
  No network or a slow mirror is the usual cause: run the same command again."
    fi
}

pip() { "$VENV/bin/python" -m pip --disable-pip-version-check --no-input "$@"; }

make_venv() { rm -rf "$VENV" && "$PYTHON" -m venv "$VENV"; }

# Editable: the sources stay where they are; the pinned setuptools does it, nothing is fetched.
install_project() { pip install --no-deps --no-build-isolation -e .; }

up_to_date=""
if [ -f "$MARKER" ] && [ "$(cat "$MARKER")" = "$(checksum)" ] && [ -x "$VENV/bin/python" ]; then
    up_to_date=yes
    PYTHON="$VENV/bin/python"  # the one it was made from need not be on PATH any more
fi
check_prerequisites
[ -n "$up_to_date" ] && exit 0

mkdir -p build
: >"$LOG"
say "Setting up $VENV (once; log: $LOG)"
if [ -f "$MARKER" ] && [ -x "$VENV/bin/python" ]; then
    rm -f "$MARKER"
else
    step "Python environment" make_venv
fi
step "$TORCH (0.2 GB; 3 GB where pip brings CUDA)" pip install "$TORCH"
step "packages of requirements.lock (0.4 GB)" pip install --no-deps -r requirements.lock
step "this project, editable" install_project
step "imports and versions; Yosys compiles itself (a minute)" \
    "$VENV/bin/python" tools/check_environment.py
checksum >"$MARKER.new"
mv "$MARKER.new" "$MARKER"
say "Set-up complete."
