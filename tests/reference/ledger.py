"""A slow, exact ledger: whole quanta, whole lots, fractions; everything recomputed from scratch each time.

Written from the design, not from the code, and importing nothing of it. Cash is counted in quanta of 2**-16
dollars (a fill is rounded once, half to even), positions in lots. Pool 0 is the shared pool of an account.
"""

from dataclasses import dataclass, field
from fractions import Fraction as F

QUANTUM = F(1, 2**16)
OUTSIDE, INSURANCE, TREASURY, VAULT = range(4)
FIRST_TRADER = 4
SHARED = 0
Place = tuple[int, int]  # (row, pool) of cash, (row, market) of a position


def quanta(dollars: F) -> int:
    """Whole quanta, half to even."""
    return round(dollars / QUANTUM)


def whole_quanta(dollars: F) -> int:
    """Whole quanta, rounded down."""
    return dollars / QUANTUM // 1


def double(exact: F) -> F:
    """A share or a bankruptcy price as a double holds it, so that a half quantum is rounded alike on both sides."""
    return F(float(exact))


@dataclass(frozen=True)
class MarketTerms:
    """`tiers`: (floor, initial rate, maintenance rate), rising."""

    lot: F
    tiers: tuple[tuple[F, F, F], ...]


@dataclass(frozen=True)
class Terms:
    """`grid`: the scenarios of portfolio margin in units of the stand-alone requirement; empty = requirements add up.

    `close`: "full", "fraction" (with `share` and `smallest`) or "to_target" (with `health`).
    """

    grid: tuple[tuple[F, ...], ...] = ()
    close: str = "full"
    share: F = F(1)
    smallest: F = F(0)
    health: F = F(5, 4)
    penalty_rate: F = F(0)
    adl: str = "queue"
    fee_rate: F = F(0)
    fee_share: F = F(0)


