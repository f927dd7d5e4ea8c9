"""The loss waterfall: insurance fund, then auto-deleveraging, then the loss rule; every dollar has a payer."""

from dataclasses import dataclass

import numpy as np

from agents.clearing import Clearing
from agents.fund import InsuranceFund
from agents.losses import LossSharing
from agents.winners import WinnerList
from simulation.accounts import INSURANCE, OUTSIDE, QUANTUM, SHARED, Side, to_quanta
from simulation.arrays import Array, Index
from simulation.deleveraging.base import Bankrupt, DeleveragingRule
from simulation.errors import ConservationError
from simulation.holdings import Holdings
from simulation.loss.base import LossRule
from simulation.loss.equity import EquityLoss
from simulation.loss.insurance import InsuranceLimits
from simulation.loss.none import NoLoss
from simulation.scenario import Scenario

_EVERYBODY, _NOBODY = EquityLoss(), NoLoss()


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
    """One auto-deleveraging fill set: units taken over by `rows` (c,) in `market` at `price`, dollars.

    mark: dollars; profit (c,): unrealised profit of their positions before, dollars; capacity: that of all eligible
    winners, whoever was filled, dollars.
    """

    rows: Index
    market: int
    quantity: Array
    price: float
    mark: float
    profit: Array
    capacity: float


@dataclass(frozen=True)
class Deleveraging:
    """One pool closed against winners: its `deficit` at the mark, what of it was `needed` beyond the fund, dollars."""

    step: int
    deficit: float
    needed: float
    fills: list[Deleveraged]


