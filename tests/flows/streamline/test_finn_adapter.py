# SPDX-License-Identifier: Apache-2.0
"""FINN's transformations are silent, checked one by one, and end in a linear integer chain."""

import re
from pathlib import Path

import pytest
from qonnx.transformation.base import Transformation

from flows.errors import VerificationError
from flows.streamline import finn_adapter
from flows.streamline.finn_adapter import apply_steps, execute
from flows.streamline.pipeline import probes
from tests.flows.streamline.graphs import conv_net, dense_net
from tests.flows.streamline.test_freeze_signs import frozen_of

CHAIN = {"Im2Col", "MatMul", "MultiThreshold", "MaxPoolNHWC", "Transpose", "Flatten"}


class Spoil(Transformation):
    """Changes the constant of the last node of a kind."""

    op, change = "MatMul", staticmethod(lambda value: value)

    def apply(self, model):
        node = next(n for n in reversed(model.graph.node) if n.op_type == self.op)
        value = model.get_initializer(node.input[1]).copy()
        model.set_initializer(node.input[1], self.change(value))
        return model, False


def flip_one(weights):
    weights[0, 0] *= -1
    return weights


@pytest.mark.parametrize("net", [dense_net, conv_net], ids=["dense", "conv"])
def test_chain_of_integers(net, capfd):
    frozen = frozen_of(net().model())[-1]
    before = frozen.model.SerializeToString()
    steps = list(apply_steps(frozen, probes(frozen)))
    assert [step.name for step in steps] == ["convert", "absorb", "lower"]
    assert sum(step.checks for step in steps) >= 3
    assert {node.op_type for node in steps[-1].model.graph.node} <= CHAIN
    assert frozen.model.SerializeToString() == before
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_no_files_are_left(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frozen = frozen_of(dense_net().model())[-1]
    list(apply_steps(frozen, probes(frozen)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("op", "change"),
    [("MatMul", flip_one), ("MultiThreshold", lambda t: t + 1000)],
    ids=["weight_flipped", "thresholds_moved"],
)
def test_a_transformation_that_changes_the_network_is_named(monkeypatch, op, change):
    spoil = type("Culprit", (Spoil,), {"op": op, "change": staticmethod(change)})
    monkeypatch.setitem(finn_adapter.STEPS, "absorb", (*finn_adapter.ABSORB, spoil))
    frozen = frozen_of(dense_net().model())[-1]
    with pytest.raises(VerificationError, match=r"Culprit: probe 0, output \(0, \d\): .* expected"):
        list(apply_steps(frozen, probes(frozen)))


def test_a_transformation_that_changes_nothing_is_not_executed(monkeypatch):
    calls = []
    monkeypatch.setattr(finn_adapter, "execute", lambda *a: calls.append(1) or execute(*a))
    monkeypatch.setattr(finn_adapter, "STEPS", {"none": (finn_adapter.LowerConvsToMatMul,)})
    frozen = frozen_of(dense_net().model())[-1]
    [step] = apply_steps(finn_adapter.transform(frozen, finn_adapter.ConvertSubToAdd()), [])
    assert step.checks == 0 and not calls


def test_no_other_module_imports_finn():
    root = Path(finn_adapter.__file__).parents[1]
    imports = re.compile(r"^\s*(from|import) finn\b", re.MULTILINE)
    found = [path.name for path in root.rglob("*.py") if imports.search(path.read_text())]
    assert found == ["finn_adapter.py"]
