"""The real classes and the exact ledger side by side: the same events go to both, and everything is compared."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction as F
from typing import Any

import numpy as np

from agents.clearing import Clearing
from agents.desk import LiquidationDesk
from agents.waterfall import Waterfall
from simulation.accounts import MARKET, Accounts
from simulation.deleveraging.base import DeleveragingRule
from simulation.health import MarginEngine
from simulation.liquidation.base import LiquidationRule
from simulation.margin.base import MarginRule
from simulation.margin.tiers import TierSchedule
from simulation.market import Listing, Market, Microstructure
from simulation.scenario import Fees, Scenario
from simulation.watch import Watch
from tests.reference.ledger import FIRST_TRADER, QUANTUM, Ledger, MarketTerms, Terms
from tests.reference.losses import Liquidation

RULES = Scenario.from_dict(
    {
        "markets": [{"name": "A", "price": 1.0}],
        "price": {"kind": "flat"},
        "impact": {"kind": "none"},
        "population": [{"kind": "book", "count": 1}],
    }
)  # only a source of default rules: no impact, the mark is the mid, the oracle is the index


@dataclass(frozen=True)
class Setup:
    """One venue: what both sides are built from. Rates and lots are dyadic, so products are exact in both."""

    margin: dict[str, Any]
    liquidation: dict[str, Any]
    deleveraging: str
    pools: list[list[int]]  # of each account
    prices: list[float]
    lots: list[float]
    tiers: list[list[tuple[float, float, float]]]
    leverage: list[float]
    fees: Fees
    twins: bool = False


class Seen:
    """What the real desk did in one round: lots closed and fills against winners, in order, with their prices."""

    def __init__(self) -> None:
        self.closed: dict[tuple[int, int], list[int]] = {}
        self.fills: list[tuple[int, int, int]] = []
        self.prices: dict[tuple[tuple[int, int], int], float] = {}

    def lots(self, place: tuple[int, int], market: int, fewest: int, most: int) -> int:
        return min(max(self.closed[place][market], fewest), most)

    def price(self, place: tuple[int, int], market: int, exact: F) -> F:
        ours = F(self.prices.get((place, market), float(exact)))
        assert abs(ours - exact) <= abs(exact) / 10**12, (
            f"bankruptcy price {float(ours)}, the ledger says {float(exact)}"
        )
        return ours


@contextmanager
def watching(venue: "Venue") -> Iterator[Seen]:
    """Note what the desk closes and what the waterfall deleverages, as it happens."""
    seen, admit, deleverage = Seen(), venue.desk._admit, venue.waterfall.deleverage
    lot = venue.accounts.lot

    def admitted(seizure: Any) -> Any:
        chosen = admit(seizure)
        for row, pool, units in zip(chosen.rows, chosen.pools, chosen.closing, strict=True):
            seen.closed[int(row), int(pool)] = [int(x) for x in np.abs(units / lot)]
        return chosen

    def deleveraged(row: int, pool: int) -> Any:
        fills = deleverage(row, pool)
        for fill in fills:
            lots = np.abs(fill.quantity / lot[fill.market])
            seen.fills += [(int(r), fill.market, int(x)) for r, x in zip(fill.rows, lots, strict=True)]
            seen.prices[(row, pool), fill.market] = fill.price
        return fills

    venue.desk._admit, venue.waterfall.deleverage = admitted, deleveraged  # type: ignore[method-assign]
    try:
        yield seen
    finally:
        venue.desk._admit, venue.waterfall.deleverage = admit, deleverage  # type: ignore[method-assign]


class Venue:
    """Both sides of the comparison."""

    def __init__(self, setup: Setup, events: int) -> None:
        self.setup, m = setup, len(setup.prices)
        k = max(max(pools) for pools in setup.pools) + 1
        self.path = np.ones((events + 2, m))
        self.path[0] = setup.prices
        self.wick = np.ones((events + 2, m))
        listing = Listing(tuple("ABCDEF"[:m]), np.full(m, 1e9), np.full(m, 1e-4))
        rules = Microstructure(RULES.impact, RULES.depth, RULES.mark, RULES.oracle, "average")
        self.market = Market(listing, rules, self.path, self.wick)
        self.accounts = Accounts(np.array(setup.lots), k)
        columns = [[[tier[i] for tier in tiers] for tiers in setup.tiers] for i in range(3)]
        self.engine = MarginEngine(self.accounts, self.market, MarginRule.parse(setup.margin), TierSchedule(*columns))
        self._build_desk()
        self.ledger = Ledger(
            [
                MarketTerms(F(lot), tuple(tuple(map(F, tier)) for tier in tiers))
                for lot, tiers in zip(setup.lots, setup.tiers, strict=True)
            ],
            self._terms(),
            k,
            [F(price) for price in setup.prices],
            [F(price) for price in setup.prices],
        )
        for pools, leverage in zip(setup.pools, setup.leverage, strict=True):
            row = int(self.accounts.add(1)[0])
            self.accounts.pool[row] = pools
            self.accounts.leverage[row] = leverage
            assert self.ledger.join(pools, F(leverage)) == row

    def _build_desk(self) -> None:
        self.watch = Watch(self.engine)
        self.clearing = Clearing(self.engine, self.watch, self.setup.fees)
        self.waterfall = Waterfall(self.clearing, DeleveragingRule.parse({"kind": self.setup.deleveraging}))
        self.desk = LiquidationDesk(self.clearing, self.waterfall, LiquidationRule.parse(self.setup.liquidation), 1)

    def _terms(self) -> Terms:
        rule, portfolio = self.setup.liquidation, self.setup.margin["kind"] == "portfolio"
        grid = self.engine.rule.scenarios(len(self.setup.prices)) if portfolio else []  # type: ignore[attr-defined]
        return Terms(
            tuple(tuple(F(float(x)) for x in row) for row in grid),
            rule["kind"],
            F(rule.get("share", 0.25)),
            F(rule.get("minimum_notional", 1000.0)),
            F(rule.get("target_health", 1.25)),
            F(rule.get("penalty_rate", 0.005)),
            self.setup.deleveraging,
            F(self.setup.fees.taker_rate),
            F(self.setup.fees.insurance_share),
        )

    # Events: each is done by both --------------------------------------------------------------------------

    def deposit(self, row: int, dollars: float, pool: int = 0) -> None:
        source, target = (np.array([0]), 0), (np.array([row]), pool)
        self.accounts.transfer(source, target, np.array([dollars]), "deposit")
        self.watch.touch(np.array([row]))
        self.ledger.move((0, 0), (row, pool), round(F(dollars) / QUANTUM))

    def trade(self, row: int, market: int, lots: int, price: float) -> None:
        units = np.zeros((1, len(self.setup.prices)))
        units[0, market] = lots * self.setup.lots[market]
        self.accounts.trade(np.array([row]), units, np.full(len(self.setup.prices), price), MARKET)
        self.watch.touch(np.array([row]))
        self.ledger.trade((row, self.ledger.pool(row, market)), market, lots, F(price))

    def orders(self, wanted: dict[int, dict[int, int]]) -> None:
        units = np.zeros((len(wanted), len(self.setup.prices)))
        for i, order in enumerate(wanted.values()):
            for market, lots in order.items():
                units[i, market] = lots * self.setup.lots[market]
        self.clearing.match(np.array(list(wanted)), units)
        self.ledger.match(wanted)

    def reprice(self, market: int, price: float, wicks: list[float]) -> None:
        """Move the index (= mark) of one market; fills of this moment are at mark * wick."""
        step = self.market.step + 1
        self.path[step] = self.path[step - 1]
        self.path[step, market] = price
        self.wick[step] = wicks
        self.market.advance()
        self.ledger.mark[market] = F(price)
        self.ledger.fill = [F(float(p)) * F(w) for p, w in zip(self.path[step], wicks, strict=True)]

    def fund(self, rates: list[float]) -> None:
        rows = np.arange(1, len(self.accounts))
        payment = self.accounts.position[rows] * (self.market.mark_price * np.array(rates))
        self.accounts.settle(rows, payment, MARKET, "funding")
        self.watch.touch(rows)
        self.ledger.pay_funding([F(rate) for rate in rates])

    def liquidate_round(self, counters: dict[str, int]) -> None:
        """One round on both sides; the ledger repeats our choice only where rounding leaves two answers."""
        known = len(self.waterfall.bankruptcies)
        with watching(self) as seen:
            self.desk.run()
        exact = Liquidation(self.ledger, seen.lots, seen.price)
        seized = self.ledger.liquidatable()
        assert [*seen.closed] == seized, f"liquidated {[*seen.closed]}, the ledger says {seized}"
        exact.round(seized)
        cases = self.waterfall.bankruptcies[known:]
        ours = [
            (c.row, c.pool, *(x * 2**16 for x in (c.deficit, c.insurance, c.adl, c.socialised, c.unpaid)))
            for c in cases
        ]
        theirs = [(*c.place, c.deficit, c.insurance, c.adl, c.socialised, c.unpaid) for c in exact.losses]
        assert ours == theirs, f"who paid: {ours}, the ledger says {theirs}"
        assert seen.fills == exact.fills, f"deleveraged {seen.fills}, the ledger says {exact.fills}"
        self._count(counters, exact, len(seized))

    @staticmethod
    def _count(counters: dict[str, int], done: Liquidation, seized: int) -> None:
        found = {
            "liquidation": seized,
            "partial": done.partial,
            "bankruptcy": len(done.losses),
            "insurance": sum(case.insurance > 0 for case in done.losses),
            "adl": len(done.fills),
            "adl exhausted": done.exhausted,
            "rank tie": done.ties,
            "socialised": sum(case.socialised > 0 for case in done.losses),
            "unpaid": sum(case.unpaid > 0 for case in done.losses),
        }
        for name, number in found.items():
            counters[name] = counters.get(name, 0) + number

    # Comparison -------------------------------------------------------------------------------------------

    def compare(self) -> None:
        """Cash, positions, entry prices, equity, requirements, and who is to be liquidated."""
        ledger, n, k, m = self.ledger, len(self.accounts), self.accounts.pools, len(self.setup.prices)
        cash = np.array([[ledger.money(row, pool) for pool in range(k)] for row in range(n)]) / 2.0**16
        np.testing.assert_array_equal(self.accounts.cash, cash)
        held = np.array([[float(ledger.units(row, market)) for market in range(m)] for row in range(n)])
        np.testing.assert_array_equal(self.accounts.position, held)
        entry = np.array([[float(ledger.entry.get((row, market), 0)) for market in range(m)] for row in range(n)])
        traders = slice(FIRST_TRADER, n)
        np.testing.assert_allclose(self.accounts.entry_price[traders], entry[traders], rtol=1e-9)
        for (row, market), price in np.ndenumerate(self.accounts.entry_price):  # a report: rounding must not add up
            ledger.entry[row, market] = F(float(price))
        health = self.engine.health(np.arange(n))
        for place in ((row, pool) for row in range(FIRST_TRADER - 1, n) for pool in range(k)):
            assert F(float(health.equity[place])) == ledger.equity(*place), place
            for ours, initial in ((health.maintenance, False), (health.initial, True)):
                exact = ledger.requirement(*place, initial)
                assert abs(F(float(ours[place])) - exact) <= exact / 10**9, (place, initial)
        found = self.desk.find()
        ours = list(zip(found.rows.tolist(), found.pools.tolist(), strict=True))
        assert ours == ledger.liquidatable(), f"under maintenance {ours}, the ledger says {ledger.liquidatable()}"
        self.accounts.check()
