# SPDX-License-Identifier: Apache-2.0
"""Sizes, licence lines, machine paths, pinned versions."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

from tests.meta import tree

MAX_FILE = 400
MAX_FUNCTION = 60
CODE = (".py", ".sv", ".svh", ".cpp", ".h", ".j2", ".css", ".sh", ".tcl", ".vlt", ".v")

# path or path::function: why it may be longer.
LONGER = {
    "flows/build.py::build": "one parameter for each option of the command line",
    "bitstreams/driver/xnorflow_driver.py": "goes to a board as one file",
    "flows/pipeline.py::run": "the table of contents of a build: every step in its order",
}

SPDX = "SPDX-License-Identifier: Apache-2.0"
COMMENTED = (".py", ".sv", ".svh", ".cpp", ".h", ".sh", ".tcl", ".vlt", ".v", ".toml", ".yml",
             ".yaml", ".lock")  # fmt: skip
WRITTEN_BY_PROGRAMS = ("brevitas_models/checkpoints/", "docs/results/")
NO_SUFFIX = {"Makefile", "Dockerfile", "run"}

# Places that exist on one machine only.
MACHINE_PATH = re.compile(r"(?<![\w.$}>-])/(?:work|home|Users|root|mnt|opt/py\w*)/[\w.]")


def test_no_file_is_too_long():
    long = {}
    for path in tree.with_suffix(*CODE):
        lines = tree.text(path).count("\n")
        if lines > MAX_FILE and str(path) not in LONGER:
            long[str(path)] = lines
    assert not long, f"over {MAX_FILE} lines; split, or give a reason in LONGER: {long}"


def _lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from `def` to the end, without the docstring: explaining is free."""
    first = node.body[0]
    doc = ast.get_docstring(node, clean=False)
    explained = first.end_lineno - first.lineno + 1 if doc is not None else 0
    return node.end_lineno - node.lineno + 1 - explained


def test_no_function_is_too_long():
    long = {}
    for path in tree.with_suffix(".py"):
        for node in ast.walk(tree.syntax(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = _lines(node)
                name = f"{path}::{node.name}"
                if lines > MAX_FUNCTION and name not in LONGER:
                    long[name] = lines
    assert not long, f"over {MAX_FUNCTION} lines; split, or give a reason in LONGER: {long}"


def test_exceptions_are_still_needed():
    for name in LONGER:
        path, _, function = name.partition("::")
        assert not function or f"def {function}(" in tree.text(Path(path)), name


def test_licence_line_comes_first():
    missing = []
    for path in tree.files():
        if str(path).startswith(WRITTEN_BY_PROGRAMS):
            continue
        if path.suffix in COMMENTED or path.name in NO_SUFFIX:
            first = tree.text(path).splitlines()[:2]
            if not any(SPDX in line for line in first):
                missing.append(str(path))
    assert not missing, f"no SPDX line at the top: {missing}"


def test_no_machine_paths():
    found = []
    for path in tree.with_suffix(*CODE, ".toml", ".md", ".json", ".yml", ".yaml", ".txt", ".lock"):
        for number, line in enumerate(tree.text(path).splitlines(), 1):
            if MACHINE_PATH.search(line):
                found.append(f"{path}:{number}: {line.strip()[:80]}")
    assert not found, "\n".join(found)


def _pins() -> dict[str, str]:
    pins = {}
    for line in tree.text(Path("requirements.lock")).splitlines():
        if not line.startswith("#"):
            assert re.fullmatch(r"[\w.-]+==[\w.]+", line), f"not an exact pin: {line}"
            name, _, version = line.partition("==")
            pins[re.sub(r"[-_.]+", "-", name).lower()] = version
    return pins


def test_lock_covers_what_the_project_names():
    project = tomllib.loads(tree.text(Path("pyproject.toml")))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    assert {re.sub(r"[-_.]+", "-", name).lower() for name in wanted} <= _pins().keys()


def test_torch_has_one_version():
    version = _pins()["torch"]
    assert f'TORCH="torch=={version}"' in tree.text(Path("tools/setup.sh"))


@pytest.mark.parametrize(
    "path", [p for p in tree.with_suffix(".yml") if ".github" in p.parts], ids=str
)
def test_actions_are_pinned_by_commit(path: Path):
    uses = re.findall(r"uses:\s*(\S+)", tree.text(path))
    assert uses
    assert [use for use in uses if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", use)] == []


def test_container_base_is_pinned_by_digest():
    (base,) = re.findall(r"^FROM (\S+)", tree.text(Path("Dockerfile")), re.MULTILINE)
    assert re.fullmatch(r"python:3\.11-\S+@sha256:[0-9a-f]{64}", base)
