# SPDX-License-Identifier: Apache-2.0
"""Choose PE, SIMD and M: legal by construction, the cheapest that reaches a target.

Cheapest means LUTs, block RAMs and latency together, at the rates below.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from flows.dataflow.cost import Fold, UnitCost, UnitShape, unit_cost
from flows.errors import FoldingError

# What a block RAM is worth in LUTs: with 100, memories up to 64 words deep go to LUTs.
_LUT_PER_BRAM36 = 100

# What a cycle of a layer is worth: it adds to the latency of an image, whoever sets the interval.
_LUT_PER_CYCLE = 0.1

Folding = Mapping[str, Fold]


def divisors(value: int) -> list[int]:
    """All divisors, ascending."""
    return [d for d in range(1, value + 1) if value % d == 0]


def foldings(shape: UnitShape) -> Iterator[Fold]:
    """Every folding of a unit that makes sense to build.

    Outputs are folded before inputs: SIMD below N only with PE = M = 1, because an accumulator
    and a multiplexer per result cost more than the lanes they save.
    """
    for rom_block in (False, True):
        for pe in divisors(shape.mh):
            for m in divisors(shape.width) if shape.convolution and pe == 1 else (1,):
                yield Fold(pe=pe, simd=shape.n, m=m, rom_block=rom_block)
        for simd in divisors(shape.n)[:-1]:
            yield Fold(pe=1, simd=simd, m=1, rom_block=rom_block)


def _price(cost: UnitCost) -> float:
    return cost.lut + _LUT_PER_BRAM36 * cost.bram36 + _LUT_PER_CYCLE * cost.cycles


def fold_unit(shape: UnitShape, cycles: int) -> Fold:
    """The cheapest folding of one unit within a number of cycles per frame.

    Raises:
        FoldingError: if even the widest legal folding is slower.
    """
    rows = [(fold, unit_cost(shape, fold)) for fold in foldings(shape)]
    within = [(_price(cost), cost.cycles, fold) for fold, cost in rows if cost.cycles <= cycles]
    if not within:
        best = min(cost.cycles for _, cost in rows)
        raise FoldingError(
            f"{shape.name}: no legal folding within {cycles} cycles per frame; the fastest takes "
            f"{best}. Lower --target-fps or raise --clock-mhz."
        )
    return min(within, key=lambda row: row[:2])[2]


def fold_network(shapes: Sequence[UnitShape], cycles: int) -> dict[str, Fold]:
    """The cheapest folding of each unit for an initiation interval.

    Args:
        shapes: units of the network.
        cycles: the initiation interval that is wanted, in cycles.

    Raises:
        FoldingError: if a unit cannot be that fast.
    """
    return {shape.name: fold_unit(shape, cycles) for shape in shapes}


def read_folding(path: Path, shapes: Sequence[UnitShape]) -> dict[str, Fold]:
    """Reads a folding file in FINN's form: `{"conv1": {"PE": 1, "SIMD": 576, "M": 2}}`.

    `ram_style` "block" or "distributed" chooses the weight memory; M is 1 where it is absent.

    Raises:
        FoldingError: naming the layer, what was found and what is legal.
    """
    try:
        content = json.loads(path.read_text())
    except OSError as error:
        raise FoldingError(f"{path}: cannot be read ({error.strerror}); give a JSON file") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise FoldingError(
            f"{path}: not JSON ({error}); expected {{layer: {{PE, SIMD, M}}}}"
        ) from None
    if not isinstance(content, dict):
        raise FoldingError(f"{path}: expected an object {{layer: {{PE, SIMD, M}}}}")
    by_name = {shape.name: shape for shape in shapes}
    unknown = sorted(set(content) - set(by_name) - {"Defaults"})
    if unknown:
        raise FoldingError(
            f"{path}: unknown layer {unknown[0]!r}; layers of this network: {', '.join(by_name)}"
        )
    missing = [name for name in by_name if name not in content]
    if missing:
        raise FoldingError(f"{path}: no entry for layer {missing[0]!r}; every unit needs one")
    return {name: _read_fold(path, by_name[name], content[name]) for name in by_name}


def _read_fold(path: Path, shape: UnitShape, entry: object) -> Fold:
    where = f"{path}: layer {shape.name!r}"
    if not isinstance(entry, dict):
        raise FoldingError(f"{where}: expected an object with PE and SIMD, found {entry!r}")
    values = {}
    limits = {"PE": shape.mh, "SIMD": shape.n, "M": shape.width if shape.convolution else 1}
    for key, whole in limits.items():
        value = entry.get(key, 1 if key == "M" else None)
        if type(value) is not int or value < 1 or whole % value:
            legal = ", ".join(map(str, divisors(whole)))
            raise FoldingError(f"{where}: {key} = {value!r} is not legal; legal: {legal}")
        values[key] = value
    style = entry.get("ram_style", "auto")
    if style not in ("auto", "block", "distributed"):
        raise FoldingError(f"{where}: ram_style {style!r}; allowed: auto, block, distributed")
    pe, simd, m = values["PE"], values["SIMD"], values["M"]
    if style == "auto":
        options = [Fold(pe=pe, simd=simd, m=m, rom_block=b) for b in (False, True)]
        return min(options, key=lambda fold: _price(unit_cost(shape, fold)))
    return Fold(pe=pe, simd=simd, m=m, rom_block=style == "block")


def folding_json(folding: Folding) -> dict[str, object]:
    """The folding in the form that `read_folding` reads."""
    return {"Defaults": {}} | {
        name: {
            "PE": fold.pe,
            "SIMD": fold.simd,
            "M": fold.m,
            "ram_style": "block" if fold.rom_block else "distributed",
        }
        for name, fold in folding.items()
    }
