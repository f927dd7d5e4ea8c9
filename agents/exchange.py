"""The exchange: a Mesa agent whose step reads as the list of what a venue does."""

from typing import Any

import mesa
import numpy as np

from agents.claims import ClaimsHouse
from agents.clearing import Clearing
from agents.desk import desk
from agents.lending import Lending
from agents.liquidator import BackstopVault, Liquidator
from agents.settlement import Settlement
from agents.standing import Standings
from agents.trading import Trading
from agents.waterfall import waterfall
from simulation.accounts import BACKSTOP, INSURANCE, MARKET, OUTSIDE, SHARED, TREASURY, floor_quanta
from simulation.arrays import Array, Index
from simulation.funding.base import DAY_SECONDS, FundingMarket
from simulation.holdings import Holdings
from simulation.scenario import Scenario
from simulation.watch import Watch

_NOTHING: tuple[Index, Array] = (np.empty(0, np.intp), np.empty((0, 0)))


class Exchange(mesa.Agent):
    """Clears the market: margin calls answered, funding, orders, liquidations, losses, records, in that order."""

    def __init__(self, model: Any, scenario: Scenario) -> None:
        """Set up the clearing house of `model` by the rules of `scenario`, and pay in the venue's own capital."""
        super().__init__(model)
        self.market_model = model
        self.rules = scenario
        self.accounts, self.market, self.engine = model.accounts, model.market, model.engine
        capital = np.array([scenario.insurance_fund, scenario.backstop.capital])
        self.accounts.deposit(np.array([INSURANCE, BACKSTOP]), capital)
        self.accounts.leverage[BACKSTOP] = np.inf
        self.watch = Watch(self.engine)
        self.clearing = Clearing(self.engine, self.watch, scenario.fees)
        self.trading = Trading(model, self.clearing, scenario)
        self.settlement = Settlement(self.clearing)
        self.lending = Lending(self.clearing, scenario.interest, scenario.step_seconds)
        self.claims = ClaimsHouse(self.clearing, scenario.claims)
        self.waterfall = waterfall(self.clearing, scenario)
        self.desk = desk(self.clearing, self.waterfall, scenario)
        self.standings = Standings(self.engine, self.desk.flags, self.watch)
        if scenario.state.limits_orders:
            self.clearing.standings = self.standings
        self.vault = BackstopVault(model, BACKSTOP, scenario.backstop) if scenario.backstop.capital else None
        self.liquidators = [self._hire(model, spec) for spec in scenario.liquidators for _ in range(spec.count)]
        self.desk.takers = [taker for taker in (*self.liquidators, self.vault) if taker is not None]
        self._taker_rows = np.array([taker.row for taker in self.desk.takers], np.intp)
        self._funded = self.market.listed.of_kind("perpetual", "inverse_perpetual")
        self.funding_paid = np.zeros(len(self.market.names))  # dollars that changed hands, by market
        self.funding_rate = np.zeros(len(self.market.names))  # of the last settlement, in the rule's own unit

    def _hire(self, model: Any, spec: Any) -> Liquidator:
        row = self.accounts.add(1)
        self.accounts.deposit(row, np.array([spec.capital]))
        return Liquidator(model, int(row[0]), spec)

    def step(self) -> None:
        """Do everything a venue does in one step, after traders have decided."""
        if self.engine.observe():
            self.watch.restart()
        self.settlement.expire()
        self.move_margin()
        self.settle_funding()
        self.settle_interest()
        self.claims.settle()
        self.match_orders()
        self.liquidate()

    def move_margin(self) -> None:
        """Book what traders bring in to answer margin calls, and pay out what they may withdraw."""
        for group in self.market_model.turns:
            for rows, amount in group.top_ups:
                self._top_up(rows, amount)
            for rows, amount in group.withdrawals:
                self._withdraw(rows, amount)
            group.top_ups.clear()
            group.withdrawals.clear()

    def settle_funding(self) -> None:
        """Every `interval_steps`: longs pay shorts rate * mark * position; the outside market takes the rest."""
        rule = self.rules.funding
        if self.market.step % rule.interval_steps:
            return
        due = rule.due(self._funding_market(rule.interval_steps))
        self.funding_rate, rate = due.rate, due.payment * self._funded
        if not rate.any():
            return
        rows = np.flatnonzero(self.accounts.position.any(axis=1))
        rows = rows[rows != OUTSIDE]
        payment = self.accounts.position[rows] * (self.market.mark_price * rate)
        self.accounts.settle(rows, payment, MARKET, "funding")
        outside = payment.sum(axis=0)  # its side of what traders do not settle among themselves
        self.funding_paid += (np.abs(payment).sum(axis=0) + np.abs(outside)) / 2.0
        self.watch.touch(rows)

    def settle_interest(self) -> None:
        """Let whoever owes cash or tokens pay interest to those who hold them."""
        self.lending.settle(self.market.step)

    def _funding_market(self, steps: int) -> FundingMarket:
        """Return what the funding rule may read, `steps` after the last settlement."""
        skew = -self.accounts.position[OUTSIDE]  # the outside market is the other side of everybody
        days = steps * self.rules.step_seconds / DAY_SECONDS
        market = self.market
        return FundingMarket(market.names, market.mark_price, market.oracle_price, skew, self.funding_rate, days)

    def match_orders(self) -> None:
        """Clear the orders of this step's traders and the unwinding of liquidators and vault."""
        decided = [*self.market_model.decisions, *([self._unwinding()] if self.desk.takers else [])]
        if not self.trading.run([(rows, orders) for rows, orders in decided if len(rows)]):
            self.desk.flagged["trading_cap"] = self.desk.flagged.get("trading_cap", 0) + 1

    def liquidate(self) -> None:
        """Let account states follow the prices, then run liquidation rounds and the loss waterfall."""
        self.standings.update()
        self.desk.run()

    def _unwinding(self) -> tuple[Index, Array]:
        if not any(taker.takeovers for taker in self.desk.takers):
            return _NOTHING
        holding = np.flatnonzero(self.accounts.position[self._taker_rows].any(axis=1))
        agents = [self.desk.takers[int(i)] for i in holding]
        rows = np.array([agent.row for agent in agents], np.intp)
        return rows, np.array([agent.orders() for agent in agents]).reshape(len(agents), self.accounts.markets)

    def _top_up(self, rows: Index, amount: Array) -> None:
        payer = (np.full(len(rows), OUTSIDE), SHARED)
        for pool in range(self.accounts.pools):
            paid = amount[:, pool] > 0.0
            if paid.any():
                source = payer[0][paid], SHARED
                self.accounts.transfer(source, (rows[paid], pool), amount[paid, pool], "top up")
        self.watch.touch(rows)

    def _withdraw(self, rows: Index, amount: Array) -> None:
        """Pay out what initial margin leaves of the shared pool, but no profit that is not realised yet.

        Wishes of a time in which the venue holds withdrawals back are lost.
        """
        if self.waterfall.gated:
            return
        held: Holdings = self.engine.holdings(rows)
        price = self.market.mark_price
        spare = (self.engine.equity(rows, held, price) - self.engine.initial(held, price))[:, SHARED]
        at_cost = self.engine.by_pool(held.position * self.accounts.entry_price[rows], held.pool)[:, SHARED]
        limit = np.maximum(np.minimum(spare, self.accounts.cash[rows, SHARED] + at_cost), 0.0)
        target = (np.full(len(rows), OUTSIDE), SHARED)
        self.accounts.transfer((rows, SHARED), target, floor_quanta(np.minimum(amount, limit)), "withdrawal")
        self.watch.touch(rows)

    @property
    def treasury(self) -> float:
        """Return the balance of the venue's treasury, dollars."""
        return float(self.accounts.cash[TREASURY, SHARED])
