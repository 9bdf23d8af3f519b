# SPDX-License-Identifier: Apache-2.0
"""What a synthesis run found out about one module."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class SynthReport:
    """Resources of one module after technology mapping, before placement.

    Attributes:
        name: What the caller calls it, for instance the layer's name.
        top: Module that was synthesised.
        family: Value of `synth_xilinx -family`.
        tool: Tool with its version; figures of different versions do not compare.
        lut: LUTs occupied: logic, memories and shift registers.
        lutram: LUTs among them that serve as memory or shift register.
        srl: LUTs among those that serve as shift register.
        ff: Flip-flops.
        bram36: Block memories of 36 Kbit; a RAMB18 counts 0.5.
        uram: UltraRAM blocks.
        dsp: DSP slices.
        carry: Carry chain cells.
        lut_levels: LUTs on the deepest path between registers (or a register and a port).
        deepest_path: Nets along that path.
        cells: Every cell type with its number of instances.
        seconds: Time of the run that made the netlist, s.
        cached: Whether the result came from the cache.
    """

    name: str
    top: str
    family: str
    tool: str
    lut: int
    lutram: int
    srl: int
    ff: int
    bram36: float
    uram: int
    dsp: int
    carry: int
    lut_levels: int
    deepest_path: tuple[str, ...]
    cells: Mapping[str, int]
    seconds: float
    cached: bool = False

    def to_json(self) -> dict[str, Any]:
        """Values for a JSON file; `from_json` reads them back."""
        values = asdict(self)
        del values["cached"]
        return values

    @classmethod
    def from_json(cls, values: Mapping[str, Any], *, cached: bool) -> "SynthReport":
        """Reads what `to_json` wrote.

        Raises:
            TypeError: Keys are missing or unknown.
            KeyError: `deepest_path` is missing.
        """
        path = tuple(values["deepest_path"])
        return cls(**{**values, "deepest_path": path, "cached": cached})
