"""How long a market takes to come back: time to recovery of price, depth, open interest and margin ratio.

Question: how long after its worst is a market back where it would have been? Method: a run and its impact-free twin
on the same storm; gap(t) = |X_t - X^0_t| for each of four series X. With the trough at the largest gap,

    TTR_eps = inf{t > t_trough : gap(s) <= eps gap(t_trough) for all s in [t, t + h]} - t_trough.

A run that ends before is right-censored and reported as such; medians over storms are Kaplan and Meier's.
Expected: with exponential resilience, gap = exp(-rho t), ln(1 / eps) / rho. Sources: A. Obizhaeva & J. Wang, J.
Financial Markets 16 (2013) 1-32; E. Kaplan & P. Meier, J. American Statistical Association 53 (1958) 457-481.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agents.cast import StandardCast, check_population
from agents.handles import forget
from experiments.record.observed import Observed
from simulation.arrays import Array
from simulation.errors import InputError
from simulation.scenario import Scenario

SERIES = ("price", "depth", "open_interest", "margin_ratio")
EPS = 0.1  # of the largest gap; a choice
HOLD = 3  # steps that the gap has to stay small; a choice


@dataclass(frozen=True)
class Recovery:
    """Time to recovery, steps; where `censored`, the steps that were seen after the trough. NaN needs a `reason`."""

    steps: float
    censored: bool = False
    reason: str = ""


def time_to_recovery(gap: Array, eps: float = EPS, hold: int = HOLD) -> Recovery:
    """Return how many steps after its largest value `gap` (n,) >= 0 is and stays, `hold` steps, within eps of it.

    Right-censored where [t, t + hold] does not fit before the end; undefined where there never was a gap.
    Unit: steps. Denominator: none.
    """
    if not 0.0 < eps < 1.0 or hold < 0:
        raise InputError(f"eps: must be between 0 and 1, hold at least 0 (got {eps:g} and {hold})")
    if not len(gap) or not np.isfinite(gap).all() or not gap.any():
        return Recovery(math.nan, False, "there was no gap" if np.isfinite(gap).all() else "the gap is not finite")
    trough = int(np.argmax(gap))
    small = gap <= eps * gap[trough]
    for t in range(trough + 1, len(gap) - hold):
        if small[t : t + hold + 1].all():
            return Recovery(float(t - trough))
    return Recovery(float(len(gap) - 1 - trough), True, "right-censored: not recovered when the run ended")


def exponential_recovery(eps: float, rho: float) -> float:
    """Return ln(1 / eps) / rho, the time to recovery under exponential resilience at the rate rho, 1/time."""
    return math.log(1.0 / eps) / rho


@dataclass(frozen=True)
class MedianRecovery:
    """Median time to recovery over storms, steps; n storms with a gap, of which `censored` had not recovered."""

    median: float
    n: int
    censored: int
    reason: str = ""


def median_recovery(found: Sequence[Recovery]) -> MedianRecovery:
    """Return the Kaplan-Meier median of times to recovery; storms without a gap do not count.

    Unit: steps. Denominator: storms with a gap.
    """
    known = sorted((one.steps, one.censored) for one in found if not math.isnan(one.steps))
    n, late = len(known), sum(censored for _, censored in known)
    left = 1.0
    for i, (steps, censored) in enumerate(known):  # at equal times recoveries come first
        if not censored:
            left *= 1.0 - 1.0 / (n - i)
            if left <= 0.5 + 1e-12:
                return MedianRecovery(steps, n, late)
    reason = "too many storms had not recovered when they ended" if n else "no storm had a gap"
    return MedianRecovery(math.nan, n, late, reason)


def series_of(scenario: Scenario) -> dict[str, Array]:
    """Return, after every step of a run, price (steps + 1, m), the marks over their start, and (steps + 1, 1) each:
    depth and open_interest, dollars, and margin_ratio, equity over maintenance requirement of all traders together,
    NaN where nothing is required.
    """
    check_population(scenario)
    model = _Noted(scenario, StandardCast())
    try:
        model.run()
        mark, noted = model.market.history["mark"].copy(), np.array(model.noted)
        units = np.array([units for _, units in model.totals])
        open_interest = (units * mark)[:, ~model.market.listed.spot].sum(axis=1, keepdims=True)
        columns = mark / mark[0], noted[:, :1], open_interest, noted[:, 1:]
        return dict(zip(SERIES, columns, strict=True))
    finally:
        forget(model)


def recovery(scenario: Scenario, eps: float = EPS, hold: int = HOLD) -> dict[str, Recovery]:
    """Return the time to recovery of each series of `scenario` against its impact-free twin, prices averaged.

    Unit: steps. Denominator: none.
    """
    real, twin = series_of(scenario), series_of(scenario.with_(impact={"kind": "none"}))
    gaps = {name: np.abs(real[name] - twin[name]).mean(axis=1) for name in SERIES}
    return {name: time_to_recovery(gap, eps, hold) for name, gap in gaps.items()}


def recoveries(
    scenario: Scenario, seeds: Sequence[int], eps: float = EPS, hold: int = HOLD
) -> dict[str, MedianRecovery]:
    """Return the median time to recovery of each series over the storms `seeds`, censored ones counted."""
    found = [recovery(scenario.with_(seed=seed), eps, hold) for seed in seeds]
    return {name: median_recovery([one[name] for one in found]) for name in SERIES}


class _Noted(Observed):
    """The watched model that also notes depth and margin ratio, which costs one margin check of everybody a step."""

    def __init__(self, scenario: Scenario, cast: StandardCast) -> None:
        """Note the opening."""
        self.noted: list[tuple[float, float]] = []
        super().__init__(scenario, cast)

    def note(self) -> None:
        """Note the totals of this moment."""
        super().note()
        health = self.engine.health(self.traders)
        required = float(health.maintenance.sum())
        ratio = float(health.equity.sum()) / required if required else math.nan
        self.noted.append((float(self.market.depth.sum()), ratio))
