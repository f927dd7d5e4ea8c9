"""Gains that are put to work: how far may the price fall from its peak before a pyramiding account is liquidated?

Question: a rally sets margin free; who spends the share phi of it on a larger position in every step, how much of the
gain is left as a buffer, and how much is sold when the rally ends? Method: longs at the largest leverage, 1 / IM, with
different phi, live through a rally by g in n equal log moves and then a slow fall; the engine's wallet says what is
free, its desk who is liquidated and when. No impact, no fees.

Expected, with initial and maintenance rates IM and MM, by recursion over the steps: a position q with equity E grows by
the factor 1 + phi max(0, E - IM q P) / (IM q P) after each, until E < MM q P. With phi = 1 nothing is free at the peak:
the account is liquidated d = (IM - MM) / (1 - MM) below it (5.26 % at 10 and 5 %), whatever was gained. With phi = 0
all of the gain is buffer, d = 1 - (1 - IM) / ((1 - MM) (1 + g)). The distance shrinks with phi and what is liquidated
grows; a little in every step does nearly what all at once does. Sources: the rule of margin itself; on leverage that
follows gains, T. Adrian & H. S. Shin, J. Financial Intermediation 19 (2010) 418-437.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from experiments.drawing import DARK, GREY, Picture, canvas, from_zero, look, png
from experiments.run import run as run_scenario
from simulation.arrays import Array
from simulation.scenario import Scenario

SHARES = (0.0, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
_PRICE, _DEPOSIT = 100.0, 10_000.0


@dataclass(frozen=True)
class Rally:
    """A rally by `gain` in `moves` equal log moves, then a fall to `bottom` times the start in `fall_steps` moves."""

    gain: float = 0.3
    moves: int = 6
    bottom: float = 0.7
    fall_steps: int = 600
    initial: float = 0.1
    maintenance: float = 0.05

    @property
    def path(self) -> Array:
        """Return the prices (steps + 1,), dollars."""
        up = np.exp(np.linspace(0.0, np.log1p(self.gain), self.moves + 1))
        down = np.linspace(up[-1], self.bottom, self.fall_steps + 1)[1:]
        return _PRICE * np.concatenate([up, down])

    @property
    def peak(self) -> float:
        """Return the highest price, dollars."""
        return _PRICE * (1.0 + self.gain)

    def limits(self) -> tuple[float, float]:
        """Return d at phi = 0 and at phi = 1, in closed form, for a price that falls continuously."""
        keeps = 1.0 - (1.0 - self.initial) / ((1.0 - self.maintenance) * (1.0 + self.gain))
        return keeps, (self.initial - self.maintenance) / (1.0 - self.maintenance)

    def end(self, share: float) -> tuple[float, float]:
        """Return how far below the peak who spends `share` is liquidated, and the dollars then sold: the recursion.

        (NaN, 0) where the fall is not deep enough.
        """
        equity, units, before = _DEPOSIT, _DEPOSIT / (self.initial * _PRICE), _PRICE
        for price in self.path[1:].tolist():
            equity += units * (price - before)
            if equity < self.maintenance * units * price:
                return 1.0 - price / self.peak, units * price
            used = self.initial * units * price
            units *= 1.0 + share * max(equity - used, 0.0) / used
            before = price
        return math.nan, 0.0

    def scenario(self, shares: tuple[float, ...] = SHARES) -> Scenario:
        """Return the scenario: one account for each of `shares`."""
        tier = {"floor": 0.0, "maintenance_rate": self.maintenance, "initial_rate": self.initial}
        person = {
            "kind": "releverager",
            "count": 1,
            "deposit": _DEPOSIT,
            "leverage": 1.0 / self.initial,
            "long_share": 1.0,
            "slack": 0.0,
            "top_up_health": 0.0,
        }
        return Scenario.from_dict(
            {
                "name": "pyramiding",
                "steps": self.moves + self.fall_steps,
                "markets": [{"name": "X", "price": _PRICE, "depth": 1e12, "lot": 2.0**-20, "tiers": [tier]}],
                "price": {"kind": "replay", "prices": self.path[:, None].tolist()},
                "impact": {"kind": "none"},
                "fees": {"taker_rate": 0.0},
                "population": [{**person, "name": _name(share), "reuse": share} for share in shares],
            }
        )


DEFAULT = Rally()


def _name(share: float) -> str:
    return f"spends-{100.0 * share:g}-percent".replace(".", "-")


def run(rally: Rally = DEFAULT, shares: tuple[float, ...] = SHARES) -> pd.DataFrame:
    """Return one row a share phi: distance and sold, expected and by the engine.

    distance: of the price from its peak when the account is liquidated, a share of the peak, to the next step of the
    fall; sold: notional closed by force, dollars. NaN and 0 for who is not liquidated. One storm, nothing is random.
    """
    events = run_scenario(rally.scenario(shares)).events.set_index("group")
    rows = []
    for share in shares:
        distance, sold = rally.end(share)
        found = {"distance": math.nan, "sold": 0.0}
        if _name(share) in events.index:
            mine = events.loc[_name(share)]
            found = {"distance": 1.0 - float(mine["mark_before"]) / rally.peak, "sold": float(mine["notional"])}
        rows.append({"phi": share, "distance_expected": distance, "sold_expected": sold, **found})
    return pd.DataFrame(rows)


def plot(rally: Rally = DEFAULT, shares: tuple[float, ...] = SHARES) -> Picture:
    """Draw the distance from peak to liquidation, and what is liquidated, against phi."""
    table, style = run(rally, shares), look("portfolio")
    place = np.arange(len(table))
    with canvas(8.0, 3.2) as figure:
        far, sold = figure.subplots(1, 2)
        for axis, name, scale in ((far, "distance", 100.0), (sold, "sold", 1e-3)):
            axis.plot(place, scale * table[f"{name}_expected"], color=GREY, lw=1.2, label="expected")
            axis.plot(place, scale * table[name], style.marker, color=style.colour, label="by the engine")
            axis.set_xticks(place, [f"{100.0 * share:g}" for share in table["phi"]])
            axis.set_xlabel("phi: share of free margin spent in every step, %")
            from_zero(axis, "y")
        for d in rally.limits():
            far.axhline(100.0 * d, color=DARK, lw=0.8, ls=":")
        far.set_ylabel("fall from the peak at liquidation, %")
        sold.set_ylabel("liquidated, $ thousand")
        far.legend()
        picture = png(figure)
    caption = (
        f"Longs with $10,000 at leverage {1.0 / rally.initial:g} after a rally by {100.0 * rally.gain:g} % in "
        f"{rally.moves} steps; nothing is random. Dotted: closed forms for phi = 0 and phi = 1."
    )
    return Picture("pyramiding", "Gains that are put to work", caption, picture)
