"""Which margin regime is safer? Isolated, cross and portfolio margin on identical storms.

Question: what do the three regimes do to solvency, liquidation volume and contagion, once with equal positions and
once with equal margin utilisation (traders spend the margin a regime frees, phi = 1)?
Method: every arm meets the same storms (same seed, same exogenous prices, which is checked); differences are paired
by storm. The impact-free twin of each arm gives the amplification. A grid of phi gives phi*, where portfolio margin
is as bad as isolated margin.
Expected: with equal positions pooling leaves less bad debt and more contagion; with equal utilisation portfolio
margin can leave far more bad debt, so the answer depends on phi.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict, Unpack

import numpy as np
import pandas as pd

from experiments.arms import DESIGNS, REUSE_GRID, Arm, Plan, design_name, seed_list
from experiments.comparison import Compared
from experiments.gallery import show
from experiments.graph.hits import who_hits_whom
from experiments.parallel import MOST_WORKERS, Progress, run_jobs
from experiments.run import run
from experiments.scenarios import resolved
from experiments.store import check_target, scenario_hash
from experiments.verdict import Outcomes
from simulation.arrays import Array
from simulation.errors import InputError, RunFailed, shown
from simulation.scenario import Scenario


class Options(TypedDict, total=False):
    """What a comparison varies, and how it is reported; every key may be left out.

    regimes, designs, reuse_grid: see `Plan`. progress: as for `run_jobs`. overwrite: replace an earlier results
    folder. command: the command line, for the manifest.
    """

    regimes: Sequence[str]
    designs: Sequence[str]
    reuse_grid: Sequence[float]
    progress: Progress
    overwrite: bool
    command: Sequence[str]


class Comparison(Compared):
    """The result of `compare`; `print(comparison)` is the verdict table."""

    def save(self, out: str | Path, overwrite: bool = False, command: Sequence[str] = ()) -> Path:
        """Write the results folder `out`: tables, scenario, figures, graphs, report, manifest; all or nothing."""
        from experiments.results import save_comparison

        return save_comparison(self, out, overwrite, command)


@dataclass(frozen=True)
class Job:
    """One run: an arm's scenario under one seed."""

    scenario: Scenario
    seed: int


def compare(
    scenario: Any,
    seeds: int | Sequence[int] = 20,
    workers: int | None = None,
    out: str | Path | None = None,
    **options: Unpack[Options],
) -> Comparison:
    """Run every regime and design on the same storms, and compare.

    `seeds`: how many storms, counted from the scenario's seed, or a list of seeds. `workers`: processes, all cores
    if None; the results are the same bytes for any number. `out`: write a results folder there; it is complete or
    absent. `scenario` may also be a preset's name, a file, or plain data. Raises `InputError` for what cannot be
    run, and `RunFailed` should two arms ever meet different storms.
    """
    scenario = resolved(scenario)
    plan = _plan(options)
    chosen, processes = seed_list(seeds, scenario.seed), _cores() if workers is None else workers
    if out is not None:
        check_target(out, options.get("overwrite", False))
    arms = plan.arms(scenario)
    variants = {arm: plan.variant(scenario, arm) for arm in arms}
    jobs = [Job(variants[arm], seed) for seed in chosen for arm in arms]
    found = run_jobs(measure, jobs, processes, options.get("progress"))
    outcomes = Outcomes(scenario, plan, chosen, _columns(arms, found), _hits(arms, found))
    digests = same_storms(chosen, arms, [one.digest for one in found])
    gallery = show(outcomes, variants)
    comparison = Comparison(scenario, outcomes, _tidy(outcomes), digests, gallery, processes)
    if out is not None:
        comparison.save(out, options.get("overwrite", False), options.get("command", ()))
    return comparison


@dataclass(frozen=True)
class Measured:
    """What a comparison keeps of a run: metrics, the digest of its exogenous draws, who hit whom (m, m) in dollars."""

    metrics: dict[str, float]
    digest: str
    hits: Array


