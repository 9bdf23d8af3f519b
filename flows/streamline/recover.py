# SPDX-License-Identifier: Apache-2.0
"""Quantisers as integer arithmetic, read off exact constants and held against the graph itself."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.util.basic import get_by_name

from flows.errors import UnsupportedModelError
from flows.streamline.elementwise import Line
from flows.streamline.graph import Requant, Sign, requant
from flows.streamline.standard import quant_parameters
from flows.streamline.tabulate import SignTable
from flows.streamline.values import Value, integers, sign_table, table

# One DSP48E1: 18 x 25 bits, 48-bit sums.
_MUL_BITS = 18
_ADD_BITS = 47
_MAX_SHIFT = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    """The integer codes of a Quant node.

    Attributes:
        scale: float value of code 1.
        low, high: of the codes.
        rounding: FLOOR, ROUND, ...
    """

    scale: float
    low: int
    high: int
    rounding: str


def quant_codes(model: ModelWrapper, node: NodeProto) -> Codes:
    """Parameters of a Quant node.

    Raises:
        UnsupportedModelError: a scale per channel, or a zero point.
    """
    scale, zero, bits, signed = quant_parameters(model, node)
    if scale.size != 1 or zero != 0 or bits != int(bits):
        raise UnsupportedModelError(
            f"{node.name} (Quant): scale of shape {scale.shape}, zero point {zero}, {bits} bits"
            " found; one scale per tensor, zero point 0 and whole bits are allowed; change the"
            " quantiser."
        )
    rounding = get_by_name(node.attribute, "rounding_mode")
    narrow = get_by_name(node.attribute, "narrow")
    tight = int(narrow is not None and narrow.i)
    width = int(bits)
    low = -(2 ** (width - 1)) + tight if signed else 0
    high = 2 ** (width - 1) - 1 if signed else 2**width - 1 - tight
    return Codes(
        scale=float(scale.item()),
        low=low,
        high=high,
        rounding=rounding.s.decode() if rounding is not None else "ROUND",
    )


def step_of(found: SignTable) -> tuple[np.ndarray, np.ndarray]:
    """Thresholds and polarity of a truth table: bit = (x >= t) != falling.

    Returns:
        t: (C,) int64; falling: (C,) bool.
    """
    threshold, polarity = found.thresholds()
    falling = polarity < 0
    return np.where(falling, 1 - threshold, threshold), falling


def read_sign(model: ModelWrapper, value: Value, name: str, tensor: str) -> Sign:
    """The Sign that a BipolarQuant behind `value` is, from its truth table."""
    thresholds, falling = step_of(sign_table(model, value, name, tensor))
    return Sign(name=name, inputs=(value.stream,), thresholds=thresholds, falling=falling)


def read_requant(
    model: ModelWrapper, value: Value, name: str, nodes: tuple[NodeProto, ...], codes: Codes
) -> Requant:
    """The Requant that the quantiser `nodes` behind `value` is.

    Dyadic constants give multiplier, offset and shift by exact arithmetic. For other constants
    the shortest multiplier is searched that gives the same code for every integer of the stream.

    Raises:
        UnsupportedModelError: no integers of a DSP's width give the same codes; names the node.
    """
    node = nodes[0]
    xs = integers(value)
    whole = replace(value, nodes=(*value.nodes, *nodes))
    wanted = np.rint(table(model, whole, nodes[-1].output[0], xs).astype(np.float64) / codes.scale)
    slopes = value.slopes[node.input[0]]
    thresholds = falling = None
    if slopes.condition:
        thresholds, falling = step_of(sign_table(model, value, name, slopes.condition))
    low, high = _bounds(slopes.lines[-1], codes)
    for mul, add, shift in _candidates(slopes.lines, codes, value.channels):
        found = Requant(
            name=name,
            inputs=(value.stream,),
            mul=mul,
            add=add,
            shift=shift,
            low=low,
            high=high,
            thresholds=thresholds,
            falling=falling,
        )
        if np.array_equal(requant(found, xs[:, None]), wanted):
            return found
    raise UnsupportedModelError(
        f"{node.name} ({node.op_type}, {codes.rounding}): behind {value.base} no integer multiplier"
        f" of {_MUL_BITS} bits, offset and shift gives the same codes on all {xs.size} values;"
        " floor rounding and constants that are integers times a power of two are expected (a"
        " quantised batch norm); freeze the batch norm to such constants before the export."
    )


def _bounds(line: Line, codes: Codes) -> tuple[int, int]:
    low, high = codes.low, codes.high
    if np.isfinite(line.low):
        low = max(low, int(np.ceil(line.low / codes.scale)))
    if np.isfinite(line.high):
        high = min(high, int(np.floor(line.high / codes.scale)))
    return low, high


def _candidates(
    lines: tuple[Line, ...], codes: Codes, channels: int
) -> Iterator[tuple[np.ndarray, np.ndarray, int]]:
    """(sides, C) multipliers and offsets, and a shift: exact first, then rounded ones."""
    gain = np.stack([np.broadcast_to(line.slope / codes.scale, (channels,)) for line in lines])
    half = 0.5 if codes.rounding == "ROUND" else 0.0
    shift_of = np.stack([np.broadcast_to(line.offset / codes.scale, (channels,)) for line in lines])
    if not (np.isfinite(gain).all() and np.isfinite(shift_of).all()):
        return
    plain = max(fraction_bits(gain), fraction_bits(shift_of))
    for extra in (0.0, half) if half else (0.0,):
        offset = shift_of + extra
        bits = max(plain, fraction_bits(offset))
        if bits <= _MAX_SHIFT and _fits(gain, offset, bits):
            yield _integers(gain, bits), _integers(offset, bits), bits
    if plain <= _MAX_SHIFT:
        return
    for bits in range(_MAX_SHIFT, -1, -1):
        if _fits(gain, shift_of + half, bits):
            yield _integers(gain, bits), _integers(shift_of + half, bits), bits


def _fits(gain: np.ndarray, offset: np.ndarray, shift: int) -> bool:
    mul = np.abs(gain).max() * 2.0**shift
    add = np.abs(offset).max() * 2.0**shift
    return bool(mul < 2 ** (_MUL_BITS - 1) and add < 2**_ADD_BITS)


def _integers(values: np.ndarray, shift: int) -> np.ndarray:
    return np.rint(values * 2.0**shift).astype(np.int64)


def fraction_bits(values: np.ndarray) -> int:
    """Most binary digits behind the point of any of the float64 values."""
    mantissa, exponent = np.frexp(np.asarray(values, np.float64))
    whole = (mantissa * 2.0**53).astype(np.int64)
    lowest = whole & -whole  # the lowest set bit
    zeros = np.zeros(whole.shape, np.int64)
    nonzero = whole != 0
    zeros[nonzero] = np.log2(lowest[nonzero].astype(np.float64)).astype(np.int64)
    digits = np.where(nonzero, 53 - zeros - exponent, 0)
    return max(0, int(digits.max(initial=0)))


def pixel_offset(model: ModelWrapper, node: NodeProto, value: Value) -> tuple[int, float]:
    """What the first quantiser makes of the pixels: code = pixel + offset, and the codes' scale.

    Raises:
        UnsupportedModelError: another function of the pixel, or another quantiser.
    """
    if node.op_type != "Quant":
        raise UnsupportedModelError(
            f"{node.name} ({node.op_type}): binary pixels found in a network with forks or integer"
            " streams; a Quant of 8 bits is allowed there; change the input quantiser."
        )
    codes = quant_codes(model, node)
    xs = integers(value)
    whole = replace(value, nodes=(*value.nodes, node))
    found = table(model, whole, node.output[0], xs).astype(np.float64) / codes.scale
    offsets = found - xs[:, None]
    offset = int(np.rint(offsets[0, 0]))
    if not (offsets == offset).all():
        pixel, channel = map(int, np.argwhere(offsets != offset)[0])
        raise UnsupportedModelError(
            f"{node.name} (Quant): pixel {pixel} of colour {channel} becomes code"
            f" {found[pixel, channel]:g}, expected {pixel + offset}; one integer offset for all"
            " pixel values is allowed; quantise with step 1, for instance (pixel - 128) / 128."
        )
    return offset, codes.scale
