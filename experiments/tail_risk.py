"""Tails over many storms: bad debt, depletion of the fund, and whose losses come when the system's do.

Every function takes one value a storm, losses positive, and says with an interval or a reason what can be known.
Sources: C. Acerbi & D. Tasche, J. Banking & Finance 26 (2002) 1487-1503 (ES); T. Adrian & M. Brunnermeier, "CoVaR",
American Economic Review 106 (2016) 1705-1741; V. Acharya, L. Pedersen, T. Philippon & M. Richardson, "Measuring
systemic risk", RFS 30 (2017) 2-47 (MES); S. Asmussen & H. Albrecher, Ruin Probabilities (2010).
"""

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import pandas as pd

from experiments.run import run
from experiments.statistics import (
    TAIL_RUNS,
    Estimate,
    bootstrap_mean,
    expected_shortfall,
    quantile_interval,
    resample,
    undefined,
    wilson_interval,
)
from simulation.arrays import Array
from simulation.errors import InputError
from simulation.scenario import Scenario

Values: TypeAlias = Sequence[float] | Array
_BOOTSTRAPS = 200  # resamples of a regression; a choice: each is a search
_GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0
_GOLDEN_STEPS = 80  # shrink the bracket by 0.618 each, to 2e-17 of it
LEVEL = 0.95


def bad_debt_tail(bad_debt: Values, seed: int = 0) -> dict[str, Estimate]:
    """Return P(BD > 0), mean, 95 % and 99 % quantile and ES 99 % of the bad debt of each storm.

    Unit: probability; dollars. Denominator: storms.
    """
    values = np.asarray(bad_debt, float)
    return {
        "P(BD > 0)": probability_of(np.where(np.isfinite(values), values > 0.0, values)),
        "mean": bootstrap_mean(values, seed),
        "quantile 95 %": quantile_interval(values, 0.95),
        "quantile 99 %": quantile_interval(values, 0.99),
        "ES 99 %": expected_shortfall(values, 0.99, seed),
    }


def probability_of(happened: Values) -> Estimate:
    """Return the share of storms in which something happened (1 or 0 each), with Wilson's interval.

    Of `fund_depleted` it is the depletion probability psi(u, T) = P(min over t <= T of F_t < 0).
    Unit: probability. Denominator: storms.
    """
    values = np.asarray(happened, float)
    if not np.isin(values, (0.0, 1.0)).all():
        return undefined(len(values), f"Wilson {100 * LEVEL:g} %", "some storms are neither 0 nor 1")
    return wilson_interval(int(values.sum()), len(values), LEVEL)


def least_fund(needed: Values, alpha: float) -> Estimate:
    """Return u_alpha, the least opening fund u with psi(u) <= alpha: the (1 - alpha)-quantile of `fund_needed`.

    Unit: dollars. Denominator: storms.
    """
    _check_q(alpha, "alpha")
    return quantile_interval(needed, 1.0 - alpha)


def group_losses(scenario: Scenario, seeds: Sequence[int]) -> pd.DataFrame:
    """Return deposits less equity at the end of each trader group, one row a storm of `seeds`; negative for a gain.

    Its columns are the parts of `marginal_shortfall` and `delta_covar`; its row sums go into `expected_shortfall`.
    Unit: dollars. Denominator: none.
    """
    rows = []
    for seed in seeds:
        accounts = run(scenario.with_(seed=seed)).accounts
        lost = np.asarray(accounts["deposited"], float) - np.asarray(accounts["equity"], float)
        group = np.asarray(accounts["group"])
        rows.append({name: float(lost[group == name].sum()) for name in (one.name for one in scenario.population)})
    return pd.DataFrame(rows, index=pd.Index(list(seeds), name="seed"))


def marginal_shortfall(losses: Array, part: int, q: float = 0.95) -> Estimate:
    """Return marginal ES_i = E[loss_i | system loss > VaR_q], system = sum of `losses` (n, parts) over parts.

    The marginal shortfalls of all parts add up to the mean system loss beyond VaR_q.
    Unit: dollars. Denominator: storms in which the system's loss exceeds VaR_q.
    """
    table, reason = _table(losses, part, q)
    method = f"marginal ES {100 * q:g} %"
    if reason:
        return undefined(len(table), method, reason)
    system = table.sum(axis=1)
    beyond = system > float(np.quantile(system, q, method="inverted_cdf"))
    if not beyond.any():
        return undefined(len(table), method, f"no system loss exceeds its {100 * q:g} % quantile")
    found = bootstrap_mean(table[beyond, part])
    return Estimate(found.value, found.low, found.high, len(table), f"{method}, {found.method}", found.reason)


