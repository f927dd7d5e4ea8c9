"""Margins that rise when nobody can pay: how much a margin model amplifies, and what the remedies cost.

Question: how fast do requirements of an unchanged book rise in a storm, and what do the anti-procyclicality tools of
European regulation change? Method: a book of constant exposure goes through a calm, a storm and a calm again; margins
follow an EWMA of the market's variance through the engine's own rule, with each tool. Measured as the Bank of England
does: peak to trough, largest rise in n steps, the rise in cash, average cost against the plain model, breaches.
Expected, in closed form for EWMA with memory L: one return of k standard deviations multiplies the margin by
sqrt(L + (1 - L) k^2) (at .94: 1.2166, 1.5620, 2.1863 for 3, 5, 8); n steps after variance goes from a^2 to b^2 its mean
is b^2 + L^n (a^2 - b^2), half-way after ln(1/2) / ln(L) steps (22.76 at .97); at rest Var v / s^4 = 2 (1 - L) / (1 + L)
for a variance v that hardly wanders. A buffer of 25 % divides peak to trough by 1.25; a weight of 25 % on a stressed
margin S and a floor both raise the trough. What they lower in procyclicality they cost in calm times.
Sources: D. Murphy, M. Vasios & N. Vause, Bank of England Financial Stability Paper 29 (2014) and Staff Working Paper
597 (2016); Commission Delegated Regulation (EU) 153/2013, art. 28.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from experiments.drawing import DARK, GREY, Picture, canvas, from_zero, look, png
from experiments.margin_backtest import Backtest, Held, backtest
from simulation.arrays import Array
from simulation.errors import InputError

HORIZONS = (1, 5, 30)  # steps, as in the Bank of England's papers
EWMA = {"kind": "ewma", "decay": 0.97}
TOOLS: dict[str, dict[str, float]] = {
    "none": {},
    "buffer 25 %": {"buffer_share": 0.25},
    "stress weight 25 %": {"stress_weight": 0.25},
    "floor": {"floor_share": 1.0},
}


def peak_to_trough(margin: Array) -> float:
    """Return max M / min M over the window (n,); NaN where the least margin is 0, against which nothing is measured."""
    return float(margin.max() / margin.min()) if margin.min() else math.nan


def largest_rise(margin: Array, steps: int) -> float:
    """Return max over t of M(t + `steps`) / M(t), the n-step procyclicality of a margin (n,) of a fixed book.

    NaN where some margin is 0, from which any rise is without bound.
    """
    _check_window(margin, steps)
    return float((margin[steps:] / margin[:-steps]).max()) if margin[:-steps].all() else math.nan


def liquidity_stress(margin: Array, equity: Array | float, steps: int) -> float:
    """Return max over t of (M(t + `steps`) - M(t)) / equity: the cash called within `steps`, as a share of equity.

    `equity` is one number or one a start, (n - steps,); NaN where it is 0, of which nothing is a share.
    """
    _check_window(margin, steps)
    return float(((margin[steps:] - margin[:-steps]) / equity).max()) if np.all(equity) else math.nan


def cost(margin: Array, plain: Array) -> float:
    """Return mean M / mean M of the plain model - 1: what a tool costs on average; NaN where that asks for nothing."""
    return float(margin.mean() / plain.mean() - 1.0) if plain.mean() else math.nan


def ewma_jump(decay: float, deviations: float) -> float:
    """Return by how much one return of `deviations` standard deviations multiplies an EWMA margin at rest."""
    return math.sqrt(decay + (1.0 - decay) * deviations**2)


def ewma_mean(decay: float, before: float, after: float, steps: int) -> float:
    """Return the mean EWMA variance `steps` after the true variance went from `before` to `after`."""
    return after + decay**steps * (before - after)


def half_life_steps(decay: float) -> float:
    """Return after how many steps half of a change in variance has arrived in the EWMA."""
    return math.log(0.5) / math.log(decay)


def ewma_noise(decay: float) -> float:
    """Return Var v / s^4 of the EWMA v of independent normal returns of variance s^2."""
    return 2.0 * (1.0 - decay) / (1.0 + decay)


ONE_LONG = Held((1e4,), volatility=0.6)


@dataclass(frozen=True)
class Storm:
    """Calm, storm, calm: after `calm_steps` volatility is `scale` times the normal one for `storm_steps`."""

    held: Held = ONE_LONG
    scale: float = 3.0
    calm_steps: int = 500
    storm_steps: int = 60

    def price(self) -> dict[str, Any]:
        """Return the price process."""
        levels = [[self.calm_steps, self.scale], [self.calm_steps + self.storm_steps, 1.0]]
        return {"kind": "bridge", "waypoints": {}, "noise_level": levels}

    def margins(self, anti: dict[str, float], seed: int = 1, **margin: Any) -> Backtest:
        """Return requirements and losses through the storm under the tools `anti`."""
        rule = {"kind": "value_at_risk", "update": EWMA, "anti_procyclical": anti, **margin}
        return backtest(self.held, rule, self.price(), 2 * self.calm_steps + self.storm_steps, seed)


def measures(found: Backtest, plain: Backtest, equity: float) -> dict[str, float]:
    """Return the measures of one margin series beside the plain model's; `equity` in dollars."""
    margin = found.requirement
    rises = {f"rise in {n}": largest_rise(margin, n) for n in HORIZONS}
    return {
        "peak to trough": peak_to_trough(margin),
        **rises,
        "cash called in 5": liquidity_stress(margin, equity, 5),
        "cost": cost(margin, plain.requirement),
        "breaches": found.share.value,
    }


def run(seeds: range = range(1, 11), storm: Storm = Storm()) -> pd.DataFrame:
    """Return the mean measures over storms, one row a tool; cash called is in shares of twice the average margin."""
    rows = []
    for seed in seeds:
        plain = storm.margins({}, seed)
        equity = 2.0 * float(plain.requirement.mean())
        for name, anti in TOOLS.items():
            found = plain if not anti else storm.margins(anti, seed)
            rows.append({"tool": name, **measures(found, plain, equity)})
    table = pd.DataFrame(rows)
    return pd.DataFrame(table.groupby("tool", sort=False).mean())


def plot(seed: int = 1, storm: Storm = Storm()) -> Picture:
    """Draw the requirement of one book through one storm under each tool."""
    notional = sum(abs(size) for size in storm.held.exposure)
    with canvas(9.0, 4.0) as figure:
        axis = figure.subplots()
        for name, anti in TOOLS.items():
            style = look(name, tuple(TOOLS)[1:])
            drawn: dict[str, Any] = {"color": GREY, "linewidth": 2.5}
            if anti:
                drawn = {"color": style.colour, "linestyle": style.line}
            axis.plot(100.0 * storm.margins(anti, seed).requirement / notional, label=name, **drawn)
        axis.axvspan(storm.calm_steps, storm.calm_steps + storm.storm_steps, color=DARK, alpha=0.1, linewidth=0)
        axis.set(xlabel="steps", ylabel="requirement, % of notional")
        from_zero(axis, "y")
        axis.legend()
        picture = png(figure)
    caption = (
        f"One storm (grey: volatility times {storm.scale:g}), a book of constant exposure, margin of 99 % on an "
        "EWMA of memory .97. Tools raise the calm level, not the peak."
    )
    return Picture("procyclicality", "What anti-procyclicality tools change", caption, picture)


def _check_window(margin: Array, steps: int) -> None:
    if not 0 < steps < len(margin):
        raise InputError(f"steps: must be from 1 to {len(margin) - 1}, the window less 1 (got {steps})")
