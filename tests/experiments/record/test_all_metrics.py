"""The list of metrics, and what holds for all of them."""

import math

import pytest
from hypothesis import given, settings

from experiments.record.metrics import DETAILS, HEADLINES, METRICS, evaluate
from simulation.errors import CapacityError
from tests.experiments.record.metric_cases import finished
from tests.experiments.storms import storms


def test_headlines_come_first_and_details_are_all_others():
    assert tuple(METRICS)[: len(HEADLINES)] == HEADLINES
    assert set(METRICS) == set(HEADLINES) | DETAILS
    assert len(HEADLINES) == 22


@given(storms())
@settings(max_examples=10)
def test_shares_stay_within_0_and_1_and_what_is_undefined_has_a_reason(scenario):
    try:
        model, values, reasons = finished(scenario)
    except CapacityError:
        return
    for name in METRICS:
        assert math.isnan(values[name]) == bool(reasons.get(name)), name
        about = METRICS[name].__doc__ or ""
        if "Unit: share." in about and not math.isnan(values[name]):
            assert -1e-12 <= values[name] <= 1.0 + 1e-12, name
        if "Unit: dollars." in about and name not in ("end_equity",):
            assert not values[name] < -1e-4, name
    assert values["total_cascade_size"] >= values["cascade_size"]
    assert values["adl_undershoot"] - values["adl_overshoot"] == pytest.approx(
        values["adl_needed"] - values["adl_executed"], abs=1e-2
    )
    assert evaluate(METRICS["adl_executed"], model)[0] == values["adl_executed"]
