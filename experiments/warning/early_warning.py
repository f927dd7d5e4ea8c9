"""Can the storm be seen coming? The contagion matrix of the live book, its radius, and the cascade it predicts.

Question: before any shock, how many dollars of forced sale in market b would one dollar sold in market a set off?
Method: finite differences of the engine's own health, so it serves every margin rule. The mark of a alone is moved by
a small log move h; the pools that fall under maintenance by it would sell D_ab dollars of b. One dollar sold moves the
log mark of a by L_a, so K_ab = L_a D_ab / h. A first round of forced sales F (dollars by market) grows to
F (I - K)^-1 where the spectral radius R of K is below 1; above, the book is called unstable and gets no number.
Expected: mean simulated over predicted amplification within 5 % up to R = 0.85; a single run may be far off.
Sources: T. E. Harris, The Theory of Branching Processes (1963); R. Greenwood, A. Landier & D. Thesmar, J. Financial
Economics 115 (2015) 471-485; R. Cont & E. Schaanning, J. Banking & Finance 104 (2019) 85-102.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from simulation.arrays import Array, Index, Mask
from simulation.impact.base import Book
from simulation.market import Market
from simulation.model import MarketModel

Direction = Literal["down", "up"]
WINDOW = 0.01  # log move by which a mark is moved to see who falls; a choice: wide enough to hold many accounts
_HELD = 0.01  # share of what is held that is traded to read the slope, where that is less; a choice
_PROBE = 1e-3  # share of depth that is traded to read the slope of an impact law that is not linear; a choice


@dataclass(frozen=True)
class Prediction:
    """What a first round of forced sales grows to.

    first, total (m,): net dollars forced out of each market by the shock alone, and in the end; `total` is NaN where
    `reason` says why there is no number. moves (m,): log displacement by those sales, signed. in_reach: shock and
    moves together stay within the window in which K was measured, so that the linear prediction is supported.
    """

    first: Array
    total: Array
    moves: Array
    in_reach: bool
    reason: str = ""

    @property
    def amplification(self) -> float:
        """Return gross dollars in the end over gross dollars of the first round; NaN without either."""
        first = float(np.abs(self.first).sum())
        return float(np.abs(self.total).sum()) / first if first > 0.0 else np.nan


@dataclass(frozen=True)
class EarlyWarning:
    """The live book as a contagion network, seen at one moment.

    matrix (m, m): K_ab, net dollars forced out of b per dollar forced out of a; forced out means sold for a market
    that falls ("down") and bought for one that rises ("up"). triggered (m, m): dollars forced out of b if the mark of
    a alone moves by `window` (log). slope (m,): log move of each mark per dollar traded.
    """

    triggered: Array
    slope: Array
    window: float
    direction: Direction

    @property
    def matrix(self) -> Array:
        """Return K (m, m) = slope_a * triggered_ab / window."""
        return self.slope[:, None] * self.triggered / self.window

    @cached_property
    def radius(self) -> float:
        """Return the spectral radius of K, the structural branching ratio R0 of the book; no unit."""
        return spectral_radius(self.matrix)

    @property
    def stable(self) -> bool:
        """Tell whether cascades end by themselves: radius below 1."""
        return self.radius < 1.0

    @property
    def local_r0(self) -> Array:
        """Return K_aa (m,): liquidatable dollars per unit log move of a market times its log move per dollar."""
        return self.matrix.diagonal().copy()

    @property
    def per_percent(self) -> Array:
        """Return the gross dollars (m,) forced out, in all markets, if a market moves by 1 % (log): linear in the move.

        Gross, because a sale and a purchase do not cancel: dollars of b per 1 % of a, summed over b.
        """
        return np.abs(self.triggered).sum(axis=1) * (0.01 / self.window)

    def predict(self, first: Array, shock: float = 0.0) -> Prediction:
        """Return what the first round `first` (m,), dollars, grows to after a shock of `shock` (log, any sign)."""
        if not self.stable:
            none = np.full_like(first, np.nan)
            unstable = f"unstable: spectral radius {self.radius:.3g} is not below 1"
            why = "the matrix is not finite" if np.isnan(self.radius) else unstable
            return Prediction(first, none, none, False, why)
        total = np.asarray(np.linalg.solve((np.eye(len(first)) - self.matrix).T, first), float)
        moves = self.slope * total * (-1.0 if self.direction == "down" else 1.0)
        return Prediction(first, total, moves, bool(abs(shock) + np.abs(moves).max(initial=0.0) <= self.window))


def spectral_radius(matrix: Array) -> float:
    """Return the largest modulus of the eigenvalues of a square matrix: 0 for an empty one, NaN if it is not finite."""
    if not np.isfinite(matrix).all():
        return np.nan
    return float(np.abs(np.linalg.eigvals(matrix)).max(initial=0.0))


class LiveBook:
    """The pools of all traders of a model at this moment, ready to be asked who falls if marks move."""

    def __init__(self, model: MarketModel) -> None:
        """Read the holdings once; whoever is under maintenance already is not counted as falling."""
        self.engine, self.market = model.engine, model.market
        self.rows: Index = model.traders
        self._held = self.engine.holdings(self.rows)
        self.value = self._held.position * self.market.mark_price
        self.equity = self.engine.equity(self.rows, self._held, self.market.mark_price)
        self._down = self._under(self.market.mark_price)

    def sales(self, log_move: Array) -> Array:
        """Return the dollars (r, m), at present marks and signed as positions, in pools that fall by `log_move` (m,).

        A pool that falls is taken to be closed in full: what a partial liquidation leaves is counted too.
        """
        fallen = self._under(shifted(self.market, log_move)) & ~self._down
        return np.where(np.take_along_axis(fallen, self._held.pool.astype(np.intp), axis=1), self.value, 0.0)

    def _under(self, price: Array) -> Mask:
        equity = self.engine.equity(self.rows, self._held, price)
        holds = self.engine.by_pool(np.abs(self.value), self._held.pool) > 0.0
        return holds & (equity < self.engine.maintenance(self._held, price))

    def triggered(self, window: float = WINDOW, direction: Direction = "down") -> Array:
        """Return (m, r, m): dollars forced out of each market and row if the mark of the first market moves alone."""
        sign = -1.0 if direction == "down" else 1.0
        moves = np.diag(np.full(len(self.market.names), sign * window))
        return np.stack([-sign * self.sales(move) for move in moves])

    def warning(self, window: float = WINDOW, direction: Direction = "down") -> EarlyWarning:
        """Return the contagion matrix of the book and what follows from it."""
        sold = self.triggered(window, direction).sum(axis=1)
        return EarlyWarning(sold, self.slope(sold), window, direction)

    def slope(self, sold: Array) -> Array:
        """Return the log move (m,) per dollar, read off a sale of what is forced out (m, m) of each market itself.

        Where that is next to nothing: of 1 % of what is held, or 1/1000 of depth if that is less.
        """
        least = np.minimum(_HELD * np.abs(self.value).sum(axis=0), _PROBE * self.market.depth)
        return impact_slope(self.market, np.maximum(np.abs(sold.diagonal()), least))

    def by_class(self, classes: Index, window: float = WINDOW, direction: Direction = "down") -> Array:
        """Return K (c, c) by account class: net dollars forced out of class d per dollar forced out of class c.

        `classes` (r,) numbers the class of every row from 0. A dollar of class c is spread over markets as what the
        window forces out of that class; a class that nothing is forced out of has a row of zeros.
        """
        count = int(classes.max(initial=-1)) + 1
        per_row = self.triggered(window, direction)
        sold = np.stack([np.bincount(classes, part.sum(axis=1), count) for part in per_row])  # (m, c)
        own = np.array([np.abs(per_row[:, classes == c]).sum(axis=(0, 1)) for c in range(count)])  # (c, m)
        gross = own.sum(axis=1, keepdims=True)
        spread = np.divide(own, gross, out=np.zeros_like(own), where=gross > 0.0)
        slope = self.slope(per_row.sum(axis=1))
        return (spread * (slope / window)) @ sold

    def foresee(self, log_shock: Array, window: float = WINDOW) -> Prediction:
        """Return the predicted cascade after marks move by `log_shock` (m,), the first round by the engine itself.

        Where some fall and others rise there is only the first round, sold less bought: K is of one direction.
        """
        if log_shock.min(initial=0.0) < 0.0 < log_shock.max(initial=0.0):
            first = self.sales(log_shock).sum(axis=0)
            none = np.full_like(first, np.nan)
            return Prediction(first, none, none, False, "some marks fall and others rise: predicted for one direction")
        direction: Direction = "down" if log_shock.sum() < 0.0 else "up"
        sign = -1.0 if direction == "down" else 1.0
        first = -sign * self.sales(log_shock).sum(axis=0)
        return self.warning(window, direction).predict(first, float(np.abs(log_shock).max()))


def shifted(market: Market, log_move: Array) -> Array:
    """Return the marks (m,) after each market's own book moved by `log_move` (m,); derived columns follow theirs."""
    price = market.mark_price * np.exp(log_move)
    contracts = market.listing.contracts
    if contracts is None or not len(contracts.derived):
        return price
    own = market.index_price * np.exp(market.displacement.sum(axis=0))
    before, after = (contracts.lift(mid, market.index_price, market.step)[0] for mid in (own, own * np.exp(log_move)))
    return price * np.exp(after - before)


def impact_slope(market: Market, dollars: Array | None = None) -> Array:
    """Return by how much (m,) the log mark moves per dollar sold now: the impact law's slope times what the mark shows.

    A law that is not linear has no one slope: this is the chord of a sale of `dollars` (m,), of 1/1000 of depth where
    they are 0 or not given. A warning takes what its window forces out of each market.
    """
    least = np.maximum(market.depth, 1e-9) * _PROBE
    sale: Array = least if dollars is None else np.where(dollars > 0.0, dollars, least)
    book = Book(market.mid, market.index_price, market.depth)
    move = market.rules.impact.move(market.metaorder, -sale / market.mark_price, book).final
    seen = [market.rules.mark.within_step(mid, market.mark_price) for mid in (market.mid, market.mid * np.exp(move))]
    return np.asarray(-np.log(seen[1] / seen[0]) / sale, float)
