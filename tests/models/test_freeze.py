# SPDX-License-Identifier: Apache-2.0
"""Thresholds equal the batch norm and sign that they replace, on every value there is."""

import numpy as np
import pytest
import torch

from brevitas_models import zoo
from brevitas_models.errors import ModelError
from brevitas_models.freeze import SignTable, freeze, sign_table
from brevitas_models.layers import BatchNormSign, BinaryConv2d, BinaryLinear


def _table(bits, acc_min=-4, acc_step=2):
    bits = np.array(bits, bool)
    return SignTable(name="fc0", acc_min=acc_min, acc_step=acc_step, acc_scale=1.0, bits=bits)


def _bits(table):
    t, pol = table.thresholds()
    return (table.values[None] - t[:, None]) * pol[:, None] >= 0


def test_thresholds_of_rising_falling_and_constant_channels():
    table = _table([[0, 0, 0, 1, 1], [1, 1, 0, 0, 0], [1, 1, 1, 1, 1], [0, 0, 0, 0, 0]])
    t, pol = table.thresholds()
    assert t.tolist() == [1.0, -1.0, -5.0, 5.0]
    assert pol.tolist() == [1, -1, 1, 1]
    assert np.array_equal(_bits(table), table.bits)


def test_two_steps_are_refused_with_their_place():
    with pytest.raises(ModelError, match=r"fc0, channel 1: its sign changes 2 times"):
        _table([[0, 0, 0, 1, 1], [0, 1, 0, 0, 0]]).thresholds()


def _norm(gamma, beta, mean, var):
    sign = BatchNormSign(len(gamma))
    with torch.no_grad():
        for field, value in (
            ("weight", gamma),
            ("bias", beta),
            ("running_mean", mean),
            ("running_var", var),
        ):
            getattr(sign.norm, field).copy_(torch.tensor(value))
    return sign.eval()


def test_ties_zero_and_negative_gamma():
    # rising tie at 0, falling tie at 0, gamma 0 with beta >0, <0 and exactly 0, tie at 2
    sign = _norm(
        [1.0, -1.0, 0.0, 0.0, 0.0, 0.5],
        [0.0, 0.0, 0.3, -0.3, 0.0, 0.0],
        [0.0, 0.0, 1.0, 1.0, 1.0, 2.0],
        [4.0, 4.0, 4.0, 4.0, 4.0, 9.0],
    )
    table = sign_table("fc0", sign, BinaryLinear(6, 6), pixels=False)
    values = table.values
    assert values.tolist() == [-6, -4, -2, 0, 2, 4, 6]
    always, never = np.ones(7, bool), np.zeros(7, bool)
    expected = [values >= 0, values <= 0, always, never, always, values >= 2]
    assert np.array_equal(table.bits, np.array(expected))
    assert np.array_equal(_bits(table), table.bits)


@pytest.mark.parametrize("name", ["tiny_cnv", "tiny_fc", "cnv_w1a1", "sfc_w1a1"])
def test_every_reachable_value_of_every_channel(name):
    model = zoo.untrained(name, seed=5)
    deploy, tables = freeze(model)
    signs = deploy.signs()
    assert [table.name for table in tables] == list(signs)
    for table in tables:
        acc = torch.from_numpy(table.values * table.acc_scale).float()
        rank = signs[table.name].t.dim()
        grid = acc.reshape((-1,) + (1,) * (rank - 1)).expand(
            (-1, table.bits.shape[0]) + (1,) * (rank - 2)
        )
        got = signs[table.name](grid).reshape(len(acc), -1).T > 0
        assert np.array_equal(got.numpy(), table.bits)
        # half a code away from every reachable value, exactly representable
        t = (signs[table.name].t.double() / table.acc_scale).flatten().numpy()
        assert np.array_equal(t, table.thresholds()[0])
        assert (np.abs(t[:, None] - table.values).min(1) == table.acc_step / 2).all()


@pytest.mark.parametrize("kind", ["dense", "conv"])
def test_table_equals_the_module_on_real_accumulators(kind):
    torch.manual_seed(1)
    layer = BinaryLinear(40, 12) if kind == "dense" else BinaryConv2d(4, 12)
    sign = BatchNormSign(12).train()
    x = torch.randint(0, 2, (64, 40) if kind == "dense" else (16, 4, 9, 9)).float() * 2 - 1
    with torch.no_grad():
        for _ in range(3):
            sign(layer(x))
        table = sign_table("l", sign, layer.eval(), pixels=False)
        acc = layer(x)
        out = sign.eval()(acc) > 0
    index = ((acc.long() - table.acc_min) // table.acc_step).movedim(1, -1).reshape(-1, 12)
    want = np.take_along_axis(table.bits.T, index.numpy(), 0)
    assert np.array_equal(out.movedim(1, -1).reshape(-1, 12).numpy(), want)


@pytest.mark.parametrize("name", ["tiny_cnv", "tiny_fc", "tfc_w1a1"])
def test_frozen_logits_are_the_model_s(name):
    model = zoo.untrained(name, seed=9)
    deploy, _ = freeze(model)
    x = torch.randint(0, 256, (50, *zoo.entry(name).input_shape)).float()
    with torch.no_grad():
        assert torch.equal(model(x), deploy(x))
        assert torch.equal(model.accumulators(x), deploy.accumulators(x))


def test_negative_logit_gain_is_refused():
    model = zoo.untrained("tiny_fc", seed=1)
    with torch.no_grad():
        model.norm.norm.weight.fill_(-0.5)
    with pytest.raises(ModelError, match="must be positive"):
        freeze(model)
