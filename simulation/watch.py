"""An exact way to skip the accounts that cannot be in trouble."""

import numpy as np

from simulation.accounts import BACKSTOP
from simulation.arrays import Array, Index
from simulation.health import MarginEngine
from simulation.holdings import Holdings

_FAR = 1e30  # no position, no limit; finite, because a mark that has exactly doubled multiplies it by zero
_SHRINK = 1.0 - 1e-9  # keeps the skipping radius on the safe side of rounding


class Watch:
    """Who could be under maintenance now? An exact lazy check.

    For each account a radius is kept: as long as no market's mark is further than that, relatively, from the watch's
    reference prices, every pool of the account is at or above `trigger` times maintenance. Equity changes by at most
    the notional, and the requirement by at most `steepness` times the notional, per unit of relative price move; so a
    pool with excess e over the trigger and slope s = sum |notional| * (1 + trigger * steepness) at distance d from the
    reference is safe within (e / s) * (1 - d) - d of it. Whoever is skipped is healthy; whoever is not gets the full
    check.
    """

    def __init__(self, engine: MarginEngine) -> None:
        """Start with everybody suspect but the rows that have no margin: outside market, fund and treasury."""
        self.engine = engine
        self.reference = engine.market.mark_price.copy()
        self.radius = np.full(len(engine.accounts), np.inf)
        self.radius[BACKSTOP:] = -1.0
        self.trigger = 1.0
        self._slope = 1.0 + engine.steepness
        self._bounded = bool(np.isfinite(self._slope).all())
        self._misses = 0
        self._measured: Array | None = None
        self._far_off = 0.0

    def touch(self, rows: Index) -> None:
        """Make `rows` suspect again, because their balances or positions changed."""
        self._grow()
        self.radius[rows] = -1.0
        self.radius[:BACKSTOP] = np.inf

    def set_trigger(self, multiple: float) -> None:
        """Watch for equity below `multiple` times maintenance from now on; `release` takes the excess over that."""
        if multiple != self.trigger:
            self.trigger = multiple
            self.restart()

    def restart(self) -> None:
        """Make everybody suspect, because the margin rule asks for something else now."""
        self._slope = 1.0 + self.trigger * self.engine.steepness
        self._bounded = bool(np.isfinite(self._slope).all())
        self._grow()
        self.radius[BACKSTOP:] = -1.0

    def suspects(self) -> Index:
        """Return the rows that cannot be skipped at the present mark price."""
        self._grow()
        found = np.flatnonzero(self.radius <= self._distance())
        self._misses += np.count_nonzero(self.radius[found] > -1.0)  # -1 exactly: touched, not missed
        if self._misses <= len(self.radius):
            return found
        # So many near misses cost as much as a fresh start: move the reference, everybody gets a new radius.
        self.reference, self._misses, self._measured = self.engine.market.mark_price.copy(), 0, None
        self.radius[BACKSTOP:] = -1.0
        return np.arange(BACKSTOP, len(self.radius))

    def release(self, rows: Index, held: Holdings, excess: Array) -> None:
        """Give `rows` their radius, from the excess (r, k) of equity over the trigger at the present mark price."""
        if not self._bounded:
            return
        notional = np.abs(held.position * self.engine.market.mark_price) * self._slope
        slope = self.engine.by_pool(notional, held.pool)
        with np.errstate(invalid="ignore", divide="ignore"):
            room = np.where(slope > 0.0, excess / slope, np.where(excess >= 0.0, _FAR, -1.0)).min(axis=1)
        distance = self._distance()
        self.radius[rows] = np.maximum(room * (1.0 - distance) - distance, -1.0) * _SHRINK

    def _grow(self) -> None:
        """Accounts that were opened since are suspects."""
        new = len(self.engine.accounts) - len(self.radius)
        if new:
            self.radius = np.concatenate([self.radius, np.full(new, -1.0)])

    def _distance(self) -> float:
        mark = self.engine.market.mark_price  # prices are replaced, never changed in place
        if self._measured is not mark:
            self._measured, self._far_off = mark, float(np.abs(mark / self.reference - 1.0).max())
        return self._far_off
