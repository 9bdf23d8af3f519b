# SPDX-License-Identifier: Apache-2.0
"""Clocks of the fabric: what Zynq-7000 can make, and how far bus and network may differ.

A clock is a PLL divided by two factors of 1 to 63. Rounded down, never up: a network that meets
timing at the wanted clock meets it at any lower one.
"""

from dataclasses import dataclass

from flows.errors import UsageError

# MHz of the PLL behind the clock as the boards' boot loaders leave it, whatever the crystal:
# 50 x 20 or 33.333 x 30 (presets of Pynq-Z2 and Zybo-Z7).
IO_PLL_MHZ = 1000.0
_DIVISORS = range(1, 64)
# 33.333333 x 3 is no whole 100: a request must not fall to the next divisor by its last digit.
_SLACK = 1e-6
# Bus and network: the shell's counters and the queue of loaded words cross within this ratio.
_CROSSING = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Fclk:
    """A clock of the fabric.

    Attributes:
        divisors: the two factors; the larger one first.
        mhz: what comes out, MHz.
    """

    divisors: tuple[int, int]
    mhz: float


def fclk(wanted_mhz: float) -> Fclk:
    """The fastest clock that is not above the wanted one.

    Raises:
        UsageError: the PLL cannot be divided that far.
    """
    possible = [
        Fclk(divisors=(a, b), mhz=IO_PLL_MHZ / (a * b))
        for b in _DIVISORS
        for a in _DIVISORS[b - 1 :]
        if IO_PLL_MHZ / (a * b) <= wanted_mhz * (1 + _SLACK)
    ]
    if not possible:
        raise UsageError(
            f"--clock-mhz {wanted_mhz:g}: the slowest clock of Zynq-7000 is "
            f"{IO_PLL_MHZ / _DIVISORS[-1] ** 2:.3f} MHz; choose a faster one"
        )
    return max(possible, key=lambda clock: clock.mhz)


def check_clocks(network_mhz: float, bus_mhz: float | None) -> None:
    """Refuses clocks that the shell cannot cross.

    Args:
        network_mhz: clock of the network.
        bus_mhz: clock of bus and DMA, None: the same.

    Raises:
        UsageError: they are too far apart.
    """
    if bus_mhz is not None and not network_mhz / _CROSSING <= bus_mhz <= network_mhz * _CROSSING:
        raise UsageError(
            f"--bus-clock-mhz {bus_mhz:g}: too far from the network's {network_mhz:g} MHz; allowed "
            f"is {network_mhz / _CROSSING:g} to {network_mhz * _CROSSING:g} MHz"
        )
