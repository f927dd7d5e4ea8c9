"""A run with its early warning read at every step: what could have been known, beside what then happened."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from agents.cast import StandardCast, check_population
from agents.handles import forget
from experiments.drawing import DARK, GREY, Picture, canvas, from_zero, look, png
from experiments.record.observed import Observed
from experiments.warning.early_warning import WINDOW, EarlyWarning, LiveBook
from experiments.wording import dollar_scale
from simulation.arrays import Array
from simulation.scenario import Scenario

_MOST = 200  # readings of one run; a choice: each costs as much as 2 m + 1 margin checks of everybody


@dataclass(frozen=True)
class Warned:
    """A run and its readings.

    readings: one row a reading: step, radius_down, radius_up (spectral radius of the contagion matrix for falling and
    for rising prices), sold_per_percent, bought_per_percent (dollars forced out if all markets move by 1 %, one at a
    time, summed). matrix (m, m): K at the reading with the largest radius, in that direction.
    marks (steps + 1, m): dollars. forced (steps + 1,): dollars closed by force in each step.
    """

    scenario: Scenario
    readings: pd.DataFrame
    matrix: Array
    marks: Array
    forced: Array

    @property
    def radius(self) -> Array:
        """Return the larger of the two radii at each reading."""
        return np.asarray(self.readings[["radius_down", "radius_up"]].max(axis=1), float)

    @property
    def first_alarm(self) -> int | None:
        """Return the first step at which the book was read as unstable (radius at least 1), None if never."""
        alarmed = np.flatnonzero(self.radius >= 1.0)
        return int(self.readings["step"].iloc[alarmed[0]]) if len(alarmed) else None

    @property
    def first_forced(self) -> int | None:
        """Return the first step with a forced trade, None if there is none."""
        steps = np.flatnonzero(self.forced > 0.0)
        return int(steps[0]) if len(steps) else None

    def __str__(self) -> str:
        """Return the warning and the outcome in plain sentences."""
        top = int(np.argmax(self.radius))
        at, names = int(self.readings["step"].iloc[top]), self.scenario.names
        alarm, began = self.first_alarm, self.first_forced
        lines = [
            f"spectral radius: {self.radius[0]:.3g} at the start, {self.radius[top]:.3g} at most (step {at})",
            "never unstable" if alarm is None else f"unstable (no cascade size is predicted) from step {alarm}",
            "no forced trade" if began is None else f"first forced trade in step {began}",
            f"forced volume: {self.forced.sum():,.0f} dollars in all",
            f"contagion matrix at step {at}, dollars forced out of the column's market per dollar of the row's:",
            str(pd.DataFrame(self.matrix, index=names, columns=names).round(4)),
        ]
        return "\n".join(lines)


class _Reader(Observed):
    """The watched model that also reads its book; it keeps the matrix of the reading with the largest radius."""

    def __init__(self, scenario: Scenario, window: float) -> None:
        """Open the book; nothing is read yet."""
        super().__init__(scenario, StandardCast())
        self.window = window
        self.worst: EarlyWarning | None = None
        self.readings: list[tuple[int, float, float, float, float]] = []

    def read(self) -> None:
        """Read the book now, for falling and for rising prices."""
        book = LiveBook(self)
        down, up = book.warning(self.window, "down"), book.warning(self.window, "up")
        sold, bought = float(down.per_percent.sum()), float(up.per_percent.sum())
        self.readings.append((self.market.step, down.radius, up.radius, sold, bought))
        larger = down if down.radius >= up.radius else up
        if self.worst is None or larger.radius > self.worst.radius:
            self.worst = larger


def warn(scenario: Scenario, window: float = WINDOW) -> Warned:
    """Run `scenario` and read the early warning as it goes, at most 200 times; a reading changes nothing of the run.

    `window` is the log move by which each mark is moved to see who falls.
    """
    check_population(scenario)
    model = _Reader(scenario, window)
    every = -(-scenario.steps // _MOST)

    def note() -> None:
        if model.market.step % every == 0:
            model.read()

    try:
        model.read()
        model.run(note)
        return _told(model)
    finally:
        forget(model)


def _told(model: _Reader) -> Warned:
    names = ["step", "radius_down", "radius_up", "sold_per_percent", "bought_per_percent"]
    steps, notional = (np.asarray(model.events[name]) for name in ("step", "notional"))
    forced = np.bincount(steps.astype(np.intp), notional.astype(float), model.rules.steps + 1).astype(float)
    marks, worst = model.market.history["mark"].copy(), model.worst
    matrix = np.zeros((marks.shape[1], marks.shape[1])) if worst is None else worst.matrix
    return Warned(model.rules, pd.DataFrame(model.readings, columns=names), matrix, marks, forced)


def warning_picture(warned: Warned) -> Picture:
    """Return prices, forced volume and spectral radius over the steps of one run, one above the other."""
    unit = dollar_scale([warned.forced.max()])
    step = np.arange(len(warned.forced))
    with canvas(8.0, 5.6) as figure:
        price, volume, radius = figure.subplots(3, 1, sharex=True, height_ratios=(1.6, 1.0, 1.4))
        for name, column in zip(warned.scenario.names, warned.marks.T, strict=True):
            style = look(name, warned.scenario.names)
            price.plot(step, 100.0 * column / column[0], color=style.colour, ls=style.line, lw=1.1, label=name)
        price.set_ylabel("mark, % of start")
        price.legend(loc="best", ncols=3)
        volume.vlines(step, 0.0, warned.forced / unit[0], color=DARK, lw=1.0)
        volume.set_ylabel(f"forced volume,\n{unit[1]} a step")
        from_zero(volume, "y")
        for name, line, mark in (("radius_down", "-", "v"), ("radius_up", "--", "^")):
            found = warned.readings[name]
            every = max(1, len(found) // 12)
            label = "falling prices" if name == "radius_down" else "rising prices"
            radius.plot(warned.readings["step"], found, DARK, ls=line, marker=mark, markevery=every, ms=4, label=label)
        radius.axhline(1.0, color=GREY, lw=0.9, ls=":")
        radius.annotate("unstable above", (0.995, 1.0), (0, 2), ("axes fraction", "data"), "offset points", ha="right")
        radius.set_ylabel("spectral radius of\ncontagion matrix")
        radius.set_xlabel("step")
        radius.legend(loc="upper left")
        from_zero(radius, "y")
        picture = png(figure)
    caption = (
        "One run. Above: marks; middle: dollars closed by force in each step; below: spectral radius of the contagion "
        "matrix, read from the live book at the end of each step, before the next. One run is no proof."
    )
    return Picture("early_warning", "Early warning and what then happened", caption, picture)
