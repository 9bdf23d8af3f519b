# SPDX-License-Identifier: Apache-2.0
"""Folding files: our layers by name, or FINN's nodes by kind and number.

{"Defaults": {}, "conv1": {"PE": 1, "SIMD": 576, "M": 7, "ram_style": "block"}, ...}
{"Defaults": {}, "MVAU_rtl_1": {"PE": 16, "SIMD": 32, "resType": "lut", "inFIFODepths": [2]}, ...}
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.dataflow.cost import INPUT, Fold, Folding, Form, UnitShape
from flows.dataflow.cost_graph import unit_cost
from flows.dataflow.fold import divisors, price
from flows.errors import FoldingError

_STYLES = ("auto", "block", "distributed")
_KEYS = ("PE", "SIMD", "M", "ram_style", "form")
# What FINN decides here and this project decides elsewhere, or always in the same way.
_FINN_KEYS = (
    "backend",
    "depth_trigger_bram",
    "depth_trigger_uram",
    "inFIFODepths",
    "mem_mode",
    "outFIFODepths",
    "parallel_window",
    "pumpedCompute",
    "pumpedMemory",
    "ram_style_thresholds",
    "resType",
    "runtime_writeable_weights",
)
_FINN_NODE = re.compile(r"(?:StreamingDataflowPartition_\d+_)?([A-Za-z]+)(?:_\w+?)?_(\d+)$")
_FINN_UNITS = ("MVAU", "MatrixVectorActivation", "StreamingFCLayer")
# Nodes that are no layer of ours: their work is part of a unit, or follows from the schedule.
_FINN_OTHERS = (
    "AddStreams",
    "ChannelwiseOp",
    "ConvolutionInputGenerator",
    "DuplicateStreams",
    "FMPadding",
    "GlobalAccPool",
    "LabelSelect",
    "Pool",
    "StreamingDataWidthConverter",
    "StreamingFIFO",
    "StreamingMaxPool",
    "Thresholding",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldingFile:
    """A folding that was read.

    Attributes:
        folding: layer name to fold.
        ignored: what the file says beside it, in sentences for the user.
    """

    folding: Folding
    ignored: tuple[str, ...]


def read_folding(path: Path, shapes: Sequence[UnitShape]) -> FoldingFile:
    """Reads a folding file.

    M is 1 where it is absent; `ram_style` "block" or "distributed" chooses the weight memory,
    "auto" the cheaper one. The input of a dense network may be left out.

    Raises:
        FoldingError: naming the layer, what was found and what is legal.
    """
    content = _load(path)
    by_name = {shape.name: shape for shape in shapes}
    units = [name for name in by_name if name != INPUT]
    entries: dict[str, object] = {}
    ignored = []
    for key, entry in content.items():
        if key == "Defaults":
            continue
        name = key if key in by_name else _finn_layer(path, key, units)
        if name is None:
            ignored.append(f"{key}: not a layer that is folded here")
        else:
            entries[name] = entry
    missing = [name for name in units if name not in entries]
    if missing:
        raise FoldingError(f"{path}: no entry for layer {missing[0]!r}; every unit needs one")
    folding = {}
    for name, shape in by_name.items():
        if name in entries:
            folding[name] = _read_fold(path, shape, entries[name], ignored)
        else:
            folding[name] = _default_input(shape)
    return FoldingFile(folding=folding, ignored=tuple(ignored))


def _load(path: Path) -> dict[str, Any]:
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
    return content


def _finn_layer(path: Path, key: str, units: Sequence[str]) -> str | None:
    """The layer that a FINN node is, by its number; None for a node that is no unit.

    Raises:
        FoldingError: for a name that is neither.
    """
    found = _FINN_NODE.fullmatch(key)
    kind = found.group(1) if found else ""
    if found and kind in _FINN_UNITS and int(found.group(2)) < len(units):
        return units[int(found.group(2))]
    if kind in _FINN_OTHERS:
        return None
    raise FoldingError(
        f"{path}: unknown layer {key!r}; layers of this network: {', '.join(units)}, "
        f"or FINN's names for them, MVAU_0 to MVAU_{len(units) - 1}"
    )


def _default_input(shape: UnitShape) -> Fold:
    """As many pixels as a 64-bit bus word holds."""
    pe = max(d for d in divisors(shape.mh) if d * shape.in_bits <= 64)
    return Fold(pe=pe, simd=1, rom_block=False, form="threshold")


def _read_fold(path: Path, shape: UnitShape, entry: object, ignored: list[str]) -> Fold:
    where = f"{path}: layer {shape.name!r}"
    if not isinstance(entry, dict):
        raise FoldingError(f"{where}: expected an object with PE and SIMD, found {entry!r}")
    unknown = sorted(set(entry) - {*_KEYS, *_FINN_KEYS})
    if unknown:
        raise FoldingError(f"{where}: unknown key {unknown[0]!r}; allowed: {', '.join(_KEYS)}")
    foreign = sorted(set(entry) & set(_FINN_KEYS))
    if foreign:
        ignored.append(f"{shape.name}: {', '.join(foreign)} of FINN do not apply")
    form = _form(where, shape, entry)
    limits = {"PE": shape.mh, "SIMD": shape.n, "M": shape.width if shape.convolution else 1}
    optional = {"M": 1, **({"SIMD": 1} if form == "threshold" else {})}
    values = {}
    for key, whole in limits.items():
        value = entry.get(key, optional.get(key))
        if type(value) is not int or value < 1 or whole % value:
            legal = ", ".join(map(str, divisors(whole)))
            raise FoldingError(f"{where}: {key} = {value!r} is not legal; legal: {legal}")
        values[key] = value
    if values["PE"] % shape.groups:
        legal = ", ".join(str(d) for d in divisors(shape.mh) if d % shape.groups == 0)
        raise FoldingError(
            f"{where}: PE = {values['PE']} splits its {shape.groups} groups; legal: {legal}"
        )
    style = entry.get("ram_style", "auto")
    if style not in _STYLES:
        raise FoldingError(f"{where}: ram_style {style!r}; allowed: {', '.join(_STYLES)}")
    options = [
        Fold(pe=values["PE"], simd=values["SIMD"], m=values["M"], rom_block=block, form=form)
        for block in ((False,) if form in ("threshold", "dsp") else (False, True))
        if style == "auto" or block == (style == "block") or form in ("threshold", "dsp")
    ]
    return min(options, key=lambda fold: price(unit_cost(shape, fold).resources))


def _form(where: str, shape: UnitShape, entry: Mapping[str, object]) -> Form:
    form = entry.get("form", shape.forms[0])
    for legal in shape.forms:
        if form == legal:
            return legal
    raise FoldingError(f"{where}: form {form!r}; allowed: {', '.join(shape.forms)}")


def _entry(fold: Fold) -> dict[str, object]:
    if fold.form == "threshold":
        return {"PE": fold.pe}
    entry: dict[str, object] = {"PE": fold.pe, "SIMD": fold.simd, "M": fold.m}
    if fold.form != "dsp":
        entry["ram_style"] = "block" if fold.rom_block else "distributed"
    return entry if fold.form == "window" else entry | {"form": fold.form}


def folding_json(folding: Folding) -> dict[str, object]:
    """The folding in the form that `read_folding` reads."""
    return {"Defaults": {}} | {name: _entry(fold) for name, fold in folding.items()}


def finn_json(folding: Folding) -> dict[str, object]:
    """PE, SIMD and memory style under FINN's node names.

    M and the form have no counterpart there: at the same PE and SIMD, FINN is M times slower.
    """
    units = [fold for name, fold in folding.items() if name != INPUT]
    return {"Defaults": {}} | {
        f"MVAU_rtl_{number}": {
            "PE": fold.pe,
            "SIMD": fold.simd,
            "ram_style": "block" if fold.rom_block else "distributed",
            "resType": "dsp" if fold.form == "dsp" else "lut",
            "mem_mode": "internal_decoupled",
            "runtime_writeable_weights": 0,
        }
        for number, fold in enumerate(units)
    }
