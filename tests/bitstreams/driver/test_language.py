# SPDX-License-Identifier: Apache-2.0
"""What goes to a board runs there: Python 3.8, numpy and the standard library, nothing else."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
DRIVER = ROOT / "bitstreams" / "driver"
SHIPPED = ("xnorflow_driver.py", "validate.py", "virtual_board.py")
VERMIN = Path(sys.executable).with_name("vermin")

# Imports the driver in a process where every package but numpy is hidden.
HERMIT = """
import sys

class Hide:
    def find_spec(self, name, path=None, target=None):
        top = name.split(".")[0]
        if top not in sys.stdlib_module_names and top not in ("numpy", {allowed}):
            raise ModuleNotFoundError(f"hidden: {{name}}")

sys.meta_path.insert(0, Hide())
sys.path.insert(0, {folder!r})
import {module}
"""


@pytest.mark.parametrize("name", SHIPPED)
def test_syntax_is_that_of_python_3_8(name):
    ast.parse((DRIVER / name).read_text(), feature_version=(3, 8))


def too_new(path: Path) -> str:
    """What Python 3.8 lacks of a file's syntax and library calls; empty if nothing."""
    command = [str(VERMIN), "-t=3.8-", "--violations", "--no-tips", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode else ""


@pytest.mark.parametrize("name", SHIPPED)
def test_library_calls_are_those_of_python_3_8(name):
    assert too_new(DRIVER / name) == ""


@pytest.mark.parametrize(
    "line",
    ["print('cnv.bit'.removesuffix('.bit'))", "import functools; functools.cache(abs)"],
)
def test_a_newer_call_would_be_found(tmp_path, line):
    path = tmp_path / "new.py"
    path.write_text(f"{line}\n")
    assert "3.9" in too_new(path)


def hermit(module: str, folder: Path = DRIVER) -> subprocess.CompletedProcess[str]:
    names = [Path(name).stem for name in SHIPPED]
    text = HERMIT.format(allowed=repr(names)[1:-1], folder=str(folder), module=module)
    return subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", SHIPPED)
def test_numpy_is_enough(name):
    done = hermit(Path(name).stem)
    assert (done.returncode, done.stderr) == (0, "")


def test_another_package_would_be_found(tmp_path):
    (tmp_path / "validate.py").write_text("import jinja2\n")
    assert "hidden: jinja2" in hermit("validate", tmp_path).stderr


def test_the_driver_is_one_file():
    """It imports nothing that stands beside it; the virtual board is loaded by its path."""
    tree = ast.parse((DRIVER / "xnorflow_driver.py").read_text())
    modules = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert modules - sys.stdlib_module_names == {"numpy", "pynq"}
