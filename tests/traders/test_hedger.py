"""Hedgers: the minimum-variance ratio, what it leaves of the risk when the correlation shifts, and what it costs."""

from typing import Any

import numpy as np
import pytest

from simulation.arrays import Array
from simulation.model import MarketModel
from tests.traders.small import crowd, wishes
from tests.venues import TIERS, equity, positions, storm

PLAIN = {"deposit": 100_000.0, "leverage": 1.0, "band": 0.0}
STEPS = 2_500


def correlated(correlation: float, steps: int = STEPS, taker_rate: float = 0.0, **fields: Any) -> MarketModel:
    """One hedger of the first of two equally volatile markets, over minutes."""
    market = {"price": 100.0, "volatility": 0.5, "depth": 1e7, "tiers": TIERS}
    rules = {
        "markets": [{"name": name, **market} for name in "AB"],
        "price": {"kind": "gbm", "correlation": correlation},
        "fees": {"taker_rate": taker_rate, "insurance_share": 0.0},
        "steps": steps,
        "step_seconds": 60.0,
    }
    return crowd("hedger", 2, rules, **{**PLAIN, **fields})


def gains(model: MarketModel) -> tuple[Array, Array]:
    """Run it; return its gain in every step per dollar of exposure, and that of the exposure alone."""
    wealth, exposure = [equity(model)[0]], [positions(model)[0, 0] * model.market.mark_price[0]]
    model.run(lambda: (wealth.append(equity(model)[0]), exposure.append(positions(model)[0, 0] * mark(model, 0))))
    held = np.array(exposure[:-1])
    return np.diff(wealth) / held, np.diff(exposure) / held


def mark(model: MarketModel, market: int) -> float:
    return float(model.market.mark_price[market])


@pytest.mark.parametrize(("prior", "correlation"), [(0.9, 0.9), (0.9, 0.7), (0.9, 0.45), (0.9, 0.2), (0.5, 0.8)])
def test_a_ratio_set_at_another_correlation_leaves_one_plus_its_square_less_twice_their_product(
    prior: float, correlation: float
) -> None:
    """Equal volatilities: var(r_e - h r_h) / var(r_e) = 1 + h^2 - 2 h rho; above 1 the hedge adds risk: rho < h / 2."""
    hedged, alone = gains(correlated(correlation, prior_ratio=prior))
    expected = 1.0 + prior**2 - 2.0 * prior * correlation
    ratio = hedged.var() / alone.var()
    # Each variance of n normal returns has a relative standard error of sqrt(2 / n); the ratio's is at most twice that.
    assert ratio == pytest.approx(expected, abs=4.0 * max(expected, 1.0) * 2.0 * (2.0 / STEPS) ** 0.5)
    if correlation != prior / 2.0:
        assert (ratio > 1.0) == (correlation < prior / 2.0)


def test_an_estimated_ratio_removes_the_square_of_the_correlation_whatever_it_held_before() -> None:
    hedged, alone = gains(correlated(0.9, prior_ratio=0.0, window=500))
    before, after = slice(0, 500), slice(500, None)
    assert hedged[before].var() == pytest.approx(alone[before].var(), rel=1e-3)
    assert hedged[after].var() / alone[after].var() == pytest.approx(1.0 - 0.81, abs=0.03)


def test_the_ratio_is_the_slope_of_a_regression_over_the_window() -> None:
    moves = np.array([[0.01, 0.02], [-0.02, -0.01], [0.03, 0.01], [0.0, -0.02], [0.02, 0.03]])
    prices = 100.0 * np.exp(np.vstack([np.zeros(2), np.cumsum(moves, axis=0)]))
    model = crowd("hedger", 2, {"price": storm(*prices)}, **PLAIN, prior_ratio=0.0, window=4)
    for step in range(1, 6):
        model.market.advance()
        wanted = -wishes(model)[0, 1] * mark(model, 1) / (positions(model)[0, 0] * mark(model, 0))
        slope = np.polyfit(moves[step - 4 : step, 1], moves[step - 4 : step, 0], 1)[0] if step >= 4 else 0.0
        assert wanted == pytest.approx(slope, rel=1e-9)
        model.market.record()


