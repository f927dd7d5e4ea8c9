"""Leveraged holders."""

import numpy as np

from agents.parameter import Parameter, Setting
from agents.trader import Trader
from agents.view import MarketView, Members
from simulation.arrays import Array


class Holder(Trader):
    """Buys with leverage and holds; tops up or stops out when in trouble.

    Opening position: equity * leverage dollars, spread over `weights` (or over markets drawn at random, `markets_held`
    of them), long with probability `long_share` in each. Then: if a pool's equity falls below `top_up_health` times
    its maintenance requirement, bring in what restores it, as far as the reserve goes; if the loss of the account
    exceeds `stop_loss` of what was paid in, close everything. Sizes with heavy tails come from the deposit.
    Source of the behaviour: margin traders with debt-constrained buying, J. Geanakoplos, NBER Macroeconomics Annual
    24 (2010) 1-65; disposition to close at a loss limit, as retail stop orders.
    """

    kind = "holder"
    long_share = Parameter(0.8, 0.0, 1.0, "probability that a position is long")
    markets_held = Parameter(3, 1, 200, "number of markets with a position", whole=True)
    top_up_health = Parameter(1.5, 0.0, 100.0, "equity over maintenance below which money is brought in")
    stop_loss = Parameter(1.0, 0.0, 1.0, "share of the money paid in whose loss closes the account; 1 = never")
    weights = Setting({}, "by_market", "share of each market in the opening position; empty = drawn at random")

    def open(self, members: Members, view: MarketView) -> Array:
        """Return the opening positions (r, m)."""
        m = len(view.names)
        sides = np.where(members.uniform("side", m) < members.long_share[:, None], 1.0, -1.0)
        if members.weights.any():
            share = np.broadcast_to(members.weights, sides.shape)
        else:
            tradable = self.group.trades
            drawn = np.where(tradable, members.uniform("markets", m), 2.0)  # what it does not trade comes last
            held = np.minimum(members.markets_held, tradable.sum())[:, None]
            share = (drawn.argsort(axis=1).argsort(axis=1) < held) / np.maximum(held, 1)
        notional = members.deposited * members.leverage
        return sides * share * notional[:, None] / view.mark_price

    def decide(self, members: Members, view: MarketView) -> Array:
        """Top up, or stop out; otherwise hold (r, m)."""
        loss = 1.0 - members.equity / np.maximum(members.deposited, 1e-9)  # before what is brought in now is counted
        stopped = (loss >= members.stop_loss) & (members.stop_loss < 1.0)
        needed = members.pool_maintenance
        short = (members.top_up_health[:, None] * needed - members.pool_equity) * (needed > 0.0)
        if ((short > 0.0).any(axis=1) & (members.reserve > 0.0)).any():
            members.top_up(np.where(stopped[:, None], 0.0, short))
        return np.where(stopped[:, None], -members.position, 0.0)
