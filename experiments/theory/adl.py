"""Target T11: identities of auto-deleveraging on a zero-sum venue with a price gap and no book impact.

D = sum of the losers' negative equity, B = D less what an insurance fund pays, u_i the winners' profits, U = sum u_i.
Closing losers at their bankruptcy prices makes the winners give up B in all and conserves total equity and net
position. Pro rata takes x_i = u_i B / U, so the largest relative haircut is B / U, the least any allocation can reach;
shares of equity do the same for haircuts of equity; a queue takes a prefix of its ranking.
Source: T. Chitra, "Autodeleveraging: impossibilities and optimization", arXiv:2512.01112.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np

from agents.cast import StandardCast
from experiments.record import deleveraging_metrics as measures
from experiments.record.observed import Observed
from experiments.target import Check, bare_scenario, exact_check, groups_by_name, one_tier
from simulation.accounts import OUTSIDE, QUANTUM
from simulation.arrays import Array
from simulation.errors import InputError
from simulation.scenario import Scenario

_LOT = 2.0**-30  # units; small, so that a share of a position is hardly rounded
_CENT = 0.01  # weights of the policies are profits or equities in whole cents

Sides = tuple[tuple[float, float], ...]  # (units, deposit in dollars) of each account
Policy: TypeAlias = Literal["pro_rata", "min_max", "queue"]


@dataclass(frozen=True)
class GapVenue:
    """Losers against winners: (units, deposit) each, and one rich bystander who makes the venue zero-sum.

    Losers are long if the price falls by the simple return `gap`, short if it rises; all must be bankrupt at it, and
    owe more than the `fund`, dollars, has: who owes less is closed in the book.
    """

    losers: Sides = ((10.0, 100.0), (5.0, 40.0), (8.0, 120.0))
    winners: Sides = ((4.0, 200.0), (12.0, 300.0), (6.0, 500.0), (3.0, 40.0))
    gap: float = -0.2
    policy: Policy = "pro_rata"
    price: float = 100.0
    fund: float = 0.0
    maintenance_rate: float = 0.005

    def __post_init__(self) -> None:
        """Refuse what the identities do not cover."""
        if sum(units for units, _ in self.winners) < sum(units for units, _ in self.losers):
            raise InputError("winners: must hold at least the units of the losers")
        if self.deficits.min() <= 0.0:
            raise InputError(f"losers: all must be bankrupt at the gap (got deficits {self.deficits.tolist()})")
        if self.deficits.min() <= self.fund:
            raise InputError(f"fund: must be less than every deficit, the least is {self.deficits.min():g} dollars")
        if (self.equities < self.maintenance_rate * self._winning * self.mark).any():
            raise InputError(
                "winners: all must be above maintenance margin at the gap; raise their deposits or the gap"
            )

    @property
    def change(self) -> float:
        """Return the change of the price, dollars."""
        return self.gap * self.price

    @property
    def mark(self) -> float:
        """Return the price after the gap, dollars."""
        return self.price + self.change

    @property
    def _winning(self) -> Array:
        return np.array([units for units, _ in self.winners])

    @property
    def profits(self) -> Array:
        """Return u (winners,), dollars."""
        return self._winning * abs(self.change)

    @property
    def equities(self) -> Array:
        """Return the winners' equity after the gap (winners,), dollars."""
        return np.array([deposit for _, deposit in self.winners]) + self.profits

    @property
    def budget(self) -> float:
        """Return B, what the winners must give up, dollars."""
        return float(self.deficits.sum()) - self.fund

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
            insurance_fund=self.fund,
            population=[_group(*account) for account in accounts],
        )

    def allocation(self) -> "Allocation":
        """Return what the policy closes, loser by loser, in real numbers."""
        share = {"pro_rata": self._by_profit, "min_max": self._by_equity, "queue": self._by_rank}[self.policy]
        left, equity, fund, blur = self._winning, self.equities, self.fund, 0.0
        for (held, _), deficit in zip(self.losers, self.deficits, strict=True):
            taken, before = share(held, left, equity), {"pro_rata": left * abs(self.change), "min_max": equity}
            left, equity = left - taken, equity - taken * (deficit - fund) / held
            open_ = before.get(self.policy, left)[left > 1e-9 * self._winning]
            if self.policy != "queue" and len(open_):
                blur += held * _CENT * (len(open_) + 1.0) / float(open_.sum())
            fund = 0.0
        return Allocation(self._winning - left, self.equities - equity, blur)

    def _by_profit(self, needed: float, left: Array, equity: Array) -> Array:
        """Return shares of profit: entries are all P0, so that profit is in proportion to what is left."""
        return needed * left / left.sum()

    def _by_equity(self, needed: float, left: Array, equity: Array) -> Array:
        """Return min(left, c equity) that add up, by bisection of c: no other shares have a lower largest haircut."""
        low, high = 0.0, float((left / equity).max())
        for _ in range(200):
            middle = (low + high) / 2.0
            low, high = (low, middle) if np.minimum(left, middle * equity).sum() >= needed else (middle, high)
        return np.minimum(left, high * equity)

    def _by_rank(self, needed: float, left: Array, equity: Array) -> Array:
        """Return what a plain queue takes, by profit rate times leverage; the profit rate is the same for everybody."""
        order, taken = np.argsort(-left / equity, kind="stable"), np.zeros_like(left)
        for i in order:
            taken[i] = min(needed - taken.sum(), left[i])
        return taken


@dataclass(frozen=True)
class Allocation:
    """Units closed and dollars given up (winners,), and by how many units weights in whole cents may blur them."""

    closed: Array
    given_up: Array
    blur: float


