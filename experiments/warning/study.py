"""Did what was foreseen come? Predicted and simulated amplification over many populations, as tables and text.

Question: how far is the mean amplification from the predicted one, and how far may a single population be? Method: the
populations of `experiments.warning.outcome`, in isolated and in cross margin, each at every wanted radius. Expected:
means within 5 % of the prediction up to a radius of 0.85; single populations are further off, the more so the nearer
the radius is to 1.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from experiments.parallel import run_jobs
from experiments.statistics import Estimate, mean_interval
from experiments.warning.outcome import POPULATIONS, RADII, Outcome, WarnedBook, outcome
from experiments.wording import counted
from simulation.arrays import Array
from simulation.errors import InputError

REGIMES = ("isolated", "cross")
FEWEST_ACCOUNTS, MOST_ACCOUNTS = 400, 1_000_000  # with fewer, a window may hold nobody and K is 0
MOST_POPULATIONS, LARGEST_RADIUS = 1_000, 10.0


@dataclass(frozen=True)
class Group:
    """The outcomes of all populations under one margin rule at one wanted radius."""

    regime: str
    radius: float
    outcomes: tuple[Outcome, ...]

    @property
    def ratio(self) -> Estimate:
        """Return the mean of simulated over predicted amplification with its 95 % interval (t) over populations."""
        if all(one.prediction.reason for one in self.outcomes):
            reason = "unstable, no size is predicted"
            return Estimate(np.nan, np.nan, np.nan, len(self.outcomes), "mean, t 95 %", reason)
        return mean_interval(self._ratios, skip_undefined=True)

    @property
    def row(self) -> dict[str, Any]:
        """Return the line of `Study.means`."""
        ratios, mean = self._ratios[np.isfinite(self._ratios)], self.ratio
        return {
            "margin": self.regime,
            "radius": self.radius,
            "populations": len(self.outcomes),
            "unstable": sum(bool(one.prediction.reason) for one in self.outcomes),
            "beyond": sum(not one.prediction.in_reach for one in self.outcomes if not one.prediction.reason),
            "predicted": _mean([one.prediction.amplification for one in self.outcomes]),
            "simulated": _mean([one.simulated for one in self.outcomes]),
            "ratio": mean.value,
            "low": mean.low,
            "high": mean.high,
            "smallest": ratios.min() if len(ratios) else np.nan,
            "largest": ratios.max() if len(ratios) else np.nan,
            "reason": mean.reason,
        }

    def books(self) -> Iterator[dict[str, Any]]:
        """Yield the lines of `Study.books`."""
        for population, one in enumerate(self.outcomes):
            yield {
                "margin": self.regime,
                "radius": one.radius,
                "population": population,
                "predicted": one.prediction.amplification,
                "simulated": one.simulated,
                "ratio": one.ratio,
                "in_reach": one.prediction.in_reach,
                "reason": one.prediction.reason or ("" if np.isfinite(one.ratio) else "nothing was closed by force"),
            }

    @property
    def _ratios(self) -> Array:
        return np.array([one.ratio for one in self.outcomes])


def _mean(values: list[float]) -> float:
    return mean_interval(values, skip_undefined=True).value


@dataclass(frozen=True)
class Study:
    """Outcomes of many populations. book: what all of them share, but for margin rule, population and impact."""

    book: WarnedBook
    groups: tuple[Group, ...]

    @property
    def means(self) -> pd.DataFrame:
        """Return one row a margin rule and radius: mean predicted and simulated amplification, the mean of simulated /
        predicted with its 95 % interval over populations (low, high; NaN with the reason), the smallest and the
        largest ratio of one population, and how many books are unstable or beyond the reach of the window.
        """
        return pd.DataFrame([group.row for group in self.groups]).astype({"margin": "str", "reason": "str"})

    @property
    def books(self) -> pd.DataFrame:
        """Return one row a book: margin, radius as read, population, predicted and simulated amplification, ratio (NaN
        with the reason), in_reach (the predicted move stays within the window in which K was read).
        """
        rows = [row for group in self.groups for row in group.books()]
        return pd.DataFrame(rows).astype({"margin": "str", "reason": "str"})

    def of(self, regime: str) -> list[list[Outcome]]:
        """Return the outcomes under one margin rule, radius by radius."""
        return [list(group.outcomes) for group in self.groups if group.regime == regime]

    def __str__(self) -> str:
        """Return the means as a table of text, and how far they and single populations are off."""
        book, count = self.book, max(len(group.outcomes) for group in self.groups)
        lines = [
            f"{count} unlike populations of {book.accounts:,} accounts in {book.markets} markets; all prices fall by "
            f"{100.0 * book.shock:g} %; window {book.window:g}",
            "amplification: dollars closed by force in the end over those of the first round",
            "",
            f"{'margin':<10}{'radius':>7}{'predicted':>11}{'simulated':>11}  {'simulated / predicted [95 %]':<30}"
            "one population",
            *(_line(group) for group in self.groups),
            "",
            *self._verdict(),
        ]
        return "\n".join(lines)

    def _verdict(self) -> Iterator[str]:
        rows = [group.row for group in self.groups]
        known = [row for row in rows if np.isfinite(row["ratio"])]
        if known:
            worst = max(known, key=lambda row: abs(row["ratio"] - 1.0))
            alone = max(max(row["largest"] - 1.0, 1.0 - row["smallest"]) for row in known)
            yield (
                f"the mean is off by {abs(worst['ratio'] - 1.0):.1%} at most ({worst['margin']} margin, radius "
                f"{worst['radius']:g}); one population by up to {alone:.0%}: no single run is a proof"
            )
        if beyond := sum(row["beyond"] for row in rows):
            books = counted(beyond, "book")
            yield f"predicted to move beyond the window, so that the prediction is not supported: {books}"
        if unstable := sum(row["unstable"] for row in rows):
            books = counted(unstable, "book")
            yield f"unstable (radius 1 or more), which get no number, whatever came: {books}"


def _line(group: Group) -> str:
    row, mean = group.row, group.ratio
    predicted = f"{row['predicted']:>11.2f}" if mean.defined else f"{'-':>11}"
    simulated = f"{row['simulated']:>11.2f}" if np.isfinite(row["simulated"]) else f"{'-':>11}"
    alone = f"{row['smallest']:.2f} to {row['largest']:.2f}" if mean.defined else ""
    return f"{group.regime:<10}{group.radius:>7g}{predicted}{simulated}  {mean.text('.3f'):<30}{alone}".rstrip()


def study(
    book: WarnedBook | None = None,
    radii: Sequence[float] = RADII,
    populations: int = POPULATIONS,
    workers: int = 0,
) -> Study:
    """Return the outcomes of `populations` unlike populations at each of `radii`, in isolated and in cross margin.

    `workers` 0 takes all cores; results do not depend on it. Raises `InputError` for numbers out of bounds.
    """
    shared = book or WarnedBook()
    _check(shared, radii, populations)
    cells = [(regime, radius) for regime in REGIMES for radius in radii]
    jobs = [
        (replace(shared, regime=regime, population=population), radius)
        for regime, radius in cells
        for population in range(populations)
    ]
    found = run_jobs(_outcome, jobs, workers or min(os.cpu_count() or 1, len(jobs), 16))
    parts = [tuple(found[i * populations : (i + 1) * populations]) for i in range(len(cells))]
    return Study(shared, tuple(Group(*cell, part) for cell, part in zip(cells, parts, strict=True)))


def _outcome(job: tuple[WarnedBook, float]) -> Outcome:
    book, radius = job
    return outcome(book.at_radius(radius))


def _check(book: WarnedBook, radii: Sequence[float], populations: int) -> None:
    if not 1 <= populations <= MOST_POPULATIONS:
        raise InputError(f"populations: must be 1 to {MOST_POPULATIONS:,} (got {populations})")
    if not FEWEST_ACCOUNTS <= book.accounts <= MOST_ACCOUNTS:
        raise InputError(f"accounts: must be {FEWEST_ACCOUNTS} to {MOST_ACCOUNTS:,} (got {book.accounts})")
    wrong = [radius for radius in radii if not 0.0 < radius <= LARGEST_RADIUS]
    if wrong or len(set(radii)) != len(radii) or not len(radii):
        got = ", ".join(f"{radius:g}" for radius in wrong or radii) or "none"
        raise InputError(f"radius: must be different numbers above 0 and at most {LARGEST_RADIUS:g} (got {got})")
