"""What every rule promises, whichever it is: new ones are discovered."""

import inspect
import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from simulation.claims.base import ClaimsRule
from simulation.collateral.base import CollateralRule
from simulation.deleveraging.base import DeleveragingRule, Winners
from simulation.distribution import Distribution
from simulation.funding.base import FundingRule
from simulation.impact.base import ImpactRule
from simulation.instrument.base import Instrument
from simulation.interest.base import InterestRule
from simulation.liquidation.base import Distressed, LiquidationRule
from simulation.loss.base import LossRule
from simulation.margin.base import MarginRule
from simulation.margin.loss_law import LossLaw
from simulation.margin.tiers import TierSchedule
from simulation.margin.volatility_update import VolatilityUpdate
from simulation.mark.base import MarkRule
from simulation.market import Listing, Market, Microstructure
from simulation.oracle.base import OracleRule
from simulation.rule import Rule
from simulation.scenario import Scenario
from simulation.state.base import StateRule
from simulation.valuation.base import ValuationRule
from simulation.volatility.base import VolatilityProcess
from tests.properties.scenarios import FAMILIES, SPECIAL

MARKETS = 3
CASES = [(family, kind) for family, base in FAMILIES.items() for kind in base.kinds()]
ALL = pytest.mark.parametrize(("family", "kind"), CASES)
positive = st.floats(1e-3, 1e6)
vectors = st.lists(positive, min_size=MARKETS, max_size=MARKETS).map(np.array)


def built(family: str, kind: str) -> Any:
    table = {"kind": kind, **SPECIAL.get(kind, lambda m: {})(MARKETS)}
    return FAMILIES[family].parse(table)


def each(family: str) -> Any:
    return pytest.mark.parametrize("kind", sorted(FAMILIES[family].kinds()))


@ALL
def test_a_rule_says_what_it_is(family: str, kind: str) -> None:
    rule = FAMILIES[family].kinds()[kind]
    text = inspect.getdoc(rule) or ""
    assert len(text) > 20
    assert text.split("\n")[0].rstrip().endswith((".", ":")), f"{kind}: the first line is a sentence"
    assert re.fullmatch(r"[a-z][a-z0-9_]*", kind)
    assert rule.__doc__ is not None, f"{kind} has only the docstring of its family"


@ALL
def test_a_rule_is_frozen_and_closed(family: str, kind: str) -> None:
    rule = built(family, kind)
    for name in type(rule).model_fields:
        with pytest.raises(ValidationError):
            setattr(rule, name, getattr(rule, name))
    with pytest.raises(ValidationError):
        type(rule).model_validate({**rule.model_dump(), "no_such_field": 1})


@ALL
def test_numbers_have_bounds_and_say_what_they_are(family: str, kind: str) -> None:
    for name, info in FAMILIES[family].kinds()[kind].model_fields.items():
        if info.annotation in (int, float):
            assert info.metadata, f"{family} {kind}.{name}: a number without bounds"
            assert info.description, f"{family} {kind}.{name}: says not what it is"


@ALL
def test_a_number_outside_its_bounds_is_refused(family: str, kind: str) -> None:
    rule = built(family, kind)
    for name, info in type(rule).model_fields.items():
        if info.annotation is float:
            for wrong in (-1e300, math.nan, math.inf):
                with pytest.raises(ValidationError):
                    type(rule).model_validate({**rule.model_dump(), name: wrong})


@ALL
def test_what_is_written_can_be_read_again(family: str, kind: str) -> None:
    rule = built(family, kind)
    table = rule.model_dump(mode="json")
    assert next(iter(table)) == "kind"
    assert FAMILIES[family].parse(table) == rule


@ALL
def test_a_scenario_can_name_it(family: str, kind: str) -> None:
    markets = [{"name": name, "price": price} for name, price in zip("ABC", (100.0, 1.0, 2500.0), strict=True)]
    table: dict[str, Any] = {"steps": 8, "markets": markets, "price": {"kind": "flat"}}
    table |= {"population": [{"kind": "book", "count": 1}], family: built(family, kind).model_dump(mode="json")}
    scenario = Scenario.from_dict(table)
    assert Scenario.from_dict(scenario.to_dict()) == scenario


