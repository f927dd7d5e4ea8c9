"""The loops, and what a scenario has to change so that one of them is gone and all else is as it was."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from simulation.errors import InputError, nearest, shown
from simulation.scenario import Scenario

_NO_REUSE = {"reuse": 0.0}
Changes = dict[str, Any]


@dataclass(frozen=True)
class Loop:
    """A feedback loop: what it is, and the changes of a scenario that switch it off ({}: it has none)."""

    name: str
    title: str
    off: Callable[[Scenario], Changes]


def _impact(scenario: Scenario) -> Changes:
    return {} if type(scenario.impact).kind == "none" else {"impact": {"kind": "none"}}


def _collateral(scenario: Scenario) -> Changes:
    """Give cash for tokens, dollar for dollar: what backs an account keeps its opening value."""
    groups = [group.model_dump(mode="json") for group in scenario.population]
    owners = [group for group in groups if group["collateral"]]
    for group in owners:
        worth = [group["deposit"], *group["collateral"].values()]
        if not all(isinstance(amount, float | int) for amount in worth):
            raise InputError(
                f"population.{group['name']}.collateral: must be plain numbers, with a plain deposit, to be frozen as "
                "cash (drawn amounts would be drawn anew)"
            )
        group.update(deposit=sum(worth), collateral={})
    return {"population": groups} if owners else {}


def _margin(scenario: Scenario) -> Changes:
    margin = scenario.margin.model_dump(mode="json")
    learns = margin.get("update", {}).get("kind", "fixed") != "fixed" or margin.get("correlation_decay", 1.0) != 1.0
    return {"margin": {**margin, "update": {"kind": "fixed"}, "correlation_decay": 1.0}} if learns else {}


def _withdrawal(scenario: Scenario) -> Changes:
    depth = scenario.depth.model_dump(mode="json")
    return {"depth": {**depth, "elasticity": 0.0}} if scenario.depth.elasticity else {}


def _deleveraging(scenario: Scenario) -> Changes:
    return {} if type(scenario.deleveraging).kind == "off" else {"deleveraging": {"kind": "off"}}


def _releveraging(scenario: Scenario) -> Changes:
    groups = [group.model_dump(mode="json") for group in scenario.population]
    chasers = [group for group in groups if group["kind"] == "releverager"]
    reusing = [group for group in chasers if group["parameters"].get("reuse") != 0.0]
    for group in reusing:
        group["parameters"] = {**group["parameters"], **_NO_REUSE}
    changes: Changes = {"population": groups} if reusing else {}
    return {**changes, "reuse_share": 0.0} if scenario.reuse_share else changes


LOOPS = {
    loop.name: loop
    for loop in (
        Loop("impact", "price impact", _impact),
        Loop("collateral", "collateral value", _collateral),
        Loop("margin", "margin follows volatility", _margin),
        Loop("withdrawal", "liquidity withdrawal", _withdrawal),
        Loop("deleveraging", "auto-deleveraging", _deleveraging),
        Loop("releveraging", "re-leveraging", _releveraging),
    )
}


def present(scenario: Scenario) -> tuple[str, ...]:
    """Return the loops that a scenario has."""
    return tuple(name for name, loop in LOOPS.items() if loop.off(scenario))


def without(scenario: Scenario, off: Sequence[str]) -> Scenario:
    """Return the scenario with the loops `off` switched off, one after the other; one it does not have is nothing."""
    for name, loop in LOOPS.items():
        if name in off and (changes := loop.off(scenario)):
            scenario = scenario.with_(**changes)
    return scenario


def chosen_loops(scenario: Scenario, names: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the loops to switch: `names`, or those the scenario has; raises `InputError`, see `loops`."""
    for name in names:
        if name not in LOOPS:
            hint = nearest(name, LOOPS)
            raise InputError(f"loops: must be among {', '.join(LOOPS)} (got {shown(name)}){hint}")
    if len(set(names)) != len(names):
        raise InputError("loops: each must be named once")
    chosen = tuple(names) or present(scenario)
    if not chosen:
        raise InputError(f"loops: {scenario.name} has none to switch; must have one of {', '.join(LOOPS)}")
    return chosen
