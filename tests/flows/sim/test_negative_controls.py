# SPDX-License-Identifier: Apache-2.0
"""Each planted fault must be found, and named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from flows.errors import ToolError, VerificationError
from flows.sim.run import RunOptions
from flows.sim.streams import AFTER_VALID, FREE_RUNNING, RANDOM, SINK_STALLS
from tests.flows.sim.designs import SLICE, write
from tests.support.battery import (
    Beats,
    build_module,
    check_rejected,
    check_stream_module,
    check_throughput,
    lanes,
    run_exact,
)

TAKE = "if (s_axis_tready) valid_q <= s_axis_tvalid;"
FAULTS = {
    "drops_valid": (
        [("m_axis_tvalid = valid_q", "m_axis_tvalid = valid_q && phase_q[0]")],
        SINK_STALLS,
        "valid fell before the beat was taken",
    ),
    "changes_payload": (
        [("m_axis_tdata = data_q", "m_axis_tdata = data_q ^ W'(phase_q)")],
        SINK_STALLS,
        "the payload changed before the beat was taken",
    ),
    "invents_a_beat": (
        [(TAKE, f"{TAKE} if (count_q == 8'd100 && !take) valid_q <= 1'b1;")],
        FREE_RUNNING,
        "surplus beat",
    ),
    "loses_a_beat": (
        [(TAKE, f"{TAKE} if (count_q == 8'd50) valid_q <= 1'b0;")],
        FREE_RUNNING,
        "beats are lost: all input was taken, m_axis does not deliver",
    ),
    "deadlocks": (
        [
            (
                "!valid_q || m_axis_tready",
                "count_q < 8'd60 && (!valid_q || m_axis_tready)",
            ),
            (TAKE, "if (!valid_q || m_axis_tready) valid_q <= take;"),
        ],
        RANDOM,
        r"deadlock: s_axis is offered data[\s\S]*in  s_axis: 60 of 100 beats taken.*blocked",
    ),
    "valid_waits_for_ready": (
        [("m_axis_tvalid = valid_q", "m_axis_tvalid = valid_q && m_axis_tready")],
        AFTER_VALID,
        "deadlock",
    ),
    "valid_after_reset": (
        [("valid_q <= 1'b0;\n      count_q", "valid_q <= 1'b1;\n      count_q")],
        FREE_RUNNING,
        "valid is high in the first cycle after reset",
    ),
    "assertion": (
        [(TAKE, f'{TAKE} if (count_q == 8\'d9) $error("broken: count is %0d", count_q);')],
        FREE_RUNNING,
        "the RTL stopped the simulation[\\s\\S]*broken: count is 9",
    ),
    "fatal": (
        [(TAKE, f'{TAKE} if (count_q == 8\'d9) $fatal(1, "gone");')],
        FREE_RUNNING,
        "the RTL stopped the simulation[\\s\\S]*gone",
    ),
}
PHASE = (
    "  always_ff @(posedge clk_i) begin\n    if (take)",
    "  logic [1:0] phase_q; initial phase_q = 0;\n"
    "  always_ff @(posedge clk_i) begin\n    phase_q <= phase_q + 1'b1;\n    if (take)",
)


def _data(rng: np.random.Generator, count: int = 100) -> Beats:
    return lanes(rng.integers(0, 256, count), bits=8)


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_named(name: str, tmp_path: Path, rng: np.random.Generator) -> None:
    edits, pattern, message = FAULTS[name]
    if any("phase_q" in new for _, new in edits):
        edits = [*edits, PHASE]
    source = write(tmp_path, name, SLICE, *edits)
    data = _data(rng)
    streams = {"inputs": {"s_axis": data}, "outputs": {"m_axis": data}}
    build = build_module(name, [source], **streams)
    options = RunOptions(stalls=pattern, idle_limit=1000)
    with pytest.raises(VerificationError, match=message) as caught:
        run_exact(build, **streams, options=options)
    assert f"{name}, stall pattern {pattern.name}, seed 1, cycle" in str(caught.value)


def test_wrong_data_names_beat_lane_and_cycle(tmp_path: Path, rng: np.random.Generator) -> None:
    source = write(tmp_path, "good")
    data = lanes(rng.integers(0, 4, (20, 4)), bits=2)
    wrong = data.data.copy()
    wrong[7, 0] ^= 1 << 4
    expected = Beats(data=wrong, width=8, bits=2)
    with pytest.raises(pytest.fail.Exception, match=r"m_axis: beat 7 of 20, lane 2 of 4, cycle \d"):
        check_stream_module("good", [source], inputs={"s_axis": data}, outputs={"m_axis": expected})


def test_a_register_without_reset_shows(tmp_path: Path, rng: np.random.Generator) -> None:
    """Uninitialised state is random, so a missing reset of valid fails for some seeds."""
    source = write(
        tmp_path,
        "no_reset",
        SLICE,
        ("valid_q <= 1'b0;\n", ""),
        (TAKE, TAKE.replace("s_axis_tready", "s_axis_tready && rst_ni")),
    )
    data = _data(rng)
    streams = {"inputs": {"s_axis": data}, "outputs": {"m_axis": data}}
    build = build_module("no_reset", [source], **streams)
    failed = 0
    for seed in range(1, 9):
        try:
            run_exact(build, **streams, options=RunOptions(seed=seed, idle_limit=1000))
        except VerificationError:
            failed += 1
    assert failed, "power-up state is not randomised"


def test_state_that_survives_reset_shows(tmp_path: Path, rng: np.random.Generator) -> None:
    """A counter that the reset forgets is right after power-up and wrong after a second reset."""
    source = write(
        tmp_path,
        "sticky",
        SLICE,
        ("      count_q <= '0;\n", ""),
        ("m_axis_tdata = data_q", "m_axis_tdata = data_q + W'(count_q)"),
        ("  logic [7:0] count_q;", "  logic [7:0] count_q; initial count_q = 0;"),
    )
    values = rng.integers(0, 256, 100)
    data = lanes(values, bits=8)
    expected = lanes((values + np.arange(1, 101)) % 256, bits=8)
    with pytest.raises(pytest.fail.Exception, match="traffic reset"):
        check_stream_module(
            "sticky",
            [source],
            inputs={"s_axis": data},
            outputs={"m_axis": expected},
            traffic=[FREE_RUNNING],
        )


def test_throughput_bound(tmp_path: Path, rng: np.random.Generator) -> None:
    source = write(tmp_path, "good")
    data = _data(rng)
    common = {"inputs": {"s_axis": data}, "outputs": {"m_axis": data}}
    check_throughput("good", [source], **common, bound=100)
    with pytest.raises(AssertionError, match="took 100 cycles, the bound is 99"):
        check_throughput("good", [source], **common, bound=99)


def test_rejected_parameters(tmp_path: Path) -> None:
    check = '\n  if (W % 2 != 0) $error("picky: W must be even");\n'
    source = write(tmp_path, "picky", check + SLICE)
    check_rejected("picky", [source], parameters={"W": 7}, match="picky: W must be even")
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        check_rejected("picky", [source], parameters={"W": 8}, match="picky")


def test_syntax_error_is_a_tool_error(tmp_path: Path, rng: np.random.Generator) -> None:
    source = write(tmp_path, "broken", "  assign = ;\nendmodule\n")
    data = _data(rng)
    with pytest.raises(ToolError, match=r"exit code 1\ncommand: .*\n[\s\S]*syntax error"):
        build_module("broken", [source], inputs={"s_axis": data}, outputs={"m_axis": data})
