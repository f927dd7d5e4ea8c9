"""The loss waterfall: insurance fund, then auto-deleveraging, then socialised loss; every dollar has a payer."""

from dataclasses import dataclass

import numpy as np

from agents.clearing import Clearing
from agents.winners import WinnerList
from simulation.accounts import INSURANCE, OUTSIDE, QUANTUM, SHARED, SYSTEM_ROWS, Side, to_quanta
from simulation.arrays import Array, Index
from simulation.deleveraging.base import DeleveragingRule
from simulation.errors import ConservationError
from simulation.shares import split


@dataclass
class Bankruptcy:
    """Who paid for one bankrupt pool, dollars: deficit = insurance + adl + socialised + unpaid, exactly.

    `unpaid` is what the outside market is not paid because nobody is left who could.
    """

    step: int
    row: int
    pool: int
    deficit: float
    insurance: float = 0.0
    adl: float = 0.0
    socialised: float = 0.0
    unpaid: float = 0.0


@dataclass(frozen=True)
class Deleveraged:
    """One auto-deleveraging fill set: units taken over by `rows` (c,) in `market` at `price`."""

    rows: Index
    market: int
    quantity: Array
    price: float


class Waterfall:
    """Distributes deficits. The layers are used strictly in order."""

    def __init__(self, clearing: Clearing, rule: DeleveragingRule, shared: bool = True) -> None:
        """Pay out of the accounts that `clearing` clears; `shared` says whether the last losses are socialised."""
        self.shared = shared
        self.clearing, self.rule = clearing, rule
        self.engine, self.accounts, self.market = clearing.engine, clearing.accounts, clearing.market
        self.bankruptcies: list[Bankruptcy] = []
        self._lists: dict[tuple[int, float], WinnerList] = {}
        self._listed_at = -1
        self.barred: Index = np.empty(0, np.intp)  # row * pools + pool of what is being closed itself
        self.skipped = 0  # winners passed over because the fill would have raised their leverage

    @property
    def fund(self) -> float:
        """Return the balance of the insurance fund, dollars; never below 0."""
        return float(self.accounts.cash[INSURANCE, SHARED])

    def bar(self, rows: Index, pools: Index) -> None:
        """Bar the pools closed in this round from being winners, should the mark turn in their favour."""
        self.barred = rows * self.accounts.pools + pools
        self._lists.clear()  # takers and settlements may have changed balances since

    def cover(self, rows: Index, pools: Index) -> None:
        """Bring closed pools with negative cash back to exactly zero: insurance first, then everybody."""
        deficit = -self.accounts.cash[rows, pools]
        short = np.flatnonzero(deficit > 0.0)
        for i in short:
            case = Bankruptcy(self.market.step, int(rows[i]), int(pools[i]), float(deficit[i]))
            case.insurance = self.draw(Side(case.row, case.pool), case.deficit)
            self.bankruptcies.append(case)
        open_cases = self.bankruptcies[len(self.bankruptcies) - len(short) :]
        self._socialise([case for case in open_cases if case.deficit > case.insurance])

    def draw(self, side: Side, amount: float) -> float:
        """Pay up to `amount` dollars from the fund to `side`; return what was paid."""
        paid = min(amount, self.fund)
        if paid > 0.0:
            self._transfer(Side(INSURANCE), side, paid, "insurance")
        return paid

    def _socialise(self, cases: list[Bankruptcy]) -> None:
        """Charge what the fund could not pay to all positive equity, pro rata, exact to the quantum."""
        loss = sum(case.deficit - case.insurance for case in cases)
        if loss <= 0.0:
            return
        payable = self._collect(loss) if self.shared else 0.0
        for case in cases:
            wanted = case.deficit - case.insurance
            case.socialised = min(wanted, payable)
            case.unpaid = wanted - case.socialised
            payable -= case.socialised
            self._transfer(Side(INSURANCE), Side(case.row, case.pool), case.socialised, "socialised")
            self._transfer(Side(OUTSIDE), Side(case.row, case.pool), case.unpaid, "unpaid")

    def _collect(self, loss: float) -> float:
        """Take `loss` dollars, or all there is, from every pool with positive equity; return what was taken."""
        rows = np.arange(SYSTEM_ROWS, len(self.accounts))
        equity = self.engine.equity(rows, self.engine.holdings(rows), self.market.mark_price)
        weight = np.floor(np.maximum(equity, 0.0) / QUANTUM).ravel()
        payable = min(loss, weight.sum() * QUANTUM)
        share = split(payable / QUANTUM, weight) * QUANTUM
        payers = np.flatnonzero(share)
        source = (rows[payers // self.accounts.pools], payers % self.accounts.pools)
        self.accounts.transfer(source, (np.full(len(payers), INSURANCE), SHARED), share[payers], "socialised")
        self.clearing.watch.touch(source[0])
        self._refresh(np.unique(source[0]))
        return payable

    def deleverage(self, row: int, pool: int) -> list[Deleveraged]:
        """Close a pool against winners at its bankruptcy price, after the fund has paid what it can.

        The price of each position is mark * (1 + side * x), x = deficit / gross notional of the pool: at it the pool
        is worth exactly nothing. Solvent pools are closed at the mark (x = 0). Positions for which no eligible winner
        is left stay open. Returns the fills.
        """
        side, who = Side(row, pool), np.array([row])
        held = self.engine.holdings(who)
        mine = np.where(held.pool[0] == pool, held.position[0], 0.0)
        value = mine * self.market.mark_price
        deficit = -to_quanta(self.accounts.cash[row, pool] + value.sum())
        case = Bankruptcy(self.market.step, row, pool, max(float(deficit), 0.0))
        if case.deficit > 0.0:
            case.insurance = self.draw(side, case.deficit)
        rate = (case.deficit - case.insurance) / np.abs(value).sum()
        fills = [self._close(side, int(j), float(mine[j]), rate) for j in np.flatnonzero(mine)]
        fills = [fill for fill in fills if len(fill.rows)]
        self._finish(case, side, fills)
        return fills

    def _finish(self, case: Bankruptcy, side: Side, fills: list[Deleveraged]) -> None:
        """Leave a fully closed pool at exactly zero (the last winner takes the rounding) and book who paid."""
        mine = (self.accounts.pool[side.row] == side.pool) & (self.accounts.position[side.row] != 0.0)
        if case.deficit > 0.0 and not mine.any() and fills:
            residue = self.accounts.cash[side.row, side.pool]
            most = QUANTUM * sum(len(fill.rows) for fill in fills)
            if not abs(residue) <= most:  # half a quantum a fill is rounding; more is a wrong price
                raise ConservationError(f"deleveraging left {residue!r} dollars in the pool it should have emptied")
            taker = self._kept_in(int(fills[-1].rows[-1]), fills[-1].market)
            self._transfer(*((side, taker, residue) if residue > 0.0 else (taker, side, -residue)), "adl rounding")
            self._refresh(fills[-1].rows)
            case.adl = case.deficit - case.insurance
        elif case.deficit > 0.0:
            left = float(self.engine.health(np.array([side.row])).equity[0, side.pool])
            case.adl = max(float(case.deficit - case.insurance - to_quanta(np.array(max(-left, 0.0)))), 0.0)
            case.deficit = case.insurance + case.adl  # the rest is booked when the rest of the pool is closed
        if case.deficit > 0.0:
            self.bankruptcies.append(case)

    def _kept_in(self, row: int, market: int) -> Side:
        """Return where `row` keeps the cash of its position in `market`: the wallet if the fill emptied the pool."""
        pool = int(self.accounts.pool[row, market])
        used = (self.accounts.pool[row] == pool) & (self.accounts.position[row] != 0.0)
        return Side(row, pool if used.any() else SHARED)

    def _close(self, side: Side, market: int, quantity: float, rate: float) -> Deleveraged:
        price = self.market.mark_price[market] * (1.0 + np.sign(quantity) * rate)
        rows, winners, skipped = self._winners(market, -np.sign(quantity)).eligible(side.row, rate, self.barred)
        self.skipped += skipped
        lot = self.accounts.lot[market]
        lots = self.rule.allocate(abs(quantity) / lot, winners) if len(rows) else np.empty(0)
        rows, lots = rows[lots > 0.0], lots[lots > 0.0]
        units = np.zeros((len(rows), self.accounts.markets))
        units[:, market] = np.sign(quantity) * lots * lot
        if len(rows):
            self.accounts.trade(rows, units, np.full(self.accounts.markets, price), side, "adl")
            self.accounts.reference[rows, market] = self.market.moments.last
            self.clearing.watch.touch(rows)
            self._release_isolated(rows, market)
            self._refresh(rows)
        return Deleveraged(rows, market, units[:, market], float(price))

    def _winners(self, market: int, sign: float) -> WinnerList:
        """Return the winners of `sign` in `market`, listed once for each moment of the mark."""
        if self._listed_at != self.market.moments.last:
            self._lists, self._listed_at = {}, self.market.moments.last
        key = market, sign
        if key not in self._lists:
            self._lists[key] = WinnerList(self.engine, market, sign)
        return self._lists[key]

    def _refresh(self, rows: Index) -> None:
        for winners in self._lists.values():
            winners.refresh(rows)

    def _release_isolated(self, rows: Index, market: int) -> None:
        """Give the cash of isolated pools that ADL closed back to the wallet."""
        pools = self.accounts.pool[rows, market].astype(np.intp)
        used = ((self.accounts.pool[rows] == pools[:, None]) & (self.accounts.position[rows] != 0.0)).any(axis=1)
        done = (pools != SHARED) & ~used & (self.accounts.cash[rows, pools] > 0.0)
        rows, pools = rows[done], pools[done]
        self.accounts.transfer((rows, pools), (rows, SHARED), self.accounts.cash[rows, pools], "release")

    def _transfer(self, source: Side, target: Side, amount: float, reason: str) -> None:
        if amount > 0.0:
            one, two = (np.array([source.row]), source.pool), (np.array([target.row]), target.pool)
            self.accounts.transfer(one, two, np.array([amount]), reason)
