"""A run with its early warning read at every step: what could have been known, beside what then happened."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from agents.cast import StandardCast, check_population
from agents.handles import forget
from experiments.causes.source import check_storm, source_of
from experiments.drawing import DARK, GREY, Picture, canvas, from_zero, look, png
from experiments.record.observed import Observed
from experiments.warning.classes import FALL, ClassNetwork, class_network
from experiments.warning.early_warning import WINDOW, EarlyWarning, LiveBook
from experiments.wording import counted, dollar_scale, dollars
from simulation.arrays import Array
from simulation.scenario import Scenario

_LOOKS, _WIDTHS = 6, (1.0, 2.2, 3.4)  # looks of lines there are; beyond them lines get thicker
_MOST = 200  # readings of one run; a choice: each costs as much as 2 m + 1 margin checks of everybody


@dataclass(frozen=True)
class Warned:
    """A run and its readings.

    readings: one row a reading: step, radius_down, radius_up (spectral radius of the contagion matrix for falling and
    for rising prices), sold_per_percent, bought_per_percent (dollars forced out if all markets move by 1 %, one at a
    time, summed), first_sales and predicted_sales (gross dollars forced out if all marks fall by 1 % together, at once
    and with all that follows; NaN where the book is unstable), vulnerability (equity lost to the sales of account
    classes that keep their leverage after such a fall, over all their equity).
    matrix (m, m): K at the reading with the largest radius, in that direction. classes: the account classes (trader
    groups) then, with the numbers of `experiments.warning.classes.COLUMNS`; class_matrix (g, g): K by class, dollars
    forced out of the column's class per dollar forced out of the row's, for the `groups` (g,).
    marks (steps + 1, m): dollars. forced (steps + 1,): dollars closed by force in each step. digest: names the storm's
    exogenous draws. window: the log move by which marks were moved to see who falls.
    """

    scenario: Scenario
    readings: pd.DataFrame
    matrix: Array
    classes: pd.DataFrame
    class_matrix: Array
    groups: tuple[str, ...]
    marks: Array
    forced: Array
    digest: str
    window: float = WINDOW

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
        now, names = self.readings.iloc[top], self.scenario.names
        at = int(now["step"])
        start = self.radius[0]
        prices = "falling" if now["radius_down"] >= now["radius_up"] else "rising"
        lines = [
            f"spectral radius: {start:.3g} at the start{self._nobody}, {self.radius[top]:.3g} at most (step {at})",
            self._alarms,
            self._beginning,
            f"forced volume: {dollars(self.forced.sum())} in all",
            f"contagion matrix at step {at} for {prices} prices,",
            f"dollars forced out of the column's market per dollar of the row's{self._both_ways}:",
            _shown(self.matrix, names),
            "the same by account class:",
            _shown(self.class_matrix, self.groups),
            self._fall(top),
            *self._endangering(),
        ]
        return "\n".join(lines)

    @property
    def _nobody(self) -> str:
        """Say why the first radius is 0, where it is."""
        if self.radius[0]:
            return ""
        forced_out = self.readings[["sold_per_percent", "bought_per_percent"]].iloc[0].any()
        what = "set off nothing that feeds back" if forced_out else "liquidate nobody"
        return f" (a move of {100.0 * self.window:g} % would {what})"

    @property
    def _both_ways(self) -> str:
        """Say what a negative number is, where there is one."""
        below = bool(self.matrix.min() < 0.0)
        return " (negative: bought where the row's is sold, or sold where it is bought)" if below else ""

    @property
    def _beginning(self) -> str:
        """Say when forced trades began, and how long before it the book was first read as unstable."""
        began, alarm = self.first_forced, self.first_alarm
        if began is None:
            return "no forced trade"
        ahead = 0 if alarm is None else began - alarm
        steps = f"{counted(ahead, 'step')} after the first alarm"
        return f"first forced trade in step {began}, {steps if ahead > 0 else 'without an alarm before it'}"

    @property
    def _alarms(self) -> str:
        """Say from when and how often the book was unstable."""
        if self.first_alarm is None:
            return "never unstable"
        times = f"{int((self.radius >= 1.0).sum())} of {len(self.radius)} readings"
        return f"unstable (no cascade size is predicted) from step {self.first_alarm}, in {times}"

    def _fall(self, top: int) -> str:
        """Say what a common fall would do at the reading `top`."""
        now = self.readings.iloc[top]
        if now["first_sales"] == 0.0:
            return "a fall of all marks by 1 % then forces nothing out"
        first = f"a fall of all marks by 1 % then forces out {dollars(now['first_sales'])} at once"
        if np.isnan(now["predicted_sales"]):
            return f"{first}\nwhat that grows to has no number: the book is unstable"
        return f"{first}\nand {dollars(now['predicted_sales'])} with all that follows, on average"

    def _endangering(self) -> list[str]:
        """Say which class would endanger the others most at the reading told of, if any would."""
        if not (len(self.classes) and self.classes[["debt_rank", "indirect_contagion"]].to_numpy().any()):
            return ["no class of accounts endangers another through prices"]
        worst = self.classes.loc[self.classes["debt_rank"].idxmax()]
        harm = float(worst["indirect_contagion"])
        return [
            f"in full distress the class {worst['class']} would put {100.0 * worst['debt_rank']:.3g} % of all equity "
            f"into distress beyond its own;",
            f"liquidated in full it would {'cost' if harm >= 0.0 else 'bring'} the others {dollars(abs(harm))}",
        ]


def _shown(matrix: Array, names: Sequence[str]) -> str:
    """Return the rows and columns that are not 0, in print."""
    some = np.flatnonzero(matrix.any(axis=0) | matrix.any(axis=1))
    if not len(some):
        return "  0 everywhere"
    kept = [names[i] for i in some.tolist()]
    return pd.DataFrame(matrix[np.ix_(some, some)], index=kept, columns=kept).round(4).to_string()


class _Reader(Observed):
    """The watched model that also reads its book; it keeps the matrix of the reading with the largest radius."""

    def __init__(self, scenario: Scenario, window: float) -> None:
        """Open the book; nothing is read yet."""
        super().__init__(scenario, StandardCast())
        self.window = window
        self.worst: EarlyWarning | None = None
        self.classes = pd.DataFrame()
        self.class_matrix = np.zeros((0, 0))
        self.readings: list[tuple[float, ...]] = []

    def read(self) -> None:
        """Read the book now, for falling and for rising prices."""
        book = LiveBook(self)
        down, up = book.warning(self.window, "down"), book.warning(self.window, "up")
        fall = np.full(len(self.market.names), np.log1p(-FALL))
        ahead = down.predict(book.sales(fall).sum(axis=0), abs(float(fall[0])))
        network = class_network(self, book, down.slope)
        sold, bought = float(down.per_percent.sum()), float(up.per_percent.sum())
        sums = [float(np.abs(dollars).sum()) for dollars in (ahead.first, ahead.total)]
        vulnerable = network.aggregate_vulnerability
        self.readings.append((self.market.step, down.radius, up.radius, sold, bought, *sums, vulnerable))
        larger = down if down.radius >= up.radius else up
        if self.worst is None or larger.radius > self.worst.radius:
            self._keep(larger, book, network)

    def _keep(self, worst: EarlyWarning, book: LiveBook, network: ClassNetwork) -> None:
        """Keep what is told of one reading only."""
        number = np.concatenate([np.full(group.count, i) for i, group in enumerate(self.turns)])
        self.worst, self.classes = worst, network.table()
        self.class_matrix = book.by_class(number, self.window, worst.direction)


def warn(source: Any, window: float = WINDOW) -> Warned:
    """Run a scenario and read the early warning as it goes, at most 200 times; a reading changes nothing of the run.

    `source` is a results folder, a scenario (name, file, data) or a `Run`. `window` is the log move by which each mark
    is moved to see who falls. Raises `InputError` for what does not exist.
    """
    scenario, digest = source_of(source)
    check_population(scenario)
    model = _Reader(scenario, window)
    every = -(-scenario.steps // _MOST)

    def note() -> None:
        if model.market.step % every == 0:
            model.read()

    try:
        model.read()
        model.run(note)
        check_storm(source, digest, model.streams.digest())
        return _told(model)
    finally:
        forget(model)


def _told(model: _Reader) -> Warned:
    names = ["step", "radius_down", "radius_up", "sold_per_percent", "bought_per_percent"]
    names += ["first_sales", "predicted_sales", "vulnerability"]
    steps, notional = (np.asarray(model.events[name]) for name in ("step", "notional"))
    forced = np.bincount(steps.astype(np.intp), notional.astype(float), model.rules.steps + 1).astype(float)
    marks, worst = model.market.history["mark"].copy(), model.worst
    matrix = np.zeros((marks.shape[1], marks.shape[1])) if worst is None else worst.matrix
    return Warned(
        scenario=model.rules,
        readings=pd.DataFrame(model.readings, columns=names).astype({"step": int}),
        matrix=matrix,
        classes=model.classes,
        class_matrix=model.class_matrix,
        groups=tuple(group.name for group in model.turns),
        marks=marks,
        forced=forced,
        digest=model.streams.digest(),
        window=model.window,
    )


def form_of(market: str, markets: tuple[str, ...]) -> dict[str, Any]:
    """Return how the line of a market is drawn: no two of eighteen markets alike, in grey too."""
    style = look(market, markets)
    width = _WIDTHS[markets.index(market) // _LOOKS % len(_WIDTHS)]
    return {"color": style.colour, "ls": style.line, "lw": width, "marker": style.marker}


def warning_picture(warned: Warned) -> Picture:
    """Return prices, forced volume and spectral radius over the steps of one run, one above the other."""
    unit = dollar_scale([warned.forced.max()])
    step = np.arange(len(warned.forced))
    with canvas(8.0, 5.6) as figure:
        price, volume, radius = figure.subplots(3, 1, sharex=True, height_ratios=(1.6, 1.0, 1.4))
        for place, (name, column) in enumerate(zip(warned.scenario.names, warned.marks.T, strict=True)):
            every = (place * max(1, len(step) // 40), max(1, len(step) // 6))
            price.plot(
                step,
                100.0 * column / column[0],
                markevery=every,
                ms=4,
                label=name,
                **form_of(name, warned.scenario.names),
            )
        price.set_ylabel("mark, % of start")
        price.legend(loc="best", ncols=3)
        volume.vlines(step, 0.0, warned.forced / unit[0], color=DARK, lw=1.0)
        volume.set_ylabel(f"forced volume,\n{unit[1]} a step")
        from_zero(volume, "y")
        if not warned.forced.any():
            volume.set_yticks([0.0])
            volume.text(0.5, 0.5, "no forced trade", ha="center", va="center", transform=volume.transAxes)
        for name, line, mark in (("radius_down", "-", "v"), ("radius_up", "--", "^")):
            found = warned.readings[name]
            every = max(1, len(found) // 12)
            label = "falling prices" if name == "radius_down" else "rising prices"
            radius.plot(warned.readings["step"], found, DARK, ls=line, marker=mark, markevery=every, ms=4, label=label)
        radius.axhline(1.0, color=GREY, lw=0.9, ls=":", label="unstable above")
        radius.set_ylabel("spectral radius of\ncontagion matrix")
        radius.set_xlabel("step")
        radius.legend(loc="best")
        from_zero(radius, "y")
        picture = png(figure)
    caption = (
        "One run. Above: marks; middle: dollars closed by force in each step; below: spectral radius of the contagion "
        "matrix, read from the live book at the end of each step, before the next. One run is no proof."
    )
    return Picture("early_warning", "Early warning and what then happened", caption, picture)