def delta_covar(losses: Array, part: int, q: float = 0.95, seed: int = 0) -> Estimate:
    """Return Delta-CoVaR_i = VaR_q(system | i at its VaR_q) - VaR_q(system | i at its median).

    By linear quantile regression of the system's loss on loss_i: slope times (VaR_q(i) - median(i)). For normal losses
    it is rho s_system z_q. The system is the sum of `losses` (n, parts) over all parts; the interval is the percentile
    bootstrap over storms.
    Unit: dollars. Denominator: none.
    """
    table, reason = _table(losses, part, q)
    method = f"Delta-CoVaR {100 * q:g} %, quantile regression, bootstrap {100 * LEVEL:g} %"
    if reason:
        return undefined(len(table), method, reason)
    pairs = np.column_stack([table[:, part], table.sum(axis=1)])
    pairs = pairs[np.lexsort(pairs.T)]  # neither value nor bootstrap may see the order of storms
    value = _delta(pairs, q)
    if math.isnan(value):
        return undefined(len(table), method, "the part loses the same at its quantile and at its median")
    draws = resample(pairs, lambda rows: np.array([_delta(row, q) for row in rows]), seed, _BOOTSTRAPS)
    low, high = np.nanquantile(draws, [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0])
    return Estimate(value, float(low), float(high), len(table), method)


def quantile_regression(x: Array, y: Array, q: float) -> tuple[float, float]:
    """Return (a, b) that minimise sum rho_q(y - a - b x), rho_q(e) = e (q - 1[e < 0]), for x, y (n,); x must vary.

    For each slope the best a is the q-quantile of y - b x, and what is left is convex in b: golden-section search.
    Source: R. Koenker & G. Bassett, Econometrica 46 (1978) 33-50.
    """
    at = max(math.ceil(round(q * len(x), 9)), 1) - 1

    def best(b: float) -> tuple[float, float]:
        """Return the least loss at slope b, and its intercept."""
        rest = y - b * x
        a = float(np.partition(rest, at)[at])
        return float(((rest - a) * (q - (rest < a))).sum()), a

    width = 2.0 * (float(y.std()) or 1.0) / float(x.std())
    while min(best(-width)[0], best(width)[0]) < best(0.0)[0]:
        width *= 2.0
    low, high = -width, width
    for _ in range(_GOLDEN_STEPS):
        step = (high - low) * _GOLDEN
        if best(high - step)[0] <= best(low + step)[0]:
            high = low + step
        else:
            low = high - step
    slope = (low + high) / 2.0
    return best(slope)[1], slope


def _delta(pairs: Array, q: float) -> float:
    """Return Delta-CoVaR from `pairs` (n, 2) of the part's and the system's loss; NaN where the part does not vary."""
    high, middle = np.quantile(pairs[:, 0], [q, 0.5], method="inverted_cdf")
    if high == middle:
        return math.nan
    return quantile_regression(pairs[:, 0], pairs[:, 1], q)[1] * float(high - middle)


def _table(losses: Array, part: int, q: float) -> tuple[Array, str]:
    """Return the losses as a table, and why they cannot be used or ""."""
    _check_q(q, "q")
    table = np.asarray(losses, float)
    if table.ndim != 2 or not 0 <= part < table.shape[1]:
        raise InputError(f"losses: must be (storms, parts) with a part {part} (got shape {table.shape})")
    if not np.isfinite(table).all():
        return table, "some losses are not finite"
    needed = math.ceil(round(TAIL_RUNS / (1.0 - q), 9))
    return table, f"needs at least {needed} runs (got {len(table)})" if len(table) < needed else ""


def _check_q(q: float, name: str) -> None:
    if not 0.0 < q < 1.0:
        raise InputError(f"{name}: must be between 0 and 1, both excluded (got {q:g})")
