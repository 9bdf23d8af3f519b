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
    scale = np.abs(values).reshape(len(values), -1)
    if not (scale == scale[:, :1]).all() or not (scale[:, 0] > 0).all():
        distinct = len(np.unique(values))
        raise UnsupportedModelError(
            f"{layer.name} ({layer.op_type}): weights with {distinct} distinct values found; 1-bit"
            " weights are allowed: +s and -s with one s per output channel; train with a binary"
            " weight quantiser (BipolarQuant)."
        )
    return np.where(values > 0, 1, -1).astype(np.int8), scale[:, 0].astype(np.float64)


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
    if node.op_type == "Transpose":
        return source.transpose(attribute_ints(node, "perm", list(range(source.ndim))[::-1]))
    if node.op_type == "BipolarQuant":
        scale = constant(model, node.input[1])
        return None if scale is None else np.where(source >= 0, scale, -scale)
    if node.op_type == "Quant":
        raise UnsupportedModelError(
            f"{node.name} (Quant): weights of {constant(model, node.input[3])} bits found; 1-bit"
            " weights (BipolarQuant) are allowed; train with a binary weight quantiser."
        )
    return None
