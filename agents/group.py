"""A group of traders of one type: their rows, their parameter columns, and whose turn it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from zlib import crc32

import numpy as np

from agents import handles
from agents.parameter import Parameter, Setting, declared
from agents.view import MarketView, Members
from simulation.arrays import Array, Index
from simulation.distribution import Distribution
from simulation.errors import ScenarioError, shown


@dataclass(frozen=True)
class GroupSpec:
    """What a group is made of; the fields are those of a scenario's population entry."""

    kind: str
    name: str
    count: int
    deposit: Any = 10_000.0
    collateral: Mapping[str, Any] = field(default_factory=dict)
    reserve: Any = 0.0
    posted_share: float = 1.0
    isolated: tuple[str, ...] = ()
    pools: Mapping[str, int] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)


class TraderGroup:
    """All members of one group. They hold consecutive rows of the accounts, in order.

    Attributes:
        columns: parameter name -> (count,); settings: setting name -> value.
        reserve, deposited: (count,) dollars outside and brought in so far.
    """

    def __init__(self, model: Any, trader: type, spec: GroupSpec) -> None:
        """Open accounts in `model` for `spec.count` traders and pay in their deposits."""
        self.model, self.trader, self.name, self.count = model, trader, spec.name, spec.count
        self.posted_share = spec.posted_share
        self.accounts, self.market, self.engine = model.accounts, model.market, model.engine
        self.streams = model.streams
        self.view: MarketView = model.view
        self.settings = settings_of(trader, spec, self.market.names)
        self.columns = {name: self._column(name, value) for name, value in parameters_of(trader, spec).items()}
        self.reserve = self._column("reserve", spec.reserve)
        self.tokens = self._tokens(spec.collateral)
        self.deposited = self._column("deposit", spec.deposit) + self.tokens.sum(axis=1)
        self.absent = np.empty(0, np.intp)  # rows that are counted out: they keep their money and never trade
        self.trades = self.market.listed.of_kind(*trader.trades)
        self._trades_all = bool(self.trades.all())
        rows = self.accounts.add(spec.count)
        self.first_row = int(rows[0])
        self.accounts.leverage[rows] = self.columns["leverage_setting"]
        self.accounts.pool[rows] = self._pools(spec)
        self.accounts.deposit(rows, self.deposited)
        self._constants: dict[tuple[str, str], Array] = {}
        self.top_ups: list[tuple[Index, Array]] = []
        self.withdrawals: list[tuple[Index, Array]] = []
        self.agents = handles.create(trader, model, self, spec.count)
        self.rule = self.agents[0]
        model.groups.append(self)

    @property
    def rows(self) -> Index:
        """Return all rows of the group (count,)."""
        return np.arange(self.first_row, self.first_row + self.count)

    def agent(self, member: int) -> Any:
        """Return the agent of one member."""
        return self.agents[member]

    def members(self, which: slice) -> Members:
        """Return some members, in array form."""
        return Members(self, which, np.arange(self.count)[which] + self.first_row)

    def decide(self, step: int) -> tuple[Index, Array] | None:
        """Return (rows, orders) of the members whose turn it is at `step`, or None if it is nobody's."""
        members = self._acting(step)
        if members is None:
            return None
        orders = self.allowed(members.rows, self.rule.decide(members, self.view))
        return (members.rows, orders) if orders.any() else None

    def scheduled(self, step: int) -> Members | None:
        """Return the members who state a demand schedule at `step`, or None: not this type, or nobody's turn."""
        return self._acting(step) if self.rule.scheduled else None

    def allowed(self, rows: Index, orders: Array) -> Array:
        """Return the orders (r, m) of `rows` in columns that this type trades, nothing for who is counted out."""
        orders = orders if self._trades_all else np.where(self.trades, orders, 0.0)
        return np.where(np.isin(rows, self.absent)[:, None], 0.0, orders) if len(self.absent) else orders

    def constant(self, law: str, what: str, per_member: int) -> Array:
        """Return numbers (count, per_member) drawn once for the whole run, keyed by group and `what`."""
        key = (law, what)
        if key not in self._constants:
            draw = self.streams.uniform if law == "uniform" else self.streams.normal
            values = draw(f"trader/{self.name}/{what}/constant", 0, self.count * per_member)
            self._constants[key] = values.reshape(self.count, per_member)
        return self._constants[key]

    def request_top_up(self, which: slice, rows: Index, amount: Array) -> None:
        """Note a wish to bring money from the reserve into the pools (r, k); the exchange books it."""
        wanted = np.maximum(amount, 0.0)
        total = wanted.sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            granted = np.where(total > 0.0, np.minimum(total, self.reserve[which]) / total, 0.0)
        paid = wanted * granted[:, None]
        self.reserve[which] -= paid.sum(axis=1)
        self.deposited[which] += paid.sum(axis=1)
        self.top_ups.append((rows, paid))

    def request_withdrawal(self, rows: Index, amount: Array) -> None:
        """Note a wish to take money out of the shared pool (r,); the exchange decides."""
        self.withdrawals.append((rows, np.maximum(amount, 0.0)))

    def _acting(self, step: int) -> Members | None:
        """Return the members whose turn it is at `step`."""
        cohort = self._turn(step)
        if cohort is None or cohort >= self.count:
            return None
        return Members(self, slice(cohort, None, self.cohorts), self._cohort_rows[cohort])

    def _turn(self, step: int) -> int | None:
        """Return the cohort that decides at `step`, or None."""
        return self._timetable[step % len(self._timetable)]

    @cached_property
    def _timetable(self) -> list[int | None]:
        """Cohort c decides at moments c * period / cohorts, rounded down, of every period.

        The group's name shifts the whole timetable, so that groups with the same period do not all act at once.
        """
        period = int(self.settings["decision_steps"])
        table: list[int | None] = [None] * period
        for cohort in range(self.cohorts):
            table[(cohort * period // self.cohorts + crc32(self.name.encode())) % period] = cohort
        return table

    @cached_property
    def cohorts(self) -> int:
        """Return into how many parts the group is split."""
        return min(int(self.settings["cohorts"]), int(self.settings["decision_steps"]))

    @cached_property
    def _cohort_rows(self) -> list[Index]:
        return [self.rows[cohort :: self.cohorts] for cohort in range(self.cohorts)]

    def _column(self, name: str, value: Any) -> Array:
        if isinstance(value, Distribution):
            return value.quantile(self.streams.uniform(f"population/{self.name}/{name}", 0, self.count))
        return np.broadcast_to(np.asarray(value, float), (self.count,)).copy()

    def _tokens(self, collateral: Mapping[str, Any]) -> Array:
        """Return what each member brings in as tokens (count, m), dollars."""
        brought = np.zeros((self.count, len(self.market.names)))
        for name, value in collateral.items():
            brought[:, self.market.names.index(name)] = self._column(f"collateral/{name}", value)
        return brought

    def _pools(self, spec: GroupSpec) -> Index:
        names = self.market.names
        pools = np.arange(1, len(names) + 1) * int(self.model.margin.segregated)
        for name in spec.isolated:
            pools[names.index(name)] = 1 + names.index(name)
        for name, number in spec.pools.items():
            pools[names.index(name)] = number
        return pools


def parameters_of(trader: type, spec: GroupSpec) -> dict[str, Any]:
    """Return every parameter of the type with its given or default value; raise `ScenarioError` on a bad one."""
    known = declared(trader, Parameter)
    unknown = [name for name in spec.parameters if name not in known and name not in declared(trader, Setting)]
    if unknown:
        names = ", ".join(sorted([*known, *declared(trader, Setting)]))
        raise ScenarioError([f"{name}: unknown field of trader '{spec.kind}'; known: {names}" for name in unknown])
    values = {name: spec.parameters.get(name, item.default) for name, item in known.items()}
    problems = [f"{name}: {text}" for name, item in known.items() if (text := _problem(item, values[name]))]
    if problems:
        raise ScenarioError(problems)
    return values


def settings_of(trader: type, spec: GroupSpec, markets: tuple[str, ...]) -> dict[str, Any]:
    """Return every setting of the type with its given or default value; market names become market numbers."""
    values = {}
    for name, item in declared(trader, Setting).items():
        value = spec.parameters.get(name, item.default)
        if item.form == "market":
            values[name] = _market_number(name, value, markets)
        elif item.form == "by_market":
            given = dict(value)
            for market in given:
                _market_number(f"{name}.{market}", market, markets)
            values[name] = np.array([float(given.get(market, 0.0)) for market in markets])
        else:
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not item.low <= value <= item.high:
                bounds = f"must be a number between {item.low:g} and {item.high:g}"
                raise ScenarioError(f"{name}: {bounds} (got {shown(value)})")
            values[name] = value
    return values


def _market_number(field_name: str, name: Any, markets: tuple[str, ...]) -> int:
    if isinstance(name, int) and not isinstance(name, bool) and 0 <= name < len(markets):
        return name
    if name not in markets:
        raise ScenarioError(f"{field_name}: market {shown(name)} is not defined; known: {', '.join(markets)}")
    return markets.index(name)


def _problem(item: Parameter, value: Any) -> str:
    if isinstance(value, Distribution):
        ends = value.quantile(np.array([1e-12, 1.0 - 1e-12]))
        return item.problem(float(ends[0]), float(ends[1])) if type(value).kind == "uniform" else ""
    column = np.asarray(value, float)
    if not np.isfinite(column).all():
        return f"must be finite (got {shown(value)})"
    if item.whole and (column != np.rint(column)).any():
        return f"must be a whole number (got {shown(value)})"
    return item.problem(float(column.min()), float(column.max()))