@pytest.mark.parametrize("kind", sorted(Distribution.kinds()))
@given(st.lists(st.floats(1e-9, 1 - 1e-9), min_size=2, max_size=5))
def test_quantiles_rise_and_do_not_depend_on_company(kind: str, probabilities: list[float]) -> None:
    laws: dict[str, dict[str, Any]] = {
        "uniform": {"low": -1.0, "high": 3.0},
        "lognormal": {"median": 10.0, "sigma": 1.0},
        "pareto": {"minimum": 1.0, "tail_index": 2.0},
        "choice": {"values": [1.0, 2.0, 5.0]},
    }
    law, u = Distribution.parse({"kind": kind, **laws[kind]}), np.sort(np.array(probabilities))
    values = law.quantile(u)
    assert np.isfinite(values).all()
    assert (np.diff(values) >= 0.0).all()
    assert values.tolist() == [law.quantile(u[i : i + 1])[0] for i in range(len(u))]


# What the families promise --------------------------------------------------------------------------------


def twice(function: Any, *arrays: Any) -> Any:
    """Call it twice: the same answer, and the arguments as they were."""
    before = [array.copy() for array in arrays if isinstance(array, np.ndarray)]
    first, second = function(*arrays), function(*arrays)
    after = [array for array in arrays if isinstance(array, np.ndarray)]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True)), "an argument was changed"
    np.testing.assert_array_equal(first, second)
    return first


def market_with(rule: ImpactRule) -> Market:
    base = Scenario.from_dict(
        {
            "markets": [{"name": "A", "price": 1.0}],
            "price": {"kind": "flat"},
            "population": [{"kind": "book", "count": 1}],
        }
    )
    rules = Microstructure(rule, base.depth, base.mark, base.oracle, "average")
    return Market(Listing(("A",), np.array([1e6]), np.array([1e-4])), rules, np.full((3, 1), 100.0))


@each("impact")
@given(volume=st.floats(-3000.0, 3000.0), more=st.floats(0.0, 1000.0))
@settings(max_examples=50)
def test_buying_raises_and_selling_lowers_and_more_does_more(kind: str, volume: float, more: float) -> None:
    rule = built("impact", kind)

    def fill(units: float) -> float:
        return float(market_with(rule).absorb(np.array([units]), forced=True)[0])

    assert (fill(volume) - 100.0) * volume >= 0.0
    assert fill(volume + more) >= fill(volume) * (1 - 1e-12)
    assert fill(0.0) == 100.0


@each("mark")
@given(vectors, vectors, vectors)
def test_marks_are_positive_and_pure(kind: str, mid: Any, oracle: Any, basis: Any) -> None:
    rule = built("mark", kind)
    mark = twice(rule.price, mid, oracle, basis)
    assert mark.shape == mid.shape
    assert (np.isfinite(mark) & (mark > 0.0)).all()
    np.testing.assert_allclose(rule.price(mid, mid, np.ones(MARKETS)), mid, rtol=1e-12)


@each("oracle")
def test_an_oracle_knows_the_past_only(kind: str) -> None:
    rule = built("oracle", kind)
    index = np.abs(np.random.default_rng(1).normal(100.0, 5.0, (9, MARKETS)))
    other = index.copy()
    other[5:] = 1.0
    seen, blind = index[0], index[0]
    for step in range(5):
        seen, blind = twice(rule.read, index, step, seen), rule.read(other, step, blind)
        np.testing.assert_array_equal(seen, blind)


@each("funding")
@given(vectors, vectors)
def test_funding_is_finite_and_rises_with_the_premium(kind: str, mark: Any, oracle: Any) -> None:
    rule = built("funding", kind)
    rate = twice(rule.rate, mark, oracle)
    assert rate.shape == mark.shape
    assert np.isfinite(rate).all()
    assert (rule.rate(mark * 1.01, oracle) >= rate).all()


