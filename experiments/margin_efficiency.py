"""What recognising offsets saves, and what it saves at equal safety.

Question: how much less does a portfolio margin ask than the sum of stand-alone requirements, and how much less capital
does it need for the same probability of insolvency? Method: the engine's own rules answer for equal long books of K
markets and for hedged pairs over the correlation; then a crowd of random books is margined at many confidence levels,
isolated, cross and portfolio, and meets normal returns of the world's correlation, the same for all.
Expected, in closed form: K equal longs save 1 - sqrt((1 + (K - 1) r) / K): K = 4, r = .6: 16.3 %. A hedged pair saves
1 - sqrt((1 - r) / 2): r = .9: 77.6 %, and 62.1 % where only 80 % of the difference is granted. On the frontier of
capital against insolvency portfolio margin dominates only while the engine's correlation is not above the world's.
Sources: EMIR (Commission Delegated Regulation (EU) 153/2013, art. 27) for the cap of 80 %; the closed forms follow
from margin proportional to the standard deviation.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from experiments.drawing import Picture, canvas, look, png
from experiments.statistics import Estimate, wilson_interval
from simulation.arrays import Array, Mask, column_sum
from simulation.board import Board, Book, Listed
from simulation.margin.base import MarginRule, Opening
from simulation.margin.value_at_risk import ValueAtRiskMargin
from simulation.random import Streams
from simulation.rule import load_rules

REGIMES = ("isolated", "cross", "portfolio")
LEVELS = (0.8, 0.9, 0.95, 0.98, 0.99, 0.995)
_VOLATILITY = 0.02  # of a step
_PRICE = 100.0
load_rules("simulation.margin")


def long_saving(markets: int, correlation: float) -> float:
    """Return 1 - sqrt((1 + (K - 1) r) / K): what an equal long book of K markets saves."""
    return 1.0 - float(np.sqrt((1.0 + (markets - 1) * correlation) / markets))


def hedge_saving(correlation: float, offset_cap: float = 1.0) -> float:
    """Return cap * (1 - sqrt((1 - r) / 2)): what a hedged pair saves."""
    return offset_cap * (1.0 - float(np.sqrt((1.0 - correlation) / 2.0)))


def saving(book: Array, margin: dict[str, Any]) -> float:
    """Return 1 - requirement / sum of stand-alone requirements of exposures `book` (m,) under a rule.

    The rule is `portfolio` or `value_at_risk`, of equal volatility in all markets.
    """
    rule = MarginRule.parse(margin)
    if isinstance(rule, ValueAtRiskMargin):
        return 1.0 - float(_asked(rule, book[None, :])[0] / column_sum(_alone(rule, book[None, :]))[0])
    return 1.0 - float(rule.pooled(book[None, :])[0] / np.abs(book).sum())


def run(correlations: tuple[float, ...] = (0.0, 0.3, 0.6, 0.9)) -> pd.DataFrame:
    """Return savings by book and correlation: closed form, portfolio grid, Value at Risk, grid under an 80 % cap."""
    rows = []
    for rho in correlations:
        books = {f"{k} longs": (np.ones(k), long_saving(k, rho)) for k in (2, 4, 10)}
        books["hedged pair"] = (np.array([1.0, -1.0]), hedge_saving(rho))
        for name, (book, expected) in books.items():
            found = {kind: saving(book, {"kind": kind, "correlation": rho}) for kind in ("portfolio", "value_at_risk")}
            capped = saving(book, {"kind": "portfolio", "correlation": rho, "offset_cap": 0.8})
            rows.append({"book": name, "correlation": rho, "expected": expected, **found, "capped": capped})
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class Crowd:
    """Random books of `markets` markets: each position long with probability `long_share`, sizes lognormal."""

    books: int = 4_000
    markets: int = 4
    long_share: float = 0.5
    seed: int = 1

    def exposures(self) -> Array:
        """Return exposures (books, markets), dollars."""
        return self._sides() * self._table("size", np.exp)

    def losses(self, exposure: Array, correlation: float) -> Array:
        """Return the loss (books, markets) of each position in one step of a world of one common `correlation`."""
        common = Streams(self.seed).normal("efficiency/common", 0, self.books)[:, None]
        own = self._table("own", np.asarray)
        moves = np.sqrt(correlation) * common + np.sqrt(1.0 - correlation) * own
        return -exposure * moves * _VOLATILITY

    def _sides(self) -> Array:
        uniform = Streams(self.seed).uniform("efficiency/side", 0, self.books * self.markets)
        return np.where(uniform < self.long_share, 1.0, -1.0).reshape(self.books, self.markets)

    def _table(self, what: str, shape: Any) -> Array:
        drawn = Streams(self.seed).normal(f"efficiency/{what}", 0, self.books * self.markets)
        return shape(drawn).reshape(self.books, self.markets)


def frontier(engine: float, world: float, crowd: Crowd = Crowd(), levels: tuple[float, ...] = LEVELS) -> pd.DataFrame:
    """Return capital per notional and insolvency (share of books with interval) by regime and confidence level.

    Isolated: a book is insolvent when any position loses more than its own margin; otherwise when all lose more than
    the book's. The world's correlation is at least 0.
    """
    exposure = crowd.exposures()
    losses, gross = crowd.losses(exposure, world), float(np.abs(exposure).sum())
    rows = []
    for level in levels:
        rule = ValueAtRiskMargin.model_validate({"correlation": engine, "confidence": level})
        for regime in REGIMES:
            capital, broke = _insolvent(rule, exposure, losses, regime)
            share: Estimate = wilson_interval(int(broke.sum()), len(broke))
            found = {"capital": capital / gross, "insolvency": share.value, "low": share.low, "high": share.high}
            rows.append({"regime": regime, "confidence": level, **found})
    return pd.DataFrame(rows)


def capital_at(table: pd.DataFrame, insolvency: float) -> dict[str, float]:
    """Return the capital per notional that each regime of a `frontier` needs for one probability of insolvency.

    Interpolated in its logarithm; nan where the regime never gets there.
    """
    needed = {}
    for regime, rows in table.groupby("regime", sort=False):
        seen = rows["insolvency"].to_numpy(float)
        order = [i for i in np.argsort(seen) if seen[i] > 0.0]
        at, capital = np.log(seen[order]), rows["capital"].to_numpy(float)[order]
        inside = len(at) > 0 and at[0] <= np.log(insolvency) <= at[-1]
        needed[str(regime)] = float(np.interp(np.log(insolvency), at, capital)) if inside else float("nan")
    return needed


def plot(engine: float = 0.6, worlds: tuple[float, float] = (0.6, 0.1)) -> Picture:
    """Draw the frontier where the engine's correlation is right and where it is too high."""
    with canvas(9.0, 4.0) as figure:
        for axis, world in zip(figure.subplots(1, 2, sharey=True), worlds, strict=True):
            table = frontier(engine, world)
            for regime, rows in table[table["insolvency"] > 0.0].groupby("regime", sort=False):
                style, share = look(str(regime)), 100.0 * rows["insolvency"]
                spread = [share - 100.0 * rows["low"], 100.0 * rows["high"] - share]
                shape = {"color": style.colour, "linestyle": style.line, "marker": style.marker, "label": str(regime)}
                axis.errorbar(100.0 * rows["capital"], share, yerr=spread, capsize=2, **shape)
            axis.set(title=f"world {world:g}, engine {engine:g}", xlabel="margin, % of notional", yscale="log")
            axis.legend()
        figure.axes[0].set_ylabel("insolvent books, %")
        picture = png(figure)
    caption = f"{Crowd().books:,} random books of four markets, one step of normal returns, 95 % Wilson intervals; "
    caption += "levels at which no book was insolvent are left out."
    return Picture("frontier", "Capital against insolvency", caption, picture)


