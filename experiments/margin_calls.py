"""Many accounts called at the same moment.

Question: every account has the same small chance p of a margin call in a step; how often are more than a tenth of them
called at once, when crypto prices move with the world outside, with equities, rates and liquidity, and when they do
not? Method: every account is long a market of its own, with the deposit that a normal return of one step wipes below
maintenance with probability p; all returns have one correlation rho. Storm by storm the engine plays that one step, and
its desk says who comes under margin. There is no impact.

Expected: p whatever rho is. Given the common factor calls are independent, so that for many accounts

    P(share called > x) = Phi((Phi^-1(p) - sqrt(1 - rho) Phi^-1(x)) / sqrt(rho)),

at p = 2 %, x = 10 %: 0.0 % at rho = .01, 4.3 % at .36, 5.3 % at .70. One account hardly notices: what the correlation
changes is the venue's bad day. Sources: O. Vasicek, "Loan portfolio value", Risk (December 2002) 160-162; BTC and the
S&P 500 had daily correlations near 0 before 2020 and near .36 in 2020 and 2021.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from agents.cast import StandardCast
from agents.handles import forget
from experiments.drawing import DARK, Picture, canvas, look, png
from experiments.statistics import bootstrap_mean, wilson_interval
from experiments.target import AMPLE
from simulation.arrays import Array
from simulation.model import MarketModel
from simulation.scenario import Scenario

CORRELATIONS = (0.01, 0.36, 0.70)
_DAY = 86_400.0  # seconds; a step
_YEAR, _PRICE = 365.0 * _DAY, 100.0


@dataclass(frozen=True)
class Calls:
    """Accounts with a market each.

    accounts: n; chance: p, of a call in a step; correlation: rho of all pairs; share: x, of accounts called at once
    that makes a bad day; volatility: a year, of every market; maintenance: rate.
    """

    accounts: int = 50
    chance: float = 0.02
    correlation: float = 0.36
    share: float = 0.1
    volatility: float = 0.8
    maintenance: float = 0.02

    @property
    def deposit(self) -> float:
        """Return the dollars behind one unit: at the price that is undercut with the chance p, equity is m * price."""
        deviation = self.volatility * math.sqrt(_DAY / _YEAR)
        lowest = _PRICE * math.exp(deviation * float(ndtri(self.chance)) - 0.5 * deviation**2)
        return _PRICE - (1.0 - self.maintenance) * lowest

    def exceeded(self, share: float | None = None) -> float:
        """Return P(share called > `share`) of n accounts: binomial given the common factor, averaged over it."""
        from scipy.stats import binom

        most = math.floor(self.accounts * (self.share if share is None else share) + 1e-9)
        return float((binom.sf(most, self.accounts, self._called(_NODES)) * _WEIGHTS).sum())

    def limit(self) -> float:
        """Return P(share called > x) of very many accounts."""
        if self.correlation == 0.0:
            return float(self.chance > self.share)
        beyond = ndtri(self.chance) - math.sqrt(1.0 - self.correlation) * ndtri(self.share)
        return float(ndtr(beyond / math.sqrt(self.correlation)))

    def _called(self, factor: Array) -> Array:
        """Return the chance of a call given the common factor."""
        left = ndtri(self.chance) - math.sqrt(self.correlation) * factor
        return np.asarray(ndtr(left / math.sqrt(max(1.0 - self.correlation, 1e-12))), float)

    def scenario(self) -> Scenario:
        """Return one step of one day."""
        tier = {"floor": 0.0, "maintenance_rate": self.maintenance, "initial_rate": self.maintenance}
        market = {"price": _PRICE, "depth": 1e12, "volatility": self.volatility, "tiers": [tier]}
        names = [f"M{i:03d}" for i in range(self.accounts)]
        people = {"kind": "book", "count": 1, "deposit": self.deposit}
        return Scenario.from_dict(
            {
                "name": "margin-calls",
                "steps": 1,
                "step_seconds": _DAY,
                "markets": [{"name": name, **market} for name in names],
                "price": {"kind": "gbm", "correlation": self.correlation},
                "impact": {"kind": "none"},
                "fees": {"taker_rate": 0.0},
                "insurance_fund": AMPLE,
                "population": [{**people, "name": f"holder-{name}", "units": {name: 1.0}} for name in names],
            }
        )


DEFAULT = Calls()
_NODES = np.linspace(-12.0, 12.0, 24_001)
_WEIGHTS = np.exp(-0.5 * _NODES**2) / np.exp(-0.5 * _NODES**2).sum()


def shares(calls: Calls, storms: int, first: int = 1) -> Array:
    """Return the share of accounts (storms,) that come under margin in each storm."""
    day = calls.scenario()
    return np.array([_share(day.seeded(first + i)) for i in range(storms)])


def _share(day: Scenario) -> float:
    model = MarketModel(day, StandardCast())
    try:
        model.run()
        return len(np.unique(model.exchange.desk.log.events.row)) / len(day.population)
    finally:
        forget(model)


def run(calls: Calls = DEFAULT, correlations: tuple[float, ...] = CORRELATIONS, storms: int = 400) -> pd.DataFrame:
    """Return one row a correlation: the share of all accounts called, and how often more than x are called at once.

    Columns: correlation; called, called_low, called_high (mean share over storms; p is expected); expected, limit (of
    n and of very many accounts); simulated, low, high: the same by the engine, 95 % intervals over storms.
    """
    rows = []
    for rho in correlations:
        world = replace(calls, correlation=rho)
        share = shares(world, storms)
        called, bad = bootstrap_mean(share), wilson_interval(int((share > calls.share + 1e-9).sum()), storms)
        known = {"expected": world.exceeded(), "limit": world.limit()}
        found = {"simulated": bad.value, "low": bad.low, "high": bad.high}
        rows.append({"correlation": rho, **called.columns("called"), **known, **found})
    return pd.DataFrame(rows)


def plot(calls: Calls = DEFAULT, correlations: tuple[float, ...] = CORRELATIONS, storms: int = 400) -> Picture:
    """Draw how often more than a share of the accounts is called at once, one curve a correlation."""
    grid = np.arange(0.0, 0.31, 1.0 / calls.accounts)
    names = tuple(f"{rho:g}" for rho in correlations)
    with canvas(7.0, 3.6) as figure:
        axis = figure.subplots()
        for rho, name in zip(correlations, names, strict=True):
            world, style = replace(calls, correlation=rho), look(name, names)
            share = shares(world, storms)
            known = 100.0 * np.array([world.exceeded(x) for x in grid])
            axis.plot(100.0 * grid, known, color=style.colour, ls=style.line, lw=1.2)
            seen = [wilson_interval(int((share > x + 1e-9).sum()), storms) for x in grid]
            value = 100.0 * np.array([one.value for one in seen])
            reach = 100.0 * np.array([one.reach for one in seen]).T
            mark = {"fmt": style.marker, "color": style.colour, "ms": 4, "capsize": 2, "lw": 0.8}
            there = value > 0.0  # a logarithm shows no zero
            axis.errorbar(100.0 * grid[there], value[there], reach[:, there], label=f"correlation {name}", **mark)
        axis.axvline(100.0 * calls.share, color=DARK, lw=0.9, ls=":")
        axis.set_xlabel("x: share of accounts, %")
        axis.set_ylabel("days with more than x called at once, %")
        axis.set_yscale("log")
        axis.set_ylim(50.0 / storms, 100.0)
        axis.set_yticks([1.0, 10.0, 100.0], ["1", "10", "100"])
        axis.legend()
        picture = png(figure)
    caption = (
        f"{calls.accounts} accounts with a market each, every one called on {100.0 * calls.chance:g} % of days; "
        f"{storms} days by the engine with 95 % intervals, lines: expected. What never happened in them has no dot."
    )
    return Picture("margin_calls", "Called at the same moment", caption, picture)
