"""The market metrics once more, by a plain reading of each definition from the raw log."""

import math

import numpy as np

from tests.experiments.record.metric_cases import finished, same
from tests.experiments.test_metric_list import stormy


def test_moments_in_and_outside_stress_are_sums_over_their_steps():
    model, values, _ = finished(stormy(rounds_per_step=1, impact={"kind": "linear", "scale": 0.3}))
    mark = model.market.history["mark"].tolist()
    forest, step = model.forest, model.closings.step.tolist()
    stress = {s for s, g, a in zip(step, forest.generation, forest.continues, strict=True) if g == 1 and not a}
    assert 3 < len(stress) < 115
    assert not set(step) <= stress, "some steps must hold later generations only"
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