def test_with_a_half_life_late_returns_count_more() -> None:
    """Weights 1/4, 1/2, 1 on three returns: the mean is their weighted mean, and the slope by the same weights."""
    one, other, weight = np.array([0.01, -0.02, 0.04]), np.array([0.03, 0.01, -0.01]), np.array([0.25, 0.5, 1.0]) / 1.75
    left, right = one - weight @ one, other - weight @ other
    slope = (weight @ (left * right)) / (weight @ right**2)
    prices = 100.0 * np.exp(np.cumsum(np.vstack([np.zeros(2), np.column_stack([one, other])]), axis=0))
    model = crowd("hedger", 2, {"price": storm(*prices)}, **PLAIN, prior_ratio=0.0, window=3, half_life=1.0)
    for _ in range(3):
        model.market.advance()
        model.market.record()
    assert wishes(model)[0, 1] * mark(model, 1) == pytest.approx(-slope * positions(model)[0, 0] * mark(model, 0))


def test_a_hedge_market_that_has_not_moved_says_nothing_about_the_ratio() -> None:
    path = {"price": storm([100.0, 100.0], [101.0, 100.0], [100.0, 100.0])}
    model = crowd("hedger", 2, path, **PLAIN, prior_ratio=0.7, window=2)
    model.run()
    legs = positions(model)[0] * 100.0
    assert legs[1] == pytest.approx(-0.7 * legs[0], abs=0.2)


@pytest.mark.parametrize(("price", "trades"), [(109.0, False), (112.0, True)])
def test_the_hedge_is_left_alone_inside_its_band(price: float, trades: bool) -> None:
    """The exposure grows to `price` per 100 hedged: off by 9 / 109 or by 12 / 112 of what the hedge should be."""
    path = {"price": storm([100.0, 100.0], [price, 100.0])}
    model = crowd("hedger", 2, path, deposit=1_000.0, leverage=1.0, band=0.1)
    model.run()
    assert positions(model)[0, 1] == pytest.approx(-price / 10.0 if trades else -10.0, abs=0.01)


def test_a_narrow_band_pays_more_fees() -> None:
    def paid(band: float) -> float:
        model = correlated(0.5, 200, 0.001, band=band)
        model.run()
        return model.exchange.clearing.fees_paid

    assert paid(0.0) > paid(0.005) > paid(0.5) == 0.0, "opening is free, and nothing drifts by a half"


def test_shorts_are_hedged_with_longs_and_as_many_as_asked_are_long() -> None:
    model = crowd("hedger", 2, count=1_000, deposit=10_000.0, long_share=0.3)
    held = positions(model)
    assert (np.sign(held[:, 0]) == -np.sign(held[:, 1])).all()
    assert abs((held[:, 0] > 0.0).mean() - 0.3) < 4.0 * (0.3 * 0.7 / 1_000) ** 0.5


def test_a_hedge_without_its_exposure_is_closed() -> None:
    """Isolated pools: the exposure falls by 40 % and is liquidated, the hedge that stands still is bought back."""
    rules = {"margin": {"kind": "isolated"}, "price": storm([100.0, 100.0], [60.0, 100.0], [60.0, 100.0])}
    model = crowd("hedger", 2, rules, deposit=10_000.0, leverage=3.0)
    model.run()
    assert not positions(model).any()


def test_one_market_cannot_hedge_itself() -> None:
    model = crowd("hedger", 2, **PLAIN, hedge_market="A")
    assert not positions(model).any()
    model.market.advance()
    assert not wishes(model).any()


@pytest.mark.parametrize(("margin", "lower"), [({"kind": "portfolio"}, True), ({"kind": "isolated"}, False)])
def test_a_hedge_lowers_what_portfolio_margin_asks_and_raises_what_isolated_margin_asks(
    margin: dict[str, Any], lower: bool
) -> None:
    def asked(prior: float) -> float:
        markets = [{"name": name, "price": 100.0, "depth": 1e7, "tiers": TIERS} for name in "AB"]
        model = crowd("hedger", 2, {"margin": margin, "markets": markets}, **{**PLAIN, "prior_ratio": prior})
        return float(model.engine.health(model.groups[0].rows).maintenance.sum())

    assert asked(0.9) < asked(0.0) if lower else asked(0.9) > asked(0.0)
