# SPDX-License-Identifier: Apache-2.0
"""The bitstream's section in all three forms of the report."""

import dataclasses
import io

import pytest
from rich.console import Console

from flows.report import BitstreamFacts, print_summary
from flows.report.document import build_document
from flows.report.html import render_html
from tests.flows.report.sample import build_facts

USED = {"lut": 31_234, "ff": 36_001, "bram36": 64.5, "dsp": 0}
HANDED_OVER = BitstreamFacts(
    flow="openxc7",
    folder="openxc7",
    command="./build.sh",
    missing=("nextpnr-xilinx or nextpnr-himbaechel", "fasm2frames"),
    used=USED,
    needs=("#95: RAMB36 ports of 1 or 9 bits",),
)
ROUTED_OPEN = BitstreamFacts(
    flow="openxc7",
    folder="openxc7",
    command="./build.sh",
    file="cnv_w1a1.bit",
    used=USED,
    estimated_mhz=92.4,
)
ROUTED_VIVADO = BitstreamFacts(
    flow="vivado",
    folder="vivado",
    command="vivado -mode batch -source build.tcl",
    file="cnv_w1a1.bit",
    used=USED,
    routed=True,
    setup_slack_ns=0.125,
    hold_slack_ns=0.021,
)


def _summary(facts: BitstreamFacts | None) -> tuple[dict, str, str]:
    document = build_document(build_facts(bitstream=facts))
    console = Console(file=io.StringIO(), width=300)
    print_summary(console, document)
    return document, render_html(document), console.file.getvalue()


def test_without_a_bitstream_nothing_is_said():
    document, page, text = _summary(None)
    assert document["bitstream"] is None
    assert "<h2>Bitstream</h2>" not in page
    assert "itstream" not in text


def test_missing_tools_are_named_with_the_command():
    document, page, text = _summary(HANDED_OVER)
    sentence = (
        "No bitstream: nextpnr-xilinx or nextpnr-himbaechel, fasm2frames not found. With them, "
        "`./build.sh` in openxc7/ makes it, on any machine."
    )
    assert sentence in document["warnings"]
    assert sentence in text
    assert "#95" in page and "not built" in page
    assert document["bitstream"]["used"]["lut"]["origin"] == "synthesised"


def test_clock_of_the_open_flow_is_an_estimate():
    document, page, text = _summary(ROUTED_OPEN)
    assert document["bitstream"]["estimated_mhz"] == {
        "value": 92.4, "unit": "MHz", "origin": "estimated"
    }  # fmt: skip
    assert "guarantees nothing" in page
    assert "92.4 MHz (nextpnr)  [estimated]" in text


def test_slack_is_that_of_the_routed_design():
    document, page, text = _summary(ROUTED_VIVADO)
    assert document["bitstream"]["used"]["bram36"] == {
        "value": 64.5, "unit": "BRAM36", "origin": "routed"
    }  # fmt: skip
    assert "0.125 ns  [routed]" in text
    assert "vivado/cnv_w1a1.bit" in text
    assert "hold 0.021 ns" in " ".join(page.split())


@pytest.mark.parametrize("facts", [None, HANDED_OVER, ROUTED_OPEN, ROUTED_VIVADO])
def test_all_forms_are_valid(facts: BitstreamFacts | None):
    _summary(facts)


def test_overshoot_counts_the_shell():
    """The layers of the sample fit; what the flow mapped does not."""
    assert not [text for text in _summary(None)[0]["warnings"] if "holds" in text]
    large = dataclasses.replace(HANDED_OVER, used={**USED, "lut": 60_000})
    (line,) = [text for text in _summary(large)[0]["warnings"] if "holds" in text]
    assert line.startswith("Pynq-Z2 holds 53,200 LUT, network and shell need 60,000: choose")
