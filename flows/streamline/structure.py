# SPDX-License-Identifier: Apache-2.0
"""Which of the two readers a network is for: the chain's, or that of forks, joins and integers."""

from collections import Counter

from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from flows.streamline.clean_graph import fold_constant_nodes
from flows.streamline.load import attribute_ints, drop_static_inputs
from flows.streamline.stages import ALLOWED, LAYERS
from flows.streamline.weights import is_binary


def is_chain(model: ModelWrapper) -> bool:
    """Whether a network is one layer behind the other, all weights and activations of one bit.

    Nothing forks or joins, there are no groups, and only the pixels may have more than one bit.

    Args:
        model: as loaded.
    """
    model = ModelWrapper(model.model, make_deepcopy=True, fix_missing_initializer_valueinfo=False)
    drop_static_inputs(model)
    fold_constant_nodes(model)
    live = {model.graph.input[0].name}
    readers: Counter[str] = Counter()
    layers = 0
    for node in model.graph.node:
        data = [name for name in node.input if name in live]
        if not data or node.op_type == "Shape":
            continue
        live.update(node.output)
        readers.update(data)
        layers += node.op_type in LAYERS
        if len(data) > 1 or not _in_chain(model, node, layers):
            return False
    return max(readers.values(), default=1) == 1


def _in_chain(model: ModelWrapper, node: NodeProto, layers: int) -> bool:
    """Whether a node may stand in a chain, as far as its kind goes."""
    if node.op_type in LAYERS:
        group = next((a.i for a in node.attribute if a.name == "group"), 1)
        return group == 1 and is_binary(model, node)
    if node.op_type == "MaxPool":
        kernel = attribute_ints(node, "kernel_shape", [])
        return attribute_ints(node, "strides", kernel) == kernel and not any(
            attribute_ints(node, "pads", [])
        )
    return node.op_type in ALLOWED and not (node.op_type == "Quant" and layers)
