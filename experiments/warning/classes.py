"""Account classes of the live book as a network: who endangers whom through prices, before anything happens.

Question: which class of accounts would hurt the others most, and which would be hurt most, if it had to sell? Method:
of every class c the net holdings Pi (c, k), gross notional A and equity E; L is the log move of a mark per dollar sold
now. Overlap Omega_cd = sum_k Pi_ck L_k Pi_dk is what d loses if c sells all it holds. DebtRank takes Omega_cd / E_d as
what c in full distress passes on to d, no less than 0, within 1 in the end; fire-sale numbers suppose that classes keep
their leverage after a common fall of all prices by `FALL`. Expected: segregated or small classes hurt nobody.
Sources: R. Cont & E. Schaanning, J. Banking & Finance 104 (2019) 85-102; R. Greenwood, A. Landier & D. Thesmar, J.
Financial Economics 115 (2015) 471-485; M. Bardoscia et al., PLoS ONE 10 (2015) e0130406.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from experiments.warning.debt_rank import debt_rank, linear_debt_rank
from experiments.warning.early_warning import LiveBook
from experiments.warning.fire_sale import FireSale, overlap
from simulation.arrays import Array
from simulation.model import MarketModel

FALL = 0.01  # relative, of every price; a choice: the usual unit of sensitivities
COLUMNS = {
    "gross": "gross notional of the class, dollars",
    "equity": "its equity, dollars",
    "leverage": "gross notional over equity; NaN without equity",
    "connectedness": "dollars lost by all classes per dollar that it sells, spread as it holds (gamma)",
    "systemicness": "equity that all lose to its sales after a fall of 1 %, over the equity of all (S)",
    "indirect_vulnerability": "own equity lost to everybody's sales after a fall of 1 %, over its own equity (IV)",
    "indirect_contagion": "dollars that the other classes lose if it is liquidated in full",
    "debt_rank": "equity in distress beyond its own if it is in full distress, over the equity of all",
}


@dataclass(frozen=True)
class ClassNetwork:
    """Classes with positions and equity: `names` (c,), `holdings` (c, m) dollars, `gross`, `equity` (c,) dollars,
    `slope` (m,) log move per dollar sold.
    """

    names: tuple[str, ...]
    holdings: Array
    gross: Array
    equity: Array
    slope: Array

    @property
    def omega(self) -> Array:
        """Return Omega (c, c), dollars lost by the column's class if the row's sells all it holds."""
        deep = np.full(len(self.slope), np.inf)  # a mark that no sale moves
        return overlap(self.holdings, np.divide(1.0, self.slope, out=deep, where=self.slope > 0.0))

    @property
    def fire_sale(self) -> FireSale:
        """Return the fire-sale algebra of the classes after a common fall by `FALL`."""
        weights = self.holdings / self.gross[:, None]
        return FireSale(self.gross, self.equity, weights, self.slope, np.full(len(self.slope), -FALL))

    @property
    def aggregate_vulnerability(self) -> float:
        """Return AV: equity lost to the first round of sales after a fall by `FALL`, over all equity; a loss is > 0."""
        return -self.fire_sale.aggregate_vulnerability if len(self.names) else np.nan

    def table(self) -> pd.DataFrame:
        """Return one row a class: class and the numbers of `COLUMNS`."""
        if not self.names:
            return pd.DataFrame({name: [] for name in ("class", *COLUMNS)})
        sale, omega = self.fire_sale, self.omega
        value = self.equity / self.equity.sum()
        passed = np.clip(omega, 0.0, None) * (1.0 - np.eye(len(value))) / self.equity
        seeds = np.eye(len(value))
        return pd.DataFrame(
            {
                "class": self.names,
                "gross": self.gross,
                "equity": self.equity,
                "leverage": self.gross / self.equity,
                "connectedness": sale.connectedness,
                "systemicness": -sale.systemicness,
                "indirect_vulnerability": -sale.indirect_vulnerability,
                "indirect_contagion": omega.sum(axis=1) - omega.diagonal(),
                "debt_rank": [debt_rank(linear_debt_rank(passed, seed), seed, value) for seed in seeds],
            }
        )


def class_network(model: MarketModel, book: LiveBook, slope: Array) -> ClassNetwork:
    """Return the trader groups of `model` that hold something and have equity, as `book` sees them now."""
    equity = book.equity.sum(axis=1)
    names, holdings, gross, own = [], [], [], []
    for group in model.turns:
        mine = np.searchsorted(book.rows, group.rows)
        held, money = book.value[mine], float(equity[mine].sum())
        if np.abs(held).any() and money > 0.0:
            names.append(group.name)
            holdings.append(held.sum(axis=0))
            gross.append(float(np.abs(held).sum()))
            own.append(money)
    shape = (len(names), len(slope))
    return ClassNetwork(tuple(names), np.array(holdings).reshape(shape), np.array(gross), np.array(own), slope)
