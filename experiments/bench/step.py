"""How fast is a step? The whole step of the `venue` population, measured on one core.

The population of the `venue` preset, grown or shrunk to the wanted number of accounts, in five of its markets, under
cross margin, minute by minute; traders decide as often an hour as in the preset. Two more lines measure the other
margin rules, and one the preset's own steps of a quarter of an hour in a storm, where much more happens in a step.

A step is everything: traders decide, orders are checked and filled, prices move, liquidations run to rest, causes are
attributed, the conservation check is made, prices are recorded. Processor time is measured, not wall time, so that
other programs on the machine disturb less; medians of several runs are printed.
"""

import gc
import json
import resource
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.cast import StandardCast
from agents.handles import forget
from experiments.bench.requirement import lines as requirement_lines
from experiments.scenarios import load
from simulation.instrument.black_scholes import Vanilla, black76
from simulation.model import MarketModel
from simulation.scenario import Scenario
from simulation.volatility.base import VolatilityProcess

SIZES = (1_000, 10_000, 100_000, 1_000_000)
MARKETS = 5
STEPS = 480  # measured steps a run
MINUTE = 60.0
WARM_UP = 10
REPEATS = 3
_PLAIN_STEPS = 3


@dataclass(frozen=True)
class Timing:
    """What one size measured: medians over runs of nanoseconds per account and step; NaN where there was none."""

    accounts: int
    build_seconds: float
    nanoseconds: float
    quiet: float
    stormy: float
    storms: float
    peak_megabytes: float

    @property
    def steps_per_second(self) -> float:
        """Return how many steps a second that makes."""
        return 1e9 / (self.nanoseconds * self.accounts)


def population(accounts: int, base: Scenario | None = None) -> Scenario:
    """Return the `venue` scenario with about `accounts` traders in five of its markets.

    The depth of the outside market, the insurance fund and the capital of keepers and vault grow in proportion, so that
    a larger venue is the same venue, larger.
    """
    plain = (base or load("venue")).to_dict()
    factor = accounts / sum(group["count"] for group in plain["population"])
    kept, before = _kept(plain), len(plain["markets"])
    for section in ("price", "margin", "markets"):
        plain[section] = _cut(plain[section], kept, before)
    for market in plain["markets"]:
        market["depth"] *= factor
    for group in plain["population"]:
        group["count"] = max(1, round(group["count"] * factor))
    plain["insurance_fund"] *= factor
    for keeper in (plain["backstop"], *plain["liquidators"]):
        keeper["capital"] *= factor
    plain["steps"] = WARM_UP + STEPS
    return Scenario.from_dict(plain)


def by_the_minute(scenario: Scenario, margin: str = "cross") -> Scenario:
    """Return `scenario` in steps of a minute: decisions and funding as often an hour as before."""
    plain = scenario.to_dict()
    longer = plain["step_seconds"] / MINUTE
    for group in plain["population"]:
        given = group["parameters"]
        given["decision_steps"] = round(given.get("decision_steps", 1) * longer)
    plain["funding"]["interval_steps"] = round(plain["funding"]["interval_steps"] * longer)
    plain |= {"step_seconds": MINUTE, "margin": {"kind": margin}}
    return Scenario.from_dict(plain)


def _kept(plain: dict[str, Any]) -> list[int]:
    """Return the numbers of five markets: those the population names, then the first others."""
    text = json.dumps(plain["population"])
    names = [market["name"] for market in plain["markets"]]
    named = [i for i, name in enumerate(names) if f'"{name}"' in text]
    others = [i for i in range(len(names)) if i not in named]
    return sorted([*named, *others][:MARKETS])


def _cut(value: Any, kept: list[int], before: int) -> Any:
    """Shorten what has one entry a market, columns and correlation matrices alike, to the markets that are kept."""
    if isinstance(value, dict):
        return {key: _cut(item, kept, before) for key, item in value.items()}
    if not isinstance(value, list):
        return value
    return [_cut(item, kept, before) for item in ([value[i] for i in kept] if len(value) == before else value)]


def time_scenario(scenario: Scenario, repeats: int = REPEATS) -> Timing:
    """Measure the steps of one scenario: medians over `repeats` runs with different seeds."""
    runs = [_time_run(scenario.with_(seed=seed + 1)) for seed in range(repeats)]
    build, mean, quiet, stormy, storms = (_median(column) for column in zip(*runs, strict=True))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024.0 if sys.platform != "darwin" else 1024.0**2)
    accounts = sum(group.count for group in scenario.population)
    return Timing(accounts, build, mean, quiet, stormy, storms, peak)


