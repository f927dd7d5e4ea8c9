"""The list of metrics, and a storm in two markets for tests of what is endogenous."""

from typing import Any

from experiments.metric_list import families, metric_list
from experiments.record.definition import documented
from experiments.record.metrics import METRICS
from simulation.scenario import Scenario
from tests.experiments.storms import TIER


def stormy(**changes: Any) -> Scenario:
    """Two markets in which holders of all leverages are liquidated now and then, with impact."""
    two = [{"name": n, "price": 100.0, "volatility": 3.0, "depth": 3e7, "tiers": [TIER]} for n in "XY"]
    people = {"kind": "holder", "count": 300, "leverage": {"kind": "uniform", "low": 1.2, "high": 12.0}}
    scenario = {"markets": two, "population": [people], "price": {"kind": "gbm", "correlation": 0.4}}
    plain = {"name": "stormy", "steps": 120, "step_seconds": 3600.0, "impact": {"kind": "linear"}, "seed": 4}
    return Scenario.from_dict(plain | scenario | changes)


def test_every_metric_of_a_run_is_listed_with_unit_denominator_and_definition():
    text, listed = metric_list(), families()
    first = next(iter(listed.values()))
    assert [entry.name for entry in first] == list(METRICS)
    for entries in listed.values():
        for entry in entries:
            assert entry.unit != "not stated", entry
            assert len(entry.definition) > 15, entry
            assert f"  {entry.name}: {entry.unit}" in text
            assert entry.definition in text


def test_an_entry_is_read_off_the_docstring():
    def half(_: Any) -> float:
        """Return half of something,

        told at length.
        Unit: share. Denominator: twice
        the thing.
        """
        return 0.5

    entry = documented("half", half)
    assert (entry.unit, entry.per, entry.definition) == ("share", "twice the thing", "Half of something,")
    assert str(entry) == "  half: share, per twice the thing\n      Half of something,"
    assert documented("x", lambda _: 0.0).unit == "not stated"
