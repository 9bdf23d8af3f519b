# SPDX-License-Identifier: Apache-2.0
"""The frozen graph: integers only, half a code from every sum, the same network."""

from dataclasses import replace

import numpy as np
import pytest
from qonnx.core.modelwrapper import ModelWrapper

from flows.errors import UnsupportedModelError, VerificationError
from flows.streamline.compare import compare_executors, compare_original
from flows.streamline.freeze_signs import freeze_signs, half_codes
from flows.streamline.load import clean
from flows.streamline.pixels import RAW, TO_TENSOR
from flows.streamline.stages import read_stages
from flows.streamline.standard import Executor
from flows.streamline.tables import tabulate
from flows.streamline.tabulate import SignTable
from tests.flows.streamline.graphs import Net, conv_net, dense_net, zoo_net

NETS = {
    "dense": (lambda: dense_net().model(), RAW),
    "conv": (lambda: conv_net().model(), RAW),
    "pool_inside": (lambda: conv_net(pool_inside=True).model(), RAW),
    "old_exporter": (lambda: ModelWrapper(zoo_net(inputs=64)), TO_TENSOR),
}


def frozen_of(model, scaling=RAW):
    model = clean(model)
    stages = read_stages(model)
    tables = tabulate(model, stages, scaling)
    return model, stages, tables, freeze_signs(stages, tables)


def random_images(stages, count=20, seed=3):
    channels, height, width = (*stages[0].shape, 1, 1)[1:4]
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, height, width, channels), dtype=np.uint8)


@pytest.mark.parametrize("name", NETS)
def test_frozen_graph_equals_the_original(name):
    net, scaling = NETS[name]
    model, stages, tables, frozen = frozen_of(net(), scaling)
    assert compare_original(model, frozen, stages, random_images(stages), tables) > 100


@pytest.mark.parametrize("name", NETS)
def test_freezing_twice_changes_nothing(name):
    net, scaling = NETS[name]
    frozen = frozen_of(net(), scaling)[-1]
    again = frozen_of(frozen)[-1]
    assert [n.op_type for n in again.graph.node] == [n.op_type for n in frozen.graph.node]
    found = {t.name: t for t in again.graph.initializer}
    assert all(found[t.name] == t for t in frozen.graph.initializer)
    assert len(found) == len(frozen.graph.initializer)


@pytest.mark.parametrize("name", NETS)
def test_onnxruntime_equals_qonnx(name):
    net, scaling = NETS[name]
    model, stages, _, frozen = frozen_of(net(), scaling)
    image = random_images(stages, 1)[0].transpose(2, 0, 1)
    assert compare_executors(model, scaling.values()[image].reshape(stages[0].shape))
    assert compare_executors(frozen, image[None].astype(np.float32))


def test_thresholds_are_half_a_step_from_every_sum():
    bits = np.asarray([[0, 0, 1, 1], [1, 0, 0, 0], [1, 1, 1, 1], [0, 0, 0, 0]], bool)
    table = SignTable(name="fc0", acc_min=-3, acc_step=2, bits=bits)
    t, polarity = half_codes(table)
    assert t.tolist() == [0, -2, -4, 4]
    assert np.array_equal((table.values - t[:, None]) * polarity[:, None] >= 0, bits)


def test_only_integers_flow():
    _, stages, _, frozen = frozen_of(conv_net().model())
    names = [n.output[0] for n in frozen.graph.node if n.op_type in ("Conv", "MatMul", "Add")]
    image = random_images(stages, 1)[0].transpose(2, 0, 1)[None]
    for value in Executor(frozen, names)(image).values():
        assert np.array_equal(value, np.rint(value))


@pytest.mark.parametrize(("value", "size"), [(-1.0, 1), (1.0, 2)])
def test_padding_of_binary_convolutions(value, size):
    net = Net(1, 3, 6, 6).sub(100).sign().pad(size, value).conv(4, 3).norm(4).sign()
    side = 4 + 2 * size
    model, stages, tables, frozen = frozen_of(net.flatten().dense(3, 4 * side * side).model())
    compare_original(model, frozen, stages, random_images(stages), tables)


def test_zero_padding_of_a_binary_convolution_is_refused():
    net = Net(1, 3, 6, 6).sub(100).sign().conv(4, 3, pads=[1] * 4).sign()
    with pytest.raises(UnsupportedModelError, match="padding with 0 between"):
        frozen_of(net.flatten().dense(3, 144).model())


def test_zero_padding_of_the_stem():
    net = Net(1, 3, 6, 6).sub(128).mul(2**-7).quant(2**-7).conv(4, 3, pads=[1] * 4).norm(4).sign()
    model, stages, tables, frozen = frozen_of(net.flatten().dense(3, 144).model())
    compare_original(model, frozen, stages, random_images(stages), tables)


def test_pixels_that_become_uneven_codes_are_refused():
    net = Net(1, 3, 4, 4).sub(128).mul(0.5).quant(1.0).conv(4, 3).sign()
    with pytest.raises(UnsupportedModelError, match="pixel 1 becomes code -64"):
        frozen_of(net.flatten().dense(3, 16).model())


def test_falling_input_is_refused():
    net = Net(1, 8).mul(-1.0).add(50).sign().dense(3, 8)
    with pytest.raises(UnsupportedModelError, match="input, channel 0"):
        frozen_of(net.model())


@pytest.mark.parametrize("layer", [0, 1])
def test_a_wrong_table_is_caught(layer):
    """Negative control: one threshold moved by one code."""
    model, stages, tables, _ = frozen_of(dense_net().model())
    signs = list(tables.signs)
    bits = signs[layer].bits.copy()
    middle = bits.shape[1] // 2
    bits[:, middle] = ~bits[:, middle]  # where most sums are, in every channel
    rows = [row for row in bits if (row[1:] != row[:-1]).sum() <= 1]
    assert rows, "no channel has its step at the middle"
    keep = [(row[1:] != row[:-1]).sum() <= 1 for row in bits]
    signs[layer] = replace(
        signs[layer], bits=np.where(np.asarray(keep)[:, None], bits, signs[layer].bits)
    )
    wrong = freeze_signs(stages, replace(tables, signs=tuple(signs)))
    with pytest.raises(VerificationError, match=f"fc{layer}: image"):
        compare_original(model, wrong, stages, random_images(stages, 200), tables)
