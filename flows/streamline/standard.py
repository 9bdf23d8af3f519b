# SPDX-License-Identifier: Apache-2.0
"""QONNX in onnxruntime: quantiser nodes spelled out in standard operators, then run.

BipolarQuant becomes Less and Where, Quant becomes Div, Round or Floor, Clip, Mul. onnxruntime runs
with every graph optimisation switched off: fusing a batch norm into a convolution would change
last bits, and with them signs.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import onnx
import onnxruntime
from onnx import NodeProto, TensorProto, helper, numpy_helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.util.basic import get_by_name

from flows.errors import UnsupportedModelError

_ROUNDINGS = {"ROUND": "Round", "FLOOR": "Floor", "CEIL": "Ceil"}
_OPSET = 13
_IR_VERSION = 8


class Executor:
    """A QONNX graph, or a part of it, ready to run in onnxruntime.

    Args:
        model: the graph.
        outputs: tensors to return; the graph's outputs by default.
    """

    def __init__(self, model: ModelWrapper, outputs: Sequence[str] = ()) -> None:
        self._session = _session(to_standard_ops(model, outputs))
        self.input_name: str = self._session.get_inputs()[0].name
        self.output_names: list[str] = [output.name for output in self._session.get_outputs()]

    def __call__(self, values: np.ndarray) -> dict[str, np.ndarray]:
        """Run once.

        Args:
            values: the input tensor, cast to float32.

        Returns:
            Tensor name to value, in the order of `output_names`.
        """
        results = self._session.run(None, {self.input_name: values.astype(np.float32)})
        return dict(zip(self.output_names, results, strict=True))


def run_constant(
    nodes: Sequence[NodeProto],
    outputs: Sequence[str],
    initializers: Iterable[TensorProto],
    version: int,
) -> dict[str, np.ndarray]:
    """Runs nodes that need constants alone.

    Returns:
        Tensor name to value, for each of `outputs`.
    """
    session = _session(make_model(nodes, [], outputs, initializers, version))
    return dict(zip(outputs, session.run(None, {}), strict=True))


def _session(proto: onnx.ModelProto) -> onnxruntime.InferenceSession:
    """onnxruntime with every optimisation switched off.

    Raises:
        UnsupportedModelError: it refuses the graph.
    """
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(
            proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime's own exceptions share no public base
        raise UnsupportedModelError(
            f"graph: onnxruntime refuses it: {str(error).strip().splitlines()[-1][:200]}; a"
            " graph that it runs is needed, as it is the reference; export the model again."
        ) from error


def to_standard_ops(model: ModelWrapper, outputs: Sequence[str] = ()) -> onnx.ModelProto:
    """Rewrite quantiser nodes to standard operators; the argument stays as it is.

    Args:
        model: a cleaned graph with constant quantiser parameters.
        outputs: tensors that the new graph returns; the graph's own by default.
    """
    graph = model.graph
    nodes: list[NodeProto] = []
    constants: dict[str, np.ndarray] = {}
    for node in graph.node:
        if node.op_type == "BipolarQuant":
            nodes += _bipolar(model, node, constants)
        elif node.op_type == "Quant":
            nodes += _quant(model, node, constants)
        else:
            nodes.append(node)
    outputs = list(outputs) or [output.name for output in graph.output]
    initializers = list(graph.initializer)
    initializers += [numpy_helper.from_array(value, name) for name, value in constants.items()]
    return make_model(nodes, [graph.input[0]], outputs, initializers, opset(model))


def opset(model: ModelWrapper) -> int:
    """Version of the standard operators that the nodes are run with."""
    return max(int(model.get_opset_imports().get("", _OPSET)), _OPSET)


def make_model(
    nodes: Iterable[NodeProto],
    inputs: Sequence[onnx.ValueInfoProto],
    outputs: Sequence[str],
    initializers: Iterable[TensorProto],
    version: int = _OPSET,
) -> onnx.ModelProto:
    """A model of standard operators; onnxruntime infers types and shapes of its outputs."""
    infos = [onnx.ValueInfoProto(name=name) for name in outputs]
    graph = helper.make_graph(list(nodes), "standard", list(inputs), infos, list(initializers))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", version)])
    model.ir_version = _IR_VERSION
    return model


def quant_parameters(model: ModelWrapper, node: NodeProto) -> tuple[np.ndarray, float, float, int]:
    """Scale, zero point, bits and signedness of a Quant node.

    Raises:
        UnsupportedModelError: a parameter is computed by the graph instead of being a constant.
    """
    values = [model.get_initializer(name) for name in node.input[1:4]]
    if any(value is None for value in values):
        raise UnsupportedModelError(
            f"{node.name}: scale, zero point or bit width of this {node.op_type} node is not"
            " constant; only constants can be lowered; export with constant scales."
        )
    scale, zero_point, bits = values
    signed = get_by_name(node.attribute, "signed")
    return scale, float(zero_point.item()), float(bits.item()), int(signed is None or signed.i)


def _bipolar(
    model: ModelWrapper, node: NodeProto, constants: dict[str, np.ndarray]
) -> list[NodeProto]:
    scale = model.get_initializer(node.input[1])
    if scale is None:
        raise UnsupportedModelError(
            f"{node.name}: the scale of this BipolarQuant node is not constant; only constants can"
            " be lowered; export with a constant scale."
        )
    prefix = f"{node.output[0]}::"
    constants[prefix + "zero"] = np.zeros((), np.float32)
    constants[prefix + "plus"] = scale.astype(np.float32)
    constants[prefix + "minus"] = -scale.astype(np.float32)
    return [
        helper.make_node("Less", [node.input[0], prefix + "zero"], [prefix + "less"]),
        helper.make_node(
            "Where", [prefix + "less", prefix + "minus", prefix + "plus"], [node.output[0]]
        ),
    ]


def _quant(
    model: ModelWrapper, node: NodeProto, constants: dict[str, np.ndarray]
) -> list[NodeProto]:
    scale, zero_point, bits, signed = quant_parameters(model, node)
    narrow = get_by_name(node.attribute, "narrow")
    rounding = get_by_name(node.attribute, "rounding_mode")
    mode = rounding.s.decode() if rounding is not None else "ROUND"
    if mode not in _ROUNDINGS:
        raise UnsupportedModelError(
            f"{node.name}: rounding mode {mode} found; allowed: {', '.join(_ROUNDINGS)}; export"
            " with one of them."
        )
    is_narrow = int(narrow is not None and narrow.i)
    low = -(2.0 ** (bits - 1)) + is_narrow if signed else 0.0
    high = 2.0 ** (bits - 1) - 1 if signed else 2.0**bits - 1 - is_narrow
    prefix = f"{node.output[0]}::"
    named = {"scale": scale, "zero": zero_point, "low": low, "high": high}
    constants.update({prefix + key: np.asarray(value, np.float32) for key, value in named.items()})
    steps: Mapping[str, tuple[str, ...]] = {
        "Div": (node.input[0], prefix + "scale"),
        "Add": (prefix + "Div", prefix + "zero"),
        "Clip": (prefix + "Add", prefix + "low", prefix + "high"),
        _ROUNDINGS[mode]: (prefix + "Clip",),
        "Sub": (prefix + _ROUNDINGS[mode], prefix + "zero"),
    }
    nodes = [helper.make_node(op, list(ins), [prefix + op]) for op, ins in steps.items()]
    nodes.append(helper.make_node("Mul", [prefix + "Sub", prefix + "scale"], [node.output[0]]))
    return nodes
