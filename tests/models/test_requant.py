# SPDX-License-Identifier: Apache-2.0
"""Quantised batch norm against int64 arithmetic and against the float batch norm it stands for."""

import numpy as np
import pytest
import torch

from brevitas_models.convs import (
    EXACT,
    BinaryConv2d,
    Int8Conv2d,
    Int8Linear,
    TrainedBinaryConv2d,
    int8_codes,
    int8_steps,
)
from brevitas_models.errors import ModelError
from brevitas_models.formats import Format
from brevitas_models.requant import Requant
from brevitas_models.signs import batch_norm
from brevitas_models.units import ConvRequant, PopcountConv

CHANNELS = 24


def _awkward(norm, power, seed=0):
    """Fill a batch norm: negative, zero and tiny gammas, a dead channel."""
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        norm.weight.copy_(torch.rand(CHANNELS, generator=rng) * 1.5 + 0.2)
        norm.weight[:3] = torch.tensor([-0.8, 0.0, 1e-4])
        norm.bias.copy_(torch.rand(CHANNELS, generator=rng) - 0.5)
        norm.running_mean.copy_((torch.rand(CHANNELS, generator=rng) - 0.5) * power**0.5)
        norm.running_var.copy_((torch.rand(CHANNELS, generator=rng) + 0.5) * power)
        norm.running_var[3], norm.running_mean[3] = 1e-12, 14.0
    return norm


def _unit(taps_in=16, form=None, slopes=False, conv=BinaryConv2d):
    torch.manual_seed(1)
    layer = conv(taps_in, CHANNELS)
    norm = _awkward(batch_norm(CHANNELS), layer.taps)
    unit = ConvRequant(layer, Requant(form or Format(), norm, slopes=slopes)).eval()
    if slopes:
        with torch.no_grad():
            unit.requant.slopes.copy_(torch.randn(2, CHANNELS))
    return unit


def _every_sum(source):
    values = torch.arange(source.low, source.high + 1, source.spacing, dtype=torch.float64)
    return (source.steps[:, None] * values).float()[None, :, None], values.numpy().astype(np.int64)


@pytest.mark.parametrize("slopes", [False, True])
@pytest.mark.parametrize("conv", [BinaryConv2d, TrainedBinaryConv2d])
@pytest.mark.parametrize("bits", [4, 8, 12])
def test_trained_exported_and_int64_forms_agree_on_every_sum(bits, conv, slopes):
    unit = _unit(form=Format(bits=bits, exponent=4 - bits), slopes=slopes, conv=conv)
    with torch.no_grad():
        unit.fix("unit")
        frozen = unit.frozen("unit").requant
        sums, integers = _every_sum(unit.conv.source())
        trained, exported = unit.evaluate(sums), frozen(sums)
    assert torch.equal(trained, exported)
    x = integers[None]
    u = x * frozen.mul[0][:, None] + frozen.add[0][:, None]
    if slopes:
        side = (x >= frozen.threshold[:, None]) != frozen.falling[:, None]
        u = np.where(side, x * frozen.mul[1][:, None] + frozen.add[1][:, None], u)
    codes = np.clip(u >> frozen.shift, frozen.form.low, frozen.form.high)
    assert np.array_equal(exported[0, :, 0].double().numpy() / frozen.form.step, codes)


