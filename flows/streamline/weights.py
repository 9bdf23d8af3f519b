# SPDX-License-Identifier: Apache-2.0
"""The 1-bit weights of a layer: signs and scale, from BipolarQuant nodes or plain constants."""

import numpy as np
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from flows.errors import UnsupportedModelError
from flows.streamline.load import attribute_ints


def read_weights(model: ModelWrapper, layer: NodeProto) -> tuple[np.ndarray, np.ndarray]:
    """Signs and scale of a Conv or MatMul.

    Returns:
        signs: int8 in {-1, +1}, (OC, IC, K, K) for Conv, (OC, IC) for MatMul.
        scale: (OC,) float64, positive.

    Raises:
        UnsupportedModelError: the weights are not constant, or not 1-bit.
    """
    values = constant(model, layer.input[1])
    if values is None:
        raise UnsupportedModelError(
            f"{layer.name} ({layer.op_type}): its second input {layer.input[1]} is not a constant;"
            " constant 1-bit weights are allowed; products of two activations cannot be lowered."
        )
    if layer.op_type == "MatMul":
        values = values.T
    scale = _scales(values)
    if scale is None:
        raise UnsupportedModelError(
            f"{layer.name} ({layer.op_type}): {_described(model, layer, values)} found; 1-bit"
            " weights are allowed: +s and -s with one s per output channel; train with a binary"
            " weight quantiser (BipolarQuant)."
        )
    return np.where(values > 0, 1, -1).astype(np.int8), scale


def is_binary(model: ModelWrapper, layer: NodeProto) -> bool:
    """Whether the weights of a Conv or MatMul are 1-bit; True where they are not constant."""
    values = constant(model, layer.input[1])
    return values is None or _scales(values.T if layer.op_type == "MatMul" else values) is not None


def _scales(values: np.ndarray) -> np.ndarray | None:
    """(OC,) s of weights that are +s and -s in each output channel; None where they are not."""
    sizes = np.abs(values).reshape(len(values), -1)
    alike = (sizes == sizes[:, :1]).all() and (sizes[:, 0] > 0).all()
    return sizes[:, 0].astype(np.float64) if alike else None


def _described(model: ModelWrapper, layer: NodeProto, values: np.ndarray) -> str:
    producer = model.find_producer(layer.input[1])
    bits = None
    if producer is not None and producer.op_type == "Quant":
        bits = constant(model, producer.input[3])
    if bits is not None:
        return f"weights of {int(bits.item())} bits"
    return f"weights with {len(np.unique(values))} distinct values"


def integer_weights(model: ModelWrapper, layer: NodeProto) -> tuple[np.ndarray, np.ndarray, int]:
    """Integers and their step of a Conv or MatMul: 1-bit weights, or quantised ones.

    Returns:
        weights: int64, (OC, IC, K, K) for Conv, (OC, IC) for MatMul.
        step: (OC,) float64; the weights of the graph are weights * step.
        bits: 1 for +-1, else the two's complement width.

    Raises:
        UnsupportedModelError: the weights are not constant, or no integers times a step that a
            Quant or BipolarQuant node gives.
    """
    values = constant(model, layer.input[1])
    if values is None:
        raise UnsupportedModelError(
            f"{layer.name} ({layer.op_type}): its second input {layer.input[1]} is not a constant;"
            " constant weights are allowed; products of two activations cannot be lowered."
        )
    values = np.asarray(values, np.float64)
    if layer.op_type == "MatMul":
        values = values.T
    trained = _trained_step(model, layer.input[1], len(values))
    scale = _scales(values)
    if scale is not None and (trained is None or (scale == trained).all()):
        return np.where(values > 0, 1, -1).astype(np.int64), scale, 1
    rows = np.abs(values).reshape(len(values), -1)
    step = np.asarray([_step(row) for row in rows]) if trained is None else trained
    codes = values / step.reshape((-1,) + (1,) * (values.ndim - 1))
    largest = int(np.abs(codes).max())
    if largest >= 2**15:
        raise UnsupportedModelError(
            f"{layer.name} ({layer.op_type}): weights of up to {largest} steps found; integers of"
            " 16 bits times a power of two per channel are allowed; train with a fixed-point"
            " weight quantiser."
        )
    return codes.astype(np.int64), step, largest.bit_length() + 1


def _trained_step(model: ModelWrapper, name: str, channels: int) -> np.ndarray | None:
    """(OC,) steps of a Quant node that makes the weights; None where they are no powers of two.

    The trained network counts in these steps, even where all weights of a channel are even.
    """
    node = model.find_producer(name)
    while node is not None and node.op_type in ("Transpose", "Cast"):
        node = model.find_producer(node.input[0])
    if node is None or node.op_type != "Quant":
        return None
    scale = constant(model, node.input[1])
    if scale is None or scale.size not in (1, channels) or (np.frexp(scale)[0] != 0.5).any():
        return None
    return np.asarray(np.broadcast_to(scale.astype(np.float64).ravel(), channels))


def _step(row: np.ndarray) -> float:
    """The largest power of two of which all values are whole multiples."""
    nonzero = row[row != 0]
    if not len(nonzero):
        return 1.0
    mantissa, exponent = np.frexp(nonzero)
    whole = (mantissa * 2.0**53).astype(np.int64)
    lowest = np.log2((whole & -whole).astype(np.float64)).astype(np.int64)
    return float(2.0 ** int((exponent - 53 + lowest).min()))


def constant(model: ModelWrapper, name: str) -> np.ndarray | None:
    """Value of a tensor that does not depend on the input, quantiser nodes evaluated."""
    value = model.get_initializer(name)
    if value is not None:
        return np.asarray(value)
    node = model.find_producer(name)
    if node is None or not node.input:
        return None
    source = constant(model, node.input[0])
    if source is None:
        return None
    if node.op_type == "Cast":
        return source
    if node.op_type == "Transpose":
        return source.transpose(attribute_ints(node, "perm", list(range(source.ndim))[::-1]))
    if node.op_type == "BipolarQuant":
        scale = constant(model, node.input[1])
        return None if scale is None else np.where(source >= 0, scale, -scale)
    return _quantised(model, node, source) if node.op_type == "Quant" else None


def _quantised(model: ModelWrapper, node: NodeProto, source: np.ndarray) -> np.ndarray | None:
    """A Quant node on constants, as QONNX defines it for rounding to even."""
    scale, zero, bits = (constant(model, name) for name in node.input[1:4])
    if scale is None or zero is None or bits is None:
        return None
    values = {a.name: a for a in node.attribute}
    signed = "signed" not in values or bool(values["signed"].i)
    narrow = int("narrow" in values and values["narrow"].i)
    width = int(bits.item())
    low = -(2 ** (width - 1)) + narrow if signed else 0
    high = 2 ** (width - 1) - 1 if signed else 2**width - 1 - narrow
    codes = np.rint(np.clip(source / scale + zero, low, high))
    return np.asarray((codes - zero) * scale)
