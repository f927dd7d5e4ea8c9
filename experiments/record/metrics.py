"""All metrics of one run: the headlines that are printed, and the rest, which the tables hold.

A metric of your own is a function `model -> float`, given to `run(scenario, metrics=[mine])`, or decorated with
`@metric` in a plug-in; it is printed, too.
"""

from experiments.record import (
    cascade_metrics,
    deleveraging_metrics,
    liquidation_metrics,
    loss_metrics,
    market_metrics,
)
from experiments.record.headline_metrics import HEADLINES
from experiments.record.metric import METRICS, Metric, Undefined, evaluate, measure, metric, reason

__all__ = ["DETAILS", "HEADLINES", "METRICS", "Metric", "Undefined", "evaluate", "measure", "metric", "reason"]

_FAMILIES = (cascade_metrics, deleveraging_metrics, liquidation_metrics, loss_metrics, market_metrics)
DETAILS = frozenset(METRICS) - frozenset(HEADLINES)  # measured in every run, but not printed unasked
