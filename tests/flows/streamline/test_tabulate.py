# SPDX-License-Identifier: Apache-2.0
"""Truth tables: every reachable sum, every kind of step, ties, constants, negative gains."""

import numpy as np
import pytest
from qonnx.core.modelwrapper import ModelWrapper

from flows.errors import UnsupportedModelError
from flows.streamline.load import clean
from flows.streamline.pixels import RAW, TO_TENSOR, PixelScaling, choose_scaling
from flows.streamline.stages import read_stages
from flows.streamline.tables import tabulate
from flows.streamline.tabulate import Codes, SignTable
from tests.flows.streamline.graphs import Net, conv_net, zoo_net


def tables_of(net, scaling=RAW):
    model = clean(net.model())
    return tabulate(model, read_stages(model), scaling)


def one_layer(channels=3, inputs=8, **options):
    return Net(1, inputs, **options).sub(127.5).sign().dense(channels, inputs)


def table(bits):
    return SignTable(name="fc0", acc_min=-3, acc_step=2, bits=np.asarray(bits, bool))


def test_every_sum_of_a_binary_layer():
    signs = tables_of(one_layer().sign().dense(2, 3)).signs
    assert signs[0].values.tolist() == list(range(-8, 9, 2))
    assert np.array_equal(signs[0].bits, np.broadcast_to(signs[0].values >= 0, (3, 9)))


def test_every_sum_of_an_integer_layer():
    net = Net(1, 3, 4, 4).sub(128).mul(2**-7).quant(2**-7).conv(2, 3).sign()
    found = tables_of(net.flatten().dense(2, 8)).signs[0]
    assert (found.acc_min, found.acc_step, found.bits.shape) == (-3456, 1, (2, 6913))


def test_sign_of_zero_is_plus_one():
    assert tables_of(one_layer().sign().dense(2, 3)).signs[0].bits[0, 4]


def test_batch_norm_with_gains_of_every_sign():
    net = one_layer(channels=4)
    gamma, beta = [1.0, -1.0, 0.0, 0.0], [0.0, 0.0, 0.5, -0.5]
    mean, var = [2.0] * 4, [1.0] * 4
    values = [np.asarray(v, np.float32) for v in (gamma, beta, mean, var)]
    net.node("BatchNormalization", *values).sign().dense(2, 4)
    found = tables_of(net).signs[0]
    sums = found.values
    expected = [sums >= 2, sums <= 2, sums > -99, sums > 99]  # a tie at 2 gives +1 both ways
    assert np.array_equal(found.bits, expected)
    threshold, polarity = found.thresholds()
    assert threshold.tolist() == [2, -2, -8, 10]
    assert polarity.tolist() == [1, -1, 1, 1]


def test_tie_is_decided_as_the_reference_does():
    """acc * 0.1 - 0.6 at acc = 6 is no tie in float32: it is what onnxruntime says, not algebra."""
    net = one_layer().mul(0.1).sub(0.6).sign().dense(2, 3)
    found = tables_of(net).signs[0]
    values = found.values.astype(np.float32) * np.float32(0.1) - np.float32(0.6)
    assert np.array_equal(found.bits[0], values >= 0)


@pytest.mark.parametrize("scale", [0.25, 0.3], ids=["power_of_two", "real"])
def test_scales_of_weights_and_activations(scale):
    net = Net(1, 8).sub(127.5).sign(2.0).dense(3, 8, scale=scale).sub(2 * scale * 3).sign()
    found = tables_of(net.dense(2, 3)).signs[0]
    assert np.array_equal(found.bits[0], found.values > 3)


def test_one_step():
    threshold, polarity = table(
        [[0, 0, 1, 1], [1, 0, 0, 0], [1, 1, 1, 1], [0, 0, 0, 0]]
    ).thresholds()
    assert threshold.tolist() == [1, 3, -3, 5]
    assert polarity.tolist() == [1, -1, 1, 1]