@dataclass(frozen=True)
class Deleveraging:
    """What came out: equity lost to deleveraging (winners,) and units closed (winners,); equity of losers (losers,);
    sum of all equity less sum of deposits; units the losers had; by how much the net position of everybody but the
    outside market changed; booked deficits paid by winners, and by anybody else, dollars; the public measures.
    """

    given_up: Array
    closed: Array
    loser_equity: Array
    equity_change: float
    losing: float
    net_change: float
    paid_by_winners: float
    paid_by_others: float
    measured: dict[str, float]


def _group(name: str, units: float, deposit: float) -> dict[str, Any]:
    return {"kind": "book", "name": name, "count": 1, "deposit": deposit, "units": {"M": units}}


def simulate_deleveraging(venue: GapVenue) -> Deleveraging:
    """Run the gap and return who gave up what."""
    model = Observed(venue.scenario(), StandardCast())
    groups = groups_by_name(model)
    rows = np.concatenate([groups[group.name].rows for group in model.rules.population])
    before, cash = model.accounts.position[rows, 0], model.accounts.cash[rows].sum(axis=1)
    model.run()
    mark, cases = model.market.mark_price[0], model.exchange.waterfall.bankruptcies
    position = model.accounts.position[rows, 0]
    after = model.accounts.cash[rows].sum(axis=1) + position * mark
    first, last = len(venue.losers), len(venue.losers) + len(venue.winners)
    return Deleveraging(
        given_up=(cash + before * mark - after)[first:last],
        closed=(np.abs(before) - np.abs(position))[first:last],
        loser_equity=after[:first],
        equity_change=float(after.sum() - (cash + before * venue.price).sum()),
        losing=float(np.abs(before[:first]).sum()),
        net_change=float(np.delete(model.accounts.position[:, 0], OUTSIDE).sum() - before.sum()),
        paid_by_winners=sum(case.adl for case in cases),
        paid_by_others=sum(case.insurance + case.socialised + case.unpaid for case in cases),
        measured={name: of(model) for name, of in _MEASURES.items()},
    )


_MEASURES: dict[str, Callable[[Any], float]] = {
    "needed": measures.adl_needed,
    "executed": measures.adl_executed,
    "overshoot": measures.adl_overshoot,
    "capacity": measures.adl_capacity,
    "largest haircut": measures.adl_max_haircut,
}


def deleveraging_target(venue: GapVenue = GapVenue()) -> list[Check]:
    """Run target T11 and return its checks. Money is rounded to the quantum, positions to the lot."""
    found, owed = simulate_deleveraging(venue), venue.budget
    # What everybody holds is rounded to a lot, and what is owed with it.
    rounded = _LOT * (len(venue.losers) + len(venue.winners)) * (venue.price + venue.mark)
    grain = QUANTUM * len(venue.losers) * (len(venue.winners) + 1) + 1e-9 * owed + rounded
    return [
        exact_check("winners give up B", owed, float(found.given_up.sum()), grain),
        exact_check("booked as paid by winners", owed, found.paid_by_winners, grain),
        exact_check("paid by anybody else", venue.fund, found.paid_by_others, QUANTUM if venue.fund else 0.0),
        exact_check("losers' equity, largest", 0.0, float(np.abs(found.loser_equity).max())),
        exact_check("total equity", venue.fund, found.equity_change, grain),
        exact_check("net position, change", 0.0, found.net_change),
        exact_check("units closed", found.losing, float(found.closed.sum())),
        *_measured(venue, found, grain),
        *_allocated(venue, found, grain),
    ]


def _measured(venue: GapVenue, found: Deleveraging, grain: float) -> list[Check]:
    """Return the checks of the public measures: H = B_needed = B, nothing beyond it, out of U."""
    whole, measured = float(venue.profits.sum()), found.measured
    return [
        exact_check("measured as needed", venue.budget, measured["needed"], grain),
        exact_check("measured as executed", venue.budget, measured["executed"], grain),
        exact_check("measured as beyond need", 0.0, measured["overshoot"], grain),
        exact_check("measured capacity U", whole, measured["capacity"], grain + 1e-9 * whole),
    ]


def _allocated(venue: GapVenue, found: Deleveraging, grain: float) -> list[Check]:
    """Return the checks of who is closed, who gives up what, and of the largest haircut."""
    policy = venue.allocation()
    units = (8.0 + 2.0 * len(venue.losers)) * _LOT + policy.blur
    dollars = grain + units * float((venue.deficits / [held for held, _ in venue.losers]).max())
    apart = {"units": found.closed - policy.closed, "dollars": found.given_up - policy.given_up}
    checks = [
        exact_check(f"{what} apart from the policy's", 0.0, float(np.abs(apart[what]).max()), fine)
        for what, fine in (("units", units), ("dollars", dollars))
    ]
    if venue.policy == "pro_rata":
        share, of = venue.budget / float(venue.profits.sum()), found.given_up / venue.profits
        fine = dollars / float(venue.profits.min())
        checks.append(exact_check("largest relative haircut B / U", share, float(of.max()), fine))
        checks.append(exact_check("smallest relative haircut", share, float(of.min()), fine))
        checks.append(exact_check("measured largest haircut", share, found.measured["largest haircut"], fine))
    elif venue.policy == "min_max":
        least, of = float((policy.given_up / venue.equities).max()), found.given_up / venue.equities
        fine = dollars / float(venue.equities.min())
        checks.append(exact_check("largest haircut of equity", least, float(of.max()), fine))
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