def _insolvent(rule: ValueAtRiskMargin, exposure: Array, losses: Array, regime: str) -> tuple[float, Mask]:
    """Return the capital, dollars, and which books (r,) are insolvent."""
    alone = _alone(rule, exposure)
    if regime == "isolated":
        return float(alone.sum()), np.asarray((losses > alone).any(axis=1))
    margin = column_sum(alone) if regime == "cross" else _asked(rule, exposure)
    return float(margin.sum()), np.asarray(column_sum(losses) > margin)


def _alone(rule: ValueAtRiskMargin, exposure: Array) -> Array:
    """Return the requirement (r, m) of each position by itself."""
    only = np.eye(exposure.shape[1])
    return np.stack([_asked(rule, exposure * one) for one in only], axis=1)


def _asked(rule: ValueAtRiskMargin, exposure: Array) -> Array:
    """Return the maintenance requirement (r,) of `exposure` (r, m), every market of the same volatility."""
    m = exposure.shape[1]
    listed, price = Listed.plain(tuple(f"M{k}" for k in range(m))), np.full(m, _PRICE)
    opened = rule.opened(Opening(listed, price, np.full(m, np.inf), np.full(m, _VOLATILITY**2)))
    book = Book.of(np.zeros(len(exposure)), exposure / price, price)
    return opened.requirement(book, Board.at(listed, price), "maintenance")
