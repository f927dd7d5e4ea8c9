"""The impulse response of a venue: one market is shocked alone, and the others are watched.

Question: how far does a shock to one market move every other one, and is it the margin rule that carries it? Method:
the storm is played once as it is and once for every market i with the index of i alone moved by the simple return z
from a step on; all else is the same storm, so that what differs was caused by the shock. With S and S' the marks of
both,

    C_ij = d_j / ln(1 + z),    d_j = ln(S'_j / S_j) at the step of the horizon at which |ln(S'_j / S_j)| is largest

so that 1 on the diagonal is the shock itself, what is beyond 1 its amplification, and what is beside the diagonal
contagion; a market that moves against the shock has a negative C_ij. The horizon is short: long after, two storms that
once differed a little differ by chance. Expected: without price impact C is the identity; where every position stands
alone, losses are not shared and nobody trades several markets it is diagonal, exactly; pooled collateral fills it.
Sources: C. Sims, Econometrica 48 (1980) 1-48 (impulse responses); M. Brunnermeier & L. Pedersen, Review of Financial
Studies 22 (2009) 2201-2238, section 5 (commonality across assets of one margin).
"""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd

from agents.cast import StandardCast
from agents.handles import forget
from experiments.arms import Arm, Plan, spoken
from experiments.causes.source import source_of
from experiments.paired import paired_difference
from experiments.parallel import run_jobs
from experiments.statistics import Estimate, bootstrap_mean
from experiments.wording import counted, interval_text
from simulation.arrays import Array
from simulation.errors import InputError, nearest, shown
from simulation.model import MarketModel
from simulation.scenario import Scenario

MOST_MARKETS = 12
ALONE, POOLED = "isolated", "cross"


@dataclass(frozen=True)
class Shock:
    """The move of one market's index: a simple return `size` from `step` on, for ever, watched for `horizon` steps.

    `markets` are shocked in turn; without any, all that have an index of their own.
    """

    size: float = -0.05
    step: int = 1
    horizon: int = 10
    markets: tuple[str, ...] = ()

    def problems(self, scenario: Scenario) -> list[str]:
        """Return what does not fit the scenario."""
        found = []
        if not (-1.0 < self.size <= 10.0 and self.size != 0.0):
            found.append(f"shock: must be a return from above -1 to 10, and not 0 (got {shown(self.size)})")
        if not 1 <= self.step <= scenario.steps:
            found.append(f"step: must be 1 to {scenario.steps:,}, the last step (got {shown(self.step)})")
        if self.horizon < 1:
            found.append(f"horizon: must be at least 1 step (got {shown(self.horizon)})")
        return found

    def hits(self, scenario: Scenario, market: str) -> Scenario:
        """Return the scenario whose storm is the same but for this shock to `market`."""
        shock = {"step": self.step, "market": market, "size": self.size}
        base = scenario.price.model_dump(mode="json")
        return scenario.with_(price={"kind": "scripted", "base": base, "shocks": [shock]})


@dataclass(frozen=True)
class Impulse:
    """Responses to a shock of each market alone, on the same storms for every margin rule.

    markets: the names (k). seeds: the storms (n). paths: regime -> ln(S'_j / S_j) / ln(1 + z) of every storm, shocked
    market, step from the shock on, and market j, (n, k, h, k).
    """

    name: str
    shock: Shock
    markets: tuple[str, ...]
    seeds: tuple[int, ...]
    paths: dict[str, Array] = field(repr=False)

    @cached_property
    def responses(self) -> dict[str, Array]:
        """Return C of every regime and storm (n, k, k), rows shocked."""
        return {regime: peak(path) for regime, path in self.paths.items()}

    def cell(self, regime: str, shocked: str, market: str) -> Estimate:
        """Return one C_ij, mean over storms with its interval."""
        return bootstrap_mean(self.responses[regime][:, self.markets.index(shocked), self.markets.index(market)])

    def own(self, regime: str) -> Array:
        """Return the mean response (n,) of the shocked market itself, in every storm."""
        return own_of(self.responses[regime])

    def spilled(self, regime: str) -> Array:
        """Return how far all other markets together move (n,), mean over the shocked ones: the contagion index."""
        return others_of(self.responses[regime])

    def summary(self) -> pd.DataFrame:
        """Return one row a regime and measure: regime, measure (own, spilled), then value, low, high, storms.

        own_difference and spilled_difference are against the last regime, paired by storm.
        """
        last, rows = list(self.responses)[-1], []
        for regime in self.responses:
            for name, part in (("own", self.own), ("spilled", self.spilled)):
                found = {name: bootstrap_mean(part(regime))}
                if regime != last:
                    found[f"{name}_difference"] = paired_difference(part(regime), part(last))
                rows += [{"regime": regime, "measure": kind, **_ends(one)} for kind, one in found.items()]
        return pd.DataFrame(rows).astype({"regime": "str", "measure": "str"})

    def table(self) -> pd.DataFrame:
        """Return one row a regime and pair: regime, shocked, market, value, low, high, storms."""
        rows = [
            {"regime": regime, "shocked": one, "market": other, **_ends(self.cell(regime, one, other))}
            for regime in self.responses
            for one in self.markets
            for other in self.markets
        ]
        return pd.DataFrame(rows).astype({"regime": "str", "shocked": "str", "market": "str"})

    def __str__(self) -> str:
        """Return the mean matrix of every regime, and how much arrives in other markets."""
        storms = "1 storm" if len(self.seeds) == 1 else f"{len(self.seeds)} storms, 95 % intervals"
        lines = [
            f"{self.name}: {100.0 * self.shock.size:+g} % in one market alone from step {self.shock.step} on; {storms}",
            "largest move of the column's mark per unit of the row's shock (logs, against the same storm without it),",
            f"within {within(self.shock)}",
        ]
        for regime in self.responses:
            lines += ["", *self._lines(regime)]
        last = list(self.responses)[-1]
        for regime in list(self.responses)[:-1]:
            own, spilled = (
                _said(paired_difference(part(regime), part(last)), sign=True) for part in (self.own, self.spilled)
            )
            against = f"{spoken(regime)} against {spoken(last)}"
            lines += ["", f"{against}: the shocked market {own}, all others together {spilled}"]
        return "\n".join(lines)

    def _lines(self, regime: str) -> list[str]:
        mean = pd.DataFrame(self.responses[regime].mean(axis=0), list(self.markets), list(self.markets))
        own, spilled = bootstrap_mean(self.own(regime)), bootstrap_mean(self.spilled(regime))
        return [
            f"{spoken(regime)}:",
            mean.to_string(float_format=short),
            f"the shocked market {_said(own)}, all others together {_said(spilled)}; mean over shocked markets",
        ]


