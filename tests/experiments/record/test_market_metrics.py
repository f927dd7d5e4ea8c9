"""The market metrics once more, by a plain reading of each definition from the raw log."""

import math

import numpy as np

from simulation.scenario import Scenario
from tests.experiments.record.metric_cases import finished, same
from tests.experiments.storms import TIER

PATIENT = {"kind": "holder", "count": 300, "leverage": {"kind": "uniform", "low": 1.2, "high": 12.0}}


def stormy(**changes) -> Scenario:
    two = [{"name": n, "price": 100.0, "volatility": 3.0, "depth": 3e5, "tiers": [TIER]} for n in "XY"]
    people = {"kind": "holder", "count": 60, "leverage": {"kind": "uniform", "low": 3.0, "high": 9.0}}
    scenario = {"markets": two, "population": [people], "price": {"kind": "gbm", "correlation": 0.4}}
    plain = {"name": "stormy", "steps": 120, "step_seconds": 3600.0, "impact": {"kind": "linear"}, "seed": 4}
    return Scenario.from_dict(plain | scenario | changes)


def test_moments_in_and_outside_stress_are_sums_over_their_steps():
    model, values, _ = finished(stormy(population=[PATIENT], impact={"kind": "none"}))
    mark = model.market.history["mark"].tolist()
    forest, step = model.forest, model.closings.step.tolist()
    stress = {s for s, g, a in zip(step, forest.generation, forest.continues, strict=True) if g == 1 and not a}
    assert 5 < len(stress) < 115
    returns = {t: [math.log(b / a) for a, b in zip(mark[t - 1], mark[t], strict=True)] for t in range(1, 121)}
    for prefix, steps in (("realised", set(returns)), ("stress", stress), ("calm", set(returns) - stress)):
        chosen = [returns[t] for t in sorted(steps)]
        power = [math.fsum(r[j] ** 2 for r in chosen) for j in (0, 1)]
        years = len(chosen) * 3600.0 / 31_536_000.0
        volatility = sum(math.sqrt(p / years) for p in power) / 2.0
        assert same(values[f"{prefix}_volatility"], volatility)
        product = math.fsum(r[0] * r[1] for r in chosen)
        assert same(values[f"{prefix}_correlation"], product / math.sqrt(power[0] * power[1]))


def test_tail_dependence_counts_joint_lows():
    model, values, _ = finished(stormy(steps=600, price={"kind": "student_t", "correlation": 0.7, "tail_index": 3.0}))
    returns = np.diff(np.log(model.market.history["mark"]), axis=0)
    lows = [set(np.argsort(column)[:6].tolist()) for column in returns.T]
    assert values["lower_tail_dependence"] == len(lows[0] & lows[1]) / 6
