# SPDX-License-Identifier: Apache-2.0
"""Every stream module has a proof, and the proof holds its outputs to the stream contract."""

from __future__ import annotations

import re

import pytest

from flows.emit.project import HW, library
from tests.hw.formal import test_proofs, test_shell_proofs

STREAMS = sorted(name for name in library() if name.startswith("stream_"))
PROVEN = {proof.module for proof in (*test_proofs.PROOFS, *test_shell_proofs.PROOFS)}


def outputs(text: str) -> set[str]:
    """Valids of the streams that a module sends."""
    return set(re.findall(r"output logic\s+(m_axis_(?:\w+_)?tvalid)", text))


def under_contract(text: str) -> set[str]:
    """Valids that `AXIS_ASSERT_STREAM` watches."""
    return set(re.findall(r"`AXIS_ASSERT_STREAM\(\w+, (\w+),", text))


@pytest.mark.parametrize("module", STREAMS)
def test_is_proven(module: str) -> None:
    assert module in PROVEN, f"{module}: no proof in tests/hw/formal"
    source = library()[module].read_text()
    properties = HW / "formal" / f"{module}_props.svh"
    assert f'`include "{properties.name}"' in source
    watched = under_contract(source + properties.read_text())
    assert outputs(source) <= watched, f"{module}: {sorted(outputs(source) - watched)}"


def test_streams_are_found() -> None:
    """The check above sees modules, outputs and contracts."""
    assert len(STREAMS) > 10
    assert outputs(library()["stream_fork"].read_text()) == {"m_axis_a_tvalid", "m_axis_b_tvalid"}
    assert under_contract("`AXIS_ASSERT_STREAM(check, m_axis_tvalid, r, d, 1)") == {"m_axis_tvalid"}
