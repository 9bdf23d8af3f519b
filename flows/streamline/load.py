# SPDX-License-Identifier: Apache-2.0
"""A QONNX file becomes a small, clean graph: constants folded, shapes known, names unique."""

import logging
from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import NodeProto, helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.general import GiveReadableTensorNames, GiveUniqueNodeNames
from qonnx.transformation.infer_shapes import InferShapes
from qonnx.transformation.remove import RemoveIdentityOps
from qonnx.util.basic import get_by_name
from qonnx.util.cleanup import cleanup_model

from flows.errors import UnsupportedModelError, UsageError

LOGGER = logging.getLogger(__name__)

CUSTOM_DOMAIN = "qonnx.custom_op.general"
QUANTIZERS = ("BipolarQuant", "Quant")
_CUSTOM_OPS = (*QUANTIZERS, "Trunc")
_SHAPE_OPS = ("Reshape", "Flatten", "Squeeze", "Unsqueeze")


def load(path: Path) -> ModelWrapper:
    """Read a QONNX file.

    Raises:
        UsageError: there is no such file, or it is not a complete ONNX model.
    """
    if not path.is_file():
        raise UsageError(
            f"{path}: no such file; a QONNX model (.onnx) is expected; check the path."
        )
    try:
        model = onnx.load_model(str(path), format="protobuf")
    except (DecodeError, ValueError, OSError, onnx.checker.ValidationError) as error:
        raise UsageError(
            f"{path}: cannot be read as ONNX ({error}); a complete QONNX file is expected; the file"
            " is truncated or of another kind, export or copy it again."
        ) from error
    if not model.graph.node or not model.graph.output:
        raise UsageError(
            f"{path}: holds no graph; a complete QONNX file is expected; the file is truncated or"
            " of another kind, export or copy it again."
        )
    return ModelWrapper(model)


def clean(model: ModelWrapper) -> ModelWrapper:
    """Fold constants and shape computations, split biases off, give names.

    Requires: a model as loaded, of any opset from 9 on, quantiser nodes in any of the domains that
        exporters used.
    Ensures: one dynamic input, static shapes, no shape arithmetic, no biased Conv, no Gemm; running
        it again changes nothing.

    Raises:
        UnsupportedModelError: shapes cannot be inferred, or the input is not one image.
    """
    model = ModelWrapper(model.model, make_deepcopy=True)
    for node in model.graph.node:
        check_mode(node)
        if node.op_type in _CUSTOM_OPS:
            node.domain = CUSTOM_DOMAIN
    drop_static_inputs(model)
    one_image(model)
    domains = {entry.domain for entry in model.model.opset_import}
    if CUSTOM_DOMAIN not in domains:
        model.model.opset_import.append(helper.make_opsetid(CUSTOM_DOMAIN, 1))
    try:
        model = cleanup_model(model)
        model = model.transform(RemoveIdentityOps())
    except Exception as error:
        # qonnx passes the exceptions of the onnx checker, of onnxruntime and its own on.
        raise UnsupportedModelError(
            f"the graph cannot be cleaned: {type(error).__name__}: {_first_line(error)}; standard"
            " operators, BipolarQuant and Quant nodes with static shapes are allowed; export the"
            " model again with a fixed input size."
        ) from error
    model = split_biases(model)
    model = _plain_shapes(model)
    for step in (InferShapes(), GiveUniqueNodeNames(), GiveReadableTensorNames()):
        model = model.transform(step)
    _check_shapes(model)
    return model


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:200]


def check_mode(node: NodeProto) -> None:
    """Refuse nodes that were exported in training mode."""
    if any(a.name == "training_mode" and a.i for a in node.attribute):
        raise UnsupportedModelError(
            f"{node.name} ({node.op_type}): exported in training mode; evaluation mode is allowed;"
            " call eval() before the export."
        )


def drop_static_inputs(model: ModelWrapper) -> None:
    """Old exporters list every weight among the inputs."""
    constants = {initializer.name for initializer in model.graph.initializer}
    for entry in [entry for entry in model.graph.input if entry.name in constants]:
        model.graph.input.remove(entry)


