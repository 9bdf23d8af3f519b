# SPDX-License-Identifier: Apache-2.0
"""Exact evaluation of an exported file: every tensor is int64 times one power of two.

Knows nothing of torch or of the modules that were exported: constants are taken apart into
integers, sums are sums of integers, Quant and Floor are shifts. Anything that is not exact fails.
"""

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import numpy_helper


@dataclass(frozen=True, slots=True)
class Dyadic:
    """ints * 2^exponent."""

    ints: np.ndarray
    exponent: int

    def at(self, exponent: int) -> np.ndarray:
        """Integers on a finer or equal grid."""
        shift = self.exponent - exponent
        assert shift >= 0
        assert np.abs(self.ints).max(initial=0) < 1 << (62 - shift)
        return self.ints << shift


def of_floats(values: np.ndarray) -> Dyadic:
    """Take finite floats apart."""
    mantissa, exponents = np.frexp(np.asarray(values, np.float64))
    ints = (mantissa * 2.0**53).astype(np.int64)
    exponents = exponents.astype(np.int64) - 53
    zeros = np.where(ints == 0, 60, np.round(np.log2((ints & -ints).clip(1))).astype(np.int64))
    ints, exponents = ints >> np.minimum(zeros, 53), exponents + np.minimum(zeros, 53)
    common = int(exponents[ints != 0].min(initial=1000))
    common = 0 if common == 1000 else common
    ints = ints << np.where(ints == 0, 0, exponents - common)
    return Dyadic(ints, common)


def _windows(x: np.ndarray, kernel: list[int], stride: list[int]) -> np.ndarray:
    view = np.lib.stride_tricks.sliding_window_view(x, tuple(kernel), axis=(2, 3))
    return view[:, :, :: stride[0], :: stride[1]]


def _conv(x: Dyadic, w: Dyadic, attributes: dict) -> Dyadic:
    groups, stride = attributes.get("group", 1), attributes["strides"]
    pads = attributes.get("pads", [0, 0, 0, 0])
    sides = ((0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3]))
    values = np.pad(x.ints, sides).astype(np.float64)
    bound = np.abs(values).max() * np.abs(w.ints).reshape(len(w.ints), -1).sum(1).max()
    assert bound < 2**53  # float64 sums of integers below it are exact
    per_in, per_out = values.shape[1] // groups, len(w.ints) // groups
    parts = []
    for g in range(groups):
        part = _windows(values[:, g * per_in : (g + 1) * per_in], w.ints.shape[2:], stride)
        weights = w.ints[g * per_out : (g + 1) * per_out].astype(np.float64)
        parts.append(np.tensordot(part, weights, ((1, 4, 5), (1, 2, 3))).transpose(0, 3, 1, 2))
    return Dyadic(np.concatenate(parts, axis=1).astype(np.int64), x.exponent + w.exponent)


def _add(a: Dyadic, b: Dyadic, sign: int = 1) -> Dyadic:
    exponent = min(a.exponent, b.exponent)
    return Dyadic(a.at(exponent) + sign * b.at(exponent), exponent)


def _shift_down(x: Dyadic, exponent: int, rounding: str) -> np.ndarray:
    """Integers of x on a coarser grid."""
    if x.exponent >= exponent:
        return x.at(exponent)
    assert rounding == "FLOOR"
    return x.ints >> (exponent - x.exponent)


def _quant(x: Dyadic, scale: Dyadic, bits: Dyadic, attributes: dict) -> Dyadic:
    steps = scale.at(scale.exponent)
    n = int(bits.at(0))
    signed = attributes["signed"]
    low = (-(1 << (n - 1)) + attributes["narrow"]) if signed else 0
    high = (1 << (n - 1 if signed else n)) - 1
    if steps.size > 1:  # weights, one step per channel: they lie on their grid already
        assert (x.at(min(x.exponent, scale.exponent)) % scale.at(min(x.exponent, scale.exponent))
                == 0).all()  # fmt: skip
        return x
    step = of_floats(np.float64(steps) * 2.0**scale.exponent)
    assert step.ints == 1
    codes = _shift_down(x, step.exponent, attributes["rounding_mode"].decode())
    return Dyadic(np.clip(codes, low, high), step.exponent)


