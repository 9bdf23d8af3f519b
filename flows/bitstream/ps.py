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
        clocks: pins of the fabric's clocks: the bus's, and the network's where it has another.
        domains: names that the core's constraints give these clocks.
        reset: pin of its reset, active low.
        clocked: clock inputs of the ports in use.
        interrupt: pin of the interrupt.
        mhz: clocks that are asked for, as `clocks`.
    """

    core: str
    mhz: tuple[float, ...]
    config: MappingProxyType[str, str]
    clocks: tuple[str, ...]
    domains: tuple[str, ...]
    reset: str
    clocked: tuple[str, ...]
    interrupt: str
    config_without_board: MappingProxyType[str, str] = field(
        default_factory=lambda: MappingProxyType({})
    )


def processing_system(
    board: Board, clock_mhz: float, bus_mhz: float | None = None
) -> ProcessingSystem:
    """The cell for a board.

    Args:
        board: its ports and crystal.
        clock_mhz: wanted clock of the fabric; of the network, where the bus has another.
        bus_mhz: wanted clock of the bus, None: the same.
    """
    wanted = (clock_mhz,) if bus_mhz is None else (bus_mhz, clock_mhz)
    # On UltraScale+ the core chooses divisors, and the .hwh tells which.
    if board.family == "xc7":
        return _zynq7(board, tuple(fclk(mhz).mhz for mhz in wanted))
    return _ultrascale(board, wanted)


def port_bits(board: Board) -> tuple[int, int]:
    """Width of the control port and of the memory port as Vivado's block design sets them."""
    return (32, 64) if board.family == "xc7" else (_ULTRASCALE_PORT_BITS, _ULTRASCALE_PORT_BITS)


def _zynq7(board: Board, mhz: tuple[float, ...]) -> ProcessingSystem:
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
                "PCW_EN_RST0_PORT": "1",
                **{f"PCW_EN_CLK{n}_PORT": "1" for n in range(len(mhz))},
                **{f"PCW_FPGA{n}_PERIPHERAL_FREQMHZ": f"{f:.6f}" for n, f in enumerate(mhz)},
                "PCW_USE_FABRIC_INTERRUPT": "1",
                "PCW_IRQ_F2P_INTR": "1",
            }
        ),
        # The preset knows the crystal; the bare part would take another board's.
        config_without_board=MappingProxyType(
            {"PCW_CRYSTAL_PERIPHERAL_FREQMHZ": f"{board.clock.crystal_mhz:.6f}"}
        ),
        clocks=tuple(f"FCLK_CLK{n}" for n in range(len(mhz))),
        domains=tuple(f"clk_fpga_{n}" for n in range(len(mhz))),
        reset="FCLK_RESET0_N",
        clocked=(f"{control}_ACLK", f"{memory}_ACLK"),
        interrupt="IRQ_F2P",
    )


# Numbers that the core gives its ports.
_ULTRASCALE_MASTERS = {"M_AXI_HPM0_FPD": 0, "M_AXI_HPM1_FPD": 1, "M_AXI_HPM0_LPD": 2}
_ULTRASCALE_SLAVES = {f"S_AXI_HP{n}_FPD": n + 2 for n in range(4)}


def _ultrascale(board: Board, mhz: tuple[float, ...]) -> ProcessingSystem:
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
                "PSU__OVERRIDE__BASIC_CLOCK": "0",
                **{f"PSU__FPGA_PL{n}_ENABLE": "1" for n in range(len(mhz))},
                **{f"PSU__CRL_APB__PL{n}_REF_CTRL__FREQMHZ": f"{f:.6f}" for n, f in enumerate(mhz)},
                # PYNQ up to 3.1 takes the divisors as those of IOPLL whatever the source is.
                **{f"PSU__CRL_APB__PL{n}_REF_CTRL__SRCSEL": "IOPLL" for n in range(len(mhz))},
                "PSU__USE__IRQ0": "1",
            }
        ),
        config_without_board=MappingProxyType(
            {"PSU__PSS_REF_CLK__FREQMHZ": f"{board.clock.crystal_mhz:.6f}"}
        ),
        clocks=tuple(f"pl_clk{n}" for n in range(len(mhz))),
        domains=tuple(f"clk_pl_{n}" for n in range(len(mhz))),
        reset="pl_resetn0",
        clocked=(_clock_pin(control), _clock_pin(memory)),
        interrupt="pl_ps_irq0",
    )


def _clock_pin(port: str) -> str:
    """`M_AXI_HPM0_FPD` gives `maxihpm0_fpd_aclk`."""
    return port.lower().replace("_axi_", "axi") + "_aclk"
