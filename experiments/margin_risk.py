"""What pooling does to one trader: the same book on the same storms, once in isolated, once in cross margin.

Isolated margin caps the loss of a position at the margin posted for it; cross margin lets all equity defend all
positions. There is no price impact here: nobody's liquidation matters to anybody else.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from experiments.paired import paired_difference
from experiments.statistics import Estimate
from experiments.target import bare_scenario, opened
from simulation.accounts import SHARED
from simulation.arrays import Array, Index
from simulation.model import MarketModel
from simulation.scenario import Scenario

DAY = 86_400.0
RUIN = 0.4  # share of the deposit whose loss counts as ruin


@dataclass(frozen=True)
class Book:
    """Positions of one trader: dollars in each market per dollar of the mean deposit, signed.

    correlation of the markets' returns; step_spread is the standard deviation of a step's return; tail_index of the
    Student-t shocks; deposits differ by +-`spread` from trader to trader, in shares.
    """

    weights: tuple[float, ...] = (2.075, 2.075, 2.075, 2.075)
    correlation: float = 0.3
    steps: int = 40
    step_spread: float = 0.02
    tail_index: float = 4.0
    spread: float = 0.3
    maintenance_rate: float = 0.05
    isolated: tuple[int, ...] = ()

    def scenario(self, regime: str, traders: int = 40) -> Scenario:
        """Return the scenario of `traders` with this book, under the margin rule `regime`."""
        names, price, deposit = [f"M{k}" for k in range(len(self.weights))], 100.0, 10_000.0
        tier = {"maintenance_rate": self.maintenance_rate, "initial_rate": 2.0 * self.maintenance_rate}
        volatility = self.step_spread * np.sqrt(365.0)
        return bare_scenario(
            name="margin-risk",
            steps=self.steps,
            step_seconds=DAY,
            markets=[{"name": n, "price": price, "volatility": float(volatility), "tiers": [tier]} for n in names],
            price={"kind": "student_t", "correlation": self.correlation, "tail_index": self.tail_index},
            margin={"kind": regime},
            population=[
                {
                    "kind": "book",
                    "name": "traders",
                    "count": traders,
                    "isolated": [names[k] for k in self.isolated],
                    "deposit": {
                        "kind": "uniform",
                        "low": deposit * (1.0 - self.spread),
                        "high": deposit * (1.0 + self.spread),
                    },
                    "units": {n: w * deposit / price for n, w in zip(names, self.weights, strict=True)},
                }
            ],
        )


FOUR_LONGS = Book()
HEDGED_PAIR = Book(weights=(4.15, -4.15), correlation=0.9)
ONE_POSITION = Book(weights=(8.3,), correlation=0.0)  # the control: one pool is one pool
# A core holding without leverage and a bet of five times its size; `TICKET_APART` holds the bet in a pool of its own.
TICKET = Book(weights=(0.5, 5.0), correlation=0.3, spread=0.2)
TICKET_APART = Book(weights=(0.5, 5.0), correlation=0.3, spread=0.2, isolated=(1,))


def trader_outcomes(book: Book, regime: str, seeds: range) -> pd.DataFrame:
    """Return one row a storm: any_liquidation (share of traders hit), loss_given_liquidation (mean share of the
    deposit, NaN where nobody was hit), ruined (share who lost more than `RUIN`), largest_loss, core_kept (share whose
    position in the first market survived), excess_loss (dollars that any isolated position lost beyond its margin).
    """
    scenario = book.scenario(regime)
    return pd.DataFrame([_outcome(scenario.seeded(seed)) for seed in seeds], index=pd.Index(seeds, name="seed"))


def _outcome(scenario: Scenario) -> dict[str, float]:
    model = opened(scenario)
    rows = model.traders
    start, held, wallet = _equity(model, rows), model.accounts.position[rows], model.accounts.cash[rows, SHARED]
    model.run()
    loss = 1.0 - _equity(model, rows) / start
    hit = np.isin(rows, model.exchange.desk.log.events.row)
    return {
        "any_liquidation": float(hit.mean()),
        "loss_given_liquidation": float(loss[hit].mean()) if hit.any() else np.nan,
        "ruined": float((loss > RUIN).mean()),
        "largest_loss": float(loss.max()),
        "core_kept": float((model.accounts.position[rows, 0] == held[:, 0]).mean()),
        "excess_loss": _excess(model, rows, wallet),
    }


def _equity(model: MarketModel, rows: Index) -> Array:
    return model.engine.health(rows).equity.sum(axis=1)


def _excess(model: MarketModel, rows: Index, wallet: Array) -> float:
    """Return the most dollars that a closed isolated pool took from anywhere but the margin posted to it.

    Exactly 0 as long as no pool is negative and no wallet is below what it was; in cross margin there is one pool.
    """
    cash = model.accounts.cash[rows]
    if model.accounts.pools == 1:
        return 0.0
    closed = model.accounts.position[rows] == 0.0
    overdrawn = np.where(closed, np.maximum(-cash[:, 1:], 0.0), 0.0)
    return float(max(overdrawn.max(), np.maximum(wallet - cash[:, SHARED], 0.0).max()))


def pooled_less_isolated(book: Book, seeds: range) -> dict[str, Estimate]:
    """Return, for each outcome, its mean in cross less isolated margin over the same storms, with its interval."""
    return _differences(trader_outcomes(book, "cross", seeds), trader_outcomes(book, "isolated", seeds))


def ticket_apart_less_pooled(seeds: range) -> dict[str, Estimate]:
    """Return the outcomes of the lottery ticket in a pool of its own less those with everything in one pool."""
    return _differences(trader_outcomes(TICKET_APART, "cross", seeds), trader_outcomes(TICKET, "cross", seeds))


def _differences(a: pd.DataFrame, b: pd.DataFrame) -> dict[str, Estimate]:
    return {name: paired_difference(a[name].to_dict(), b[name].to_dict(), skip_undefined=True) for name in a}
