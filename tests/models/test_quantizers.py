# SPDX-License-Identifier: Apache-2.0
"""Preset quantisers: values, sign(0), straight-through gradients, and their fast twins."""

import pytest
import torch
from brevitas.nn import QuantIdentity, QuantLinear

from brevitas_models.layers import BinaryConv2d, BinaryLinear, BipolarSign, PixelInput
from brevitas_models.quantizers import (
    BipolarActivation,
    BipolarWeight,
    clipped_sign,
    straight_sign,
)

POINTS = [-3.0, -1.5, -0.999, -0.25, -1e-30, -0.0, 0.0, 1e-30, 0.25, 0.999, 1.5, 3.0]


def _gradient(function, x):
    x = x.clone().requires_grad_()
    out = function(x)
    out.backward(torch.arange(1.0, x.numel() + 1))
    return out.detach(), x.grad


def test_weight_sign_and_gradient():
    x = torch.tensor(POINTS)
    layer = QuantLinear(len(POINTS), 1, bias=False, weight_quant=BipolarWeight)

    def brevitas(latent):
        return layer.weight_quant(latent).value

    expected = torch.where(x >= 0, 1.0, -1.0)
    for function in (brevitas, straight_sign):
        value, grad = _gradient(function, x)
        assert torch.equal(value, expected)
        assert torch.equal(grad, torch.arange(1.0, x.numel() + 1))


def test_activation_sign_and_clipped_gradient():
    x = torch.tensor(POINTS)
    module = QuantIdentity(act_quant=BipolarActivation, return_quant_tensor=False)
    expected = torch.where(x >= 0, 1.0, -1.0)
    passes = torch.arange(1.0, x.numel() + 1) * (x.abs() <= 1)
    for function in (module, clipped_sign):
        value, grad = _gradient(function, x)
        assert torch.equal(value, expected)
        assert torch.equal(grad, passes)


def test_sign_module_is_the_same_in_training_and_eval():
    x = torch.randn(4, 3, 5, 5)
    sign = BipolarSign()
    assert torch.equal(sign.train()(x), sign.eval()(x))


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3, 3)], ids=["dense", "conv"])
def test_layers_are_the_same_in_training_and_eval(shape):
    torch.manual_seed(0)
    layer = BinaryLinear(7, 5) if len(shape) == 2 else BinaryConv2d(7, 5)
    with torch.no_grad():
        layer.weight.view(-1)[:4] = torch.tensor([0.0, -0.0, 1.0, -1.0])
    x = torch.randint(-8, 8, (2, 7) if len(shape) == 2 else (2, 7, 6, 6)).float()
    assert torch.equal(layer.train()(x), layer.eval()(x))


def test_pixels_are_exact_in_eight_bits():
    x = torch.arange(256.0).reshape(1, 1, 16, 16)
    y = PixelInput(binary=False).eval()(x)
    assert torch.equal(y * 128 + 128, x)


def test_binary_pixels_split_at_128():
    x = torch.arange(256.0).reshape(1, 1, 16, 16)
    y = PixelInput(binary=True).eval()(x)
    assert torch.equal(y, torch.where(x >= 128, 1.0, -1.0))
