# SPDX-License-Identifier: Apache-2.0
"""Formats, stream modules and their lint: training form, exported form and integers agree."""

import pytest
import torch

from brevitas_models.bireal import BiRealConfig
from brevitas_models.errors import ModelError
from brevitas_models.formats import Format, StreamPlan, meet
from brevitas_models.residual import Residual
from brevitas_models.streams import Add, AveragePool, GlobalSum, MaxPool, Shuffle, StreamQuant

FORMS = [
    Format(),
    Format(exponent=-5, signed=False),
    Format(bits=6, exponent=-2),
    Format(bits=12, exponent=-8),
    Format(bits=16, exponent=-10),
]


def _codes(form, shape, seed=0):
    rng = torch.Generator().manual_seed(seed)
    return torch.randint(form.low, form.high + 1, shape, generator=rng)


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_quantiser_is_floor_and_clip_in_both_modes(form):
    x = torch.linspace(2.0 * form.low * form.step - 1, 2.0 * form.high * form.step, 20_001)
    quant = StreamQuant(form)
    expected = torch.floor(x.double() / form.step).clamp(form.low, form.high) * form.step
    for module in (quant.train(), quant.eval()):
        assert torch.equal(module(x).double(), expected)


def test_quantiser_passes_gradient_inside_its_range_only():
    form = Format()
    x = torch.tensor([-9.0, -8.0, -1.03, 0.0, 7.9, 8.0, 9.0]).requires_grad_()
    StreamQuant(form).train()(x).sum().backward()
    assert x.grad.tolist() == [0, 1, 1, 1, 1, 0, 0]


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_add_saturates(form):
    a, b = _codes(form, (2, 3, 4, 4)), _codes(form, (2, 3, 4, 4), 1)
    expected = (a + b).clamp(form.low, form.high)
    assert (expected != a + b).any()
    for module in (Add("a", form, form).train(), Add("a", form, form).eval()):
        assert torch.equal(module(a * form.step, b * form.step), expected * form.step)


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_average_pool_is_a_shifted_sum(form):
    x = _codes(form, (2, 3, 6, 4))
    sums = x[:, :, ::2, ::2] + x[:, :, 1::2, ::2] + x[:, :, ::2, 1::2] + x[:, :, 1::2, 1::2]
    expected = sums >> (2 + max(0, form.bits - 8))
    for pool in (AveragePool(form).train(), AveragePool(form).eval()):
        assert pool.form.bits <= 8
        assert torch.equal(pool(x * form.step), expected * pool.form.step)


@pytest.mark.parametrize("size", [1, 2, 4, 7])
def test_global_sum_is_a_shifted_sum_that_never_saturates(size):
    form = Format()
    x = _codes(form, (2, 3, size, size))
    x[0] = form.low
    x[1, 0] = form.high
    pool = GlobalSum(form, size)
    expected = x.sum((2, 3)) >> {1: 0, 2: 2, 4: 4, 7: 6}[size]
    assert expected.min() >= form.low
    for module in (pool.train(), pool.eval()):
        assert torch.equal(module(x * form.step), expected * pool.form.step)
    with pytest.raises(ModelError, match="map of 3 pixels"):
        pool(torch.zeros(1, 1, 3, 3))


def test_max_pool_pads_with_what_never_wins():
    x = torch.full((1, 1, 4, 4), -3.0)
    assert (MaxPool(Format(), 3, 2, 1)(x) == -3).all()


def test_shuffle_is_the_documented_permutation():
    x = torch.arange(12.0).reshape(1, 12, 1, 1)
    y = Shuffle(3)(x).flatten().tolist()
    assert [y[c * 3 + g] for g in range(3) for c in range(4)] == list(range(12))


def test_steps_that_cannot_meet_are_refused_with_advice():
    fine, coarse = Format(exponent=-4), Format(exponent=-3)
    assert meet("block", fine, fine) == fine
    with pytest.raises(ModelError, match=r"stage2.block0: .*2\^-4.*2\^-3.*1x1 convolution"):
        meet("stage2.block0", fine, coarse)
    with pytest.raises(ModelError, match="same bits and signed"):
        meet("block", fine, Format(bits=10, exponent=-4))
    with pytest.raises(ModelError, match="block7: the shortcut is"):
        Residual("block7", torch.nn.Identity(), torch.nn.Identity(), (fine, coarse))


def test_bad_formats_and_plans_are_refused():
    with pytest.raises(ModelError, match="2 to 16 are allowed"):
        Format(bits=17)
    with pytest.raises(ModelError, match="3 exponents for 4 stages"):
        BiRealConfig(plan=StreamPlan(exponents=(-4, -4, -4))).build()


@pytest.mark.parametrize("bits", [6, 8, 10, 12, 16])
def test_every_stage_may_have_a_step_of_its_own(bits):
    exponents = (3 - bits, 4 - bits)
    config = BiRealConfig(
        blocks=(1, 1), width=8, in_size=8, plan=StreamPlan(bits=bits, exponents=exponents)
    )
    model = config.build()
    assert model.stage1.block0.add.form == Format(bits=bits, exponent=exponents[0])
    assert model.stage2.block0.add.form == Format(bits=bits, exponent=exponents[1])
