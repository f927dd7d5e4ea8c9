"""Arbitrageurs: what a gap is worth, what they give back, and what happens to the gap when their capital binds."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.arrays import Array
from simulation.model import MarketModel
from tests.traders.small import crowd, displace, wishes
from tests.venues import TIERS, book, equity, positions, rows, storm, venue

IMPACT = {"kind": "linear", "scale": 1.0, "permanent_share": 1.0}
DEPTH = 1e7  # dollars of each market: the two together move by the log gap g when 5e6 g dollars are traded in both
RULE = {"leverage": 4.0, "band": 0.002, "reach": 0.01, "pace": 0.5}


def desk(*path: Any, rules: dict[str, Any] | None = None, **parameters: Any) -> MarketModel:
    """Arbitrageurs of 1,000 dollars each: 2,000 dollars a leg when all is at work."""
    world = {"impact": IMPACT, **({"price": storm(*path)} if path else {}), **(rules or {})}
    return crowd("arbitrageur", 2, world, **{"deposit": 1_000.0, **RULE, **parameters})


def gap(model: MarketModel) -> float:
    log_basis = np.log(model.market.mark_price / model.market.oracle_price)
    return float(log_basis[0] - log_basis[1])


def dollars(model: MarketModel, units: Array) -> Array:
    return units * model.market.mark_price


def trade(model: MarketModel) -> None:
    """Let the first group have its way."""
    model.exchange.clearing.match(rows(model), wishes(model))


# What a gap is worth --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moved", "leg"),
    [(0.0, 0.0), (0.0019, 0.0), (0.007, 1_000.0), (-0.007, -1_000.0), (0.012, 2_000.0), (0.3, 2_000.0)],
)
def test_the_dear_market_is_sold_and_the_cheap_one_bought_by_the_gap_beyond_the_band(moved: float, leg: float) -> None:
    model = desk()
    displace(model, moved / 2.0, -moved / 2.0)
    np.testing.assert_allclose(dollars(model, wishes(model)), [[-leg, leg]], rtol=1e-9, atol=1e-6)


def test_a_gap_is_what_marks_differ_beyond_what_their_oracles_say() -> None:
    model = desk([100.0, 100.0], [120.0, 90.0])
    model.market.advance()
    assert not wishes(model).any()
    displace(model, 0.012, 0.0)
    np.testing.assert_allclose(dollars(model, wishes(model)), [[-2_000.0, 2_000.0]])


@pytest.mark.parametrize(("count", "pace", "left"), [(1, 0.5, 0.5), (4, 0.125, 0.5), (4, 0.25, 0.0), (2, 1.0, -1.0)])
def test_with_money_enough_each_trades_its_pace_of_what_closes_the_gap(count: int, pace: float, left: float) -> None:
    """Gap .02: 5e6 x .02 = 100,000 dollars a leg close it. Two who both take all of it turn it round."""
    model = crowd("arbitrageur", 2, {"impact": IMPACT}, count=count, deposit=1e6, **{**RULE, "pace": pace})
    displace(model, 0.02, 0.0)
    np.testing.assert_allclose(dollars(model, wishes(model))[:, 1], pace * 100_000.0)
    trade(model)
    assert gap(model) == pytest.approx(0.02 * left, abs=5e-4)


def test_the_shallower_market_decides_how_much_closes_the_gap() -> None:
    plain = {"price": 100.0, "tiers": TIERS}
    markets = [{"name": "A", "depth": 3e6, **plain}, {"name": "B", "depth": 6e6, **plain}]
    model = desk(rules={"markets": markets}, deposit=1e6, pace=1.0)
    displace(model, 0.01, 0.0)
    np.testing.assert_allclose(dollars(model, wishes(model))[0], [-20_000.0, 20_000.0])


@pytest.mark.parametrize("pair", [("A", "C"), ("C", "A"), ("B", "C")])
def test_only_the_two_markets_it_is_told_are_traded(pair: tuple[str, str]) -> None:
    model = crowd("arbitrageur", 3, {"impact": IMPACT}, deposit=1_000.0, first_market=pair[0], second_market=pair[1])
    displace(model, 0.05, 0.03, -0.05)
    traded = {"ABC"[j] for j in np.flatnonzero(wishes(model)[0])}
    assert traded == set(pair)
    assert wishes(model)[0, 2] > 0.0


def test_one_market_has_no_gap_to_itself() -> None:
    model = desk(second_market="A")
    displace(model, 0.05, 0.0)
    assert not wishes(model).any()


# What it gives back ---------------------------------------------------------------------------------------------


def holding(leg: float, moved: float, *path: Any, **parameters: Any) -> MarketModel:
    """One that is long `leg` dollars of A and short as many of B, at the gap `moved`."""
    model = desk(*path, **parameters)
    model.exchange.clearing.match(rows(model), np.array([[leg, -leg]]) / model.market.mark_price)
    displace(model, moved - gap(model), 0.0)
    assert gap(model) == pytest.approx(moved, abs=1e-12)
    return model


def test_inside_the_band_it_keeps_what_it_holds() -> None:
    assert not wishes(holding(1_000.0, -0.0015)).any()


def test_it_keeps_more_than_a_smaller_gap_would_be_worth() -> None:
    assert not wishes(holding(1_500.0, -0.007)).any()


def test_when_the_gap_has_turned_it_gives_back_as_fast_as_the_gap_allows() -> None:
    model = holding(1_000.0, 0.0001)
    np.testing.assert_allclose(dollars(model, wishes(model)), [[-250.0, 250.0]], rtol=1e-3)
    model = holding(1_000.0, 0.0019)
    np.testing.assert_allclose(dollars(model, wishes(model)), [[-1_000.0, 1_000.0]], rtol=1e-3)


def test_what_exceeds_its_capital_it_gives_up_at_any_gap() -> None:
    """Both legs lose: A falls by 10 %, B rises by 10 %. 800 dollars are left, 1,600 a leg."""
    model = holding(2_000.0, -0.0001, [100.0, 100.0], [90.0, 110.0])
    model.market.advance()
    assert equity(model)[0] == pytest.approx(600.0, abs=1.0)
    trade(model)
    np.testing.assert_allclose(dollars(model, positions(model))[0], [1_200.0, -1_200.0], rtol=3e-3)


@pytest.mark.parametrize("left", [[10.0, 0.0], [0.0, -10.0], [10.0, -4.0], [10.0, 10.0]])
def test_legs_that_differ_are_cut_to_the_smaller_at_once(left: list[float]) -> None:
    model = desk()
    model.exchange.clearing.match(rows(model), np.array([left]))
    displace(model, *(-np.log(model.market.mark_price / 100.0)))
    trade(model)
    both = min(abs(left[0]), abs(left[1])) if left[0] * left[1] < 0.0 else 0.0
    np.testing.assert_allclose(positions(model)[0], [both, -both], atol=0.01)


def test_a_small_difference_of_the_legs_is_left() -> None:
    model = desk()
    model.exchange.clearing.match(rows(model), np.array([[10.0, -9.6]]))
    displace(model, *(-np.log(model.market.mark_price / 100.0)))
    assert not wishes(model).any()


@given(
    legs=st.tuples(st.floats(-30.0, 30.0), st.floats(-30.0, 30.0)),
    moved=st.floats(-0.05, 0.05),
    leverage=st.floats(0.0, 8.0),
    pace=st.floats(0.0, 1.0),
)
@settings(max_examples=60)
def test_after_a_decision_no_leg_exceeds_capital_and_the_pair_grows_only_against_the_gap(
    legs: tuple[float, float], moved: float, leverage: float, pace: float
) -> None:
    model = desk(leverage=leverage, pace=pace, leg_band=0.0)
    model.exchange.clearing.match(rows(model), np.array([legs]))
    displace(model, moved - gap(model), 0.0)
    held, capital = dollars(model, positions(model))[0], max(leverage * equity(model)[0] / 2.0, 0.0)
    paired = np.sign(held[0]) * np.abs(held).min() if held[0] * held[1] < 0.0 else 0.0
    wanted = held + dollars(model, wishes(model))[0]
    assert wanted.sum() == pytest.approx(0.0, abs=1e-6)
    assert np.abs(wanted).max() <= capital * (1.0 + 1e-9) + 1e-6
    if abs(wanted[0]) > abs(paired) + 1e-6:
        assert wanted[0] * moved < 0.0
        assert abs(moved) > 0.002


# A market with arbitrageurs in it -------------------------------------------------------------------------------


def calm(capital: float, band: float = 0.004) -> Array:
    """The gaps (steps,) of a calm market in which noise traders push two flat prices apart."""
    noise = {"kind": "noise", "count": 50, "deposit": 30_000.0, "leverage": 5.0, "pace": 0.01}
    own = {"kind": "arbitrageur", "count": 5, "deposit": capital / 5, "band": band, "reach": 0.001, "pace": 0.1}
    model, seen = venue([noise, own], 2, impact=IMPACT, steps=800, seed=3), []
    model.run(lambda: seen.append(gap(model)))
    return np.array(seen[100:])


def half_life(series: Array) -> float:
    """Steps in which a deviation halves, of a first-order autoregression."""
    return float(np.log(0.5) / np.log(np.corrcoef(series[1:], series[:-1])[0, 1]))


def test_in_calm_markets_the_gap_stays_in_the_band_and_lives_shorter_the_more_capital_there_is() -> None:
    poor, middle, rich = calm(1.0), calm(10_000.0), calm(1e6)
    assert (np.abs(rich) <= 0.004).mean() >= 0.95 > (np.abs(poor) <= 0.004).mean()
    assert half_life(poor) > half_life(middle) > half_life(rich)
    assert np.abs(poor).mean() > np.abs(middle).mean() > np.abs(rich).mean()


def crash(margin: str) -> tuple[float, float]:
    """What a common fall of 20 % adds to the gap, and the share of the smaller leg that is left after it."""
    rules = {"impact": IMPACT, "margin": {"kind": margin}, "price": storm([100.0, 100.0], [80.0, 80.0])}
    model = crowd("arbitrageur", 2, rules, count=5, deposit=30_000.0, leverage=9.0, pace=0.1)
    displace(model, 0.2, 0.0)
    for _ in range(3):
        trade(model)
    opened, legs = gap(model), np.abs(positions(model)).sum(axis=0)
    assert 0.0 < opened < 0.2
    model.run()
    return gap(model) - opened, float((np.abs(positions(model)).sum(axis=0) / legs).min())


def test_one_margin_for_both_legs_keeps_them_at_work_where_separate_margins_bind() -> None:
    """A fall takes the long leg out of an isolated pool: the cheap market is sold, the gap widens with least in it."""
    (apart, left), (together, at_work) = crash("isolated"), crash("portfolio")
    assert apart > 0.02
    assert together < 0.0
    assert (left, at_work > 1.0) == (0.0, True)


def deleveraged(decision_steps: int) -> MarketModel:
    """A bankrupt long in A is closed against the short leg of the pair."""
    pair = {"kind": "arbitrageur", "name": "pair", "count": 1, "deposit": 5_000.0, **RULE}
    population = [{**pair, "decision_steps": decision_steps}, book("bankrupt", {"A": 100.0}, 1_000.0)]
    model = venue(population, 2, price=storm(*[[100.0, 100.0]] * 2, *[[80.0, 80.0]] * 4), liquidation={"kind": "full"})
    model.exchange.clearing.open(rows(model), np.array([[-100.0, 100.0]]))
    return model


@pytest.mark.parametrize(("decision_steps", "neutral"), [(1, True), (1_000_000, False)])
def test_deleveraging_of_one_leg_leaves_the_book_directional_until_the_next_decision(
    decision_steps: int, neutral: bool
) -> None:
    model, shape = deleveraged(decision_steps), []
    model.run(lambda: shape.append(positions(model)[0].round(6).tolist()))
    assert shape[0] == [-100.0, 100.0]
    assert shape[1][0] == 0.0 or shape[1] == [0.0, 100.0]
    assert (shape[-1] == [0.0, 0.0]) == neutral


def widened(sensitivity: float) -> MarketModel:
    """Long 1,000 dollars of A against B when A falls by 2 % and B rises by 2 %: 4 % are lost."""
    own = {"performance_memory": 1.0, "benchmark_return": 0.0, "flow_sensitivity": sensitivity, "pace": 0.0}
    model = holding(1_000.0, 0.0, [100.0, 100.0], [100.0, 100.0], [98.0, 102.0], [98.0, 102.0], **own)
    model.run()
    return model


@pytest.mark.parametrize("sensitivity", [0.5, 1.0, 3.0])
def test_investors_recall_capital_in_proportion_to_the_loss_that_a_wider_gap_makes(sensitivity: float) -> None:
    """They take the return of -4 % times the sensitivity, of the 960 dollars that are left."""
    before, after = widened(0.0), widened(sensitivity)
    recalled = sensitivity * 0.04 * 960.0
    assert float(equity(before)[0] - equity(after)[0]) == pytest.approx(recalled, rel=2e-3)


def test_a_closed_fund_leaves_the_market() -> None:
    model = holding(1_000.0, -0.01, *[[100.0, 100.0]] * 2, *[[85.0, 115.0]] * 6, ruin_share=0.8)
    model.run()
    assert not positions(model).any()


@pytest.mark.parametrize("kind", ["spot", "future", "inverse_perpetual"])
def test_a_perpetual_is_traded_against_any_other_claim_on_the_same_index(kind: str) -> None:
    """The index moves and both follow; then flow pushes them apart."""
    other = {"kind": kind, "underlying": "A", **({"expiry_days": 1.0} if kind == "future" else {})}
    plain = {"depth": DEPTH, "tiers": TIERS}
    markets = [{"name": "A", "price": 100.0, **plain}, {"name": "S", **plain, "instrument": other}]
    model = desk(rules={"markets": markets, "price": storm(100.0, 120.0, 120.0)}, deposit=1_000.0, pace=1.0)
    model.market.advance()
    assert abs(gap(model)) < 1e-9
    displace(model, 0.012 / 2.0, -0.012 / 2.0)
    moved = gap(model)
    assert moved > 0.005
    legs = dollars(model, wishes(model))[0]
    worth = min((abs(moved) - 0.002) / 0.01, 1.0) * 2_000.0
    np.testing.assert_allclose(legs, [-worth, worth], rtol=1e-6)
    trade(model)
    assert positions(model)[0].sum() == pytest.approx(0.0, abs=0.2)
