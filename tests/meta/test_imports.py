# SPDX-License-Identifier: Apache-2.0
"""Imports run one way; see ARCHITECTURE.md."""

from pathlib import Path

import pytest

from tests.meta import tree

# Each part of `flows` and the parts that it may import. Single modules at the top of `flows` are
# either ground (imports nothing but ground) or roof (puts the parts together).
GROUND = {"errors", "boards", "config", "progress", "reference", "graph_reference"}
ROOF = {
    "build",
    "pipeline",
    "summary",
    "exact",
    "exact_graph",
    "exact_memories",
    "export",
    "front",
    "cosim",
    "delivery",
}
PARTS = {
    "streamline": set(),
    "dataflow": {"streamline"},
    "emit": {"streamline", "dataflow"},
    "sim": {"streamline", "dataflow", "emit"},
    "synth": {"streamline", "dataflow", "emit"},
    "shell": {"streamline", "dataflow", "emit"},
    "virtual": {"sim"},
    "deploy": {"dataflow", "emit"},
    "bitstream": {"streamline", "dataflow", "emit", "shell", "synth"},
    "report": {"streamline", "dataflow", "emit", "sim", "synth"},
}


def part_of(path: Path) -> str:
    """`flows/sim/run.py` belongs to `sim`, `flows/errors.py` to `errors`."""
    return path.parts[1] if len(path.parts) > 2 else path.stem


def allowed(part: str) -> set[str] | None:
    """Parts that a part may import; None for all."""
    if part in ROOF or part == "__init__":
        return None
    if part in GROUND:
        return GROUND
    return GROUND | PARTS[part] | {part}


def test_every_part_of_flows_has_its_place():
    parts = {part_of(path) for path in tree.with_suffix(".py") if path.parts[0] == "flows"}
    assert parts - {"__init__"} <= GROUND | ROOF | PARTS.keys()


@pytest.mark.parametrize(
    "path", [p for p in tree.with_suffix(".py") if p.parts[0] == "flows"], ids=str
)
def test_flows_imports_downwards(path: Path):
    may = allowed(part_of(path))
    used = {name.split(".")[1] for name in tree.imports(path) if name.startswith("flows.")}
    if may is not None:
        modules = GROUND | ROOF | PARTS.keys()
        assert used & modules <= may, f"{path} may not import {sorted(used & modules - may)}"


def test_models_and_flows_meet_only_through_files():
    for path in tree.with_suffix(".py"):
        other = {"flows": "brevitas_models", "brevitas_models": "flows"}.get(path.parts[0])
        if other:
            tops = {name.split(".")[0] for name in tree.imports(path)}
            assert other not in tops, f"{path} imports {other}"
            assert "tests" not in tops, f"{path} imports tests"


def test_finn_stays_behind_one_adapter():
    users = {
        str(path)
        for path in tree.with_suffix(".py")
        if path.parts[0] in {"flows", "brevitas_models"}
        and any(name.split(".")[0] == "finn" for name in tree.imports(path))
    }
    assert users <= {"flows/streamline/finn_adapter.py"}


def test_hardware_knows_nothing_of_python():
    assert [path for path in tree.with_suffix(".py") if path.parts[0] == "hw"] == []


def test_environment_is_read_by_no_library_module():
    """Behaviour comes from arguments; the tools' own variables are passed on, not read."""
    readers = []
    for path in tree.with_suffix(".py"):
        source = tree.text(path)
        if path.parts[0] == "flows" and ("os.getenv" in source or "os.environ[" in source):
            readers.append(str(path))
    assert readers == []
