# SPDX-License-Identifier: Apache-2.0
"""The minimal .hwh: what PYNQ looks for is there, and the clocks are those of the board."""

import xml.etree.ElementTree as ET

import pytest

from flows.bitstream.clocks import IO_PLL_MHZ, fclk
from flows.bitstream.hwh import hwh_text
from flows.boards import load_board
from flows.errors import UsageError


def _parameters(root: ET.Element) -> dict[str, str]:
    return {
        p.attrib["NAME"]: p.attrib["VALUE"]
        for p in root.findall(".//MODULE[@MODTYPE='processing_system7']/PARAMETERS/PARAMETER")
    }


def test_structure():
    root = ET.fromstring(hwh_text("cnv_w1a1", load_board("Pynq-Z2"), 100.0))
    assert root.tag == "EDKSYSTEM"
    assert root.find("SYSTEMINFO").attrib["NAME"] == "cnv_w1a1"
    assert root.find("EXTERNALPORTS") is not None
    ps, core = root.findall("MODULES/MODULE")
    assert ps.attrib["IS_PL"] == "FALSE"
    for module in (ps, core):
        vendor, _, _, version = module.attrib["VLNV"].split(":")
        assert vendor and "." in version
        assert {i.attrib["VLNV"] for i in module.findall(".//BUSINTERFACE")} == {
            "xilinx.com:interface:aximm:1.0"
        }
    (window,) = root.findall(".//MEMRANGE")
    assert window.attrib["INSTANCE"] == core.attrib["INSTANCE"]
    assert (int(window.attrib["BASEVALUE"], 16), int(window.attrib["HIGHVALUE"], 16)) == (
        0x40000000,
        0x4000FFFF,
    )
    masters = {i.attrib["NAME"] for i in ps.findall(".//BUSINTERFACE[@TYPE='MASTER']")}
    assert window.attrib["MASTERBUSINTERFACE"] in masters


@pytest.mark.parametrize("mhz", [100.0, 142.9, 50.0, 90.0])
def test_clocks(mhz: float):
    values = _parameters(ET.fromstring(hwh_text("x", load_board("Zybo-Z7-20"), mhz)))
    for n in range(4):
        divisors = [int(values[f"PCW_FCLK{n}_PERIPHERAL_DIVISOR{i}"]) for i in (0, 1)]
        made = IO_PLL_MHZ / (divisors[0] * divisors[1])
        assert float(values[f"PCW_ACT_FPGA{n}_PERIPHERAL_FREQMHZ"]) == pytest.approx(made)
        assert made <= (mhz if n == 0 else 100.0)
        assert values[f"PCW_FPGA_FCLK{n}_ENABLE"] == str(int(n == 0))


@pytest.mark.parametrize(
    ("wanted", "mhz", "divisors"),
    [(100, 100.0, (10, 1)), (99.9999, 90.909091, (11, 1)), (99.99999, 100.0, (10, 1)),
     (1000, 1000.0, (1, 1)), (0.26, 1000 / 3906, (63, 62)), (67, 1000 / 15, (15, 1))],
)  # fmt: skip
def test_clock_is_never_above_the_wanted_one(wanted: float, mhz: float, divisors: tuple[int, int]):
    clock = fclk(wanted)
    assert clock.mhz == pytest.approx(mhz, rel=1e-6)
    assert clock.divisors == divisors


def test_a_clock_that_is_too_slow():
    with pytest.raises(UsageError, match=r"slowest clock of Zynq-7000 is 0\.252 MHz"):
        fclk(0.1)
