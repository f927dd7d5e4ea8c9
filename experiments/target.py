"""What a validation target is made of: expected against simulated, with the tolerance stated beforehand."""

import functools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from agents.cast import StandardCast, check_population
from agents.handles import forget
from simulation.arrays import Array
from simulation.model import MarketModel
from simulation.scenario import Scenario

SIGMAS = 4.0  # width of every statistical tolerance, in standard errors
ROUNDING = 1e-9  # of theory itself, computed in floating point
_MANY = 1_000  # runs, from which a standard error is as good as known
_NORMAL = 25.0  # expected successes from which a share counts as normal
AMPLE = 1e9  # dollars; a fund that pays every deficit, so that nobody's losses reach anybody else


@dataclass(frozen=True)
class Check:
    """One number held against theory. `standard_error` is 0 where theory is exact for every single run."""

    name: str
    expected: float
    simulated: float
    standard_error: float
    tolerance: float

    @property
    def passed(self) -> bool:
        """Whether the simulated number lies within the tolerance; a NaN never does."""
        return abs(self.simulated - self.expected) <= self.tolerance + ROUNDING


def mean_check(name: str, expected: float, values: Array, slack: float = 0.0, spread: float = 0.0) -> Check:
    """Return the check of a mean over independent runs: 4 standard errors plus `slack`, relative.

    Of few runs the standard error is itself an estimate, and it is as many as Student's t exceeds as seldom as a normal
    number exceeds 4 (4.6 for 40 runs).

    `spread` is the standard deviation that theory gives one value, where it is known: what never happened in these
    runs has shown none, and the larger of both counts.
    """
    n, seen = len(values), float(values.std(ddof=1))
    error = max(seen, spread) / math.sqrt(n)
    width = max(_wide(n - 1) * seen, SIGMAS * spread) / math.sqrt(n)
    return Check(name, expected, float(values.mean()), error, width + slack * abs(expected))


@functools.cache
def _wide(freedom: int) -> float:
    """Return the quantile of Student's t that is exceeded as seldom as a normal number exceeds its 4 deviations."""
    from scipy.stats import norm, t

    return SIGMAS if freedom > _MANY else float(t.isf(norm.sf(SIGMAS), freedom))


def variance_check(name: str, expected: float, values: Array, spread: float = 0.0) -> Check:
    """Return the check of a variance; its standard error comes from the fourth moment.

    `spread` is the standard deviation that theory gives (x - E x)^2, where it is known: what is rare may have been
    missed, and the larger of both counts.
    """
    centred = (values - values.mean()) ** 2
    error = max(float(centred.std(ddof=1)), spread) / math.sqrt(len(values))
    return Check(name, expected, float(values.var(ddof=1)), error, SIGMAS * error)


def share_check(name: str, expected: float, successes: int, n: int, slack: float = 0.0) -> Check:
    """Return the check of a probability from `successes` in `n` independent trials, at the expected spread.

    Where few successes, or few failures, are expected their number is far from normal, and the tolerance is what 4
    standard errors leave outside on that side of the exact binomial law.
    """
    error = math.sqrt(max(expected * (1.0 - expected), 0.0) / n)
    rare = min(expected, 1.0 - expected)
    width = max(SIGMAS * error, _few(rare, n) - rare) if 0.0 < rare * n < _NORMAL else SIGMAS * error
    return Check(name, expected, successes / n, error, width + slack)


def _few(rare: float, n: int) -> float:
    """Return the share of `n` trials that `rare` successes exceed as seldom as a normal number its 4 deviations."""
    from scipy.stats import binom, norm

    return float(binom.isf(norm.sf(SIGMAS), n, rare)) / n


def exact_check(name: str, expected: float, simulated: float, tolerance: float = 0.0) -> Check:
    """Return the check of an identity that holds in every run up to `tolerance`."""
    return Check(name, float(expected), float(simulated), 0.0, tolerance)


def verdict(checks: Sequence[Check]) -> bool:
    """Return whether all of them pass; no checks are no pass."""
    return bool(checks) and all(check.passed for check in checks)


def table(checks: Iterable[Check]) -> pd.DataFrame:
    """Return expected, simulated, standard error, tolerance and verdict, one row a check."""
    columns = ["check", "expected", "simulated", "standard_error", "tolerance", "passed"]
    rows = [(c.name, c.expected, c.simulated, c.standard_error, c.tolerance, c.passed) for c in checks]
    return pd.DataFrame(rows, columns=columns)


def bare_scenario(**parts: Any) -> Scenario:
    """Return a scenario without fees, penalties, deleveraging or fund limits; `parts` are its fields."""
    bare = {
        "name": "theory",
        "steps": 1,
        "fees": {"taker_rate": 0.0},
        "liquidation": {"kind": "full", "penalty_rate": 0.0},
        "deleveraging": {"kind": "off"},
        "margin": {"kind": "cross"},
        "insurance_fund": AMPLE,
        "price": {"kind": "flat"},
        "impact": {"kind": "none"},
    }
    scenario = Scenario.from_dict({**bare, **parts})
    check_population(scenario)
    return scenario


def played(scenario: Scenario) -> MarketModel:
    """Return the model after its run."""
    model = opened(scenario)
    model.run()
    return model


def opened(scenario: Scenario) -> MarketModel:
    """Return the model before its first step."""
    model = MarketModel(scenario, _cast())
    forget(model)  # many models are made here; none should outlive its use
    return model


def groups_by_name(model: MarketModel) -> dict[str, Any]:
    """Return the trader groups; the order of their rows is the model's own business."""
    return {group.name: group for group in model.groups}


@functools.cache
def _cast() -> StandardCast:
    return StandardCast()


def one_tier(maintenance_rate: float) -> list[dict[str, float]]:
    """Return the tiers of a market with one maintenance rate; the initial rate binds nobody here."""
    return [{"maintenance_rate": maintenance_rate, "initial_rate": maintenance_rate}]


def batches(total: int, size: int) -> list[int]:
    """Return how many replications go into each run, at most `size` side by side."""
    full, rest = divmod(total, size)
    return [size] * full + ([rest] if rest else [])


def distinct_seed(seed: int, run: int) -> int:
    """Return a seed of its own for each run under each `seed`."""
    return seed * 2**32 + run


def total_variation(pmf: Array, values: Array) -> Check:
    """Return the distance of the empirical law of whole numbers `values` (n,) to `pmf`, (1/2) sum |f - p|.

    Sampling alone makes it sum sqrt(p (1 - p) / (2 pi n)) on average, with standard deviation about
    (1/2) sqrt((1 - 2 / pi) / n); expected is that average, the tolerance 4 standard deviations.
    """
    n = len(values)
    seen = np.bincount(values.astype(np.intp), minlength=len(pmf)) / n
    law = np.concatenate([pmf, np.zeros(len(seen) - len(pmf))])
    distance = 0.5 * float(np.abs(seen - law).sum())
    noise = float(np.sqrt(pmf * (1.0 - pmf) / (2.0 * math.pi * n)).sum())
    error = 0.5 * math.sqrt((1.0 - 2.0 / math.pi) / n)
    return Check("total variation", noise, distance, error, SIGMAS * error)
