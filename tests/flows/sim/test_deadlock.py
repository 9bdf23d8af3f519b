# SPDX-License-Identifier: Apache-2.0
"""A deadlock is explained as the circle of modules that wait for each other."""

import itertools

import numpy as np
import pytest

from flows.dataflow.lower import lower
from flows.errors import VerificationError
from flows.sim.deadlock import Link, StreamState, circle, explain_waiting, network_links, waits
from flows.sim.run import RunOptions, run
from flows.sim.streams import StreamPort
from flows.sim.verilate import build_simulator
from tests.support.battery import CACHE, ROOT, lanes
from tests.support.chains import TAIL_FOLDING, tiny_tail

BLOCKED, STARVED, IDLE = (True, False), (False, True), (False, False)


def _links(*ends):
    return [Link(name=f"{a}_{b}", producer=a, consumer=b) for a, b in ends]


def _states(links, handshakes):
    return {
        link.name: StreamState(valid=valid, ready=ready, since=9)
        for link, (valid, ready) in zip(links, handshakes, strict=True)
    }


# A fork whose short branch is full while the long one asks for more: join <- fork, join <- conv.
RING = _links(("fork", "join"), ("fork", "conv"), ("conv", "join"), ("join", "out"))


def test_a_branch_that_is_too_short_closes_a_circle():
    found = waits(RING, _states(RING, [BLOCKED, STARVED, IDLE, STARVED]))
    around = circle(found)
    assert {wait.who for wait in around} == {"fork", "join", "conv"}
    for wait, after in zip(around, (*around[1:], around[0]), strict=True):
        assert wait.for_whom == after.who


def test_no_circle_where_only_the_end_does_not_take():
    text = explain_waiting(RING, _states(RING, [BLOCKED, BLOCKED, BLOCKED, BLOCKED]))
    assert text == "  no circle; all wait for out, which waits for none of the others"
    moving = _states(RING, [(True, True)] * 4)
    assert explain_waiting(RING, moving) == "  no module waits for another"


def test_links_of_a_chain_follow_its_layers(rng):
    network = lower(tiny_tail(rng), TAIL_FOLDING, "net")
    names = [layer.name for layer in network]
    assert [(link.producer, link.consumer) for link in network_links(network)] == list(
        itertools.pairwise(names)
    )


# The long branch holds back LAG beats until more come; the short one has room for ROOM.
LOOP = """// SPDX-License-Identifier: Apache-2.0
module loop #(parameter int unsigned LAG = 6, parameter int unsigned ROOM = 4) (
  input  logic       clk_i, rst_ni,
  input  logic [7:0] s_axis_tdata,
  input  logic       s_axis_tvalid,
  output logic       s_axis_tready,
  output logic [8:0] m_axis_tdata,
  output logic       m_axis_tvalid,
  input  logic       m_axis_tready
);
  logic [7:0] short_tdata, long_tdata, held_tdata, late_tdata;
  logic short_tvalid, short_tready, long_tvalid, long_tready;
  logic held_tvalid, held_tready, late_tvalid, late_tready, queue_tvalid, queue_tready;
  logic [7:0] lag_q;
  stream_fork #(.W(8)) u_fork (
    .clk_i, .rst_ni, .s_axis_tdata, .s_axis_tvalid, .s_axis_tready,
    .m_axis_a_tdata(short_tdata), .m_axis_a_tvalid(short_tvalid), .m_axis_a_tready(short_tready),
    .m_axis_b_tdata(long_tdata), .m_axis_b_tvalid(long_tvalid), .m_axis_b_tready(long_tready)
  );
  stream_fifo #(.W(8), .DEPTH(ROOM)) u_short (
    .clk_i, .rst_ni,
    .s_axis_tdata(short_tdata), .s_axis_tvalid(short_tvalid), .s_axis_tready(short_tready),
    .m_axis_tdata(held_tdata), .m_axis_tvalid(held_tvalid), .m_axis_tready(held_tready)
  );
  stream_fifo #(.W(8), .DEPTH(16)) u_long (
    .clk_i, .rst_ni,
    .s_axis_tdata(long_tdata), .s_axis_tvalid(long_tvalid), .s_axis_tready(long_tready),
    .m_axis_tdata(late_tdata), .m_axis_tvalid(queue_tvalid), .m_axis_tready(queue_tready)
  );
  always_ff @(posedge clk_i) begin
    if (!rst_ni) lag_q <= '0;
    else if (long_tvalid && long_tready && lag_q != 8'(LAG)) lag_q <= lag_q + 1'b1;
  end
  assign late_tvalid   = queue_tvalid && lag_q == 8'(LAG);
  assign queue_tready  = late_tready && lag_q == 8'(LAG);
  assign m_axis_tdata  = held_tdata + late_tdata;
  assign m_axis_tvalid = held_tvalid && late_tvalid;
  assign held_tready   = m_axis_tvalid && m_axis_tready;
  assign late_tready   = m_axis_tvalid && m_axis_tready;
endmodule
"""
ENDS = (
    Link(name="short", producer="fork", consumer="join"),
    Link(name="long", producer="fork", consumer="conv"),
    Link(name="late", producer="conv", consumer="join"),
)


@pytest.mark.parametrize("room", [4, 8])
def test_a_simulated_deadlock_names_its_circle(tmp_path, room):
    source = tmp_path / "loop.sv"
    source.write_text(LOOP)
    values = lanes(np.arange(40), bits=8)
    build = build_simulator(
        top="loop",
        sources=[source, ROOT / "hw/stream/stream_fifo.sv", ROOT / "hw/stream/stream_fork.sv"],
        inputs=[StreamPort(name="s_axis", width=8)],
        outputs=[StreamPort(name="m_axis", width=9)],
        parameters={"ROOM": room},
        taps=["short", "long", "late"],
        cache_dir=CACHE,
        jobs=1,
    )
    options = RunOptions(idle_limit=500, links=ENDS)

    def simulate():
        return run(build, {"s_axis": values.data}, expect={"m_axis": 40}, options=options)

    if room == 8:  # enough for what the long branch holds back: the same design runs
        assert len(simulate().outputs["m_axis"]) == 40
        return
    with pytest.raises(VerificationError, match="deadlock: s_axis is offered data") as caught:
        simulate()
    text = str(caught.value)
    assert "these wait for each other" in text
    assert "fork waits for join, which does not take its beat (stream short: valid 1" in text
    assert "join waits for conv, which sends no beat (stream late: valid 0 ready 0" in text
    assert "conv waits for fork, which sends no beat (stream long: valid 0 ready 1" in text