def _median(values: Iterable[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.median(known)) if known else np.nan


def _time_run(scenario: Scenario) -> list[float]:
    gc.collect()
    start = time.process_time()
    model = MarketModel(scenario, StandardCast())
    build = time.process_time() - start
    n = len(model.accounts)
    for _ in range(WARM_UP):
        model.step()
    seconds, storm = np.empty(STEPS), np.empty(STEPS, bool)
    for i in range(STEPS):
        events = len(model.exchange.desk.log.events)
        start = time.process_time()
        model.step()
        seconds[i] = time.process_time() - start
        storm[i] = len(model.exchange.desk.log.events) > events
    forget(model)
    cost = seconds / n * 1e9
    quiet = float(np.median(cost[~storm])) if (~storm).any() else np.nan
    stormy = float(np.median(cost[storm])) if storm.any() else np.nan
    return [build, float(cost.mean()), quiet, stormy, float(storm.mean())]


def plain_mesa(accounts: int = 10_000) -> float:
    """Return nanoseconds per account of asking every trader by Mesa's `agents.do("step")`, decisions only."""
    model = MarketModel(by_the_minute(population(accounts)), StandardCast())
    traders = [kind for kind in model.agents_by_type if hasattr(kind, "decide")]
    for _ in range(WARM_UP):
        model.step()
    start = time.process_time()
    for _ in range(_PLAIN_STEPS):
        for kind in traders:
            model.agents_by_type[kind].do("step")
    cost = (time.process_time() - start) / _PLAIN_STEPS / len(model.traders) * 1e9
    forget(model)
    return cost


def creation(count: int = 100_000) -> float:
    """Return the seconds it takes to create `count` Mesa traders with accounts."""
    scenario = population(1_000).with_(steps=1)
    model = MarketModel(scenario, StandardCast())
    kind = StandardCast().traders["noise"]
    start = time.process_time()
    kind.create_agents(model, count, name="crowd")  # type: ignore[attr-defined]
    seconds = time.process_time() - start
    forget(model)
    return seconds


def revaluation(count: int = 100_000, repeats: int = 15) -> float:
    """Return the milliseconds it takes to revalue `count` different options, smile included: median of `repeats`."""
    spread = np.linspace(0.0, 1.0, count)
    side, strike, years = np.where(np.arange(count) % 2, 1.0, -1.0), 50.0 + 100.0 * spread, 0.01 + (7.0 * spread) % 1.0
    smile = VolatilityProcess.parse({"kind": "stochastic"})
    option, level, forward = Vanilla(side, strike, years), np.full(count, 0.8), np.full(count, 100.0)
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        black76(option, forward, smile.implied(level, np.log(strike / forward), years))
        seconds.append(time.process_time() - start)
    return _median(seconds) * 1e3


HEADER = (
    f"{'accounts':>10} {'build s':>8} {'ns/account-step':>16} {'steps/s':>9} {'quiet':>7} {'stormy':>8} "
    f"{'storms':>7} {'peak MB':>8}"
)


def table(sizes: Sequence[int] = SIZES, repeats: int = REPEATS, say: Callable[[str], None] = print) -> list[Timing]:
    """Measure all `sizes`, saying one line each; the last line is the largest size's `<x> ns per account-step`."""
    say(f"{MARKETS} markets, venue population, one core, whole step, median of {repeats} runs of {STEPS} steps")
    say(HEADER)
    timings = []
    for size in sizes:
        timings.append(time_scenario(by_the_minute(population(size)), repeats))
        say(_line(timings[-1]))
    nearest = min(timings, key=lambda timing: abs(timing.accounts - 10_000))
    _beside(nearest, say)
    say(f"{timings[-1].nanoseconds:.1f} ns per account-step")
    return timings


def _beside(usual: Timing, say: Callable[[str], None]) -> None:
    """Measure what the table's numbers should be seen beside, at the size of `usual`."""
    people = population(usual.accounts)
    for margin in ("isolated", "portfolio"):
        other = time_scenario(by_the_minute(people, margin), 1)
        say(f"{usual.accounts:,} accounts, {margin} margin: {other.nanoseconds:.1f} ns")
    storm = time_scenario(people, 1)
    say(f"{usual.accounts:,} accounts, the preset's own quarter-hour steps: {storm.nanoseconds:.1f} ns")
    for line in requirement_lines():
        say(line)
    say(f"revaluing 100,000 option positions: {revaluation():.1f} ms")
    say(f"creating 100,000 Mesa traders: {creation():.2f} s")
    plain = plain_mesa(usual.accounts)
    say(f"plain Mesa, agent.step() per trader: {plain:,.0f} ns, {plain / usual.nanoseconds:,.0f} times the whole step")


def _line(t: Timing) -> str:
    quiet, stormy = (f"{x:.1f}" if np.isfinite(x) else "-" for x in (t.quiet, t.stormy))
    return (
        f"{t.accounts:>10,} {t.build_seconds:>8.2f} {t.nanoseconds:>16.1f} {t.steps_per_second:>9,.0f} "
        f"{quiet:>7} {stormy:>8} {t.storms:>7.0%} {t.peak_megabytes:>8,.0f}"
    )