@dataclass
class Ledger:
    """All balances of a venue. `mark`, `fill`: the prices of this moment by market."""

    markets: list[MarketTerms]
    terms: Terms
    pools: int
    mark: list[F]
    fill: list[F]
    rows: int = FIRST_TRADER
    cash: dict[Place, int] = field(default_factory=dict)
    lots: dict[Place, int] = field(default_factory=dict)
    pool_of: dict[Place, int] = field(default_factory=dict)
    entry: dict[Place, F] = field(default_factory=dict)
    leverage: dict[int, F] = field(default_factory=dict)

    # Balances ---------------------------------------------------------------------------------------------

    def join(self, pools: list[int], leverage: F) -> int:
        row, self.rows = self.rows, self.rows + 1
        self.leverage[row] = leverage
        for market, pool in enumerate(pools):
            self.pool_of[row, market] = pool
        return row

    def money(self, row: int, pool: int) -> int:
        return self.cash.get((row, pool), 0)

    def move(self, source: Place, target: Place, amount: int) -> None:
        self.cash[source] = self.money(*source) - amount
        self.cash[target] = self.money(*target) + amount

    def held(self, row: int, market: int) -> int:
        return self.lots.get((row, market), 0)

    def units(self, row: int, market: int) -> F:
        return self.held(row, market) * self.markets[market].lot

    def markets_in(self, row: int, pool: int) -> list[int]:
        """Markets in which this pool holds something."""
        return [m for m in range(len(self.markets)) if self.held(row, m) and self.pool(row, m) == pool]

    def pool(self, row: int, market: int) -> int:
        return self.pool_of.get((row, market), SHARED)

    def value(self, row: int, market: int) -> F:
        return self.units(row, market) * self.mark[market]

    def gross(self, row: int, pool: int) -> F:
        return sum((abs(self.value(row, m)) for m in self.markets_in(row, pool)), F(0))

    def trade(self, buyer: Place, market: int, lots: int, price: F, seller: Place = (OUTSIDE, SHARED)) -> None:
        """`buyer` = (row, pool) takes `lots` (negative: gives) from `seller` at `price`."""
        units = lots * self.markets[market].lot
        cost = quanta(double(units * price))
        self.move(buyer, seller, cost)
        for row, sign in ((buyer[0], 1), (seller[0], -1)):
            self._reprice(row, market, sign * units, cost)
            self.lots[row, market] = self.held(row, market) + sign * lots

    def _reprice(self, row: int, market: int, units: F, cost: int) -> None:
        """Average entry price: grows with what is added, stays when reduced, starts anew when flipped."""
        before = self.units(row, market)
        after = before + units
        if not units:
            return
        paid = abs(cost * QUANTUM / units)
        if after == 0:
            self.entry[row, market] = F(0)
        elif before * units >= 0:
            self.entry[row, market] = (abs(before) * self.entry.get((row, market), F(0)) + abs(units) * paid) / abs(
                after
            )
        elif before * after < 0:
            self.entry[row, market] = paid

    def pay_funding(self, rates: list[F]) -> None:
        """Longs pay rate * mark * position, shorts receive it, the outside market takes the difference."""
        for row in range(1, self.rows):
            for market, rate in enumerate(rates):
                due = quanta(self.units(row, market) * self.mark[market] * rate)
                self.move((row, self.pool(row, market)), (OUTSIDE, SHARED), due)

    # Health -----------------------------------------------------------------------------------------------

    def equity(self, row: int, pool: int) -> F:
        return self.money(row, pool) * QUANTUM + sum((self.value(row, m) for m in self.markets_in(row, pool)), F(0))

    def stand_alone(self, row: int, market: int, initial: bool) -> F:
        """Requirement of one position by its tiers, and by the leverage setting if initial."""
        notional = abs(self.value(row, market))
        maintenance = self._by_tier(notional, market, 2)
        if not initial:
            return maintenance
        return max(maintenance, self._by_tier(notional, market, 1), notional / self.leverage[row])

    def _by_tier(self, notional: F, market: int, column: int) -> F:
        """Each slice of the notional is charged the rate of its tier: the definition behind rate * N - deduction."""
        tiers, total = self.markets[market].tiers, F(0)
        for i, tier in enumerate(tiers):
            ceiling = tiers[i + 1][0] if i + 1 < len(tiers) else notional
            total += tier[column] * max(min(notional, ceiling) - tier[0], F(0))
        return total

    def requirement(self, row: int, pool: int, initial: bool = False) -> F:
        alone = {m: self.stand_alone(row, m, initial) for m in self.markets_in(row, pool)}
        total = sum(alone.values(), F(0))
        if not self.terms.grid:
            return total
        signed = {m: need if self.held(row, m) > 0 else -need for m, need in alone.items()}
        worst = (abs(sum((signed[m] * scenario[m] for m in signed), F(0))) for scenario in self.terms.grid)
        return min(max(worst), total)

    def liquidatable(self) -> list[Place]:
        """Pools with equity strictly below maintenance, by row, then pool; the venue's own accounts are exempt."""
        everyone = ((row, pool) for row in range(VAULT, self.rows) for pool in range(self.pools))
        return [place for place in everyone if self.equity(*place) < self.requirement(*place)]

    # Orders -----------------------------------------------------------------------------------------------

    def match(self, orders: dict[int, dict[int, int]]) -> None:
        """Check the orders {row: {market: lots}} at the mark, fill at `fill`, move isolated margin, charge fees."""
        admitted = {
            row: wanted if self._may(row, wanted) else self._reducing(row, wanted) for row, wanted in orders.items()
        }
        before = dict(self.lots)
        for row, wanted in admitted.items():
            for market, lots in wanted.items():
                self.trade((row, self.pool(row, market)), market, lots, self.fill[market])
        for row, wanted in admitted.items():
            for market in sorted(m for m in wanted if wanted[m] and self.pool(row, m) != SHARED):
                self._move_margin(row, market, before.get((row, market), 0))
        taken = 0
        for row, wanted in admitted.items():
            traded = sum((abs(q) * self.markets[m].lot * self.fill[m] for m, q in wanted.items()), F(0))
            fee = min(quanta(traded * self.terms.fee_rate), whole_quanta(max(self.equity(row, SHARED), F(0))))
            self.move((row, SHARED), (TREASURY, SHARED), fee)
            taken += fee
        self.move((TREASURY, SHARED), (INSURANCE, SHARED), quanta(taken * QUANTUM * self.terms.fee_share))

    def _may(self, row: int, wanted: dict[int, int]) -> bool:
        """Orders that only reduce pass; others must leave the shared pool at or above initial margin."""
        if not any(self._grows(self.held(row, m), q) for m, q in wanted.items()):
            return True
        spare = self.equity(row, SHARED)
        spare -= self.terms.fee_rate * sum(abs(q) * self.markets[m].lot * self.mark[m] for m, q in wanted.items())
        was = {m: self.stand_alone(row, m, True) for m in wanted}
        after = self._if_filled(row, wanted)
        for m in wanted:
            if self.pool(row, m) != SHARED:
                spare -= max(after.stand_alone(row, m, True) - was[m], F(0))
        return spare >= after.requirement(row, SHARED, initial=True)

    def _if_filled(self, row: int, wanted: dict[int, int]) -> "Ledger":
        lots = {**self.lots, **{(row, m): self.held(row, m) + q for m, q in wanted.items()}}
        return Ledger(
            self.markets,
            self.terms,
            self.pools,
            self.mark,
            self.fill,
            self.rows,
            {},
            lots,
            self.pool_of,
            {},
            self.leverage,
        )

    @staticmethod
    def _grows(held: int, lots: int) -> bool:
        return abs(held + lots) > abs(held) or held * (held + lots) < 0

    def _reducing(self, row: int, wanted: dict[int, int]) -> dict[int, int]:
        """The part of each order that brings the position nearer to zero."""
        found = {}
        for market, lots in wanted.items():
            held = self.held(row, market)
            opposite = held * lots < 0
            found[market] = (1 if lots > 0 else -1) * min(abs(lots), abs(held)) if opposite else 0
        return found

    def _move_margin(self, row: int, market: int, before: int) -> None:
        """An isolated position that grew takes the growth of its initial requirement from the wallet; one that shrank
        gives back its share of the pool's equity, but keeps the initial requirement of what is open; one that turned
        round keeps, or gets, the initial requirement of its new side."""
        pool, now = self.pool(row, market), self.held(row, market)
        needed = self.stand_alone(row, market, True)
        flipped = before * now < 0
        if flipped or abs(now) < abs(before):
            equity = self.equity(row, pool)
            kept = F(0) if flipped else double(F(abs(now), abs(before)))
            part = double(equity * double(1 - kept))
            spare = equity - self.requirement(row, pool, True)
            free = max(min(part, spare), F(0))
            self.move((row, pool), (row, SHARED), quanta(free))
            growth = min(max(-spare, F(0)), needed)  # only used where it turned round: what the new side lacks
        if flipped or abs(now) > abs(before):
            other = {**self.lots, (row, market): before}
            old = Ledger(
                self.markets,
                self.terms,
                self.pools,
                self.mark,
                self.fill,
                self.rows,
                {},
                other,
                self.pool_of,
                {},
                self.leverage,
            )
            if not flipped:
                growth = max(needed - old.stand_alone(row, market, True), F(0))
            wallet = max(self.equity(row, SHARED) - self.requirement(row, SHARED, True), F(0))
            self.move((row, SHARED), (row, pool), min(quanta(growth), whole_quanta(wallet)))
