"""The base of all traders: a Mesa agent that is a handle on its row, and the group that decides in array form."""

from typing import Any, ClassVar

import mesa
import numpy as np
from mesa.agent import AgentSet

from agents.group import GroupSpec, TraderGroup
from agents.parameter import Parameter, Setting
from agents.view import MarketView, Members
from simulation.arrays import Array
from simulation.board import InstrumentKind

_OWN = ("name", "deposit", "collateral", "reserve", "posted_share", "isolated", "pools")


class Trader(mesa.Agent):
    """One trader. A type writes its rule once, in array form, as `decide`; or, slower, as `step` for one trader.

    Set `kind` to the name scenario files use, declare parameters as class attributes, cite the source in the
    docstring. Members decide every `decision_steps` steps; the group is split into `cohorts` that take turns, evenly
    spaced over that period, so that not everybody acts at once (asynchronous updating). Orders in columns of another
    kind than `trades` are dropped: a rule written for perpetuals neither sells its collateral nor writes options. A
    type that `reacts` is asked again in every trading round of a step, see `agents.trading`; one that is `scheduled`
    states with `demand` what it wants to hold at any price, see `agents.schedule`.
    """

    kind: ClassVar[str] = ""
    trades: ClassVar[tuple[InstrumentKind, ...]] = ("perpetual", "inverse_perpetual", "future")
    reacts: ClassVar[bool] = False
    scheduled: ClassVar[bool] = False
    leverage = Parameter(5.0, 0.0, 200.0, "target gross notional over equity")
    leverage_setting = Parameter(200.0, 1.0, 1000.0, "initial margin is at least notional / this")
    decision_steps = Setting(1, "number", "steps between two decisions of one member", 1, 1_000_000)
    cohorts = Setting(1, "number", "parts of the group that take turns within that period", 1, 1_000_000)

    def decide(self, members: Members, view: MarketView) -> Array:
        """Return the orders (r, m) of these members in signed units, zero for none.

        Subclasses override this; one that overrides `step` instead is asked trader by trader.
        """
        if type(self).step is Trader.step:
            raise NotImplementedError(f"{type(self).__name__} must define decide or step")
        orders = [self.group.agent(int(row) - self.group.first_row).step() for row in members.rows]
        nothing = np.zeros(len(view.names))
        return np.array([nothing if order is None else order for order in orders])

    def demand(self, members: Members, view: MarketView, price: Array) -> Array:
        """Return the positions (r, m) that these members would want if `price` (m,) were the price."""
        raise NotImplementedError(f"{type(self).__name__} is scheduled and must define demand")

    def open(self, members: Members, view: MarketView) -> Array:
        """Return the opening positions (r, m) of these members; by default what they would order first."""
        return self.decide(members, view)

    def step(self) -> Array | None:  # pyright: ignore[reportIncompatibleMethodOverride] - orders, where Mesa's is mute
        """Return this one trader's orders (m,): the same rule, asked for one row."""
        return self.decide(self.members, self.view)[0]

    @property
    def members(self) -> Members:
        """Return this trader alone, in array form (r = 1)."""
        return self.group.members(slice(self.member, self.member + 1))

    @property
    def view(self) -> MarketView:
        """Return the public market."""
        return self.group.view

    @property
    def row(self) -> int:
        """Return the account row."""
        return self.group.first_row + self.member

    @property
    def position(self) -> Array:
        """Return the signed position (m,), units."""
        return self.group.accounts.position[self.row]

    @property
    def equity(self) -> float:
        """Return the equity over all pools, dollars."""
        return float(self.members.equity[0])

    @property
    def free_collateral(self) -> float:
        """Return the equity of the shared pool beyond its initial requirement, dollars."""
        return float(self.members.free_collateral[0])

    @classmethod
    def create_agents(cls, model: Any, n: int, *args: Any, **parameters: Any) -> AgentSet:
        """Create `n` traders with accounts in `model`; each parameter is a number, an array (n,) or a distribution.

        `name`, `deposit`, `reserve`, `isolated` and `pools` are understood too, as in scenario files. Returns the
        AgentSet, as Mesa's own method does.
        """
        own = {key: parameters.pop(key) for key in _OWN if key in parameters}
        spec = GroupSpec(cls.kind, count=n, parameters=parameters, **{"name": cls.kind, **own})
        group = TraderGroup(model, cls, spec)
        return AgentSet(group.agents, random=model.random)

    group: Any
    member: int
