# SPDX-License-Identifier: Apache-2.0
"""Tcl for tests: `tclsh` where there is one, else the interpreter inside Python's tkinter."""

import shutil
import subprocess
import sys
from pathlib import Path

_IN_PYTHON = """
import os, sys, tkinter

def leave(status="0"):
    tcl.eval("flush stdout; flush stderr")
    os._exit(int(status))

tcl = tkinter.Tcl()
tcl.createcommand("exit", leave)  # tkinter takes Tcl's own away
tcl.setvar("argv0", sys.argv[1])
tcl.setvar("argv", tcl.call("list", *sys.argv[2:]))
try:
    tcl.call("source", sys.argv[1])
except tkinter.TclError as error:
    sys.stderr.write(f"{error}\\n")
    leave("1")
leave()
"""


def interpreters() -> dict[str, list[str]]:
    """Commands that run a script, best first."""
    tclsh = shutil.which("tclsh")
    found = {"tclsh": [tclsh]} if tclsh else {}
    return found | {"tkinter": [sys.executable, "-c", _IN_PYTHON]}


def run_tcl(
    script: Path, *arguments: str, interpreter: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs a script; there is no skipping where Tcl is missing."""
    known = interpreters()
    command = known[interpreter or next(iter(known))]
    done = subprocess.run(
        [*command, str(script), *arguments], capture_output=True, text=True, check=False
    )
    assert "No module named" not in done.stderr, (
        "these tests need Tcl: `sudo apt install tcl` (or python3-tk)"
    )
    return done