def _pool(x: Dyadic, attributes: dict, largest: bool) -> Dyadic:
    kernel, stride = attributes["kernel_shape"], attributes["strides"]
    pads = attributes.get("pads", [0, 0, 0, 0])
    assert largest or pads == [0, 0, 0, 0]
    sides = ((0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3]))
    windows = _windows(np.pad(x.ints, sides, constant_values=-(1 << 60)), kernel, stride)
    if largest:
        return Dyadic(windows.max((4, 5)), x.exponent)
    count = kernel[0] * kernel[1]
    assert count & (count - 1) == 0
    return Dyadic(windows.sum((4, 5)), x.exponent - count.bit_length() + 1)


def _node(node: onnx.NodeProto, inputs: list[Dyadic]) -> Dyadic:
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    x = inputs[0]
    if node.op_type in ("Cast", "Identity"):
        return x
    if node.op_type in ("Add", "Sub"):
        return _add(x, inputs[1], 1 if node.op_type == "Add" else -1)
    if node.op_type == "Mul":
        y = inputs[1]
        assert np.abs(x.ints).max() * float(np.abs(y.ints).max()) < 2**62
        return Dyadic(x.ints * y.ints, x.exponent + y.exponent)
    if node.op_type == "Conv":
        return _conv(x, inputs[1], attributes)
    if node.op_type == "MatMul":
        return Dyadic(x.ints @ inputs[1].ints, x.exponent + inputs[1].exponent)
    if node.op_type == "Quant":
        return _quant(x, inputs[1], inputs[3], attributes)
    if node.op_type == "BipolarQuant":
        assert inputs[1].at(0) == 1
        return Dyadic(np.where(x.ints >= 0, 1, -1), 0)
    if node.op_type == "GreaterOrEqual":
        difference = _add(x, inputs[1], -1)
        return Dyadic((difference.ints >= 0).astype(np.int64), 0)
    if node.op_type == "Where":
        exponent = min(inputs[1].exponent, inputs[2].exponent)
        return Dyadic(np.where(x.ints, inputs[1].at(exponent), inputs[2].at(exponent)), exponent)
    if node.op_type == "Floor":
        return Dyadic(_shift_down(x, 0, "FLOOR"), 0)
    if node.op_type == "Clip":
        return Dyadic(np.clip(x.at(0), inputs[1].at(0), inputs[2].at(0)), 0)
    if node.op_type == "Pad":
        pads = inputs[1].at(0)
        sides = list(zip(pads[:4], pads[4:], strict=True))
        return Dyadic(np.pad(x.at(0), sides, constant_values=int(inputs[2].at(0))), 0)
    return _shape(node.op_type, inputs, attributes)


def _shape(kind: str, inputs: list[Dyadic], attributes: dict) -> Dyadic:
    x = inputs[0]
    if kind == "MaxPool":
        return _pool(x, attributes, largest=True)
    if kind == "AveragePool":
        return _pool(x, attributes, largest=False)
    if kind == "ReduceSum":
        axes = tuple(int(a) for a in inputs[1].at(0))
        return Dyadic(x.ints.sum(axes, keepdims=bool(attributes["keepdims"])), x.exponent)
    if kind == "Transpose":
        return Dyadic(x.ints.transpose(attributes["perm"]), x.exponent)
    if kind == "Flatten":
        return Dyadic(x.ints.reshape(len(x.ints), -1), x.exponent)
    if kind == "Reshape":
        shape = [len(x.ints) if i == 0 else int(n) for i, n in enumerate(inputs[1].at(0))]
        return Dyadic(x.ints.reshape(shape), x.exponent)
    if kind == "Concat":
        exponent = min(part.exponent for part in inputs)
        return Dyadic(
            np.concatenate([p.at(exponent) for p in inputs], attributes["axis"]), exponent
        )
    raise AssertionError(f"{kind} is in no frozen network")


def evaluate(path, images: np.ndarray, stop: str) -> dict[str, Dyadic]:
    """Every tensor up to `stop`, by name; images (N, H, W, C) uint8."""
    graph = onnx.load(str(path)).graph
    floats = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    tensors = {name: of_floats(value) for name, value in floats.items()}
    tensors["pixels"] = Dyadic(images.transpose(0, 3, 1, 2).astype(np.int64), 0)
    for node in graph.node:
        if node.op_type == "Constant":
            tensors[node.output[0]] = of_floats(numpy_helper.to_array(node.attribute[0].t))
        else:
            tensors[node.output[0]] = _node(node, [tensors[name] for name in node.input])
        if node.output[0] == stop:
            break
    return tensors
