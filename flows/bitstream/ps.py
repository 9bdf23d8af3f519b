# SPDX-License-Identifier: Apache-2.0
"""Processing systems as Vivado's block design sees them: which property switches on which port.

Sources: UG585, UG1085, and the port tables of the cores processing_system7 and zynq_ultra_ps_e.
"""

from dataclasses import dataclass, field
from types import MappingProxyType

from flows.bitstream.clocks import fclk
from flows.boards import CONTROL_PORTS, Board

# Both AXI ports of UltraScale+ stay at the width that their registers have after a reset, so that
# an image which never wrote them works too; SmartConnect converts.
_ULTRASCALE_PORT_BITS = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessingSystem:
    """The cell of the processing system.

    Attributes:
        core: name of the IP core.
        config: properties to set, without the prefix `CONFIG.`.
        config_without_board: further ones where no board files are installed.
        clock: pin of the fabric's clock.
        reset: pin of its reset, active low.
        clocked: clock inputs of the ports in use.
        interrupt: pin of the interrupt.
        mhz: clock of the fabric that is asked for.
    """

    core: str
    mhz: float
    config: MappingProxyType[str, str]
    clock: str
    reset: str
    clocked: tuple[str, ...]
    interrupt: str
    config_without_board: MappingProxyType[str, str] = field(
        default_factory=lambda: MappingProxyType({})
    )


def processing_system(board: Board, clock_mhz: float) -> ProcessingSystem:
    """The cell for a board.

    Args:
        board: its ports and crystal.
        clock_mhz: wanted clock of the fabric.
    """
    # On UltraScale+ the core chooses divisors, and the .hwh tells which.
    return (
        _zynq7(board, fclk(clock_mhz).mhz)
        if board.family == "xc7"
        else _ultrascale(board, clock_mhz)
    )


def port_bits(board: Board) -> tuple[int, int]:
    """Width of the control port and of the memory port as Vivado's block design sets them."""
    return (32, 64) if board.family == "xc7" else (_ULTRASCALE_PORT_BITS, _ULTRASCALE_PORT_BITS)


def _zynq7(board: Board, mhz: float) -> ProcessingSystem:
    control, memory = board.ports.control, board.ports.memory
    short = memory.removeprefix("S_AXI_")
    return ProcessingSystem(
        core="processing_system7",
        mhz=mhz,
        config=MappingProxyType(
            {
                **{f"PCW_USE_{port}": str(int(port == control)) for port in CONTROL_PORTS["xc7"]},
                f"PCW_USE_{memory}": "1",
                f"PCW_S_AXI_{short}_DATA_WIDTH": "64",
                "PCW_EN_CLK0_PORT": "1",
                "PCW_EN_RST0_PORT": "1",
                "PCW_FPGA0_PERIPHERAL_FREQMHZ": f"{mhz:.6f}",
                "PCW_USE_FABRIC_INTERRUPT": "1",
                "PCW_IRQ_F2P_INTR": "1",
            }
        ),
        # The preset knows the crystal; the bare part would take another board's.
        config_without_board=MappingProxyType(
            {"PCW_CRYSTAL_PERIPHERAL_FREQMHZ": f"{board.clock.crystal_mhz:.6f}"}
        ),
        clock="FCLK_CLK0",
        reset="FCLK_RESET0_N",
        clocked=(f"{control}_ACLK", f"{memory}_ACLK"),
        interrupt="IRQ_F2P",
    )


# Numbers that the core gives its ports.
_ULTRASCALE_MASTERS = {"M_AXI_HPM0_FPD": 0, "M_AXI_HPM1_FPD": 1, "M_AXI_HPM0_LPD": 2}
_ULTRASCALE_SLAVES = {f"S_AXI_HP{n}_FPD": n + 2 for n in range(4)}


def _ultrascale(board: Board, mhz: float) -> ProcessingSystem:
    control, memory = board.ports.control, board.ports.memory
    master, slave = _ULTRASCALE_MASTERS[control], _ULTRASCALE_SLAVES[memory]
    bits = str(_ULTRASCALE_PORT_BITS)
    return ProcessingSystem(
        core="zynq_ultra_ps_e",
        mhz=mhz,
        config=MappingProxyType(
            {
                **{
                    f"PSU__USE__M_AXI_GP{n}": str(int(n == master))
                    for n in _ULTRASCALE_MASTERS.values()
                },
                f"PSU__MAXIGP{master}__DATA_WIDTH": bits,
                f"PSU__USE__S_AXI_GP{slave}": "1",
                f"PSU__SAXIGP{slave}__DATA_WIDTH": bits,
                "PSU__FPGA_PL0_ENABLE": "1",
                "PSU__OVERRIDE__BASIC_CLOCK": "0",
                "PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ": f"{mhz:.6f}",
                # PYNQ up to 3.1 takes the divisors as those of IOPLL whatever the source is.
                "PSU__CRL_APB__PL0_REF_CTRL__SRCSEL": "IOPLL",
                "PSU__USE__IRQ0": "1",
            }
        ),
        config_without_board=MappingProxyType(
            {"PSU__PSS_REF_CLK__FREQMHZ": f"{board.clock.crystal_mhz:.6f}"}
        ),
        clock="pl_clk0",
        reset="pl_resetn0",
        clocked=(_clock_pin(control), _clock_pin(memory)),
        interrupt="pl_ps_irq0",
    )


def _clock_pin(port: str) -> str:
    """`M_AXI_HPM0_FPD` gives `maxihpm0_fpd_aclk`."""
    return port.lower().replace("_axi_", "axi") + "_aclk"
