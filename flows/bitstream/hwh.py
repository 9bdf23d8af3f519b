# SPDX-License-Identifier: Apache-2.0
"""The least .hwh file with which PYNQ's `Overlay` accepts a bitstream that Vivado did not make.

Content: what the parsers of PYNQ 2.7, 3.0.1, 3.1.2 and 4.0 read. Zynq-7000 only; for UltraScale+
Vivado writes the file.
"""

import xml.etree.ElementTree as ET

from flows.bitstream.clocks import Fclk, fclk
from flows.boards import Board

WINDOW = 0x1_0000  # bytes of registers
_CLOCKS = range(4)
# PYNQ sets a clock that the file does not enable to 100 MHz; so do we.
_UNUSED_MHZ = 100.0


def hwh_text(name: str, board: Board, clock_mhz: float) -> str:
    """The file for the open flow's top level.

    Args:
        name: name of the overlay.
        board: a Zynq-7000 board.
        clock_mhz: wanted clock of the fabric; rounded down to one that exists.
    """
    root = ET.Element("EDKSYSTEM", EDWVERSION="1.2", TIMESTAMP="")
    ET.SubElement(root, "SYSTEMINFO", ARCH="zynq", NAME=name, PART=board.part)
    ET.SubElement(root, "EXTERNALPORTS")
    ET.SubElement(root, "EXTERNALINTERFACES")
    modules = ET.SubElement(root, "MODULES")
    _processor(modules, board, fclk(clock_mhz))
    _accelerator(modules, board)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _processor(modules: ET.Element, board: Board, clock: Fclk) -> None:
    module = ET.SubElement(
        modules,
        "MODULE",
        FULLNAME="/ps",
        HWVERSION="5.5",
        INSTANCE="ps",
        IPTYPE="PERIPHERAL",
        IS_ENABLE="1",
        IS_PL="FALSE",
        MODCLASS="PERIPHERAL",
        MODTYPE="processing_system7",
        VLNV="xilinx.com:ip:processing_system7:5.5",
    )
    parameters = ET.SubElement(module, "PARAMETERS")
    for n in _CLOCKS:
        used = clock if n == 0 else fclk(_UNUSED_MHZ)
        for key, value in (
            (f"PCW_FCLK{n}_PERIPHERAL_CLKSRC", "IO PLL"),
            (f"PCW_FCLK{n}_PERIPHERAL_DIVISOR0", str(used.divisors[0])),
            (f"PCW_FCLK{n}_PERIPHERAL_DIVISOR1", str(used.divisors[1])),
            (f"PCW_FPGA_FCLK{n}_ENABLE", str(int(n == 0))),
            (f"PCW_ACT_FPGA{n}_PERIPHERAL_FREQMHZ", f"{used.mhz:.6f}"),
        ):
            ET.SubElement(parameters, "PARAMETER", NAME=key, VALUE=value)
    ET.SubElement(module, "PORTS")
    interfaces = ET.SubElement(module, "BUSINTERFACES")
    _interface(interfaces, board.ports.control, "MASTER")
    _interface(interfaces, board.ports.memory, "SLAVE")
    ET.SubElement(
        ET.SubElement(module, "MEMORYMAP"),
        "MEMRANGE",
        ADDRESSBLOCK="reg0",
        BASENAME="C_BASEADDR",
        BASEVALUE=f"0x{board.ports.control_base:08X}",
        HIGHNAME="C_HIGHADDR",
        HIGHVALUE=f"0x{board.ports.control_base + WINDOW - 1:08X}",
        INSTANCE="core",
        IS_DATA="TRUE",
        IS_INSTRUCTION="TRUE",
        MASTERBUSINTERFACE=board.ports.control,
        MEMTYPE="REGISTER",
        SLAVEBUSINTERFACE="s_axi",
    )


def _accelerator(modules: ET.Element, board: Board) -> None:
    module = ET.SubElement(
        modules,
        "MODULE",
        FULLNAME="/core",
        HWVERSION="1.0",
        INSTANCE="core",
        IPTYPE="PERIPHERAL",
        IS_ENABLE="1",
        IS_PL="TRUE",
        MODCLASS="PERIPHERAL",
        MODTYPE="xnorflow",
        VLNV="xnorflow:shell:xnorflow:1.0",
    )
    ET.SubElement(module, "PARAMETERS")
    ET.SubElement(module, "PORTS")
    interfaces = ET.SubElement(module, "BUSINTERFACES")
    _interface(interfaces, "s_axi", "SLAVE")
    _interface(interfaces, "m_axi", "MASTER")


def _interface(parent: ET.Element, name: str, role: str) -> None:
    # An interface of type axilite would be left out of PYNQ's ip_dict.
    interface = ET.SubElement(
        parent,
        "BUSINTERFACE",
        BUSNAME=name,
        NAME=name,
        TYPE=role,
        VLNV="xilinx.com:interface:aximm:1.0",
    )
    ET.SubElement(interface, "PORTMAPS")
