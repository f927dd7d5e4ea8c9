"""Auto-deleveraging in the order of Binance's leverage-PnL quantile."""

import numpy as np
from pydantic import Field

from simulation.arrays import Array
from simulation.deleveraging.base import Winners
from simulation.deleveraging.queue import QueueDeleveraging


class BinanceDeleveraging(QueueDeleveraging):
    """Winners are closed in the order of their leverage PnL, each wholly before the next.

    profit rate = max(0, profit) / max(`least_wallet`, wallet balance); margin ratio = maintenance / (wallet balance +
    unrealised profit), 0 where the denominator is not positive; leverage PnL = profit rate * margin ratio. Profit is
    that of the position, balance and maintenance are those of its pool; ties by account. Source: Binance developer
    community, "ADL quantile" (dev.binance.vision, topic 17801).
    """

    kind = "binance"
    least_wallet: float = Field(1.0, gt=0.0, le=1e6, description="dollars; a smaller wallet balance counts as this")

    def score(self, winners: Winners) -> Array:
        """Return the leverage PnL (c,)."""
        ratio = self.margin_ratio(winners.maintenance, winners.equity)
        return self.leverage_profit(winners.profit, winners.wallet, ratio)

    def profit_rate(self, profit: Array, wallet: Array) -> Array:
        """Return max(0, profit) / max(least wallet, wallet) (c,), of dollars (c,)."""
        return np.maximum(profit, 0.0) / np.maximum(wallet, self.least_wallet)

    def margin_ratio(self, maintenance: Array, equity: Array) -> Array:
        """Return maintenance / equity (c,), of dollars (c,); 0 without equity."""
        return np.where(equity > 0.0, maintenance / np.where(equity > 0.0, equity, 1.0), 0.0)

    def leverage_profit(self, profit: Array, wallet: Array, margin_ratio: Array) -> Array:
        """Return profit rate * margin ratio (c,)."""
        return self.profit_rate(profit, wallet) * margin_ratio
