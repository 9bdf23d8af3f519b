# SPDX-License-Identifier: Apache-2.0
"""Tcl for tests: `tclsh` where there is one, else the interpreter inside Python's tkinter."""

import shutil
import subprocess
import sys
from pathlib import Path

_IN_PYTHON = """
import sys, tkinter
tcl = tkinter.Tcl()
tcl.setvar("argv0", sys.argv[1])
tcl.setvar("argv", tcl.call("list", *sys.argv[2:]))
try:
    tcl.call("source", sys.argv[1])
except tkinter.TclError as error:
    sys.exit(f"{error}")
"""


def run_tcl(script: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a script; there is no skipping where Tcl is missing."""
    tclsh = shutil.which("tclsh")
    command = [tclsh] if tclsh else [sys.executable, "-c", _IN_PYTHON]
    done = subprocess.run(
        [*command, str(script), *arguments], capture_output=True, text=True, check=False
    )
    assert "No module named" not in done.stderr, (
        "these tests need Tcl: `sudo apt install tcl` (or python3-tk)"
    )
    return done