class Waterfall:
    """Distributes deficits. The layers are used strictly in order."""

    def __init__(self, clearing: Clearing, rule: DeleveragingRule, loss: LossRule = _EVERYBODY) -> None:
        """Pay out of the accounts that `clearing` clears; `loss` says who pays what fund and deleveraging leave."""
        self.clearing, self.rule = clearing, rule
        self.engine, self.accounts, self.market = clearing.engine, clearing.accounts, clearing.market
        self.insurance = InsuranceFund(self.accounts, InsuranceLimits.model_validate({}))
        self.losses = LossSharing(clearing, loss)
        self.bankruptcies: list[Bankruptcy] = []
        self.deleveragings: list[Deleveraging] = []
        self._lists: dict[tuple[int, float], WinnerList] = {}
        self._listed_at = -1
        self.barred: Index = np.empty(0, np.intp)  # row * pools + pool of what is being closed itself
        self.skipped = 0  # winners passed over because the fill would have raised their leverage
        self._gate_until = -1

    @property
    def fund(self) -> float:
        """Return the balance of the insurance funds, dollars; never below 0."""
        return self.insurance.balance

    @property
    def gated(self) -> bool:
        """Tell whether withdrawals are held back at this step."""
        return self.market.step <= self._gate_until

    def bar(self, rows: Index, pools: Index) -> None:
        """Bar the pools closed in this round from being winners, should the mark turn in their favour."""
        self.barred = rows * self.accounts.pools + pools
        self._lists.clear()  # takers and settlements may have changed balances since

    def cover(self, rows: Index, pools: Index, closed: Array | None = None) -> None:
        """Bring closed pools with negative cash back to exactly zero: insurance first, then the loss rule.

        `closed` (r, m) dollars of notional closed say which markets the losses come from, and so which fund answers.
        """
        deficit = -self.accounts.cash[rows, pools]
        short = np.flatnonzero(deficit > 0.0)
        if not len(short):
            return
        notional = np.zeros((len(rows), self.accounts.markets)) if closed is None else closed
        places, cases = self.insurance.places(notional[short]), []
        for i, place in zip(short, places, strict=True):
            case = Bankruptcy(self.market.step, int(rows[i]), int(pools[i]), float(deficit[i]))
            case.insurance = self.draw(Side(case.row, case.pool), case.deficit, int(place))
            self._book(case)
            cases.append(case)
        beyond = [case.deficit > case.insurance for case in cases]
        if any(beyond):
            self._share([case for case in cases if case.deficit > case.insurance], notional[short][beyond].sum(axis=0))

    def draw(self, side: Side, amount: float, place: int = SHARED) -> float:
        """Pay up to `amount` dollars from the fund `place` to `side`; return what was paid."""
        paid = min(amount, self.insurance.available(place))
        if paid > 0.0:
            self._transfer(Side(INSURANCE, place), side, paid, "insurance")
            self.insurance.paid(place, paid)
        return paid

    def _book(self, case: Bankruptcy) -> None:
        """Write a bankruptcy down, and hold withdrawals back if it is one that calls for it."""
        self.bankruptcies.append(case)
        limits = self.insurance.limits
        if limits.gate_steps and (limits.gate_at == "bankruptcy" or case.insurance < case.deficit):
            self._gate_until = case.step + limits.gate_steps

    def _share(self, cases: list[Bankruptcy], closed: Array) -> None:
        """Charge what the fund could not pay by the loss rule; what nobody pays the outside market is not paid."""
        payable, payers = self.losses.collect(sum(case.deficit - case.insurance for case in cases), closed)
        self._refresh(np.unique(payers))
        for case in cases:
            wanted = case.deficit - case.insurance
            case.socialised = min(wanted, payable)
            case.unpaid = wanted - case.socialised
            payable -= case.socialised
            self._transfer(Side(INSURANCE), Side(case.row, case.pool), case.socialised, "socialised")
            self._transfer(Side(OUTSIDE), Side(case.row, case.pool), case.unpaid, "unpaid")

    def deleverage(self, row: int, pool: int) -> list[Deleveraged]:
        """Close a pool against winners at the price of the rule, after the fund has paid what it can.

        The price of each position is mark * (1 + side * x), x its share of the deficit over its notional: at it the
        pool is worth exactly nothing. Solvent pools are closed at the mark (x = 0). Positions for which no eligible
        winner is left stay open. Returns the fills.
        """
        side, held = Side(row, pool), self.engine.holdings(np.array([row]))
        mine = np.where(held.pool[0] == pool, held.position[0], 0.0)
        value = mine * self.market.mark_price
        deficit = -to_quanta(self.accounts.cash[row, pool] + value.sum())
        case = Bankruptcy(self.market.step, row, pool, max(float(deficit), 0.0))
        if case.deficit > 0.0:
            case.insurance = self.draw(side, case.deficit, int(self.insurance.places(mine[None, :])[0]))
        rates = self._haircuts(case.deficit - case.insurance, held, value)
        fills = [self._close(side, int(j), float(mine[j]), float(rates[j])) for j in np.flatnonzero(mine)]
        fills = [fill for fill in fills if len(fill.rows)]
        self.deleveragings.append(Deleveraging(case.step, case.deficit, case.deficit - case.insurance, fills))
        self._finish(case, side, fills)
        return fills

    def _haircuts(self, deficit: float, held: Holdings, value: Array) -> Array:
        mark, alone = self.market.mark_price, np.zeros_like(value)
        if self.rule.attribution == "maintenance" and deficit > 0.0:
            alone = np.where(value != 0.0, np.abs(self.engine.signed_maintenance(held, mark)[0]), 0.0)
        before = self.market.history["mark"][max(self.market.step - 1, 0)]
        return self.rule.haircuts(deficit, Bankrupt(value, alone, mark, np.where(np.isnan(before), mark, before)))

    def _finish(self, case: Bankruptcy, side: Side, fills: list[Deleveraged]) -> None:
        """Leave a fully closed pool at exactly zero (the last winner takes the rounding) and book who paid."""
        mine = (self.accounts.pool[side.row] == side.pool) & (self.accounts.position[side.row] != 0.0)
        if case.deficit > 0.0 and not mine.any() and fills and self.rule.price == "bankruptcy":
            residue = self.accounts.cash[side.row, side.pool]
            most = QUANTUM * sum(len(fill.rows) for fill in fills)
            if not abs(residue) <= most:  # half a quantum a fill is rounding; more is a wrong price
                left = f"deleveraging left {float(residue)!r} dollars"
                raise ConservationError(f"{left} in the pool it should have emptied")
            taker = self._kept_in(int(fills[-1].rows[-1]), fills[-1].market)
            self._transfer(*((side, taker, residue) if residue > 0.0 else (taker, side, -residue)), "adl rounding")
            self._refresh(fills[-1].rows)
            case.adl = case.deficit - case.insurance
        elif case.deficit > 0.0:
            left = float(self.engine.health(np.array([side.row])).equity[0, side.pool])
            case.adl = max(float(case.deficit - case.insurance - to_quanta(np.array(max(-left, 0.0)))), 0.0)
            case.deficit = case.insurance + case.adl  # the rest is booked when the rest of the pool is closed
        if case.deficit > 0.0:
            self._book(case)

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
        filled, capacity = lots > 0.0, float(winners.profit.sum())
        rows, lots, profit = rows[filled], lots[filled], winners.profit[filled]
        units = np.zeros((len(rows), self.accounts.markets))
        units[:, market] = np.sign(quantity) * lots * lot
        if len(rows):
            self.accounts.trade(rows, units, np.full(self.accounts.markets, price), side, "adl")
            self.accounts.reference[rows, market] = self.market.moments.last
            self.clearing.watch.touch(rows)
            self._release_isolated(rows, market)
            self._refresh(rows)
        mark = float(self.market.mark_price[market])
        return Deleveraged(rows, market, units[:, market], float(price), mark, profit, capacity)

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


def waterfall(clearing: Clearing, scenario: Scenario) -> Waterfall:
    """Return the waterfall of `scenario`, its funds of single markets paid in."""
    found = Waterfall(clearing, scenario.deleveraging, scenario.loss if scenario.socialise_losses else _NOBODY)
    own = np.array([name in scenario.insurance_funds for name in scenario.names])
    found.insurance = InsuranceFund(clearing.accounts, scenario.insurance, own)
    for name, amount in scenario.insurance_funds.items():
        place = (np.array([INSURANCE]), 1 + scenario.names.index(name))
        clearing.accounts.transfer((np.array([OUTSIDE]), SHARED), place, np.array([amount]), "deposit")
    return found
