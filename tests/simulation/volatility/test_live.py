"""Volatility processes in whole scenarios: option prices follow them, indices do not, all regimes meet the same."""

from typing import Any

import numpy as np
import pytest

from simulation.arrays import Array
from simulation.instrument.black_scholes import Vanilla, black76
from simulation.model import MarketModel
from simulation.random import Streams
from simulation.scenario import Scenario
from tests.venues import TIERS, book, equity, venue

HOUR = 1.0 / 8760.0
STOCHASTIC = {"kind": "stochastic", "vol_of_vol": 3.0}
GBM = {"kind": "gbm", "correlation": 0.5}


def option(name: str, underlying: str, strike: float, side: str) -> dict[str, Any]:
    terms = {"kind": "option", "underlying": underlying, "strike": strike, "side": side, "expiry_days": 20.0}
    return {"name": name, "depth": 1e7, "tiers": TIERS, "instrument": {**terms, "settlement_minutes": 0.0}}


def markets() -> list[dict[str, Any]]:
    plain = [{"name": name, "price": 100.0, "volatility": 0.7, "depth": 1e7, "tiers": TIERS} for name in "AB"]
    return [*plain, option("AC", "A", 110.0, "call"), option("BP", "B", 90.0, "put")]


def played(surface: dict[str, Any], price: dict[str, Any] | None = None, **changes: Any) -> MarketModel:
    short = book("short", {"AC": -100.0, "BP": -100.0}, 5_000.0)
    rules = {"price": price or GBM, "implied_volatility": surface, "steps": 40, **changes}
    model = venue([short], markets=markets(), **rules)
    model.run()
    return model


def levels(scenario: Scenario, index: Array) -> Array:
    """What the scenario's own process draws for the index of A and B."""
    return scenario.implied_volatility.draw(index, scenario.assets(), Streams(scenario.seed))


def test_option_prices_are_black_76_at_the_drawn_level_and_smile() -> None:
    model = played(STOCHASTIC)
    path, surface = model.market.path, model.rules.implied_volatility
    level = levels(model.rules, path[:, :2])
    assert np.ptp(level, axis=0).min() > 0.02, "volatility moves"
    for column, asset, strike, side in ((2, 0, 110.0, 1.0), (3, 1, 90.0, -1.0)):
        years: Array = np.linspace(480.0, 440.0, 41) * HOUR
        implied = surface.implied(level[:, asset], np.log(strike / path[:, asset]), years)
        want = black76(Vanilla(side, strike, years), path[:, asset], implied)
        np.testing.assert_allclose(path[:, column], want, rtol=1e-9)


def test_indices_do_not_know_what_options_cost() -> None:
    flat, moving = played({"kind": "flat"}), played(STOCHASTIC)
    np.testing.assert_array_equal(flat.market.path[:, :2], moving.market.path[:, :2])
    assert (flat.market.path[1:, 2:] != moving.market.path[1:, 2:]).all()


def test_all_margin_rules_meet_the_same_volatilities() -> None:
    cross, isolated = (played(STOCHASTIC, margin={"kind": kind}) for kind in ("cross", "isolated"))
    np.testing.assert_array_equal(cross.market.path, isolated.market.path)
    assert cross.streams.digest() == isolated.streams.digest()


def test_sellers_of_options_are_hurt_by_volatility_alone() -> None:
    """Prices stand still, and both levels move as one: only vega and theta are left."""
    model = played({**STOCHASTIC, "vol_of_vol": 6.0, "correlation": 1.0}, {"kind": "flat"})
    level = levels(model.rules, np.full((41, 2), 100.0))
    np.testing.assert_allclose(level[:, 0], level[:, 1], rtol=1e-12)
    prices = model.market.path[[0, 40], 2:]
    lost = float((prices[1] - prices[0]).sum() * 100.0)
    assert equity(model)[0] == pytest.approx(5_000.0 - lost, rel=1e-6)
