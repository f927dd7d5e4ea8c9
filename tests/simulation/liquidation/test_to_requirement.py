"""Selling down to the requirement, as a broker does."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.arrays import Array
from simulation.liquidation.base import Distressed
from simulation.liquidation.to_requirement import RequirementClose

FREE = RequirementClose(penalty_rate=0.0)


def pool(equity: float, maintenance: float, notional: float) -> Distressed:
    one: list[Array] = [np.array([number]) for number in (equity, maintenance, notional, 0.0)]
    return Distressed(*one)


def test_what_stays_is_equity_over_the_ratio() -> None:
    assert FREE.kept(pool(1000.0, 0.5 * 3000.0, 3000.0))[0] == pytest.approx(2000.0)


def test_nothing_is_sold_while_the_requirement_is_met() -> None:
    assert FREE.fraction(pool(1500.0, 1500.0, 3000.0))[0] == 0.0
    assert FREE.kept(pool(2000.0, 1500.0, 3000.0))[0] == 3000.0


def test_an_insolvent_pool_is_sold_whole() -> None:
    assert FREE.fraction(pool(-1.0, 100.0, 1000.0))[0] == 1.0
    assert RequirementClose(penalty_rate=0.2).fraction(pool(90.0, 100.0, 1000.0))[0] == 1.0, "the penalty eats it"


@given(st.floats(1.0, 1e6), st.floats(0.05, 0.9), st.floats(0.001, 0.999), st.floats(0.0, 0.04))
def test_after_the_sale_equity_is_the_requirement(notional: float, ratio: float, share: float, penalty: float) -> None:
    rule, maintenance = RequirementClose(penalty_rate=penalty), ratio * notional
    equity = share * maintenance
    x = float(rule.fraction(pool(equity, maintenance, notional))[0])
    after = equity - penalty * notional * x
    if x < 1.0:
        assert after == pytest.approx(maintenance * (1.0 - x), rel=1e-9, abs=1e-9 * notional)
    else:
        assert equity <= penalty * notional * (1 + 1e-9)
