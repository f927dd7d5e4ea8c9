"""Writing forced trades into the event log, with their causes."""

from dataclasses import replace

import numpy as np

from agents.seizure import Seizure
from simulation.arrays import Array
from simulation.causes import BOOK, Events, attribute
from simulation.health import MarginEngine


class Scene:
    """What the log must know from before a forced trade: marks, causes of the loss, and who was healthy alone."""

    def __init__(self, engine: MarginEngine, seizure: Seizure, round_: int) -> None:
        """Look at the seized pools before anything is closed."""
        self.engine, self.seizure, self.round = engine, seizure, round_
        self.before = engine.market.mark_price
        self.alone = healthy_alone(engine, seizure)
        self._references = engine.accounts.reference[seizure.rows]
        self.closing(seizure.closing)

    def closing(self, closing: Array) -> "Scene":
        """Set the units (r, m) that are closed, and attribute their loss since the moments known here."""
        self.units = closing
        self.which, self.markets = np.nonzero(closing)
        references = self._references[self.which, self.markets].astype(np.intp)
        self.causes = attribute(self.engine.market, references, self.markets, closing[self.which, self.markets])
        return self


def forced_trades(scene: Scene, fill: Array, taker: int) -> Events:
    """Return the log entries of the positions that were closed at `fill` (m,) or (r, m)."""
    market, seizure = scene.engine.market, scene.seizure
    which, markets, causes = scene.which, scene.markets, scene.causes
    size = len(which)
    prices = np.broadcast_to(fill, scene.units.shape)[which, markets]

    def same(value: float) -> Array:
        return np.full(size, float(value))

    return Events(
        step=same(market.step),
        round=same(scene.round),
        moment=same(market.moments.last),
        row=seizure.rows[which].astype(float),
        pool=seizure.pools[which].astype(float),
        market=markets.astype(float),
        quantity=-scene.units[which, markets],
        fill=prices,
        mark_before=scene.before[markets],
        mark_after=market.mark_price[markets],
        taker=same(taker),
        push=same(len(market.pushes) - 1 if taker == BOOK else -1),
        equity=seizure.equity[which],
        maintenance=seizure.maintenance[which],
        pool_notional=seizure.notional[which],
        loss=causes.loss,
        exogenous=causes.exogenous,
        flow=causes.flow,
        forced=causes.forced,
        mark_gap=causes.mark_gap,
        exposure=causes.exposure,
        through=causes.through,
        reference=causes.reference,
        healthy_alone=scene.alone[which, markets],
    )


def healthy_alone(engine: MarginEngine, seizure: Seizure) -> Array:
    """Return 1 (r, m) where a position would be at or above maintenance with its own share of the pool's collateral.

    The collateral at cost (equity less unrealised profit) is shared in proportion to stand-alone initial margin; each
    position keeps its own profit or loss. In a pool with one position the answer is always 0.
    """
    price = engine.market.mark_price
    held = replace(engine.holdings(seizure.rows), position=seizure.position)
    profit = seizure.position * (price - engine.accounts.entry_price[seizure.rows])
    initial = np.abs(engine.signed_initial(held, price))
    total = np.maximum(initial.sum(axis=1, keepdims=True), 1e-300)
    collateral = seizure.equity[:, None] - profit.sum(axis=1, keepdims=True)
    alone = collateral * initial / total + profit
    needed = np.abs(engine.signed_maintenance(held, price))
    several = (seizure.position != 0.0).sum(axis=1, keepdims=True) > 1
    return ((alone >= needed) & (seizure.position != 0.0) & several).astype(float)