def measure(job: Job) -> Measured:
    """Run one job and keep its numbers."""
    result = run(job.scenario.seeded(job.seed))
    metrics = {name: float(value) for name, value in result.metrics.items()}
    return Measured(metrics, result.digest, who_hits_whom(result).to_numpy(float))


def _plan(options: Options) -> Plan:
    known = set(Options.__annotations__)
    if unknown := sorted(options.keys() - known):
        raise InputError(f"compare: {shown(unknown[0])} is not an option; there are {', '.join(sorted(known))}")
    plan = Plan()
    return Plan(
        tuple(options.get("regimes", plan.regimes)),
        tuple(options.get("designs", plan.designs)),
        tuple(options.get("reuse_grid", REUSE_GRID)),
    )


def _cores() -> int:
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(available, MOST_WORKERS)


def _columns(arms: list[Arm], found: list[Measured]) -> dict[Arm, dict[str, Array]]:
    """Return metrics by arm as arrays over storms; jobs came storm by storm."""
    metrics = [one.metrics for one in found]
    return {
        arm: {name: np.array([values[name] for values in metrics[i :: len(arms)]]) for name in metrics[i]}
        for i, arm in enumerate(arms)
    }


def _hits(arms: list[Arm], found: list[Measured]) -> dict[Arm, Array]:
    """Return who hit whom (n, m, m) by arm; without impact nobody hits anybody."""
    return {
        arm: np.stack([one.hits for one in found[i :: len(arms)]]) for i, arm in enumerate(arms) if not arm.impact_free
    }


def same_storms(seeds: Sequence[int], arms: list[Arm], found: Sequence[str]) -> dict[int, str]:
    """Return the digest of each storm of those `found`; raise `RunFailed` unless all arms met it."""
    storms: dict[int, str] = {}
    for i, seed in enumerate(seeds):
        digests = found[i * len(arms) : (i + 1) * len(arms)]
        for arm, digest in zip(arms, digests, strict=True):
            if digest != digests[0]:
                raise RunFailed(f"seed {seed}: {arms[0].label} and {arm.label} met different storms; not comparable")
        storms[seed] = digests[0]
    return storms


def _tidy(outcomes: Outcomes) -> pd.DataFrame:
    """Return one row a run and metric; `run` numbers the runs, so rows that show the same run can be told."""
    scenario, plan = outcomes.scenario, outcomes.plan
    numbers = {arm: i for i, arm in enumerate(outcomes.values)}
    rows = [(regime, DESIGNS[design], free) for regime in plan.regimes for design in plan.designs for free in (0, 1)]
    named = {(plan.arm(scenario, regime, share), share, bool(free)) for regime, share, free in rows}
    rows += [
        (arm.regime, arm.reuse_share, 0)
        for arm in outcomes.values
        if not arm.impact_free and (arm, arm.reuse_share, False) not in named
    ]
    parts = []
    for regime, share, free in rows:
        arm = plan.arm(scenario, regime, share)
        arm = Arm(arm.regime, arm.reuse_share, bool(free))
        parts.append(_arm_rows(outcomes, arm, share, numbers[arm]))
    return pd.concat(parts, ignore_index=True)


def _arm_rows(outcomes: Outcomes, arm: Arm, share: float, number: int) -> pd.DataFrame:
    columns = outcomes.values[arm]
    names, n = sorted(columns), len(outcomes.seeds)
    return pd.DataFrame(
        {
            "scenario": outcomes.scenario.name,
            "scenario_hash": scenario_hash(outcomes.scenario.to_dict()),
            "regime": arm.regime,
            "design": design_name(share),
            "reuse_share": share,
            "impact_free": arm.impact_free,
            "run": np.repeat(np.arange(n) * len(outcomes.values) + number, len(names)),
            "seed": np.repeat(np.array(outcomes.seeds, np.uint64 if max(outcomes.seeds) < 2**64 else str), len(names)),
            "metric": names * n,
            "value": np.column_stack([columns[name] for name in names]).ravel(),
        }
    )