def impulse(
    source: Any,
    shock: Shock = Shock(),
    regimes: Sequence[str] = (),
    seeds: Sequence[int] = (),
    workers: int = 0,
) -> Impulse:
    """Shock one market after the other on the storms `seeds`, under every one of `regimes`, with equal positions.

    `source` is a scenario (name, file, data), a results folder or a `Run`. Left out: its own margin rule and isolated
    margin (cross, if isolated is its own); its own seed. `workers` 0 takes all cores; results do not depend on it.
    Raises `InputError` for what does not exist or fit.
    """
    scenario, _ = source_of(source)
    chosen = chosen_markets(scenario, shock.markets)
    if problems := shock.problems(scenario):
        raise InputError("; ".join(problems))
    plan = Plan(regimes=tuple(regimes) or _usual(scenario))
    storms = tuple(seeds) or (scenario.seed,)
    jobs = [
        variant.seeded(seed)
        for regime in plan.regimes
        for base in [plan.variant(scenario, Arm(regime))]
        for variant in [base, *(shock.hits(base, market) for market in chosen)]
        for seed in storms
    ]
    last = min(shock.step + shock.horizon - 1, scenario.steps)
    found = run_jobs(partial(_marks, last), jobs, workers or min(os.cpu_count() or 1, len(jobs), 16), None)
    shape = (len(plan.regimes), 1 + len(chosen), len(storms))
    log_mark = np.log(np.array(found)[:, shock.step :, [scenario.names.index(name) for name in chosen]])
    moved = log_mark.reshape(*shape, *log_mark.shape[1:])
    paths = {
        regime: (one[1:] - one[:1]).swapaxes(0, 1) / math.log1p(shock.size)
        for regime, one in zip(plan.regimes, moved, strict=True)
    }
    return Impulse(scenario.name, shock, chosen, storms, paths)


def peak(path: Array) -> Array:
    """Return the entry (..., k) of largest size of each market along a path (..., h, k), the first of equal ones."""
    at = np.abs(path).argmax(axis=-2, keepdims=True)
    return np.take_along_axis(path, at, axis=-2)[..., 0, :]


def own_of(response: Array) -> Array:
    """Return the mean of the diagonals (...) of matrices (..., k, k)."""
    return np.diagonal(response, axis1=-2, axis2=-1).mean(axis=-1)


def others_of(response: Array) -> Array:
    """Return the mean over rows of what is beside the diagonal (...), of matrices (..., k, k)."""
    return response[..., ~np.eye(response.shape[-1], dtype=bool)].sum(axis=-1) / response.shape[-1]


def chosen_markets(scenario: Scenario, markets: Sequence[str]) -> tuple[str, ...]:
    """Return the markets to shock: `markets`, or all that have an index of their own; raises `InputError`."""
    own = scenario.world().names
    for name in markets:
        if name not in own:
            raise InputError(f"markets: must be among {', '.join(own)} (got {shown(name)}){nearest(name, own)}")
    if len(set(markets)) != len(markets):
        raise InputError("markets: each must be named once")
    chosen = tuple(markets) or tuple(own)
    if len(chosen) > MOST_MARKETS:
        raise InputError(f"markets: at most {MOST_MARKETS} are shocked (got {len(chosen)}); name some of them")
    return chosen


def _usual(scenario: Scenario) -> tuple[str, str]:
    own = scenario.margin.kind
    return (POOLED if scenario.margin.segregated else own), ALONE


def _marks(last: int, scenario: Scenario) -> Array:
    """Return the marks (last + 1, m) of the run up to the step `last`."""
    model = MarketModel(scenario, StandardCast())
    try:
        for _ in range(last):
            model.step()
        return model.market.history["mark"][: last + 1].copy()
    finally:
        forget(model)


def _ends(found: Estimate) -> dict[str, float | int]:
    return {"value": found.value, "low": found.low, "high": found.high, "storms": found.n}


def _said(found: Estimate, sign: bool = False) -> str:
    return f"{found.value:{'+' if sign else ''}.2f}" if found.n < 2 else interval_text(found, sign=sign)


def within(shock: Shock) -> str:
    """Return the horizon in words."""
    return counted(shock.horizon, "step")


def short(value: float) -> str:
    """Return two decimals; `0` is nothing at all, `0.00` less than is shown."""
    return "0" if value == 0.0 else f"{value:.2f}".replace("-0.00", "0.00")
