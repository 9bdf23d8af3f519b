# SPDX-License-Identifier: Apache-2.0
"""Reading FINN's graph: every difference to the model is found, with layer and place."""

import copy

import numpy as np
import pytest

from flows.errors import UnsupportedModelError, VerificationError
from flows.streamline.finn_adapter import apply_steps
from flows.streamline.read_chain import read_chain
from tests.flows.streamline.graphs import conv_net, dense_net
from tests.flows.streamline.test_freeze_signs import frozen_of


@pytest.fixture(scope="module", params=[dense_net, conv_net], ids=["dense", "conv"])
def streamlined(request):
    _, stages, tables, frozen = frozen_of(request.param().model())
    *_, last = apply_steps(frozen, [])
    return last.model, stages, tables


def changed(model, op, change, index=1):
    """A copy of the graph with the constant of one node changed."""
    model = copy.deepcopy(model)
    node = model.get_nodes_by_op_type(op)[index]
    value = model.get_initializer(node.input[1]).copy()
    change(value)
    model.set_initializer(node.input[1], value)
    return model


def flip(value):
    value[1, 2] *= -1


def raise_by(step):
    def change(value):
        value[:, 0] += step

    return change


def test_every_sum_is_compared(streamlined):
    model, stages, tables = streamlined
    read = read_chain(model, stages, tables)
    assert read.thresholds_checked == sum(table.bits.size for table in tables.all_signs)


def test_flipped_weight(streamlined):
    model, stages, tables = streamlined
    with pytest.raises(VerificationError, match=r"weights after streamlining differ .* at \("):
        read_chain(changed(model, "MatMul", flip), stages, tables)


@pytest.mark.parametrize("step", [2, -2])
def test_threshold_off_by_one_code(streamlined, step):
    model, stages, tables = streamlined
    with pytest.raises(VerificationError, match=r"(conv1|fc0), channel \d: sum -?\d+ gives"):
        read_chain(changed(model, "MultiThreshold", raise_by(step)), stages, tables)


def test_threshold_within_the_gap_is_the_same_function(streamlined):
    """Sums of +-1 are two apart: half a code more or less changes no bit."""
    model, stages, tables = streamlined
    read_chain(changed(model, "MultiThreshold", raise_by(0.5)), stages, tables)


def test_node_that_was_left_over(streamlined):
    model, stages, tables = streamlined
    model = copy.deepcopy(model)
    model.get_nodes_by_op_type("MultiThreshold")[0].op_type = "Relu"
    with pytest.raises(UnsupportedModelError, match=r"\(Relu\): left over"):
        read_chain(model, stages, tables)


def test_missing_layer(streamlined):
    model, stages, tables = streamlined
    model = copy.deepcopy(model)
    model.graph.node.remove(model.get_nodes_by_op_type("MatMul")[-1])
    with pytest.raises(VerificationError, match="layers found"):
        read_chain(model, stages, tables)


def test_weights_are_int8_signs(streamlined):
    chain = read_chain(*streamlined).chain
    for layer in chain.layers:
        weights = getattr(layer, "weights", np.ones(1, np.int8))
        assert weights.dtype == np.int8 and set(np.unique(weights)) <= {-1, 1}
