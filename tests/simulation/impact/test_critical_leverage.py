"""Critical leverage: who can leave a position under its own impact (Caccioli, Bouchaud & Farmer, arXiv:1204.0922).

There the price falls by I x^d when the share x of the position is sold, and an exit ends bankrupt iff the leverage
exceeds (1 + d) / I: 3 / (2 I) for the square root, 2 / I for the linear law. Our laws move log prices, so the price is
exp(-I x^d); its exact threshold is 1 / (1 - average price), and both agree as I goes to zero.
"""

from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad

from simulation.model import MarketModel
from tests.simulation.markets import flat, market, units
from tests.venues import book, equity, venue

LAWS = {"square_root": 0.5, "linear": 1.0}
WHOLE = [{"floor": 0.0, "maintenance_rate": 1.0, "initial_rate": 1.0}]  # any leverage is too much: sell to the end


def critical(kind: str, impact: float) -> float:
    """Leverage above which selling everything, slice by slice, leaves less than nothing."""
    average = quad(lambda x: np.exp(-impact * x ** LAWS[kind]), 0.0, 1.0)[0]
    return 1.0 / (1.0 - average)


def exit_price(kind: str, impact: float, slices: int) -> float:
    """Average price per dollar of selling 100,000 dollars, a tenth of the depth, in equal slices."""
    scale = impact / 0.1 ** LAWS[kind]
    place = market(flat(), impact={"kind": kind, "scale": scale})
    fills = [place.absorb(units(-1_000.0 / slices), forced=True)[0] for _ in range(slices)]
    assert place.mid == pytest.approx(100.0 * np.exp(-impact), rel=1e-9)
    return float(np.mean(fills)) / 100.0


def leave(kind: str, impact: float, leverage: float) -> MarketModel:
    """One account of that leverage whose position, 1 % after 1 % of what is left, is sold by force."""
    notional = 1e6
    listed = {"name": "A", "price": 100.0, "depth": 1e7, "tiers": WHOLE, "lot": 2.0**-10}
    rules: dict[str, Any] = {
        "markets": [listed],
        "impact": {"kind": kind, "scale": impact / 0.1 ** LAWS[kind]},
        "liquidation": {"kind": "fraction", "share": 0.01, "minimum_notional": 100.0, "penalty_rate": 0.0},
        "deleveraging": {"kind": "off"},
        "insurance_fund": 1e6,
        "steps": 1,
    }
    model = venue([book("long", {"A": notional / 100.0}, notional / leverage)], **rules)
    model.run()
    return model


@pytest.mark.parametrize("kind", LAWS)
@pytest.mark.parametrize("impact", [0.01, 0.05, 0.1, 0.3])
def test_an_exit_in_slices_pays_the_integral_of_the_law(kind: str, impact: float) -> None:
    assert 1.0 / (1.0 - exit_price(kind, impact, 2_000)) == pytest.approx(critical(kind, impact), rel=2e-3)


@pytest.mark.parametrize(("kind", "factor"), [("square_root", 1.5), ("linear", 2.0)])
def test_the_threshold_tends_to_the_published_one_as_impact_vanishes(kind: str, factor: float) -> None:
    found = [1.0 / (1.0 - exit_price(kind, impact, 500)) * impact for impact in (0.1, 0.01, 0.001)]
    errors = [abs(value / factor - 1.0) for value in found]
    assert errors[2] < 2e-3
    assert errors[2] < errors[1] < errors[0] < 0.05


@pytest.mark.parametrize("kind", LAWS)
@pytest.mark.parametrize("impact", [0.05, 0.1, 0.3])
def test_the_venue_makes_bad_debt_just_above_the_critical_leverage_and_none_just_below(
    kind: str, impact: float
) -> None:
    threshold = critical(kind, impact)
    below, above = leave(kind, impact, threshold * 0.995), leave(kind, impact, threshold * 1.005)
    assert below.accounts.position[4, 0] < 0.02 * 1e4  # it ends when what is left is worth less than the equity
    assert not below.exchange.waterfall.bankruptcies
    assert equity(below)[0] > 0.0
    assert len(above.exchange.waterfall.bankruptcies) == 1


def test_bad_debt_per_notional_is_two_thirds_of_impact_less_the_equity_ratio() -> None:
    # Triggered at an equity of .5 % of notional, exit impact 1 %: .1667 % of notional, up to the logarithm's curvature.
    deficit = leave("square_root", 0.01, 200.0).exchange.waterfall.bankruptcies[0].deficit
    assert deficit / 1e6 == pytest.approx(2.0 / 3.0 * 0.01 - 0.005, rel=0.02)
    assert deficit / 1e6 == pytest.approx(1.0 / critical("square_root", 0.01) - 0.005, rel=1e-3)


def test_under_concave_impact_leverage_rises_first_even_for_who_can_leave() -> None:
    impact, start = 0.1, 9.0
    place = market(flat(), impact={"kind": "square_root", "scale": impact / 0.1**0.5})
    position, cash, path = 1_000.0, -1_000.0 * 100.0 * (1.0 - 1.0 / start), []
    for _ in range(1_000):
        fill = place.absorb(units(-1.0), forced=True)[0]
        position, cash = position - 1.0, cash + fill
        path.append(position * place.mid[0] / (cash + position * place.mid[0]))
    assert max(path) == pytest.approx(11.02, rel=0.03)  # published peak, in their arithmetic form
    assert np.argmax(path) / 1_000.0 == pytest.approx(0.183, abs=0.02)
    assert path[-1] == 0.0
