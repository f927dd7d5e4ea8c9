"""The branching ratio of a scenario by five roads: how many further liquidations does one liquidation set off?

structural     spectral radius of the contagion matrix of the book at the end of the step before the first forced trade,
               the larger one of falling and of rising prices; of the opening book where nothing is forced
generational   sum_{g >= 2} G_g / sum_{g >= 1} G_g over the generations of the cascade forest
amplification  1 - E[G_1] / E[S], G_1 the pools liquidated in the twin: the same storm without impact
counts         1 - sqrt(mean / variance) of the number of pools liquidated in a storm; assumes that storms differ by
               chance only, so that it is too high where the shocks themselves differ
likelihood     n of the Hawkes process that makes the times of liquidations within a run most likely; rounds are taken
               to divide their step evenly, and the pools of a round the round

Where liquidation prices are uniform and impact is linear (target T1) the first four agree: the mean of S is G_1 / (1-n)
and its variance G_1 / (1-n)^3. Sources: T. E. Harris, The Theory of Branching Processes (1963); S. Hardiman & J.-P.
Bouchaud, Phys. Rev. E 90 (2014) 062807; V. Filimonov & D. Sornette, Phys. Rev. E 85 (2012) 056108.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from agents.cast import StandardCast
from agents.handles import forget
from experiments.graph.branching import fitted, ratio_of_counts
from experiments.graph.contagion import cascade_forest, ledger_of
from experiments.ratios import total_ratio
from experiments.record.observed import Observed
from experiments.run import Run
from experiments.statistics import ONE_RUN, Estimate, mean_interval, resample, undefined
from experiments.warning.early_warning import WINDOW, LiveBook
from simulation.arrays import Array

FEWEST_EVENTS, FEWEST_STEPS = 50, 10  # of a likelihood fit
NAMES = ("structural", "generational", "amplification", "counts", "likelihood")


@dataclass(frozen=True)
class Ratios:
    """Branching ratios, no unit, with 95 % intervals over storms; NaN with a reason where undefined."""

    structural: Estimate
    generational: Estimate
    amplification: Estimate
    counts: Estimate
    likelihood: Estimate

    @property
    def table(self) -> pd.DataFrame:
        """Return one row a road: road, value, low, high, storms, reason."""
        found = [getattr(self, name) for name in NAMES]
        columns = {key: [getattr(item, key) for item in found] for key in ("value", "low", "high", "n", "reason")}
        return pd.DataFrame({"road": NAMES} | columns).rename(columns={"n": "storms"}).astype({"road": "str"})

    def __str__(self) -> str:
        """Return one line a road."""
        return "\n".join(f"  {name:<14} {getattr(self, name).text()}" for name in NAMES)


def ratios(runs: Sequence[Run], twins: Sequence[Run], radii: Sequence[float]) -> Ratios:
    """Return the ratios of `runs`, of their impact-free `twins` and of the radii of their books before."""
    generations = [cascade_forest(run).generations for run in runs]
    sizes = np.array([found.sum() for found in generations], float)
    first = np.array([found[:1].sum() for found in generations], float)
    alone = np.array([cascade_forest(run).generations.sum() for run in twins], float)
    return Ratios(
        structural(radii),
        _less(first, sizes),
        _less(alone, sizes),
        by_counts(sizes),
        mean_of_fits([likelihood(run) for run in runs]),
    )


def structural(radii: Sequence[float]) -> Estimate:
    """Return the mean radius over storms; its reason tells in how many nothing fed back: nobody near, or no impact."""
    found, empty = mean_interval(list(radii)), sum(radius == 0.0 for radius in radii)
    if not empty:
        return found
    said = f"in {empty} of {len(radii)} a move of {100.0 * WINDOW:g} % would set off nothing that feeds back"
    return replace(found, reason="; ".join(filter(None, [found.reason, said])))


def radius_before(run: Run) -> float:
    """Return the spectral radius of the contagion matrix of the book before the first forced trade of a run."""
    steps = int(run.events["step"].iloc[0]) - 1 if len(run.events) else 0
    model = Observed(run.scenario, StandardCast())
    try:
        for _ in range(steps):
            model.step()
        book = LiveBook(model)
        return max(book.warning(WINDOW, "down").radius, book.warning(WINDOW, "up").radius)
    finally:
        forget(model)


def _less(part: Array, total: Array) -> Estimate:
    """Return 1 - sum(part) / sum(total) with its interval over storms."""
    if not total.sum():
        return undefined(len(total), "ratio of totals over storms", "nothing was liquidated")
    found = total_ratio(part, total)
    why = found.reason if found.reason in ("", ONE_RUN) else "no interval: too few storms with a liquidation"
    return Estimate(1.0 - found.value, 1.0 - found.high, 1.0 - found.low, found.n, found.method, why)


def by_counts(sizes: Array) -> Estimate:
    """Return 1 - sqrt(mean / variance) of the counts (n,) of storms with its percentile bootstrap interval."""
    method, n = "counts per storm, bootstrap 95 %", len(sizes)
    value, why = (math.nan, ONE_RUN) if n < 2 else ratio_of_counts(sizes)
    if why:
        return undefined(n, method, why)
    draws = resample(np.sort(sizes), _dispersion, seed=0)
    low, high = np.quantile(draws[np.isfinite(draws)], [0.025, 0.975])
    return Estimate(value, float(low), float(high), n, method)


def _dispersion(rows: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        return 1.0 - np.sqrt(rows.mean(axis=1) / rows.var(axis=1, ddof=1))


def likelihood(run: Run) -> tuple[float, str]:
    """Return the n of the fitted Hawkes process of one run, and why it is NaN or ""."""
    times = event_times(run)
    steps = len(np.unique(np.floor(times)))
    if len(times) < FEWEST_EVENTS or steps < FEWEST_STEPS:
        seen = f"{len(times)} in {steps}"
        return math.nan, f"needs {FEWEST_EVENTS} liquidated pools in {FEWEST_STEPS} different steps (got {seen})"
    return fitted(times, float(run.scenario.steps)).ratio, ""


def event_times(run: Run) -> Array:
    """Return the rising times of all liquidations of pools, steps from the start; further closes do not count."""
    closings, forest = ledger_of(run).closings, cascade_forest(run)
    step, round_ = (column[~forest.continues] for column in (closings.step, closings.round))
    if not len(step):
        return np.empty(0)
    rounds = np.zeros(int(closings.step.max()) + 1)
    np.maximum.at(rounds, closings.step, closings.round + 1.0)
    slot = np.stack([step, round_])
    _, first, which, count = np.unique(slot, axis=1, return_index=True, return_inverse=True, return_counts=True)
    inside = (np.arange(len(step)) - first[which.ravel()] + 0.5) / count[which.ravel()]
    return step - 1.0 + (round_ + inside) / rounds[step]


def mean_of_fits(found: Sequence[tuple[float, str]]) -> Estimate:
    """Return the mean over the storms that have a value; the first reason where none has."""
    value = np.array([item for item, _ in found])
    if not np.isfinite(value).any():
        return undefined(len(found), "mean of fits", found[0][1] if found else "no runs")
    return mean_interval(value, skip_undefined=True)