def test_codes_are_the_float_batch_norm_rounded_but_for_the_multiplier_s_precision():
    unit = _unit()
    with torch.no_grad():
        sums, _ = _every_sum(unit.conv.source())
        before = unit.requant.norm(sums)
        unit.fix("unit")
        after = unit.evaluate(sums)
    step = unit.requant.form.step
    inside = before.abs() < 127 * step
    inside[:, 3] = False  # the dead channel, whose gain is cut
    error = ((after - before).abs() / step)[inside]
    assert error.max() < 0.75
    assert (error <= 0.5).float().mean() > 0.97
    # the dead channel still maps its mean to beta
    beta = unit.requant.norm.bias[3]
    at_mean = after[0, 3, 0, (14 + unit.conv.taps) // 2]
    assert abs(at_mean - beta) <= step


def test_integers_are_fixed_once_and_learn_through_rounding():
    unit = _unit()
    unit.fix("unit")
    unit.train()
    x = torch.randint(0, 2, (2, 16, 6, 6)).float() * 2 - 1
    unit(x).square().sum().backward()
    for parameter in (unit.requant.norm.weight, unit.requant.norm.bias, unit.conv.weight):
        assert parameter.grad.abs().sum() > 0
    state = unit.state_dict()
    other = _unit()
    other.load_state_dict(state)
    assert other.requant.fixed
    assert torch.equal(other.eval()(x), unit.eval()(x))


def test_strict_rule_holds_for_narrow_requants():
    for taps_in in (16, 128, 512):
        unit = _unit(taps_in)
        unit.fix("unit")
        frozen = unit.frozen("unit").requant
        assert not frozen.wide
        bound = unit.conv.taps * np.abs(frozen.mul).max() + np.abs(frozen.add).max()
        assert bound < EXACT


def test_step_too_fine_for_the_multiplier_is_refused():
    torch.manual_seed(0)
    norm = batch_norm(4)  # a variance of 1: one unit of the sums is worth 2^12 codes
    unit = ConvRequant(BinaryConv2d(1, 4), Requant(Format(bits=16, exponent=-12), norm))
    with pytest.raises(ModelError, match=r"deep: a shift of .* coarser step"):
        unit.fix("deep")


def test_trained_scales_are_the_convolution_of_steps_with_zero_padding():
    torch.manual_seed(2)
    for groups, stride, kernel in ((1, 1, 3), (2, 2, 3), (1, 1, 1), (1, 2, 5)):
        conv = TrainedBinaryConv2d(8, 6, kernel, stride=stride, groups=groups).eval()
        h = torch.randint(0, 2, (3, 8, 9, 9)).float()
        signs = torch.where(conv.weight >= 0, 1.0, -1.0)
        pad = kernel // 2
        plain = torch.nn.functional.conv2d(h, signs, None, stride, pad, 1, groups)
        gain, offset = (v.detach().reshape(1, -1, 1, 1) for v in conv.affine())
        with torch.no_grad():
            assert torch.equal(conv(2 * h - 1) * gain + offset, plain * (2 * gain))
        assert float(conv.alpha().detach()) == pytest.approx(1.0)


def test_popcount_counts_products_of_plus_one():
    torch.manual_seed(0)
    unit = PopcountConv(BinaryConv2d(5, 7)).eval()
    x = torch.randint(0, 2, (2, 5, 6, 6)).float() * 2 - 1
    padded = torch.nn.functional.pad(x, (1, 1, 1, 1), value=-1.0)
    windows = padded.unfold(2, 3, 1).unfold(3, 3, 1)  # (N, C, H, W, 3, 3)
    signs = torch.where(unit.conv.weight >= 0, 1.0, -1.0)
    agree = (windows[:, None] == signs[None, :, :, None, None]).sum((2, 5, 6))
    with torch.no_grad():
        assert torch.equal(unit(x), agree.float())
        assert torch.equal(unit.frozen("unit")(x), agree.float())
    assert unit.form == Format(bits=6, exponent=0, signed=False)


def test_int8_weights_equal_the_library_s_fixed_point_quantiser():
    from brevitas.nn import QuantConv2d
    from brevitas.quant.fixed_point import Int8WeightPerChannelFixedPoint

    torch.manual_seed(3)
    weight = torch.randn(64, 9, 3, 3) * torch.exp(torch.randn(64, 1, 1, 1) * 2)
    layer = QuantConv2d(9, 64, 3, weight_quant=Int8WeightPerChannelFixedPoint).eval()
    with torch.no_grad():
        layer.weight.copy_(weight)
        wanted = layer.quant_weight()
    steps = int8_steps(weight, EXACT)
    assert torch.equal(int8_codes(weight, steps) * steps.reshape(-1, 1, 1, 1), wanted.value)


def test_int8_steps_keep_sums_below_the_limit():
    weight = torch.ones(4, 1184, 1, 1) * torch.tensor([1.0, 0.9, 0.51, 0.001]).reshape(-1, 1, 1, 1)
    weight[3, 0] = 1.0
    limit = (EXACT - 1) // 255
    free, steps = int8_steps(weight, 1 << 40), int8_steps(weight, limit)
    codes = int8_codes(weight, steps)
    assert codes.abs().flatten(1).sum(1).max() <= limit
    assert (steps > free).tolist() == [True, True, True, False]


def test_frozen_int8_layers_are_the_trained_ones():
    torch.manual_seed(4)
    conv = Int8Conv2d(3, 8, 3, stride=2, pad=1).eval()
    x = torch.randint(-128, 128, (2, 3, 8, 8)) / 128.0
    with torch.no_grad():
        assert torch.equal(conv(x), conv.frozen()(x))
        for features, bound in ((64, False), (8192, True)):
            head = Int8Linear(features, 5, Format(exponent=-7), scale=1 / 49).eval()
            y = torch.randint(-128, 128, (3, features)) / 128.0
            frozen = head.frozen()
            assert frozen.wide is bound
            assert torch.equal(head(y), frozen(y).double())
