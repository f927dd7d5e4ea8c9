"""What causes cost: the attribution of every account beside the run it explains, and an explanation with its reruns.

The attribution is measured in pairs, a run as every run is made (with its metrics) and a traced run of the same storm,
with its metrics too, whose losses are then split, one after the other in processor time; the cost is the median of the
pairs' ratios, so that other programs disturb both alike. Run it by `python -m experiments.bench.causes`.
"""

import gc
import sys
import time
from collections.abc import Callable

import numpy as np

from agents.cast import StandardCast
from agents.handles import forget
from experiments.causes.attribution import split_losses
from experiments.causes.explain import explain
from experiments.causes.trace import Traced
from experiments.record.metrics import measure
from experiments.record.observed import Observed
from experiments.scenarios import load
from simulation.scenario import Scenario

PAIRS = 9


def attribution_cost(scenario: Scenario, pairs: int = PAIRS) -> float:
    """Return what tracing and splitting all losses adds to a run, as a fraction of it: median over `pairs`."""
    ratios = [_seconds(_traced, scenario) / _seconds(_plain, scenario) for _ in range(pairs)]
    return float(np.median(ratios)) - 1.0


def _plain(scenario: Scenario) -> Observed:
    model = Observed(scenario, StandardCast())
    model.run()
    measure(model)
    return model


def _traced(scenario: Scenario) -> Observed:
    model = Traced(scenario)
    model.run()
    measure(model)
    split_losses(model)
    return model


def _seconds(work: Callable[[Scenario], Observed], scenario: Scenario) -> float:
    gc.collect()
    start = time.process_time()
    model = work(scenario)
    seconds = time.process_time() - start
    forget(model)
    return seconds


def explanation_seconds(scenario: Scenario) -> float:
    """Return the seconds, by the clock, in which an account of `scenario` is explained, reruns and all."""
    start = time.perf_counter()
    str(explain(scenario))
    return time.perf_counter() - start


def lines(pairs: int = PAIRS) -> list[str]:
    """Return what was measured of the `venue` preset, one line each."""
    venue = load("venue")
    accounts = sum(group.count for group in venue.population)
    return [
        f"{accounts:,} accounts, attribution of all losses: {attribution_cost(venue, pairs):+.1%} of a run",
        f"{accounts:,} accounts, explain with reruns: {explanation_seconds(venue):.1f} s by the clock",
    ]


if __name__ == "__main__":
    sys.stdout.write("\n".join(lines()) + "\n")