@pytest.mark.parametrize("row", [[0, 1, 0, 0], [1, 0, 1, 1], [1, 0, 1, 0]])
def test_two_steps_are_refused(row):
    with pytest.raises(UnsupportedModelError, match=r"fc0, channel 1: .* changes [23] times"):
        table([[0, 0, 1, 1], row]).steps()


@pytest.mark.parametrize("inside", [False, True])
def test_pool_behind_batch_norm_commutes(inside):
    tables_of(conv_net(pool_inside=inside))


def test_pool_in_front_of_a_falling_batch_norm_is_refused():
    net = Net(1, 3, 6, 6).sign().conv(2, 3).pool().norm(2, gamma=[1.0, -1.0], beta=[0, 0]).sign()
    with pytest.raises(UnsupportedModelError, match="conv0, channel 1: the sign falls"):
        tables_of(net.flatten().dense(2, 8))


def test_pool_in_front_of_a_rising_batch_norm():
    net = Net(1, 3, 6, 6).sign().conv(2, 3).pool().norm(2, gamma=[1.0, 0.5], beta=[0, 0]).sign()
    assert tables_of(net.flatten().dense(2, 8)).signs[0].bits.shape == (2, 28)


def test_binary_input():
    source = tables_of(Net(1, 2, 2, 2).sub(99).sign().flatten().dense(2, 8)).source
    assert isinstance(source, SignTable)
    assert np.array_equal(source.bits, np.broadcast_to(np.arange(256) >= 99, (2, 256)))


def test_integer_input():
    source = tables_of(conv_net()).source
    assert isinstance(source, Codes)
    assert np.array_equal(source.codes, np.arange(256) - 128)
    assert source.scale == 2**-7


def test_plain_pixels():
    source = tables_of(Net(1, 3).dense(4, 3).sub(5).sign().dense(2, 4)).source
    assert isinstance(source, Codes) and source.codes.tolist() == list(range(256))


def test_float_input_is_refused():
    net = Net(1, 3).mul(0.37).dense(4, 3).sign().dense(2, 4)
    with pytest.raises(UnsupportedModelError, match="add a quantiser"):
        tables_of(net)


def test_per_pixel_constant_is_refused():
    net = Net(1, 1, 2, 2).sub(np.ones((1, 1, 2, 2))).sign().flatten().dense(2, 4)
    with pytest.raises(UnsupportedModelError, match="one value, or one per channel"):
        tables_of(net)


def test_scale_of_the_logits():
    final = tables_of(one_layer().mul(0.5).add(-2.0)).final
    np.testing.assert_allclose(final.scale, 0.5)
    np.testing.assert_allclose(final.bias, -2.0)
    assert final.keeps_argmax


@pytest.mark.parametrize("factor", [-0.5, [0.5, 0.25, 0.5]], ids=["negative", "per_class"])
def test_logits_whose_argmax_is_not_that_of_the_sums(factor):
    final = tables_of(one_layer().mul(factor)).final
    assert not final.keeps_argmax
    np.testing.assert_allclose(final.scale, np.broadcast_to(factor, 3))


def test_logits_that_are_no_line_are_refused():
    net = one_layer().node("Clip", np.float32(-2), np.float32(2))
    with pytest.raises(UnsupportedModelError, match="not scale"):
        tables_of(net)


@pytest.mark.parametrize(
    ("net", "expected"),
    [
        (lambda: ModelWrapper(zoo_net()), TO_TENSOR),
        (lambda: conv_net().model(), RAW),
        (lambda: one_layer().sign().dense(2, 3).model(), RAW),
    ],
    ids=["unit_floats", "pixels", "pixel_sign"],
)
def test_scaling_is_guessed_from_the_input_quantiser(net, expected):
    model = clean(net())
    assert choose_scaling(model, read_stages(model)) == expected


def test_scaling_divides_as_torch_does():
    pixels = np.arange(256, dtype=np.uint8)
    assert np.array_equal(TO_TENSOR.values(), pixels.astype(np.float32) / np.float32(255))
    assert PixelScaling(divisor=255.0, offset=-0.5).values()[255] == np.float32(0.5)
