# SPDX-License-Identifier: Apache-2.0
"""A QONNX graph with forks and joins, made ready to read; tensors keep the names of the file.

The clean-up of chains renames everything and takes half a minute on a network of 45 MB; here names
are what ties a stream to the trained network's.
"""

import numpy as np
import onnx
from onnx import NodeProto, helper, numpy_helper, shape_inference
from qonnx.core.modelwrapper import ModelWrapper

from flows.errors import UnsupportedModelError
from flows.streamline.load import (
    CUSTOM_DOMAIN,
    QUANTIZERS,
    check_mode,
    drop_static_inputs,
    one_image,
    split_biases,
)
from flows.streamline.standard import run_constant

_OPSET = 13  # of files that do not say


def clean_graph(model: ModelWrapper) -> ModelWrapper:
    """Constants become initialisers, biases additions; all shapes are known and no longer computed.

    Raises:
        UnsupportedModelError: shapes cannot be inferred, or the input is not one image.
    """
    model = ModelWrapper(model.model, make_deepcopy=True, fix_missing_initializer_valueinfo=False)
    for node in model.graph.node:
        check_mode(node)
        if node.op_type in QUANTIZERS:
            node.domain = CUSTOM_DOMAIN
    drop_static_inputs(model)
    one_image(model)
    fold_constant_nodes(model)
    _shapes(model)
    _fold(model)
    model = split_biases(model)
    _shapes(model)
    return model


def fold_constant_nodes(model: ModelWrapper) -> None:
    """Constant nodes, of every form that ONNX has, to initialisers."""
    _to_initializers(model, [node for node in model.graph.node if node.op_type == "Constant"])


def _to_initializers(model: ModelWrapper, nodes: list[NodeProto]) -> None:
    """What nodes make of constants takes their place."""
    if not nodes:
        return
    graph, version = model.graph, model.get_opset_imports().get("", _OPSET)
    names = [name for node in nodes for name in node.output]
    for name, value in run_constant(nodes, names, graph.initializer, version).items():
        graph.initializer.append(numpy_helper.from_array(value, name))
    for node in nodes:
        graph.node.remove(node)


def _fold(model: ModelWrapper) -> None:
    """What nodes make of initialisers and shapes alone, to initialisers; not quantised weights."""
    graph = model.graph
    for node in [node for node in graph.node if node.op_type == "Shape"]:
        shape = np.asarray(model.get_tensor_shape(node.input[0]), np.int64)
        ends = {a.name: a.i for a in node.attribute}
        part = shape[ends.get("start", 0) : ends.get("end", len(shape))]
        graph.initializer.append(numpy_helper.from_array(part, node.output[0]))
        graph.node.remove(node)
    known = {initializer.name for initializer in graph.initializer}
    found = []
    for node in graph.node:
        if node.op_type not in QUANTIZERS and known.issuperset(filter(None, node.input)):
            found.append(node)
            known.update(node.output)
    _to_initializers(model, found)


def _shapes(model: ModelWrapper) -> None:
    """Shapes of all tensors, by onnx's own inference with quantisers as identities."""
    plain = onnx.ModelProto()
    plain.CopyFrom(model.model)
    nodes = [_identity(node) for node in plain.graph.node]
    del plain.graph.node[:], plain.graph.value_info[:]
    plain.graph.node.extend(nodes)
    for output in plain.graph.output:
        output.type.tensor_type.ClearField("shape")
    try:
        known = shape_inference.infer_shapes(plain, strict_mode=True, data_prop=True)
    except shape_inference.InferenceError as error:
        raise UnsupportedModelError(
            f"graph: shapes cannot be inferred ({str(error).splitlines()[0][:200]}); static shapes"
            " are allowed; export with a fixed input size."
        ) from error
    del model.graph.value_info[:]
    model.graph.value_info.extend(known.graph.value_info)
    for mine, found in zip(model.graph.output, known.graph.output, strict=True):
        mine.CopyFrom(found)
    for node in model.graph.node:
        for name in node.output:
            shape = model.get_tensor_shape(name)
            if shape is None or any(size < 1 for size in shape):
                raise UnsupportedModelError(
                    f"{node.name} ({node.op_type}): shape {shape} found at its output; static"
                    " shapes are allowed; export with a fixed input size."
                )


def _identity(node: NodeProto) -> NodeProto:
    if node.op_type not in QUANTIZERS:
        return node
    return helper.make_node("Identity", [node.input[0]], list(node.output), node.name)


def scalar(model: ModelWrapper, name: str) -> float | None:
    """Value of a constant of one element; None where there is none."""
    value = model.get_initializer(name) if name else None
    return None if value is None else float(np.asarray(value).item())
