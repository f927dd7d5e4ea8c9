"""Target T11: identities of auto-deleveraging on a zero-sum venue with a price gap, no book impact and no fund.

D = sum of the losers' negative equity, u_i the winners' profits, U = sum u_i. Closing losers at their bankruptcy prices
makes the winners give up D in all and conserves total equity and net position. Pro rata takes x_i = u_i D / U, so the
largest relative haircut is D / U, the least any allocation can reach; a queue takes a prefix of its ranking.
Source: T. Chitra, "Autodeleveraging: impossibilities and optimization", arXiv:2512.01112.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from experiments.target import Check, bare_scenario, exact_check, groups_by_name, one_tier, opened
from simulation.accounts import OUTSIDE, QUANTUM
from simulation.arrays import Array
from simulation.errors import InputError
from simulation.scenario import Scenario

_LOT = 2.0**-30  # units; small, so that a share of a position is hardly rounded
_CENT = 0.01  # pro-rata weights are profits in whole cents

Sides = tuple[tuple[float, float], ...]  # (units, deposit in dollars) of each account


@dataclass(frozen=True)
class GapVenue:
    """Losers against winners: (units, deposit) each, and one rich bystander who makes the venue zero-sum.

    Losers are long if the price falls by the simple return `gap`, short if it rises; all must be bankrupt at it.
    """

    losers: Sides = ((10.0, 100.0), (5.0, 40.0), (8.0, 120.0))
    winners: Sides = ((4.0, 200.0), (12.0, 300.0), (6.0, 500.0), (3.0, 40.0))
    gap: float = -0.2
    policy: Literal["pro_rata", "queue"] = "pro_rata"
    price: float = 100.0
    maintenance_rate: float = 0.005

    def __post_init__(self) -> None:
        """Refuse what the identities do not cover."""
        if sum(units for units, _ in self.winners) < sum(units for units, _ in self.losers):
            raise InputError("winners: must hold at least the units of the losers")
        if self.deficits.min() <= 0.0:
            raise InputError(f"losers: all must be bankrupt at the gap (got deficits {self.deficits.tolist()})")

    @property
    def change(self) -> float:
        """Return the change of the price, dollars."""
        return self.gap * self.price

    @property
    def profits(self) -> Array:
        """Return u (winners,), dollars."""
        return np.array([units for units, _ in self.winners]) * abs(self.change)

    @property
    def deficits(self) -> Array:
        """Return what each loser owes beyond its deposit (losers,), dollars."""
        return np.array([units * abs(self.change) - deposit for units, deposit in self.losers])

    def scenario(self) -> Scenario:
        """Return the scenario, one group an account, named so that rows have the order of the lists."""
        side = -1.0 if self.gap > 0.0 else 1.0
        balance = sum(units for units, _ in self.winners) - sum(units for units, _ in self.losers)
        accounts = [
            *((f"loser-{i:06d}", side * units, deposit) for i, (units, deposit) in enumerate(self.losers)),
            *((f"winner-{i:06d}", -side * units, deposit) for i, (units, deposit) in enumerate(self.winners)),
            ("bystander", side * balance, 10.0 * abs(balance) * (self.price + abs(self.change)) + 1.0),
        ]
        return bare_scenario(
            markets=[{"name": "M", "price": self.price, "lot": _LOT, "tiers": one_tier(self.maintenance_rate)}],
            price={"kind": "scripted", "shocks": [{"step": 1, "size": self.gap}]},
            deleveraging={"kind": self.policy},
            insurance_fund=0.0,
            population=[_group(*account) for account in accounts],
        )

    def closed_by_queue(self) -> Array:
        """Return the units (winners,) that a plain ranked queue closes, loser by loser, as floats."""
        mark = self.price + self.change
        units = np.array([held for held, _ in self.winners])
        equity = np.array([deposit for _, deposit in self.winners]) + self.profits
        left = units.copy()
        for (held, _), deficit in zip(self.losers, self.deficits, strict=True):
            needed, rate = held, deficit / (held * mark)
            with np.errstate(divide="ignore", invalid="ignore"):
                # profit rate times leverage; entries are all P0, so the profit rate is the same for everybody
                score = np.where(left > 0.0, abs(self.change) * left / equity, -np.inf)
            for i in np.argsort(-score, kind="stable"):
                taken = min(needed, left[i])
                left[i], needed, equity[i] = left[i] - taken, needed - taken, equity[i] - taken * rate * mark
        return units - left


@dataclass(frozen=True)
class Deleveraging:
    """What came out: equity lost to deleveraging (winners,) and units closed (winners,); equity of losers (losers,);
    sum of all equity less sum of deposits; net position of everybody but the outside market; booked deficits paid by
    winners, and by anybody else, dollars.
    """

    given_up: Array
    closed: Array
    loser_equity: Array
    equity_change: float
    net_position: float
    paid_by_winners: float
    paid_by_others: float


def _group(name: str, units: float, deposit: float) -> dict[str, Any]:
    return {"kind": "book", "name": name, "count": 1, "deposit": deposit, "units": {"M": units}}


def simulate_deleveraging(venue: GapVenue) -> Deleveraging:
    """Run the gap and return who gave up what."""
    model = opened(venue.scenario())
    groups = groups_by_name(model)
    rows = np.concatenate([groups[group.name].rows for group in model.rules.population])
    before, cash = model.accounts.position[rows, 0], model.accounts.cash[rows].sum(axis=1)
    model.run()
    mark = model.market.mark_price[0]
    position = model.accounts.position[:, 0]
    after = model.accounts.cash[rows].sum(axis=1) + position[rows] * mark
    first, last = len(venue.losers), len(venue.losers) + len(venue.winners)
    cases = model.exchange.waterfall.bankruptcies
    return Deleveraging(
        given_up=(cash + before * mark - after)[first:last],
        closed=(np.abs(before) - np.abs(position[rows]))[first:last],
        loser_equity=after[:first],
        equity_change=float(after.sum() - (cash + before * venue.price).sum()),
        net_position=float(np.delete(position, OUTSIDE).sum()),
        paid_by_winners=sum(case.adl for case in cases),
        paid_by_others=sum(case.insurance + case.socialised + case.unpaid for case in cases),
    )


def deleveraging_target(venue: GapVenue = GapVenue()) -> list[Check]:
    """Run target T11 and return its checks. Money is rounded to the quantum, positions to the lot."""
    found, owed = simulate_deleveraging(venue), float(venue.deficits.sum())
    grain = QUANTUM * len(venue.losers) * (len(venue.winners) + 1) + 1e-9 * owed
    checks = [
        exact_check("winners give up D", owed, float(found.given_up.sum()), grain),
        exact_check("booked as paid by winners", owed, found.paid_by_winners, grain),
        exact_check("paid by anybody else", 0.0, found.paid_by_others),
        exact_check("losers' equity, largest", 0.0, float(np.abs(found.loser_equity).max())),
        exact_check("total equity", 0.0, found.equity_change, grain),
        exact_check("net position", 0.0, found.net_position),
        exact_check("units closed", sum(u for u, _ in venue.losers), float(found.closed.sum())),
    ]
    if venue.policy == "pro_rata":
        haircut, share = found.given_up / venue.profits, owed / float(venue.profits.sum())
        fine = float((grain + _CENT) / venue.profits.min()) * len(venue.losers)
        checks.append(exact_check("largest relative haircut", share, float(haircut.max()), fine))
        checks.append(exact_check("smallest relative haircut", share, float(haircut.min()), fine))
    else:
        apart = np.abs(found.closed - venue.closed_by_queue()).max()
        checks.append(exact_check("units apart from the ranked queue", 0.0, float(apart), 8 * _LOT))
        if len(venue.losers) == 1:
            expected = found.closed / found.closed.sum() * owed
            worst = float(np.abs(found.given_up - expected).max())
            checks.append(exact_check("price of each fill, dollars apart", 0.0, worst, grain))
    return checks


def queue_regret(rounds: int = 100, ratio: float = 4.0) -> Check:
    """Return the regret of a fixed queue whose two winners' profits alternate (1, M), (M, 1) while B = 1.

    Its loss in a round is the relative haircut of the winner in front; always taking from the larger one loses 1 / M.
    The regret is (T / 2) (1 - 1 / M).
    """
    small, large = (
        simulate_deleveraging(
            # One dollar is owed by a loser without collateral; the winner in front has twice the leverage.
            GapVenue(((1.0, 0.0),), ((front, 10.0 * front), (back, 40.0 * back)), -1.0 / 50.0, "queue", 50.0)
        )
        for front, back in ((1.0, ratio), (ratio, 1.0))
    )
    loss = (small.given_up[0] / 1.0 + large.given_up[0] / ratio) / 2.0
    return exact_check("regret of a fixed queue", rounds / 2 * (1 - 1 / ratio), rounds * (loss - 1 / ratio), 1e-3)


def with_bigger_winners(venue: GapVenue, factor: float) -> GapVenue:
    """Return the venue with `factor` times the winners; the haircut D / U falls in proportion."""
    grown = tuple((units * factor, deposit * factor) for units, deposit in venue.winners)
    return replace(venue, winners=grown)
