# SPDX-License-Identifier: Apache-2.0
"""Proofs by temporal induction with Yosys: for all inputs, all stalls, all resets, and for ever.

What is proven stands in the assertions of the modules (hw/include/axis_assert.svh) and, for those
that keep beats, in hw/formal/<module>_props.svh: valid and payload hold until the transfer,
occupancies stay in bounds, and every beat comes out once, unchanged and in order. Each proof has a
sabotaged copy, for which a trace that breaks an assertion must be found: a proof that cannot fail
proves nothing.
"""

from pathlib import Path

import pytest

from tests.support.prove import Proof, holds_for_ever, sabotage_is_found

CROSSING = (("f_to_reader", "u_to_reader.first_q"), ("f_to_writer", "u_to_writer.first_q"))

PROOFS = (
    Proof(
        id="stream_reg",
        module="stream_reg",
        parameters={"W": 2},
        sabotage=("if (!skid_valid_q) skid_q <=", "skid_q <="),
    ),
    Proof(
        id="stream_fifo_2",
        module="stream_fifo",
        parameters={"W": 1, "DEPTH": 2},
        sabotage=("(count_q != COUNT_W'(DEPTH))", "1'b1"),
    ),
    Proof(
        id="stream_fifo_3",
        module="stream_fifo",
        parameters={"W": 2, "DEPTH": 3},
        sabotage=("(read_q == PTR_W'(DEPTH - 1)) ? '0 :", ""),
    ),
    Proof(
        id="stream_fifo_block",
        module="stream_fifo",
        parameters={"W": 2, "DEPTH": 3},
        select=("(DEPTH > 128) && (DEPTH * W >= 8192)", "1'b1"),
        sabotage=("(pop && !many)", "1'b0"),
    ),
    Proof(
        id="stream_dwc_up",
        module="stream_dwc",
        parameters={"IN_W": 2, "OUT_W": 6},
        sabotage=("s_axis_tready = !full_q || m_axis_tready", "s_axis_tready = 1'b1"),
    ),
    Proof(
        id="stream_dwc_down",
        module="stream_dwc",
        parameters={"IN_W": 6, "OUT_W": 2},
        sabotage=("!valid_q || (last && m_axis_tready)", "!valid_q || m_axis_tready"),
    ),
    Proof(
        id="stream_gather",
        module="stream_gather",
        parameters={"M": 2, "W": 2, "N": 3},
        sabotage=("!hold_valid_q || (last_pixel && m_axis_tready)", "1'b1"),
    ),
    Proof(
        id="stream_gather_drain_bound",
        module="stream_gather",
        parameters={"M": 3, "W": 1, "N": 1},
        sabotage=("hold_q[m][n*W +: W] <= tile[(n*M + m)*W", "hold_q[m][n*W +: W] <= tile[(n*M)*W"),
    ),
    Proof(
        id="stream_words",
        module="stream_words",
        parameters={"W": 2, "N": 3},
        sabotage=("s_axis_tready = last_q && m_axis_tready", "s_axis_tready = m_axis_tready"),
    ),
    Proof(
        id="stream_fork",
        module="stream_fork",
        parameters={"W": 2},
        sabotage=("(a_done_q || m_axis_a_tready) &&", "m_axis_a_tready &&"),
    ),
    Proof(
        id="stream_fork_twice",
        module="stream_fork",
        parameters={"W": 1},
        sabotage=("s_axis_tvalid && !b_done_q", "s_axis_tvalid"),
    ),
    Proof(
        id="stream_concat",
        module="stream_concat",
        parameters={"CA": 2, "CB": 1, "A_BITS": 2, "B_BITS": 1, "A_SIGNED": 1, "OUT_BITS": 3},
        sabotage=("m_axis_tready && s_axis_b_tvalid", "m_axis_tready"),
    ),
    Proof(
        id="stream_add",
        module="stream_add",
        parameters={"C": 2, "A_BITS": 2, "B_BITS": 2, "OUT_BITS": 3, "LOW": 0, "HIGH": 2},
        sabotage=("m_axis_tready(free && b_valid)", "m_axis_tready(free)"),
    ),
    Proof(
        id="stream_add_folded",
        module="stream_add",
        parameters={"C": 3, "PE": 1, "A_BITS": 2, "B_BITS": 2, "OUT_BITS": 3, "LOW": 0, "HIGH": 2},
        links=(
            ("gen_f_fold.f_words", "u_pixel.gen_f_up.f_count_q"),
            ("gen_f_fold.f_queue", "u_pixel.gen_f_up.f_queue_q"),
            ("gen_f_fold.f_a_word", "u_a.f_word_q"),
            ("gen_f_fold.f_b_word", "u_b.f_word_q"),
        ),
        sabotage=("m_axis_tready(free && a_valid)", "m_axis_tready(free)"),
    ),
    Proof(
        id="stream_last",
        module="stream_last",
        parameters={"W": 2, "BEATS": 3},
        sabotage=("if (m_axis_tvalid && m_axis_tready) count_q", "if (m_axis_tvalid) count_q"),
    ),
    Proof(
        id="stream_shuffle",
        module="stream_shuffle",
        parameters={"C": 6, "BITS": 2, "GROUPS": 3},
        sabotage=("(c*GROUPS + g)*BITS", "(g*PER_GROUP + c)*BITS"),
    ),
    Proof(
        id="stream_cdc",
        module="stream_cdc",
        parameters={"W": 1, "DEPTH": 4},
        reset="",
        links=CROSSING,
        sabotage=("(write_gray_d != {~seen", "(write_gray_q != {~seen"),
    ),
    Proof(
        id="stream_cdc_gray",
        module="stream_cdc",
        parameters={"W": 1, "DEPTH": 4},
        reset="",
        links=CROSSING,
        sabotage=("write_gray_d  = write_d ^ (write_d >> 1)", "write_gray_d = write_d"),
    ),
    Proof(
        id="stream_cdc_sync",
        module="stream_cdc_sync",
        parameters={"W": 2},
        reset="",
        sabotage=("second_q <= first_q", "second_q <= data_i"),
    ),
    Proof(
        id="stream_cdc_count",
        module="stream_cdc_count",
        parameters={"W": 3},
        reset="",
        links=(("f_first", "u_sync.first_q"),),
        sabotage=("told_q <= seen", "told_q <= seen_gray"),
    ),
    Proof(
        id="swu",
        module="swu",
        parameters={"C": 1, "H": 3, "WIDTH": 3, "K": 2, "M": 2},
        sabotage=("free          = !valid_q || m_axis_tready", "free = 1'b1"),
    ),
    Proof(
        id="swu_padded",
        module="swu",
        parameters={"C": 1, "H": 2, "WIDTH": 2, "K": 2, "M": 1, "PAD": 1},
        sabotage=("next_address = ADDR_W'(32'(next_column) - PAD)", "next_address = address_q"),
    ),
    Proof(
        id="pool_core",
        module="pool_core",
        parameters={"C": 1, "H": 3, "WIDTH": 3, "K": 2},
        sabotage=("|| !result_valid_q || result_ready;", "|| 1'b1;"),
    ),
    Proof(
        id="pool_core_shared",
        module="pool_core",
        parameters={"C": 1, "IN_BITS": 2, "H": 3, "WIDTH": 5, "K": 3, "STRIDE": 2, "PAD": 1},
        sabotage=("(ROWS_CUT && last_row)", "1'b0"),
    ),
    Proof(
        id="threshold",
        module="threshold",
        parameters={"C": 4, "PE": 2, "IN_BITS": 2},
        sabotage=("else if (out_ready) begin", "else begin"),
    ),
    Proof(
        id="label_select",
        module="label_select",
        parameters={"N": 3, "W": 2, "IDX_W": 2},
        sabotage=("(!last || !valid_q || m_axis_tready)", "1'b1"),
    ),
)


@pytest.mark.parametrize("proof", PROOFS, ids=lambda proof: proof.id)
def test_holds_for_ever(proof: Proof, tmp_path: Path) -> None:
    holds_for_ever(proof, tmp_path)


@pytest.mark.parametrize("proof", PROOFS, ids=lambda proof: proof.id)
def test_sabotage_is_found(proof: Proof, tmp_path: Path) -> None:
    sabotage_is_found(proof, tmp_path)
