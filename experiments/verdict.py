"""From runs to estimates: one cell a measure, regime and design, with its paired difference to isolated margin."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from experiments.arms import DESIGNS, REFERENCE, REUSING, Arm, Plan
from experiments.measures import AXES, PERCENT, PROBABILITY, Measure
from experiments.paired import crossing, paired_difference
from experiments.ratios import total_ratio, total_ratio_difference
from experiments.statistics import Estimate, bootstrap_mean, undefined, wilson_interval
from simulation.arrays import Array
from simulation.scenario import Scenario

_DUST = 1e-12
CROSSINGS = ("insolvent", "bad_debt")  # the metrics whose phi* is sought


@dataclass(frozen=True)
class Cell:
    """One estimate of the verdict; `difference` is None for the reference regime and where there is none.

    `storms` is how many were run, `events` in how many of them the metric was not 0.
    """

    axis: str
    measure: Measure
    regime: str
    design: str
    estimate: Estimate
    difference: Estimate | None
    storms: int
    events: int


@dataclass(frozen=True)
class Outcomes:
    """Metrics of all runs: arm -> metric -> values by storm (n,), in the order of `seeds`.

    hits: arm -> dollars (n, m, m) that forced sales in one market took from what pools had to close in another.
    """

    scenario: Scenario
    plan: Plan
    seeds: Sequence[int]
    values: Mapping[Arm, Mapping[str, Array]]
    hits: Mapping[Arm, Array] = field(default_factory=dict)

    def arm(self, regime: str, design: str) -> Arm:
        """Return the arm that stands for `regime` under `design`."""
        return self.plan.arm(self.scenario, regime, DESIGNS[design])

    def of(self, arm: Arm, metric: str) -> Array:
        """Return the values (n,) of `metric`; NaN where the runs have no such metric."""
        return self.values[arm].get(metric, np.full(len(self.seeds), np.nan))

    def same_run(self, regime: str) -> bool:
        """Tell whether all designs of `regime` are one and the same run."""
        return len({self.arm(regime, design) for design in self.plan.designs}) < len(self.plan.designs)


def cells(outcomes: Outcomes) -> list[Cell]:
    """Return all cells of the verdict, by axis, measure, regime and design."""
    plan = outcomes.plan
    return [
        _cell(outcomes, (axis, measure), regime, design)
        for axis, measures in AXES.items()
        for measure in measures
        for regime in plan.regimes
        for design in plan.designs
    ]


def crossings(outcomes: Outcomes) -> dict[str, Estimate]:
    """Return phi* by metric: the re-use share at which portfolio margin is as bad as isolated margin."""
    return {metric: _phi_star(outcomes, metric) for metric in CROSSINGS}


def grid_values(outcomes: Outcomes, metric: str) -> Array:
    """Return `metric` of portfolio margin over the re-use grid (n, p)."""
    arms = [Arm(REUSING, float(share)) for share in outcomes.plan.reuse_grid]
    return np.column_stack([outcomes.of(arm, metric) for arm in arms])


def estimate(measure: Measure, values: Array) -> Estimate:
    """Return the mean of one value a storm, as `measure` reports it; percentages in percent."""
    if measure.unit != PROBABILITY:
        return _bounded(bootstrap_mean(_scaled(measure, values), skip_undefined=True), measure)
    if not np.isfinite(values).all():
        return undefined(len(values), "Wilson 95 %", "some values are not finite")
    share = wilson_interval(int(values.sum()), len(values))
    return Estimate(100 * share.value, 100 * share.low, 100 * share.high, share.n, share.method)


def summary_table(found: Sequence[Cell]) -> pd.DataFrame:
    """Return the cells as a table, one row each."""
    return pd.DataFrame([_row(cell) for cell in found])


def _cell(outcomes: Outcomes, what: tuple[str, Measure], regime: str, design: str) -> Cell:
    axis, measure = what
    arm = outcomes.arm(regime, design)
    values = outcomes.of(arm, measure.metric)
    reference = outcomes.plan.reference
    other = outcomes.arm(reference, design) if regime != reference else None
    if measure.twin:
        pair = _with_twin(outcomes, arm, measure.metric)
        level = total_ratio(pair[:, 0], pair[:, 1])
        difference = total_ratio_difference(pair, _with_twin(outcomes, other, measure.metric)) if other else None
    else:
        level = estimate(measure, values)
        difference = _difference(outcomes, measure, (arm, other)) if other else None
    events = int(np.count_nonzero(np.nan_to_num(values)))
    return Cell(axis, measure, regime, design, level, difference, len(values), events)


def _difference(outcomes: Outcomes, measure: Measure, arms: tuple[Arm, Arm]) -> Estimate:
    first, second = (_scaled(measure, outcomes.of(arm, measure.metric)) for arm in arms)
    equal = np.isclose(first, second, rtol=_DUST, atol=0.0)  # the last bits of a quotient are no difference
    gap = paired_difference(first, np.where(equal, first, second), skip_undefined=True)
    if measure.unit not in {PERCENT, PROBABILITY}:
        return gap
    low, high = (min(max(end, -100.0), 100.0) if np.isfinite(end) else end for end in (gap.low, gap.high))
    return replace(gap, low=low, high=high)  # two shares differ by at most 100 points


def _with_twin(outcomes: Outcomes, arm: Arm, metric: str) -> Array:
    twin = Arm(arm.regime, arm.reuse_share, True)
    return np.column_stack([outcomes.of(arm, metric), outcomes.of(twin, metric)])


def _phi_star(outcomes: Outcomes, metric: str) -> Estimate:
    plan, n = outcomes.plan, len(outcomes.seeds)
    method = "crossing, paired bootstrap 95 %"
    missing = [regime for regime in (REFERENCE, REUSING) if regime not in plan.regimes]
    if missing:
        return undefined(n, method, f"{missing[0]} margin was not run")
    if len(plan.reuse_grid) < 2:
        return undefined(n, method, "needs at least two re-use shares")
    isolated = outcomes.of(Arm(REFERENCE), metric)
    return crossing(plan.reuse_grid, grid_values(outcomes, metric), isolated)


def _bounded(level: Estimate, measure: Measure) -> Estimate:
    """Cut the interval at what the quantity can be: nothing here is negative, no share exceeds 100 %."""
    low, high = level.low, level.high
    if level.value >= 0.0:
        low = max(low, 0.0)  # NaN stays: max(nan, 0.0) is nan
    if measure.unit == PERCENT:
        high = min(high, 100.0)
    return replace(level, low=low, high=high)


def _scaled(measure: Measure, values: Array) -> Array:
    return 100.0 * values if measure.unit in {PERCENT, PROBABILITY} else values


def _row(cell: Cell) -> dict[str, object]:
    level, other = cell.estimate, cell.difference
    gap = other or undefined(cell.storms, "", "this is the reference")
    return {
        "axis": cell.axis,
        "measure": cell.measure.name,
        "unit": cell.measure.unit,
        "regime": cell.regime,
        "design": cell.design,
        "estimate": level.value,
        "low": level.low,
        "high": level.high,
        "runs": level.n,
        "storms": cell.storms,
        "storms_with_event": cell.events,
        "method": level.method,
        "note": level.reason,
        "difference": gap.value,
        "difference_low": gap.low,
        "difference_high": gap.high,
        "difference_runs": gap.n,
        "difference_method": gap.method,
        "difference_note": gap.reason,
    }