@each("margin")
@given(vectors, st.lists(st.sampled_from((-1.0, 1.0)), min_size=MARKETS, max_size=MARKETS).map(np.array))
def test_margin_is_ordered_bounded_and_scales(kind: str, notional: Any, side: Any) -> None:
    rule, tiers = built("margin", kind), TierSchedule([[0.0, 5e3]] * 3, [[0.1, 0.2]] * 3, [[0.05, 0.1]] * 3)
    low, high = twice(rule.maintenance, notional[None], tiers), rule.initial(notional[None], tiers)
    assert ((low >= 0.0) & (low <= high)).all()
    pooled = twice(rule.pooled, low * side)
    assert 0.0 <= pooled[0] <= low.sum() * (1 + 1e-12)
    np.testing.assert_allclose(rule.pooled(2.0 * low * side), 2.0 * pooled, rtol=1e-9)
    np.testing.assert_allclose(rule.pooled(-low * side), pooled, rtol=1e-9)
    grown = rule.pooled(np.copysign(rule.maintenance(notional[None] * 1.01, tiers), side))
    most = (rule.steepness(tiers) * notional * 0.01).sum()
    assert abs(grown[0] - pooled[0]) <= most * (1 + 1e-9)


@each("liquidation")
@given(st.lists(st.tuples(st.floats(-1e4, 1e4), positive), min_size=1, max_size=6), st.none() | st.floats(1.0, 1e6))
def test_a_close_is_a_fraction_and_somebody_is_always_admitted(kind: str, pools: list[Any], capacity: Any) -> None:
    table = {"kind": kind} if capacity is None else {"kind": kind, "capacity": capacity}
    rule = LiquidationRule.parse(table)
    notional = np.array([gross for _, gross in pools])
    maintenance = 0.05 * notional
    equity = np.minimum([e for e, _ in pools], maintenance * 0.999)
    distressed = Distressed(equity, maintenance, notional, np.arange(len(pools), 0, -1, dtype=float))
    fraction = rule.fraction(distressed)
    assert ((fraction > 0.0) & (fraction <= 1.0)).all()
    assert (fraction[equity <= 0.0] == 1.0).all(), "an insolvent pool is closed whole"
    order = rule.admitted(distressed, fraction)
    assert len(order) >= 1
    assert len(set(order.tolist())) == len(order)
    assert capacity is not None or order.tolist() == list(range(len(pools)))


winner = st.tuples(st.integers(1, 1000), st.floats(0.01, 1e5), st.floats(1.0, 1e5), st.floats(1.0, 1e5))


@each("deleveraging")
@given(st.integers(1, 3000), st.lists(winner, min_size=1, max_size=6))
def test_winners_give_what_is_needed_and_no_more_than_they_hold(kind: str, lots: int, rows: list[Any]) -> None:
    columns = np.array(rows, float).T
    rule = DeleveragingRule.parse({"kind": kind})
    given_ = twice(rule.allocate, float(lots), Winners(*columns, columns[2] / columns[3]))
    assert ((given_ >= 0.0) & (given_ <= columns[0])).all()
    assert np.array_equal(given_, np.rint(given_))
    assert given_.sum() == (min(lots, columns[0].sum()) if rule.active else 0.0)


def test_all_families_are_covered_here() -> None:
    families = {MarginRule, ImpactRule, MarkRule, OracleRule, FundingRule, LiquidationRule, DeleveragingRule}
    rules = {base for base in Rule.__subclasses__() if base.kinds() and base.__module__.startswith("simulation.")}
    families |= {FAMILIES["price"], Distribution, Instrument, VolatilityProcess}
    families |= {CollateralRule, ValuationRule, InterestRule}
    families |= {LossRule, StateRule, LossLaw, VolatilityUpdate, ClaimsRule}  # tested in the folders of their own
    assert rules == families, "a new rule family needs a contract here"
