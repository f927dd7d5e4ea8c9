"""The loop switchboard: six feedback loops, each on or off, on the same storms.

Question: how much of a crash does each feedback loop make, and how much only all of them together? Method: every subset
of the loops is run on the same storms (draws are named by their purpose, so nothing but the loops differs). With y(S)
the outcome of a storm with the loops S on, the single effect of i is y({i}) - y(no loop), the super-additive part
y(all) - y(none) - sum of single effects, the Moebius term of S the part of y(S) that no smaller set explains (J.
Harsanyi, International Economic Review 4 (1963) 194-220), and the Shapley share of i its mean effect over all orders
(L. S. Shapley, in Contributions to the Theory of Games II, 1953). Expected: spirals multiply (M. Brunnermeier & L.
Pedersen, Review of Financial Studies 22 (2009) 2201-2238), so the super-additive part is positive where impact is one
of the loops; shares add up to y(all) - y(none), storm by storm; a loop that a market does not have has no effect.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from math import factorial
from typing import Any

import numpy as np
import pandas as pd

from experiments.causes.source import source_of
from experiments.causes.what_if import subsets
from experiments.loops.switches import LOOPS, chosen_loops, without
from experiments.paired import paired_difference
from experiments.parallel import run_jobs
from experiments.run import run
from experiments.statistics import Estimate
from experiments.wording import counted, dollar_scale, interval_text, number
from simulation.arrays import Array
from simulation.errors import InputError
from simulation.scenario import Scenario

METRICS = ("liquidated_notional", "price_amplification", "bad_debt")
UNITS = {"liquidated_notional": "dollars", "price_amplification": "ratio", "bad_debt": "dollars"}


@dataclass(frozen=True)
class Switchboard:
    """Outcomes of all subsets of loops on the same storms.

    names: the loops (k). seeds: the storms (n). outcomes: metric -> (2^k, n); row s has those loops on whose bit
    (1 << place in `names`) is set in s. NaN where a metric is undefined.
    """

    names: tuple[str, ...]
    seeds: tuple[int, ...]
    outcomes: dict[str, Array]

    def outcome(self, metric: str, on: Sequence[str]) -> Array:
        """Return the outcome of each storm (n,) with the loops `on`."""
        return self.outcomes[metric][sum(1 << self.names.index(name) for name in set(on))]

    def single(self, metric: str, name: str) -> Estimate:
        """Return the effect of one loop alone: y({name}) - y(none), mean and paired interval."""
        return self._against(metric, self.outcome(metric, [name]) - self.outcome(metric, []))

    def together(self, metric: str) -> Estimate:
        """Return the effect of all loops: y(all) - y(none), mean and paired interval."""
        return self._against(metric, self.outcome(metric, self.names) - self.outcome(metric, []))

    def super_additive(self, metric: str) -> Estimate:
        """Return y(all) - y(none) less the single effects: what loops do only together; paired interval."""
        none = self.outcome(metric, [])
        singles = sum((self.outcome(metric, [name]) - none for name in self.names), np.zeros(len(none)))
        return self._against(metric, self.outcome(metric, self.names) - none - singles)

    def shapley(self, metric: str, name: str) -> Estimate:
        """Return the effect of one loop averaged over all orders of switching on, mean and paired interval."""
        k, bit, value = len(self.names), 1 << self.names.index(name), self.outcomes[metric]
        share = np.zeros(len(self.seeds))
        for s in range(1 << k):
            if not s & bit:
                size = s.bit_count()
                share += factorial(size) * factorial(k - size - 1) / factorial(k) * (value[s | bit] - value[s])
        return self._against(metric, share)

    def moebius(self, metric: str) -> pd.DataFrame:
        """Return the mean Moebius term of each set of loops, one row a set: loops, size, term, low, high.

        m(S) = sum over T in S of (-1)^(|S| - |T|) y(T); the terms of the subsets of S add up to y(S). low, high: paired
        95 % interval over storms; NaN where it or the term is undefined.
        """
        terms = self.outcomes[metric].copy()
        for place in range(len(self.names)):
            has = np.flatnonzero(np.arange(len(terms)) & (1 << place))
            terms[has] -= terms[has ^ (1 << place)]
        rows = []
        for s, term in enumerate(terms):
            found = self._against(metric, term)
            rows.append(self._named(s) | {"term": found.value, "low": found.low, "high": found.high})
        return pd.DataFrame(rows).sort_values("size", kind="stable", ignore_index=True)

    def effects(self) -> pd.DataFrame:
        """Return one row a metric and part: single effects and Shapley shares, together, super-additive part."""
        rows = []
        for metric in self.outcomes:
            found = [("single", name, self.single(metric, name)) for name in self.names]
            found += [("shapley", name, self.shapley(metric, name)) for name in self.names]
            found += [("together", "", self.together(metric)), ("super-additive", "", self.super_additive(metric))]
            rows += [
                {"metric": metric, "part": part, "loop": name, "value": e.value, "low": e.low, "high": e.high}
                | {"storms": e.n, "reason": e.reason}
                for part, name, e in found
            ]
        return pd.DataFrame(rows)

    def table(self) -> pd.DataFrame:
        """Return one row a subset and storm: loops, size, seed and the metrics."""
        count = 1 << len(self.names)
        frames = [
            pd.DataFrame(
                {**self._named(s), "seed": self.seeds, **{m: rows[s] for m, rows in self.outcomes.items()}}
            ).astype({"seed": "str"})
            for s in range(count)
        ]
        return pd.concat(frames, ignore_index=True)

    def verdict(self, metric: str) -> str:
        """Say whether these storms show that the loops do more, or less, together than each alone."""
        found = self.super_additive(metric)
        if not found.defined or not np.isfinite([found.low, found.high]).all():
            return f"not known: {found.reason or 'too few storms'}"
        if found.low == found.high == 0.0:
            return "just the sum of each alone, in every storm"
        if found.low > 0.0:
            return "more together than the sum of each alone"
        if found.high < 0.0:
            return "less together than the sum of each alone"
        return "the interval contains 0: these storms do not tell whether they do more together"

    def __str__(self) -> str:
        """Return the effects as a table of text."""
        counts = ((len(self.names), "loop"), (1 << len(self.names), "subset"), (len(self.seeds), "storm"))
        said = (counted(count, what) for count, what in counts)
        lines = [f"{', '.join(said)}; 95 % intervals"]
        for metric in self.outcomes:
            lines += ["", *self._lines(metric)]
        return "\n".join(lines)

    def _lines(self, metric: str) -> list[str]:
        """Return the effects on one metric, all in one unit."""
        ways = {name: (self.single(metric, name), self.shapley(metric, name)) for name in self.names}
        whole, more = self.together(metric), self.super_additive(metric)
        scale, unit = 1.0, UNITS.get(metric, "")
        if unit == "dollars":
            scale, unit = dollar_scale([whole.value, more.value, *(e.value for pair in ways.values() for e in pair)])
        lines = [f"{f'{metric}, {unit}':<34}{'alone':<32}Shapley share"]
        for name, (single, share) in ways.items():
            lines.append(f"  {LOOPS[name].title:<32}{_cell(single, scale):<31} {_cell(share, scale)}")
        lines.append(f"  {'all together':<32}{_cell(whole, scale)}")
        return [*lines, f"  {'only together':<32}{_cell(more, scale)}; {self.verdict(metric)}"]

    def _named(self, s: int) -> dict[str, Any]:
        on = [name for place, name in enumerate(self.names) if s >> place & 1]
        return {"loops": " ".join(on), "size": len(on)}

    def _against(self, metric: str, difference: Array) -> Estimate:
        return paired_difference(difference, np.zeros(len(difference)), skip_undefined=metric == "price_amplification")


def _cell(value: Estimate, scale: float) -> str:
    """Return an estimate in a few words: one number where all storms agree, or where there is no interval."""
    if not value.defined:
        return value.reason if value.reason.startswith("undefined") else f"undefined ({value.reason})"
    if np.isfinite([value.low, value.high]).all() and value.low < value.high:
        return interval_text(value, scale)
    return f"{number(value.value / scale)} {'in every storm' if value.n > 1 else '(one storm, no interval)'}"


def loops(
    source: Any, names: Sequence[str] = (), seeds: Sequence[int] = tuple(range(1, 11)), workers: int = 0
) -> Switchboard:
    """Run all subsets of the loops `names` (those the scenario has if none are named) on the storms `seeds`.

    `source` is a scenario (name, file, data), a results folder or a `Run`. Loops not named stay as it has them.
    `workers` 0 takes all cores; results do not depend on it. Raises `InputError` for an unknown or repeated loop, no
    loop at all, or no storms.
    """
    scenario, _ = source_of(source)
    chosen = chosen_loops(scenario, names)
    if not len(seeds) or len(set(seeds)) != len(seeds):
        raise InputError("seeds: must be one or more different storms")
    off = [tuple(set(chosen) - set(on)) for on in _subsets(chosen)]
    variants = [without(scenario, missing) for missing in off]
    jobs = [variant.model_copy(update={"seed": seed}) for variant in variants for seed in seeds]
    found = run_jobs(_outcome, jobs, workers or min(os.cpu_count() or 1, len(jobs), 16))
    _same_storms([digest for _, digest in found], len(seeds))
    values = np.array([outcome for outcome, _ in found]).reshape(len(variants), len(seeds), len(METRICS))
    return Switchboard(chosen, tuple(seeds), {name: values[:, :, i] for i, name in enumerate(METRICS)})


def _subsets(names: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return all subsets in the order of their bits."""
    places = {name: place for place, name in enumerate(names)}
    return sorted(subsets(names), key=lambda on: sum(1 << places[name] for name in on))


def _same_storms(digests: list[str], storms: int) -> None:
    for storm in range(storms):
        if len(set(digests[storm::storms])) != 1:
            raise InputError("loops: the subsets met different storms, so they cannot be compared")


def _outcome(scenario: Scenario) -> tuple[list[float], str]:
    found = run(scenario)
    return [found.metrics[name] for name in METRICS], found.digest
