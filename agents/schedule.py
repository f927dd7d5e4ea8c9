"""Market clearing: traders state what they want to hold at every price, and one price is found at which it fits."""

from collections.abc import Callable
from typing import Any

import numpy as np

from simulation.arrays import Array, Index
from simulation.market import Market

_FIRST = 1e-2  # log; the first stretch that is searched, doubled until excess demand changes its sign
_FAR = 20.0  # log; where the search ends without a price
_CLOSE = 1e-10  # log; less excess than that is rounding
_TRIES = 200
_SWEEPS = 20  # searches, each from where the last one ended

Excess = Callable[[Array], Array]


class Schedules:
    """The demand schedules of all traders who state one (`Trader.scheduled`), as of now.

    The clearing price p is where the orders D(p) - x, with what others have ordered at any price, fill at p itself:
    ln p = ln mid + impact of the sum of all orders. Each market's price is searched from
    where it would be if these traders did nothing, in the direction of their excess demand: where several prices
    clear, that is the price a tatonnement comes to. Markets are searched side by side; where the wealth of one trader
    ties them together, again from where that ended, until all of them clear.
    Sources: L. Walras, Elements d'economie politique pure (1874); as here, S. Thurner, J. D. Farmer & J. Geanakoplos,
    Quantitative Finance 12 (2012) 695-707, whose demand need not fall with the price once funds are at their limit.
    """

    def __init__(self, model: Any, others: Array) -> None:
        """Take down the schedules of `model`'s traders; `others` (m,) is the net volume ordered at any price."""
        self.view, self.others = model.view, others
        self.market: Market = model.market
        asked = ((group, group.scheduled(self.market.step)) for group in model.turns)
        self.stated = [(group, members) for group, members in asked if members is not None]

    def orders(self, price: Array) -> list[tuple[Index, Array]]:
        """Return the orders of each group at `price` (m,)."""
        return [
            (members.rows, group.allowed(members.rows, group.rule.demand(members, self.view, price) - members.position))
            for group, members in self.stated
        ]

    def excess(self, log_price: Array) -> Array:
        """Return by how much the log price (m,) at which everything fills is above this one."""
        volume = self.others + sum(units.sum(axis=0) for _, units in self.orders(np.exp(log_price)))
        return self.market.log_price_after(volume) - log_price

    def clear(self) -> tuple[Array, bool]:
        """Return the clearing price (m,), and whether it clears every market."""
        log_price = self.market.log_price_after(self.others)
        for _ in range(_SWEEPS):
            log_price, left = crossing(self.excess, log_price)
            if (np.abs(left) <= _CLOSE).all():
                return np.exp(log_price), True
        return np.exp(log_price), False


def crossing(excess: Excess, start: Array) -> tuple[Array, Array]:
    """Return the roots (m,) of `excess` nearest to `start` in its direction, and what is left of it there.

    Stretches double until the sign changes; then false position (Illinois), bisection every fourth time, so that a jump
    is found too.
    """
    near, at_near = start, excess(start)
    side, stretch = np.sign(at_near), _FIRST
    far, at_far = start + side * stretch, at_near
    while True:
        at_far = np.where(side == 0.0, at_near, excess(far))
        short = at_far * side > 0.0
        if not short.any() or stretch > _FAR:
            break
        near, at_near = np.where(short, far, near), np.where(short, at_far, at_near)
        stretch *= 2.0
        far = np.where(short, far + side * stretch, far)
    return _narrowed(excess, (near, at_near), (far, at_far))


def _narrowed(excess: Excess, left: tuple[Array, Array], right: tuple[Array, Array]) -> tuple[Array, Array]:
    """Return root and excess (m,) between points, each with its excess, of opposite signs."""
    (a, at_a), (b, at_b) = left, right
    weight_a, x, at_x = at_a, b, at_b
    for attempt in range(_TRIES):
        if (np.minimum(np.abs(at_x), np.abs(b - a)) <= _CLOSE * 1e-2).all():
            break
        slope = at_b - weight_a
        with np.errstate(invalid="ignore", divide="ignore"):
            false_position = (a * at_b - b * weight_a) / slope
        middle = (a + b) / 2.0
        inside = (slope != 0.0) & (np.abs(false_position - middle) <= np.abs(b - a) / 2.0)
        x = np.where(inside & (attempt % 4 != 3), false_position, middle)
        at_x = excess(x)
        crossed = at_x * at_b <= 0.0  # the root lies between x and b: b becomes the far end
        a, at_a, weight_a = (
            np.where(crossed, b, a),
            np.where(crossed, at_b, at_a),
            np.where(crossed, at_b, weight_a / 2.0),
        )
        b, at_b = x, at_x
    return x, at_x
