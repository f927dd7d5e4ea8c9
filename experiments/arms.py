"""The arms of a comparison: which variants of one scenario are run, and which of them are the same run."""

import math
import numbers
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from experiments.venue_presets import venue_names, venue_preset
from simulation.errors import InputError, shown
from simulation.margin.base import MarginRule
from simulation.random import checked_seed
from simulation.scenario import Scenario

REFERENCE = "isolated"  # what the other regimes are compared with
REUSING = "portfolio"  # the regime whose freed margin the re-use grid spends
EQUAL_POSITIONS, EQUAL_UTILISATION = "equal positions", "equal utilisation"
DESIGNS = {EQUAL_POSITIONS: 0.0, EQUAL_UTILISATION: 1.0}  # design -> re-use share phi
REUSE_GRID = (0.0, 0.25, 0.5, 0.75, 1.0)
MOST_SEEDS = 100_000


@dataclass(frozen=True, order=True)
class Arm:
    """One variant: a margin regime, the share phi of freed margin that is re-used, and whether impact is off."""

    regime: str
    reuse_share: float = 0.0
    impact_free: bool = False

    @property
    def label(self) -> str:
        """Return the arm for a title or an error line."""
        off = ", no impact" if self.impact_free else ""
        return f"{self.regime}, phi = {self.reuse_share:g}{off}"


@dataclass(frozen=True)
class Plan:
    """What a comparison varies: regimes, designs, and the re-use shares tried for portfolio margin.

    A regime is a venue preset, or the kind of a margin rule. Of the rules, the one the scenario itself uses keeps its
    parameters and the others take their defaults; a venue brings all its rules (see `venue_presets`).
    """

    regimes: tuple[str, ...] = (REFERENCE, "cross", REUSING)
    designs: tuple[str, ...] = (EQUAL_POSITIONS, EQUAL_UTILISATION)
    reuse_grid: tuple[float, ...] = REUSE_GRID

    def __post_init__(self) -> None:
        """Refuse regimes, designs and shares that do not exist."""
        _known("regimes", self.regimes, sorted({*MarginRule.kinds(), *venue_names()}))
        _known("designs", self.designs, list(DESIGNS))
        for share in self.reuse_grid:
            if not isinstance(share, numbers.Real) or not 0.0 <= float(share) <= 1.0:
                raise InputError(f"reuse_grid: must be numbers from 0 to 1 (got {shown(share)})")
        if list(self.reuse_grid) != sorted(set(self.reuse_grid)):
            raise InputError(f"reuse_grid: must rise (got {shown(self.reuse_grid)})")

    @property
    def reference(self) -> str:
        """Return what the other regimes are compared with: isolated margin, or else the first regime."""
        return REFERENCE if REFERENCE in self.regimes else self.regimes[0]

    def changes(self, scenario: Scenario, regime: str) -> dict[str, Any]:
        """Return what `regime` changes in the scenario, as plain data."""
        if regime in venue_names():
            return venue_preset(regime).changes(scenario)
        return {"margin": self.rule(scenario, regime)}

    def rule(self, scenario: Scenario, regime: str) -> dict[str, Any]:
        """Return the margin rule of `regime` as plain data."""
        if regime in venue_names():
            return dict(venue_preset(regime).rules["margin"])
        own = scenario.margin
        return own.model_dump(mode="json") if own.kind == regime else {"kind": regime}

    def frees_margin(self, scenario: Scenario, regime: str) -> bool:
        """Tell whether `regime` can ask for less than isolated margin does, so that phi matters at all."""
        return regime in venue_names() or not MarginRule.parse(self.rule(scenario, regime)).additive

    def arm(self, scenario: Scenario, regime: str, reuse_share: float) -> Arm:
        """Return the arm that is run for `regime` at `reuse_share`; regimes that free nothing have one arm."""
        return Arm(regime, float(reuse_share) if self.frees_margin(scenario, regime) else 0.0)

    def arms(self, scenario: Scenario) -> list[Arm]:
        """Return the arms to run, each once: designs, then the re-use grid, then the impact-free twins."""
        main = [self.arm(scenario, regime, DESIGNS[design]) for regime in self.regimes for design in self.designs]
        grid = [Arm(REUSING, float(share)) for share in self.reuse_grid if REUSING in self.regimes]
        twins = [Arm(arm.regime, arm.reuse_share, True) for arm in main]
        return list(dict.fromkeys([*main, *grid, *twins]))

    def variant(self, scenario: Scenario, arm: Arm) -> Scenario:
        """Return the scenario of `arm`, checked; the seed is the scenario's own."""
        changes = {**self.changes(scenario, arm.regime), "reuse_share": arm.reuse_share}
        if arm.impact_free:
            changes["impact"] = {"kind": "none"}
        return scenario.with_(**changes)


def spoken(regime: str) -> str:
    """Return a regime as it is called in a sentence."""
    return venue_preset(regime).title if regime in venue_names() else f"{regime} margin"


def seed_list(seeds: int | Sequence[int], first: int) -> list[int]:
    """Return the seeds to run: the given ones, or that many from `first` on."""
    if isinstance(seeds, int) and not isinstance(seeds, bool):
        if not 1 <= seeds <= MOST_SEEDS:
            raise InputError(f"seeds: must be 1 to {MOST_SEEDS:,} seeds (got {seeds})")
        return [checked_seed(first + i) for i in range(seeds)]
    if isinstance(seeds, bool | str | Mapping) or not isinstance(seeds, Sequence) or not seeds:
        raise InputError(f"seeds: must be a number of seeds or a list of them (got {shown(seeds)})")
    found = [checked_seed(seed) for seed in seeds]
    if len(set(found)) != len(found):
        twice = next(seed for seed in found if found.count(seed) > 1)
        raise InputError(f"seeds: {twice} is listed more than once; every storm counts once")
    return found


def design_name(reuse_share: float) -> str:
    """Return the name of the design at `reuse_share`, or the share itself."""
    named = [name for name, share in DESIGNS.items() if math.isclose(share, reuse_share)]
    return named[0] if named else f"re-use {reuse_share:g}"


def _known(field: str, given: tuple[str, ...], known: list[str]) -> None:
    if not given or isinstance(given, str):
        raise InputError(f"{field}: must be a list of at least one of {', '.join(known)} (got {shown(given)})")
    for name in given:
        if name not in known:
            raise InputError(f"{field}: must be among {', '.join(known)} (got {shown(name)})")
    if len(set(given)) != len(given):
        raise InputError(f"{field}: names one twice (got {shown(given)})")
