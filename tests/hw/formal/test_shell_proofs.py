# SPDX-License-Identifier: Apache-2.0
"""Proofs of the shell by temporal induction: what it does on the bus, whatever the bus does."""

from pathlib import Path

import pytest

from tests.support.prove import Proof, holds_for_ever, sabotage_is_found

# What the words hold does not matter to the masters.
NARROW = ("DATA_W = 64", "DATA_W = 1")
FIFO = (("f_held", "u_fifo.count_q"),)

PROOFS = (
    Proof(
        id="gearbox_narrow",
        module="stream_gearbox",
        parameters={"IN_W": 32, "OUT_W": 24, "OUT_BEATS": 2},
        sabotage=("left_q  <= last_d ? '0 : behind", "left_q <= behind"),
    ),
    Proof(
        id="gearbox_bytes",
        module="stream_gearbox",
        parameters={"IN_W": 16, "OUT_W": 8, "OUT_BEATS": 3},
        sabotage=("short && (!valid_q || m_axis_tready)", "short"),
    ),
    Proof(
        id="gearbox_wide",
        module="stream_gearbox",
        parameters={"IN_W": 16, "OUT_W": 24, "OUT_BEATS": 3},
        sabotage=("(phase_q >= PHASE_W'(TAIL))", "1'b0"),
    ),
    Proof(
        id="gearbox_wider",
        module="stream_gearbox",
        parameters={"IN_W": 32, "OUT_W": 72, "OUT_BEATS": 2},
        sabotage=("OUT_BEATS - 1)) ? '0 : PHASE_W'(phase_q", "OUT_BEATS)) ? '0 : PHASE_W'(phase_q"),
    ),
    Proof(
        id="bursts",
        module="shell_bursts",
        parameters={"ADDR_W": 32, "WORDS": 6, "BURST": 4},
        sabotage=("(left_q <= SIZE_W'(behind)) ? left_q : SIZE_W'(behind) + 1'b1", "left_q"),
    ),
    Proof(
        id="bursts_limits",
        module="shell_bursts",
        parameters={"ADDR_W": 40, "WORDS": 3, "BURST": 8},
        sabotage=("|| (next_q > limit_end_i)", ""),
    ),
    Proof(
        id="reader",
        module="shell_reader",
        parameters={"ADDR_W": 4, "BURST": 2, "OPEN": 2, "DEPTH": 4},
        select=NARROW,
        links=FIFO,
        sabotage=("(space_q >= SPACE_W'(BURST))", "1'b1"),
    ),
    Proof(
        id="reader_open",
        module="shell_reader",
        parameters={"ADDR_W": 4, "BURST": 2, "OPEN": 3, "DEPTH": 8},
        select=NARROW,
        links=FIFO,
        sabotage=("(open_q != OPEN_W'(OPEN))", "1'b1"),
    ),
    Proof(
        id="writer",
        module="shell_writer",
        parameters={"ADDR_W": 4, "BURST": 2, "OPEN": 2, "DEPTH": 4},
        select=NARROW,
        links=FIFO,
        sabotage=("(words_q > COUNT_W'(burst_len_i))", "1'b1"),
    ),
    Proof(
        id="writer_address_first",
        module="shell_writer",
        parameters={"ADDR_W": 4, "BURST": 2, "OPEN": 3, "DEPTH": 8},
        select=NARROW,
        links=FIFO,
        sabotage=("begin_w       = aw_done_q &&", "begin_w       = (aw_done_q || aw_valid_q) &&"),
    ),
    Proof(
        id="registers_answer",
        module="shell_axil",
        parameters={},
        sabotage=("assign s_axi_arready = !busy_q", "assign s_axi_arready = 1'b1"),
    ),
    Proof(
        id="pack",
        module="shell_pack",
        parameters={"N": 3, "W": 2, "BEATS": 2, "ELEM_W": 32},
        sabotage=("!word_valid_q || m_axis_tready", "1'b1"),
    ),
    Proof(
        id="axi3_to_lite",
        module="axi3_to_lite",
        parameters={"ADDR_W": 12, "ID_W": 1},
        sabotage=("StAnswer: if (s_axi_rready)", "StAnswer: if (1'b1)"),
    ),
)


@pytest.mark.parametrize("proof", PROOFS, ids=lambda proof: proof.id)
def test_holds_for_ever(proof: Proof, tmp_path: Path) -> None:
    holds_for_ever(proof, tmp_path)


@pytest.mark.parametrize("proof", PROOFS, ids=lambda proof: proof.id)
def test_sabotage_is_found(proof: Proof, tmp_path: Path) -> None:
    sabotage_is_found(proof, tmp_path)
