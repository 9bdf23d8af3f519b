# SPDX-License-Identifier: Apache-2.0
"""Divisors of the clock: the highest that is not above the wanted one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bitstreams.driver.driver import load

driver = load("xnorflow_driver")
PLLS = st.sampled_from([1000.0, 33.333 * 30, 33.333333 * 45 / 2, 1500.0])


@given(PLLS, st.floats(1, 400))
def test_clock_is_the_highest_that_is_not_above(pll, wanted):
    a, b = driver.divisors(pll, wanted)
    assert 1 <= b <= a <= 63
    assert pll / (a * b) <= wanted * 1.0002
    better = [x * y for x in range(1, 64) for y in range(1, 64) if x * y < a * b]
    assert all(pll / divisor > wanted for divisor in better)


@pytest.mark.parametrize(
    ("pll", "wanted", "mhz"),
    [(1000, 100, 100), (1000, 187.5, 166.667), (1000, 214, 200), (33.333 * 30, 100, 99.999)],
)
def test_known_clocks(pll, wanted, mhz):
    """187.5 MHz gives 166.7: the nearest divisor would have been 200, above what was closed."""
    a, b = driver.divisors(pll, wanted)
    assert pll / (a * b) == pytest.approx(mhz, abs=1e-3)


def test_a_clock_that_is_too_slow_is_refused():
    with pytest.raises(driver.BoardError, match="lowest that divides"):
        driver.divisors(1000.0, 0.2)
