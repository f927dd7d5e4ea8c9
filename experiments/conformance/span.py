"""Published SPAN cases: risk arrays, scan risk, netting inside a combined commodity."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from experiments.conformance.case import Adapter, Case
from simulation.margin.span import SpanMargin, combined, scan_risk

_SIDES = {"long": 1.0, "short": -1.0}
_PERCENT = 100.0


def _risk_array(case: Case) -> Mapping[str, Any]:
    words = str(case.inputs["position"]).replace("_", " ").split()
    count = next((float(word) for word in words if word.replace(".", "", 1).isdigit()), 1.0)
    units = np.array([next(_SIDES[word] for word in words if word in _SIDES)])
    rule = SpanMargin.model_validate(_extremes(case.inputs.get("scenarios", [])))
    array = rule.linear_array(np.copysign(count, units), float(case.inputs["price_scan_range"]))
    return {"pnl": array[0], "scan_risk": scan_risk(array)[0]}


def _extremes(scenarios: list[str]) -> dict[str, float]:
    """Return what a case says of its extreme scenarios, as in "extreme up (2x at 35%)"."""
    stated = next((text for text in scenarios if text.startswith("extreme") and "(" in text), "")
    if not stated:
        return {}
    multiple, cover = stated.partition("(")[2].rstrip(")").split("x at ")
    return {"extreme_multiple": float(multiple), "extreme_cover": float(cover.rstrip("%")) / _PERCENT}


def _scan_risk(case: Case) -> Mapping[str, Any]:
    return {"scan_risk": scan_risk(np.array([case.inputs["scenario_pnl"]], float))[0]}


def _portfolio(case: Case) -> Mapping[str, Any]:
    """A leg `call` of the portfolio has its array under `long_call_pnl`."""
    legs = case.inputs["portfolio"]
    arrays = np.array([case.inputs[f"long_{name}_pnl"] for name in legs], float).T
    array = combined(np.array([list(legs.values())], float), arrays)
    return {"pnl": array[0], "scan_risk": scan_risk(array)[0]}


ADAPTERS: dict[tuple[str, str], Adapter] = {
    ("span_scenarios", "span_risk_array"): _risk_array,
    ("span_scenarios", "span_scan_risk"): _scan_risk,
    ("span_scenarios", "span_portfolio_array"): _portfolio,
}
