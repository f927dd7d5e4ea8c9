"""What is measured of causes is a number of a real run; how large it is depends on the machine and is not tested."""

import math

from experiments.bench.causes import attribution_cost, explanation_seconds
from tests.experiments.storms import by_hand


def test_costs_are_numbers() -> None:
    assert math.isfinite(attribution_cost(by_hand(), 1))
    assert attribution_cost(by_hand(), 2) > -1.0
    assert explanation_seconds(by_hand()) > 0.0
