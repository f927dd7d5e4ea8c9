"""The model: what exists and the order of a step. It is told which agent classes to use, so it imports none."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import mesa
import numpy as np

from simulation.accounts import Accounts
from simulation.arrays import Array, Index
from simulation.contracts import Contracts
from simulation.health import MarginEngine
from simulation.market import Listing, Market, Microstructure
from simulation.random import Streams
from simulation.scenario import Scenario


class MarketModel(mesa.Model):
    """A market of margin accounts under one scenario.

    Attributes:
        rules: the scenario. accounts, market, engine: the columns and the margin engine that reads them.
        groups: the trader groups, in the order of the scenario; exchange: the clearing agent.
        decisions: this step's orders, one entry a group.
    """

    def __init__(self, scenario: Scenario, cast: "Cast", journal: bool = False) -> None:
        """Draw the exogenous prices, open the accounts, hire the agents of `cast`, and book the opening positions."""
        super().__init__(rng=scenario.seed % 2**63)
        self.rules = scenario
        self.margin = scenario.margin
        self.streams = Streams(scenario.seed)
        contracts = scenario.contracts()
        path = drawn(scenario, contracts, self.streams)
        lot = np.array([market.lot_size for market in scenario.markets])
        self.accounts = Accounts(lot, _pools(scenario), journal)
        self.market = Market(
            _listing(scenario, contracts), _microstructure(scenario), path, _wicks(scenario), _dislocations(scenario)
        )
        self.engine = MarginEngine(self.accounts, self.market, scenario.margin, scenario.tiers())
        self.engine.collateral = None if scenario.collateral.by_tiers else scenario.collateral
        self.view = cast.view(self.market, scenario.step_seconds / 31_536_000.0, scenario.fees.taker_rate)
        self.groups: list[Any] = []
        self.decisions: list[tuple[Index, Array]] = []
        self.exchange = cast.exchange(self, scenario)
        for group in sorted(scenario.population, key=lambda group: group.name):  # rows by name: no file order matters
            cast.join(self, group)
        order = [group.name for group in scenario.population]
        self.groups.sort(key=lambda group: order.index(group.name))
        cast.open(self)
        self.accounts.check_capacity()
        self.accounts.check()

    def step(self) -> None:
        """Advance the market, let traders decide, let the exchange clear, check that nothing was lost, record."""
        self.market.advance()
        self.decide()
        self.exchange.step()
        self.accounts.check()
        self.market.record()

    def run(self, progress: Callable[[], None] | None = None) -> None:
        """Step until the scenario's end."""
        while self.market.step < self.rules.steps:
            self.step()
            if progress is not None:
                progress()

    def decide(self) -> None:
        """Ask every group whose turn it is for its orders."""
        self.decisions = self._asked(self.turns)

    def answers(self) -> list[tuple[Index, Array]]:
        """Ask those again who react to prices within a step, and return their orders."""
        return self._asked(group for group in self.turns if group.rule.reacts)

    def _asked(self, groups: Iterable[Any]) -> list[tuple[Index, Array]]:
        asked = (group.decide(self.market.step) for group in groups)
        return [orders for orders in asked if orders is not None]

    @property
    def turns(self) -> list[Any]:
        """Return the groups in the order of their rows, which is the order in which everything is done."""
        return sorted(self.groups, key=lambda group: group.first_row)

    @property
    def traders(self) -> Index:
        """Return the rows of all traders (without system rows and liquidators)."""
        return np.concatenate([np.empty(0, np.intp), *(group.rows for group in self.turns)])


class Cast:
    """Who plays: the agent classes a model is composed of. `agents.cast` builds the one everybody uses."""

    view: Callable[[Market, float, float], Any]
    exchange: Callable[["MarketModel", Scenario], Any]
    traders: Mapping[str, type]

    def join(self, model: "MarketModel", group: Any) -> None:
        """Create the agents of one population entry."""
        raise NotImplementedError

    def open(self, model: "MarketModel") -> None:
        """Book the opening positions of all groups."""
        raise NotImplementedError


def _pools(scenario: Scenario) -> int:
    m = len(scenario.markets)
    apart = scenario.margin.segregated or any(group.isolated or group.pools for group in scenario.population)
    return m + 1 if apart or scenario.insurance_funds else 1


def drawn(scenario: Scenario, contracts: Contracts, streams: Streams) -> Array:
    """Return the exogenous index (steps + 1, m) of every column: drawn, followed, or valued."""
    path = scenario.price.draw(scenario.world(), streams)
    if not _usual(contracts):
        path = contracts.path(path, scenario.implied_volatility.draw(path, scenario.assets(), streams))
    return path


def _listing(scenario: Scenario, contracts: Contracts) -> Listing:
    variance = scenario.column("volatility") ** 2 * scenario.step_seconds / 31_536_000.0
    return Listing(scenario.names, scenario.column("depth"), variance, None if _usual(contracts) else contracts)


def _usual(contracts: Contracts) -> bool:
    """Tell whether there is nothing but perpetuals with an index of their own."""
    return contracts.simple and set(contracts.listed.kind) == {"perpetual"}


def _microstructure(scenario: Scenario) -> Microstructure:
    rules = scenario.impact, scenario.depth, scenario.mark, scenario.oracle, scenario.fill_at
    return Microstructure(*rules, scenario.valuation, scenario.step_seconds)


def _wicks(scenario: Scenario) -> Array | None:
    if not scenario.wicks:
        return None
    factors = np.ones((scenario.steps + 1, len(scenario.markets)))
    for wick in scenario.wicks:
        factors[wick.step, scenario.names.index(wick.market)] = wick.factor
    return factors


def _dislocations(scenario: Scenario) -> Array | None:
    if not scenario.dislocations:
        return None
    factors = np.ones((scenario.steps + 1, len(scenario.markets)))
    for shift in scenario.dislocations:
        factors[shift.start_step : shift.end_step, scenario.names.index(shift.market)] *= shift.factor
    return factors


