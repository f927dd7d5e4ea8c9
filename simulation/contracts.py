"""The listed contracts of a market: which column follows which, what each is worth, and when it ends.

A column is *primary* if the price process draws its index; *tied* if it trades on the index of another one in a book of
its own (a token beside its perpetual); *derived* if its value is a function of another column's price (a dated future,
an option). What displaces a primary column moves the derived ones with it: with V the value function,

    ln price = ln index + lift + own displacement,   lift = ln V(mid of the underlying) - ln V(index of the underlying).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from simulation.arrays import Array, Index, Mask
from simulation.board import Listed
from simulation.instrument.base import Instrument, State
from simulation.volatility.base import VolatilityProcess

_TICK = 1e-9  # of the strike or first price: the least price of a contract, so that logs exist
_SMALL = 1e-6  # log displacement below which the lever is measured by a step of this size


@dataclass(frozen=True)
class Clock:
    """How long the run is: steps and the length of one, years of 365 days."""

    steps: int
    step_years: float


class Contracts:
    """The columns of one market, in order. m columns, p primary ones.

    Attributes:
        listed: the columns as margin rules see them. source: (m,) the primary column each follows, or itself.
        derived: (d,) columns whose price is a function of their source's. expiry: (m,) step of settlement, or a step
        after the end. volatility: (steps + 1, p) implied, at the money; set by `settle_path`.
    """

    def __init__(
        self, names: tuple[str, ...], instruments: tuple[Instrument, ...], clock: Clock, surface: VolatilityProcess
    ) -> None:
        """List `instruments` under `names`; `Instrument.underlying` names another of them."""
        self.names, self.instruments, self.clock, self.surface = names, instruments, clock, surface
        where = {name: i for i, name in enumerate(names)}
        self.source = np.array([where[i.underlying] if i.underlying else j for j, i in enumerate(instruments)])
        self.primary: Index = np.flatnonzero([not instrument.underlying for instrument in instruments])
        self.derived: Index = np.flatnonzero([instrument.derived for instrument in instruments])
        days = np.array([getattr(instrument, "expiry_days", np.inf) for instrument in instruments])
        with np.errstate(invalid="ignore"):
            steps = np.rint(days / 365.0 / clock.step_years)
        self.expiry: Array = np.where(np.isfinite(steps), np.maximum(steps, 1.0), np.inf)

    @cached_property
    def listed(self) -> Listed:
        """Return the columns as margin rules see them; `asset` is the number of the primary column."""
        strike = np.array([getattr(instrument, "strike", np.nan) for instrument in self.instruments], float)
        side = np.array([instrument.sign for instrument in self.instruments], float)
        kinds = tuple(instrument.kind for instrument in self.instruments)
        return Listed(self.names, kinds, self.source, strike, side)  # type: ignore[arg-type]

    @property
    def simple(self) -> bool:
        """Tell whether every column is primary, so that nothing here needs to be computed in a step."""
        return len(self.primary) == len(self.names)

    def years(self, step: int | Array) -> Array:
        """Return the time to expiry (m,) at `step`, years; inf where there is none."""
        return np.maximum(self.expiry - step, 0.0) * self.clock.step_years

    def path(self, drawn: Array, volatility: Array) -> Array:
        """Return the index (steps + 1, m) of every column, from the `drawn` path of the primary ones (steps + 1, p).

        `volatility` (steps + 1, p) is the implied volatility at the money of each primary column.
        """
        self.volatility = np.zeros((len(drawn), len(self.names)))
        self.volatility[:, self.primary] = volatility
        self.volatility = self.volatility[:, self.source]
        path = np.empty((len(drawn), len(self.names)))
        path[:, self.primary] = drawn
        path = path[:, self.source]
        self._spot = path.copy()  # index of the source, by column
        step = np.arange(len(drawn))
        for column in self.derived:
            value = self.value(int(column), path[:, column], step)
            path[:, column] = np.maximum(value, self.tick(int(column)))
        return path

    def tick(self, column: int) -> float:
        """Return the least price of a column, dollars."""
        return _TICK * float(self._spot[0, column])

    def value(self, column: int, spot: Array, step: Index) -> Array:
        """Return what a unit of a derived column is worth (s,) with its underlying at `spot` (s,), by `step` (s,).

        Inside the settlement window the part of the average that is known no longer moves; after it nothing does.
        """
        at = np.minimum(step, int(min(self.expiry[column], self.clock.steps)))
        years = np.maximum(self.expiry[column] - at, 0.0) * self.clock.step_years
        average, averaged = (facts[at, column] for facts in self._window)
        spot = np.where(step > at, self._spot[at, column], spot)
        state = State(self.implied(column, spot, at), years, average, averaged)
        return self.instruments[column].value(spot, state)

    def implied(self, column: int, spot: Array, step: Index) -> Array:
        """Return the implied volatility (s,) of a column's own strike; 0 where it is no option."""
        if not self.listed.option[column]:
            return np.zeros(len(step))
        years = np.maximum(self.expiry[column] - step, 0.0) * self.clock.step_years
        forward = self.instruments[column].forward(spot, years)
        return self.surface.implied(self.volatility[step, column], np.log(self.listed.strike[column] / forward), years)

    def settlement(self, step: int) -> tuple[Index, Array]:
        """Return the columns (c,) that end at `step` and the price (c,) at which everybody is settled, dollars."""
        ended = np.flatnonzero(self.expiry == step)
        return ended, np.array([self._payoff(int(column), step) for column in ended])

    def open(self, step: int) -> Mask:
        """Return which columns (m,) still trade at `step`."""
        return self.expiry > step

    def lift(self, mid: Array, index: Array, step: int) -> tuple[Array, Array]:
        """Return by how much (m,) the displacement of sources lifts derived columns, log, and per unit of it.

        The second, the lever, is lift / displacement; where the source is not displaced, the elasticity of the value.
        """
        lift, lever, now = np.zeros_like(mid), np.zeros_like(mid), np.array([step])
        for column in self.derived[self.expiry[self.derived] > step]:
            j, source = int(column), int(self.source[column])
            moved = float(np.log(mid[source] / index[source]))
            size = moved if abs(moved) > _SMALL else _SMALL
            value = self.value(j, index[source : source + 1] * np.exp(size), now)
            change = float(np.log(np.maximum(value[0], self.tick(j)) / index[j]))
            lever[j] = change / size
            lift[j] = lever[j] * moved
        return lift, lever

    def facts(self, spot: Array, step: int) -> dict[str, Array]:
        """Return what the board says of each column (m,) beyond its price, given the prices (m,) of the underlyings."""
        average, averaged = (facts[step] for facts in self._window)
        now = np.array([step])
        forward = np.array([i.forward(s, y) for i, s, y in zip(self.instruments, spot, self.years(step), strict=True)])
        return {
            "spot": spot,
            "forward": forward,
            "volatility": np.array([self.implied(j, spot[j : j + 1], now)[0] for j in range(len(spot))]),
            "years": self.years(step),
            "average": average,
            "averaged": averaged,
        }

    @cached_property
    def _window(self) -> tuple[Array, Array]:
        """Return, by step and column, the average of the underlying's index since the window opened, and its share."""
        average, share = self._spot.copy(), np.zeros_like(self._spot)
        for column in np.flatnonzero(np.isfinite(self.expiry)):
            end = int(self.expiry[column])
            minutes = self.instruments[column].window_minutes
            width = max(1, round(minutes / 525_600.0 / self.clock.step_years)) if minutes else 1
            start = max(end - width, 0)
            seen = self._spot[start + 1 : end + 1, column]
            count = np.arange(1, len(seen) + 1)
            average[start + 1 : start + 1 + len(seen), column] = np.cumsum(seen) / count
            share[start + 1 : start + 1 + len(seen), column] = count / (end - start)
            average[end + 1 :, column], share[end + 1 :, column] = average[min(end, len(average) - 1), column], 1.0
        return average, share

    def _payoff(self, column: int, step: int) -> float:
        average = self._window[0][step, column]
        return float(self.instruments[column].payoff(np.array([average]))[0])
