"""Target T3: owners who keep their leverage and so sell what fell; one round of it, all rounds, and no end to them.

Every owner is an account of the engine that targets its leverage (`leverage_targeter`); sales fill before their own
impact, which is linear in money and permanent. One trading round of one step is the paper's model, rounds to rest its
iteration. Equity, losses and prices are read from the accounts and the market after the run.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from experiments.drawing import Picture
from experiments.target import Check, bare_scenario, exact_check, groups_by_name, one_tier, played
from experiments.theory.curve_picture import Curve, curve_picture
from experiments.theory.suite import Target
from experiments.warning.fire_sale import FireSale
from simulation.accounts import QUANTUM
from simulation.arrays import Array
from simulation.errors import InputError
from simulation.model import MarketModel
from simulation.random import Streams
from simulation.scenario import Scenario

_PRICE = 100.0  # dollars
_LINEAR = 0.008  # of an owner's equity; what a loss does to leverage beyond it shows in the second order
_ASSETS = 2e10  # dollars of all; then the cents that nobody trades are nothing beside a small shock's sales
_LOT = 2.0**-20  # units
_SMALL = 1e-5  # relative; the last round's fall, so that K stays linear
_BENT = 2e-3  # of an owner's equity, all rounds together; so far the second order makes growth wrong by as much
_GROWTH = 1e6  # times; then the first round is still worth many cents
_TRADED = 2.0  # dollars; beside them a cent is nothing
_VISIBLE = 500.0  # quanta an asset; every trade is rounded to one
_SEVERAL = 3  # owners whose part of the whole is played alone


@dataclass(frozen=True)
class OwnersVenue:
    """The configuration: one group of one account per owner of `book`, one market per asset."""

    book: FireSale

    def scenario(self, responding: Collection[int] | None = None, **rules: Any) -> Scenario:
        """Return the scenario in which owners `responding` (None = all) keep their leverage and others only hold."""
        book = self.book
        names = [f"A{k}" for k in range(len(book.impact))]
        shocks = [
            {"step": 1, "market": name, "size": float(size)}
            for name, size in zip(names, book.shock, strict=True)
            if size
        ]
        free = one_tier(1e-9)
        return bare_scenario(
            markets=[
                {"name": name, "price": _PRICE, "depth": float(1.0 / impact), "lot": _LOT, "tiers": free}
                for name, impact in zip(names, book.impact, strict=True)
            ],
            price={"kind": "scripted", "shocks": shocks},
            impact={"kind": "linear"},
            fill_at="before",
            population=[self._owner(n, names, responding is None or n in responding) for n in range(len(book.assets))],
            **rules,
        )

    def _owner(self, n: int, names: list[str], responds: bool) -> dict[str, Any]:
        common = {"name": f"owner-{n}", "count": 1, "deposit": float(self.book.equity[n]), "leverage_setting": 1000.0}
        dollars = self.book.assets[n] * self.book.weights[n]
        if not responds:
            return {**common, "kind": "book", "units": dict(zip(names, (dollars / _PRICE).tolist(), strict=True))}
        weights = dict(zip(names, self.book.weights[n].tolist(), strict=True))
        return {
            **common,
            "kind": "leverage_targeter",
            "leverage": float(self.book.leverage[n] + 1.0),
            "weights": weights,
        }

    def loss(self, model: MarketModel) -> Array:
        """Return what the sales cost each owner (n,), dollars below 0: equity now less equity after the shock alone."""
        rows = np.array([groups_by_name(model)[f"owner-{n}"].first_row for n in range(len(self.book.assets))])
        return model.engine.health(rows).equity.sum(axis=1) - self.book.equity - self.book.assets * self.book.direct


class _FireSales(Target):
    """T3: random portfolios of owners whose K has a given radius."""

    source: ClassVar[str] = "R. Greenwood, A. Landier & D. Thesmar, J. Financial Economics 115 (2015) 471-485"

    owners: int = Field(12, ge=1, le=200, description="N, who keep debt over equity")
    assets: int = Field(5, ge=1, le=100, description="K")
    leverage: float = Field(8.0, gt=1.05, le=100.0, description="assets over equity, on average")
    shock: float = Field(
        -1e-7, ge=-1e-3, lt=0.0, description="return of the mean portfolio as the first asset falls; small"
    )
    seed: int = Field(1, ge=0, description="of the portfolios")
    radius: float

    def book(self) -> FireSale:
        """Return random portfolios whose K has the radius asked for."""
        streams, n, k = Streams(self.seed), self.owners, self.assets
        size, debt, split = (streams.uniform(f"fire/{what}", 0, n * k) for what in ("size", "debt", "split"))
        assets = _ASSETS / n * (0.5 + size[:n])
        equity = assets / (1.0 + (self.leverage - 1.0) * (0.5 + debt[:n]))
        weights = split.reshape(n, k) + 0.05
        weights /= weights.sum(axis=1)[:, None]
        impact = (0.5 + size[-k:]) / _ASSETS
        shock = np.where(np.arange(k) == 0, self.shock / weights[:, 0].mean(), 0.0)
        made = FireSale(assets, equity, weights, impact, shock)
        return replace(made, impact=impact * self.radius / made.radius)

    def _refuse_hidden(self, book: FireSale, growth: float = 1.0) -> None:
        """Refuse a shock at whose first sales, times `growth`, rounding shows: nobody trades for less than a cent."""
        sold = float(np.abs(book.assets * book.leverage * book.direct).min()) * growth
        cost = float(np.abs(book.contagion @ book.direct * book.assets).min()) * growth
        for what, dollars, least in (("sell for", sold, _TRADED), ("lose", cost, _VISIBLE * QUANTUM * self.assets)):
            if dollars < least:
                raise InputError(
                    f"{self.name}: shock: one owner would {what} only {dollars:.2g} dollars, must be at least "
                    f"{least:.2g}, for rounding not to show; further from 0, higher radius, or fewer rounds"
                )


class FireSaleMatrix(_FireSales):
    """T3."""

    name: ClassVar[str] = "T3"
    title: ClassVar[str] = "Leverage targeting: one round of fire sales, and all of them"
    formula: ClassVar[str] = (
        "K = M L M'A B; AV = 1'A K R1 / E; S(n), IV(n); to rest (I - K)^-1 R1; one asset 1 / (1 - R0), R0 = l A b"
    )

    radius: float = Field(0.6, gt=0.0, le=0.97, description="spectral radius of K")

    def run(self) -> list[Check]:
        """Return vulnerability and systemicness after one round, losses to rest, and one owner of one asset."""
        book = self.book()
        lost = float(np.abs(book.at_rest * book.assets / book.equity).max())
        if lost > _LINEAR:
            raise InputError(
                f"{self.name}: shock: would take {lost:.2g} of the equity of one owner, and the formulas are linear; "
                f"must take at most {_LINEAR:g}; nearer 0, or lower leverage or radius"
            )
        self._refuse_hidden(book)
        return [*self._one_round(book), *self._to_rest(book), self._alone()]

    def _one_round(self, book: FireSale) -> list[Check]:
        venue, whole = OwnersVenue(book), float(book.equity.sum())
        # Linear in the shock, and looked at per unit of it: small numbers would pass any test.
        lost = venue.loss(played(venue.scenario())) / -self.shock
        av, iv, parts = (
            np.asarray(of, float) / -self.shock
            for of in (book.aggregate_vulnerability, book.indirect_vulnerability, book.systemicness)
        )
        furthest = int(np.abs(lost / book.equity / iv - 1.0).argmax())
        several = range(min(_SEVERAL, self.owners))
        alone = [float(venue.loss(played(venue.scenario([n]))).sum()) / -self.shock / whole for n in several]
        return [
            _near("AV", float(av), float(lost.sum()) / whole),
            _near(f"IV({furthest}), the furthest off", iv[furthest], lost[furthest] / book.equity[furthest]),
            *(_near(f"S({n})", parts[n], alone[n]) for n in several),
            exact_check("sum of S(n)", float(av), float(parts.sum()), 1e-12),
        ]

    def _to_rest(self, book: FireSale) -> list[Check]:
        venue = OwnersVenue(book)
        model = played(venue.scenario(trading_rounds=0))
        total = book.direct + venue.loss(model) / book.assets
        lost, first = float(book.assets @ book.at_rest), float(book.assets @ book.direct)
        off = float(np.abs(total - book.at_rest).max() / np.abs(book.at_rest).max())
        return [
            exact_check("amplification to rest", lost / first, float(book.assets @ total) / first, 0.02 * lost / first),
            exact_check("owner furthest off, to rest", 0.0, off, 0.02),
            exact_check("steps without rest", 0.0, model.exchange.desk.flagged.get("trading_cap", 0)),
        ]

    def _alone(self) -> Check:
        """Return the check of one owner of one asset at the same ratio: the price falls 1 / (1 - R0) times as far."""
        expected = 1.0 / (1.0 - self.radius)
        found = self._amplification(self.radius, 0)
        return exact_check("amplification of one owner of one asset", expected, found, 0.02 * expected)

    def _amplification(self, ratio: float, rounds: int) -> float:
        """Return the fall of the price over the shock, one owner of one asset with R0 = `ratio`."""
        one = self.model_copy(update={"owners": 1, "assets": 1, "radius": ratio}).book()
        model = played(OwnersVenue(one).scenario(trading_rounds=rounds))
        return (float(model.market.mid[0]) / _PRICE - 1.0) / self.shock

    def picture(self) -> Picture:
        """Return the amplification over the ratio, one owner of one asset, after one round and at rest."""
        at, tried = np.linspace(0.0, 0.9, 91), np.linspace(0.1, 0.9, 9)
        cases = {"one round": (1, 1.0 + at), "to rest": (0, 1.0 / (1.0 - at))}
        curves = [
            Curve(name, at, expected, tried.tolist(), [self._amplification(float(x), rounds) for x in tried])
            for name, (rounds, expected) in cases.items()
        ]
        labels = "branching ratio R0, dollars sold per dollar sold", "fall of the price over the shock"
        return curve_picture("theory_T3_amplification", self.title, labels, curves)


def _near(name: str, expected: float, found: float) -> Check:
    return exact_check(f"{name}, one round, per unit of shock", expected, found, 0.01 * abs(expected))


class FireSalesWithoutEnd(_FireSales):
    """T3, above the threshold."""

    name: ClassVar[str] = "T3.unstable"
    title: ClassVar[str] = "Above a spectral radius of 1 every round is larger than the last, and there is no total"
    formula: ClassVar[str] = "R_(t+1) = K R_t, |R_(t+1)| / |R_t| -> rho"

    radius: float = Field(1.1, ge=1.001, le=3.0, description="spectral radius of K")
    rounds: int = Field(12, ge=3, le=100, description="followed, one a step")

    def run(self) -> list[Check]:
        """Return how losses grow from round to round at the end, and that the algebra gives no total."""
        growth = self.radius**self.rounds
        if growth > _GROWTH:
            raise InputError(f"rounds: {self.rounds} rounds grow {growth:.3g} times, more than {_GROWTH:g}; take fewer")
        book = self.book()
        fallen = float((np.abs(book.rounds(self.rounds + 1)).sum(axis=0) * book.leverage).max())
        book = replace(book, shock=book.shock * min(1.0, _SMALL / (growth * abs(self.shock)), _BENT / fallen))
        self._refuse_hidden(book, math.sqrt(growth))  # what shows halfway is nothing at the end
        history = played(OwnersVenue(book).scenario(steps=self.rounds)).market.history["mark"]
        # The first step shows the shock and the first round, each later one a round more.
        seen = np.diff(history, axis=0) / _PRICE @ (book.assets @ book.weights)
        expected = book.rounds(self.rounds + 1) @ book.assets
        limit = expected[-1] / expected[-2]
        return [
            exact_check("growth in the last round", limit, seen[-1] / seen[-2], 0.01 * limit),
            exact_check("total is undefined", 1.0, float(np.isnan(book.at_rest).all())),
        ]
