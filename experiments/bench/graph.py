"""How long does the contagion graph of very many forced trades take, with all its measures?

A slow crash in three markets closes every pool, a tenth of them with positions in two markets; sales push prices on.
Timed are the steps from the tables of the run to the graph and its measures: forest, graph, centralities, communities,
who hits whom.
"""

import time
from collections.abc import Callable
from typing import Any

from experiments.graph.centrality import centralities
from experiments.graph.communities import communities
from experiments.graph.contagion import contagion_graph, ledger_of
from experiments.graph.hits import who_hits_whom
from experiments.record.forest import grow
from experiments.run import Run, run
from experiments.target import bare_scenario, one_tier
from simulation.scenario import Scenario

CLOSINGS, FEWEST, MOST = 100_000, 60, 1_000_000
_STEPS, _REACH, _RATE, _FALL, _RATIO = 60, 0.4, 0.05, 0.012, 0.5


def crash(closings: int = CLOSINGS, seed: int = 1) -> Scenario:
    """Return a scenario in which `closings` pools, at least `FEWEST`, are closed by force, each of them once.

    All are long, with liquidation prices uniform over `_REACH` of the price below it, which the crash runs through. The
    sale of a whole pool lowers the price past the thresholds of `_RATIO` others.
    """
    names, price = ("A", "B", "C"), 100.0
    low, high = price * (1.0 - _REACH), price
    deposit = {"kind": "uniform", "low": price - (1.0 - _RATE) * high, "high": price - (1.0 - _RATE) * low}
    single, double = closings * 3 // 10, closings // 10
    groups = [_longs(f"only-{name}", single, {name: 1.0}, deposit) for name in names]
    groups.append(_longs("both", closings - 3 * single, {"A": 0.5, "B": 0.5}, deposit))
    units = single + 0.5 * double
    return bare_scenario(
        name="crash",
        seed=seed,
        steps=_STEPS,
        margin={"kind": "cross"},
        insurance_fund=1e9,
        markets=[{"name": name, "price": price, "tiers": one_tier(_RATE)} for name in names],
        price={"kind": "scripted", "shocks": [{"step": k, "size": -_FALL} for k in range(1, _STEPS + 1)]},
        impact={"kind": "linear_units", "dollars_per_unit": _RATIO * _REACH * price / units},
        population=groups,
    )


def _longs(name: str, count: int, units: dict[str, float], deposit: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "book", "name": name, "count": count, "units": units, "deposit": deposit}


def timed(found: Run) -> dict[str, float]:
    """Return the processor seconds of each step from the tables of a run to its measures."""
    seconds: dict[str, float] = {}

    def lap(what: str, work: Callable[[], Any]) -> Any:
        start = time.process_time()
        result = work()
        seconds[what] = time.process_time() - start
        return result

    ledger = lap("closings", lambda: ledger_of(found))
    forest = lap("forest, depth, width", lambda: grow(ledger, found.scenario.rounds_per_step))
    lap("branching", lambda: (forest.sizes, forest.depths, forest.generations))
    graph = lap("graph", lambda: contagion_graph(found, forest=forest))
    lap("centralities", lambda: centralities(ledger, forest, graph))
    lap("communities", lambda: communities(ledger, found.scenario.seed))
    lap("who hits whom", lambda: [who_hits_whom(found, by) for by in ("market", "group", "kind")])
    return seconds


def table(closings: int = CLOSINGS, say: Callable[[str], None] = print) -> dict[str, float]:
    """Run the crash once and say the seconds of every step, and their sum."""
    found = run(crash(closings))
    say(f"contagion graph of {len(found.events):,} forced trades, {closings:,} pools, one core, processor seconds")
    seconds = timed(found)
    for what, value in seconds.items():
        say(f"  {what:<22} {value:6.2f}")
    say(f"  {'in all':<22} {sum(seconds.values()):6.2f}")
    return seconds
