# SPDX-License-Identifier: Apache-2.0
"""Each estimator's value and gradient against its paper's formula, written out point by point."""

import pytest
import torch

from brevitas_models.estimators import (
    approx_sign,
    bipolar_step,
    floor_ste,
    magnitude_aware_sign,
    mean_magnitude_sign,
    round_ste,
    ste_sign,
    unit_step,
)

POINTS = [-3.0, -1.31, -1.3, -1.25, -1.0, -0.999, -0.4, -0.25, -0.0, 0.0, 1e-30, 0.25, 0.399, 0.4,
          0.41, 0.999, 1.0, 1.001, 1.25, 1.3, 1.31, 3.0]  # fmt: skip


def _run(function, x=None):
    """Value, and gradient divided by an incoming gradient that differs at each point."""
    x = torch.tensor(POINTS if x is None else x, dtype=torch.float64).requires_grad_()
    weights = torch.arange(2.0, 2.0 + x.numel(), dtype=torch.float64).reshape(x.shape)
    y = function(x)
    y.backward(weights)
    return y.detach(), x.grad / weights


def _signs(x=None):
    return torch.tensor([1.0 if v >= 0 else -1.0 for v in (x or POINTS)], dtype=torch.float64)


@pytest.mark.parametrize("clip", [1.0, 1.25, 1.3])
def test_clipped_straight_through(clip):
    value, slope = _run(lambda x: ste_sign(x, clip))
    assert torch.equal(value, _signs())
    assert slope.tolist() == [1.0 if abs(v) <= clip else 0.0 for v in POINTS]


def test_approx_sign_is_the_derivative_of_the_piecewise_quadratic():
    value, slope = _run(approx_sign)
    assert torch.equal(value, _signs())
    expected = [2 + 2 * v if -1 <= v < 0 else 2 - 2 * v if 0 <= v < 1 else 0.0 for v in POINTS]
    assert torch.allclose(slope, torch.tensor(expected, dtype=torch.float64), atol=1e-15)


def _step_slope(v):
    size = abs(v)
    return 2 - 4 * size if size <= 0.4 else 0.4 if size <= 1 else 0.0


def test_unit_step():
    value, slope = _run(unit_step)
    assert torch.equal(value, (_signs() + 1) / 2)
    expected = torch.tensor([_step_slope(v) for v in POINTS], dtype=torch.float64)
    assert torch.allclose(slope, expected, atol=1e-15)


def test_bipolar_step_is_the_same_step_on_both_signs():
    value, slope = _run(bipolar_step)
    assert torch.equal(value, _signs())
    expected = torch.tensor([2 * _step_slope(v) for v in POINTS], dtype=torch.float64)
    assert torch.allclose(slope, expected, atol=1e-15)


WEIGHTS = [[0.5, -0.25, 0.0, 1.0], [-0.1, 1.5, -0.1, 0.3]]


def test_magnitude_aware_gradient():
    value, slope = _run(magnitude_aware_sign, WEIGHTS)
    assert value.tolist() == [[1, -1, 1, 1], [-1, 1, -1, 1]]
    means = [1.75 / 4, 2.0 / 4]
    expected = [[m * (abs(w) <= 1) for w in row] for m, row in zip(means, WEIGHTS, strict=True)]
    assert torch.allclose(slope, torch.tensor(expected, dtype=torch.float64), atol=1e-15)


def test_mean_magnitude_scale_detached_and_live():
    value, slope = _run(mean_magnitude_sign, WEIGHTS)
    means = torch.tensor([[1.75 / 4], [2.0 / 4]], dtype=torch.float64)
    signs = torch.tensor([[1, -1, 1, 1], [-1, 1, -1, 1]], dtype=torch.float64)
    assert torch.equal(value, means * signs)
    inside = torch.tensor(WEIGHTS, dtype=torch.float64).abs() <= 1
    assert torch.allclose(slope, means * inside, atol=1e-15)
    x = torch.tensor(WEIGHTS, dtype=torch.float64).requires_grad_()
    mean_magnitude_sign(x, live=True).sum().backward()
    # d/dw of mean|w| * sum(sign): the detached part, and sign(w) / 4 times the sum of signs
    direct = means * inside
    through = torch.sign(torch.tensor(WEIGHTS, dtype=torch.float64)) / 4 * signs.sum(1)[:, None]
    assert torch.allclose(x.grad, direct + through, atol=1e-15)


@pytest.mark.parametrize("function, rounded", [(floor_ste, torch.floor), (round_ste, torch.round)])
def test_rounding_keeps_the_gradient(function, rounded):
    points = [-1.5, -0.5, 0.5, 1.5, 2.4, -2.6]
    value, slope = _run(function, points)
    assert torch.equal(value, rounded(torch.tensor(points, dtype=torch.float64)))
    assert (slope == 1).all()
