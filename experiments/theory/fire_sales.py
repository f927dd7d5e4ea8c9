"""Target T3: owners who keep their leverage and so sell what fell, one round of it and all rounds."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from experiments.target import Check, exact_check
from experiments.theory.execution import market
from experiments.theory.suite import Target
from experiments.warning.fire_sale import FireSale
from simulation.arrays import Array
from simulation.random import Streams

_PRICE = 100.0  # dollars
_ROUNDS = 2_000


class FireSaleMatrix(Target):
    """T3."""

    name: ClassVar[str] = "T3"
    title: ClassVar[str] = "Leverage targeting: one round of fire sales, and all of them"
    source: ClassVar[str] = "R. Greenwood, A. Landier & D. Thesmar, J. Financial Economics 115 (2015) 471-485"
    formula: ClassVar[str] = "K = M L M'A B; R2 = K R1; AV = 1'A R2 / E; to rest (I - K)^-1 R1"

    owners: int = Field(12, ge=1, le=500, description="N, who keep debt over equity")
    assets: int = Field(5, ge=1, le=100, description="K")
    leverage: float = Field(8.0, gt=1.05, le=100.0, description="assets over equity, on average")
    radius: float = Field(0.6, gt=0.0, le=0.95, description="spectral radius of K")
    shock: float = Field(-1e-4, ge=-1e-3, lt=0.0, description="of the first asset, relative; small, as K is linear")
    seed: int = Field(1, ge=0, description="of the portfolios")

    def run(self) -> list[Check]:
        """Return first-round vulnerability, the total, and the owner furthest off."""
        book = self.book()
        rounds = self._rounds(book)
        total, second = rounds.sum(axis=0), rounds[1]
        wealth, equity = book.assets, float(book.equity.sum())
        lost, first = float(wealth @ book.at_rest), float(wealth @ book.direct)
        off = np.abs(second - book.rounds(2)[1]).max() / np.abs(book.rounds(2)[1]).max()
        rest = np.abs(total - book.at_rest).max() / np.abs(book.at_rest).max()
        vulnerable = book.aggregate_vulnerability
        return [
            exact_check("AV, one round", vulnerable, float(wealth @ second) / equity, 0.01 * abs(vulnerable)),
            exact_check("amplification to rest", lost / first, float(wealth @ total) / first, 0.02 * lost / first),
            exact_check("owner furthest off, one round", 0.0, float(off), 0.01),
            exact_check("owner furthest off, to rest", 0.0, float(rest), 0.02),
            exact_check("sum of systemicness", vulnerable, float(book.systemicness.sum()), 1e-12),
        ]

    def book(self) -> FireSale:
        """Return random portfolios whose K has the radius asked for."""
        streams, n, k = Streams(self.seed), self.owners, self.assets
        size, debt, split = (streams.uniform(f"fire/{what}", 0, n * k) for what in ("size", "debt", "split"))
        assets = 1e6 * (0.5 + size[:n])
        equity = assets / (1.0 + (self.leverage - 1.0) * (0.5 + debt[:n]))
        weights = split.reshape(n, k) + 0.05
        impact = (0.5 + size[-k:]) * 1e-9
        shock = np.where(np.arange(k) == 0, self.shock, 0.0)
        made = FireSale(assets, equity, weights / weights.sum(axis=1)[:, None], impact, shock)
        return FireSale(assets, equity, made.weights, impact * self.radius / made.radius, shock)

    def _rounds(self, book: FireSale) -> Array:
        """Return the portfolios' returns (rounds, n), the shock first, with all sales made in the engine's market."""
        path = np.full((2, self.assets), _PRICE) * np.vstack([np.ones(self.assets), 1.0 + book.shock])
        place = market({"kind": "linear"}, path, "before", 1.0 / book.impact)
        before = place.mid.copy()
        place.advance()
        found = [book.weights @ (place.mid / before - 1.0)]
        while len(found) < _ROUNDS and np.abs(found[-1]).max() > 1e-9 * np.abs(found[0]).max():
            before = place.mid.copy()
            dollars = book.weights.T @ (book.assets * book.leverage * found[-1])
            place.absorb(dollars / place.index_price, forced=True)
            found.append(book.weights @ (place.mid / before - 1.0))
        return np.array(found)
