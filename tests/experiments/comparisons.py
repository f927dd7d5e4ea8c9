"""A small comparison that several test files look at, and outcomes made by hand."""

import functools

import numpy as np

from experiments.arms import Plan
from experiments.compare import Comparison, compare
from experiments.measures import METRICS
from experiments.verdict import Outcomes
from simulation.scenario import Scenario

MARKETS = (("BTC", 100.0, 0.8, 4e9), ("ETH", 50.0, 1.0, 2e9), ("SOL", 10.0, 1.2, 1e9))
STORM = {
    "kind": "scripted",
    "base": {"kind": "student_t", "correlation": 0.6, "tail_index": 4.0, "volatility_scale": 6.0},
    "shocks": [{"step": 8, "market": "ETH", "size": -0.15}],
}


def tiny(**changes):
    value = {
        "name": "tiny",
        "about": "A <tiny> storm & its 'accounts'.",
        "steps": 24,
        "step_seconds": 900.0,
        "markets": [{"name": n, "price": p, "volatility": v, "depth": d} for n, p, v, d in MARKETS],
        "price": STORM,
        "insurance_fund": 2e4,
        "margin": {"kind": "portfolio", "correlation": 0.8},
        "population": [
            {
                "kind": "holder",
                "count": 50,
                "leverage": {"kind": "uniform", "low": 3.0, "high": 9.5},
                "deposit": {"kind": "lognormal", "median": 20_000.0, "sigma": 1.0, "maximum": 500_000.0},
            },
            {"kind": "hedged_pair", "count": 8, "deposit": 50_000.0},
        ],
    }
    return Scenario.from_dict({**value, **changes})


@functools.cache
def tiny_comparison() -> Comparison:
    return compare(tiny(), seeds=4, workers=1, progress=False)


def by_hand(changes=None, seeds=10):
    """Outcomes in which every metric is 1, 2, ... but `changes`: {(regime, phi, impact_free): {metric: values}}."""
    scenario, plan = tiny(), Plan()
    values = {}
    for arm in plan.arms(scenario):
        own = (changes or {}).get((arm.regime, arm.reuse_share, arm.impact_free), {})
        base = {metric: np.arange(1.0, seeds + 1.0) for metric in METRICS}
        base |= {metric: base[metric] / 20.0 for metric in METRICS if metric.endswith("_share")}
        base["insolvent"] = np.zeros(seeds)
        values[arm] = {**base, **{metric: np.asarray(value, float) for metric, value in own.items()}}
    return Outcomes(scenario, plan, list(range(1, seeds + 1)), values)