def one_image(model: ModelWrapper) -> None:
    """Check the input's shape and make the batch one image."""
    if len(model.graph.input) != 1 or len(model.graph.output) != 1:
        found = [entry.name for entry in (*model.graph.input, *model.graph.output)]
        raise UnsupportedModelError(
            f"graph: {len(model.graph.input)} inputs and {len(model.graph.output)} outputs found"
            f" ({', '.join(found)}); one of each is allowed; cut the graph to one path."
        )
    dims = model.graph.input[0].type.tensor_type.shape.dim
    sizes = [dim.dim_value for dim in dims]
    if len(sizes) not in (2, 4) or any(size < 1 for size in sizes[1:]):
        raise UnsupportedModelError(
            f"{model.graph.input[0].name}: input of shape {sizes} found; (1, channels, rows,"
            " columns) or (1, values), all static, is allowed; export with a fixed input size."
        )
    if sizes[0] > 1:
        raise UnsupportedModelError(
            f"{model.graph.input[0].name}: a batch of {sizes[0]} images found; a batch of 1 is"
            " allowed; export with one example image."
        )
    dims[0].ClearField("dim_param")
    dims[0].dim_value = 1


def input_shape(model: ModelWrapper) -> tuple[int, ...]:
    """What a model takes, as loaded: (1, channels, rows, columns), or (1, values).

    Raises:
        UnsupportedModelError: the input is not one image of known size.
    """
    model = ModelWrapper(model.model, make_deepcopy=True, fix_missing_initializer_valueinfo=False)
    drop_static_inputs(model)
    one_image(model)
    return tuple(model.get_tensor_shape(model.graph.input[0].name))


def split_biases(model: ModelWrapper) -> ModelWrapper:
    """Conv and Gemm with bias become Conv or MatMul, then Add."""
    graph = model.graph
    for node in list(graph.node):
        if node.op_type == "Gemm":
            _gemm_to_matmul(model, node)
        if node.op_type in ("Conv", "MatMul") and len(node.input) > 2:
            bias = model.get_initializer(node.input[2])
            if node.input[2] and bias is None:
                raise UnsupportedModelError(
                    f"{node.name}: the bias of this {node.op_type} node is not constant; only"
                    " constants can be lowered; fold it before the export."
                )
            name = node.input.pop()
            if not name or not np.any(bias):
                continue
            shape = (1, -1, 1, 1) if node.op_type == "Conv" else (1, -1)
            result, partial = node.output[0], f"{node.output[0]}_without_bias"
            constant = f"{result}_bias"
            model.set_initializer(constant, bias.reshape(shape).astype(np.float32))
            node.output[0] = partial
            add = helper.make_node("Add", [partial, constant], [result])
            graph.node.insert(list(graph.node).index(node) + 1, add)
    return model


def _gemm_to_matmul(model: ModelWrapper, node: NodeProto) -> None:
    """A Gemm with the exporter's attributes becomes a MatMul with three inputs."""
    values = {a.name: a.f if a.name in ("alpha", "beta") else a.i for a in node.attribute}
    if values.get("transA", 0) or values.get("alpha", 1.0) != 1.0 or values.get("beta", 1.0) != 1.0:
        raise UnsupportedModelError(
            f"{node.name}: Gemm with {values} found; transA = 0, alpha = 1, beta = 1 are allowed;"
            " export the layer as torch.nn.Linear."
        )
    if values.get("transB", 0):
        transposed = f"{node.output[0]}_weights"
        flip = helper.make_node("Transpose", [node.input[1]], [transposed], perm=[1, 0])
        model.graph.node.insert(list(model.graph.node).index(node), flip)
        node.input[1] = transposed
    del node.attribute[:]
    node.op_type = "MatMul"


def _plain_shapes(model: ModelWrapper) -> ModelWrapper:
    """Every way to flatten an image becomes Flatten; every other reshape gets a constant shape."""
    for node in model.graph.node:
        if node.op_type not in _SHAPE_OPS or model.get_initializer(node.input[0]) is not None:
            continue
        before = model.get_tensor_shape(node.input[0])
        shape = model.get_tensor_shape(node.output[0])
        if before is None or shape is None:
            continue
        del node.attribute[:], node.input[1:]
        if len(shape) == 2 and shape[0] == before[0] == 1:
            node.op_type = "Flatten"
            node.attribute.append(helper.make_attribute("axis", 1))
        else:
            node.op_type = "Reshape"
            constant = f"{node.output[0]}_shape"
            model.set_initializer(constant, np.asarray(shape, np.int64))
            node.input.append(constant)
    return model


def _check_shapes(model: ModelWrapper) -> None:
    for node in model.graph.node:
        for name in node.output:
            shape = model.get_tensor_shape(name)
            if shape is None or any(size < 1 for size in shape):
                raise UnsupportedModelError(
                    f"{node.name} ({node.op_type}): shape {shape} found at its output; static"
                    " shapes are allowed; export with a fixed input size."
                )


def attribute_ints(node: NodeProto, name: str, default: list[int]) -> list[int]:
    """A list attribute, or its default."""
    found = get_by_name(node.attribute, name)
    return list(found.ints) if found is not None else default
