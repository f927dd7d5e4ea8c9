"""Which runs are looked at closely: the worst and the median, by a rule and not by taste.

The rule: all runs of the compared arms (designs, not the re-use grid, not the impact-free twins) are ordered by bad
debt, then liquidated notional, then seed; the worst is the last, the median the one in the middle (the lower one of
two). Each is shown with the other regimes on the same storm and under the same design.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from experiments.arms import Arm
from experiments.run import Run, run
from experiments.verdict import Outcomes
from simulation.scenario import Scenario

RULE = "runs of all compared arms ordered by bad debt, then liquidated notional, then seed"


@dataclass(frozen=True)
class Shown:
    """One chosen run (`arm` on the storm `seed`) and, by regime, all arms of its design on that storm."""

    title: str
    seed: int
    arm: Arm
    design: str
    runs: Mapping[str, Run]

    @property
    def run(self) -> Run:
        """Return the chosen run."""
        return self.runs[self.arm.regime]


@dataclass(frozen=True)
class Gallery:
    """The worst and the median run."""

    worst: Shown
    median: Shown


def show(outcomes: Outcomes, variants: Mapping[Arm, Scenario]) -> Gallery:
    """Choose the two runs and run their storms again, this time keeping everything."""
    ranked = ranking(outcomes)
    chosen = {"worst": ranked[-1], "median": ranked[(len(ranked) - 1) // 2]}
    kept: dict[tuple[Arm, int], Run] = {}
    shown = {title: _shown(outcomes, variants, (title, *pick), kept) for title, pick in chosen.items()}
    return Gallery(**shown)


def ranking(outcomes: Outcomes) -> list[tuple[int, Arm]]:
    """Return (seed, arm) of all compared runs, the mildest first."""
    arms = dict.fromkeys(
        outcomes.arm(regime, design) for regime in outcomes.plan.regimes for design in outcomes.plan.designs
    )
    keyed = [
        (outcomes.of(arm, "bad_debt")[i], outcomes.of(arm, "liquidated_notional")[i], seed, arm)
        for arm in arms
        for i, seed in enumerate(outcomes.seeds)
    ]
    return [(seed, arm) for _, _, seed, arm in sorted(keyed)]


def _shown(
    outcomes: Outcomes,
    variants: Mapping[Arm, Scenario],
    pick: tuple[str, int, Arm],
    kept: dict[tuple[Arm, int], Run],
) -> Shown:
    title, seed, arm = pick
    design = next(name for name in outcomes.plan.designs if outcomes.arm(arm.regime, name) == arm)
    runs = {}
    for regime in outcomes.plan.regimes:
        other = outcomes.arm(regime, design)
        if (other, seed) not in kept:
            kept[other, seed] = run(variants[other].seeded(seed))
        runs[regime] = kept[other, seed]
    return Shown(title, seed, arm, design, runs)
