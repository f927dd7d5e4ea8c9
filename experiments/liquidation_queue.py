"""A venue that cannot liquidate fast enough: solvent accounts become insolvent while they wait.

Question: how many liquidations a step must a venue manage, what does it cost to manage fewer, and does it matter who is
closed first? Method: N equal longs with liquidation prices uniform on [P0 (1 - f / s), P0] meet a fall by f in T equal
steps; then the price stays. A share s of them comes under margin, lambda = N s / T a step; the venue closes mu pools a
step, the oldest first, through the engine's own desk. There is no impact: nobody's closing harms another.

Expected, with pools coming evenly: the one at x = n / (lambda T) of them all is under margin at step ceil(x T) and
closed at step c(x) = ceil(x T max(1, lambda / mu)), so that with maintenance rate m

    bad debt / notional opened = s * integral_0^1 max(0, (1 - m) (1 - f x) - (1 - f min(1, c(x) / T))) dx,

nothing while mu >= lambda (the knee) and m covers the fall of one step; it waits c(x) - ceil(x T) steps. Chance makes
queues longer near the knee. With unequal sizes the order matters: mu counts pools, so that large ones first leave
fewer dollars waiting. Sources: G. Newell, Applications of Queueing Theory (1982), for the fluid limit; the day it
happened was 12 March 2020, when more than a third of a lending protocol's auctions ended at a bid of zero.
"""

from dataclasses import dataclass, replace
from typing import Any, get_args

import numpy as np
import pandas as pd

from experiments.drawing import DARK, GREY, Picture, canvas, from_zero, look, png
from experiments.paired import paired_difference
from experiments.run import Run
from experiments.run import run as run_scenario
from experiments.statistics import Estimate, bootstrap_mean
from experiments.target import AMPLE
from simulation.arrays import Array
from simulation.liquidation.base import Priority
from simulation.scenario import Scenario

CAPACITIES = (5, 10, 20, 25, 30, 35, 40)  # pools a step
PRIORITIES: tuple[Priority, ...] = get_args(Priority)
SIZES = (1, 3, 10, 30)  # of unequal positions: as many accounts hold three times as much as hold three times less
BASIS_POINTS = 1e4
_PRICE, _LOT = 100.0, 2.0**-10
_GRID = (np.arange(100_000) + 0.5) / 100_000  # x: in what order pools come, from 0 to 1


@dataclass(frozen=True)
class Queue:
    """A crowd and a venue.

    accounts: N; shares: of them come under margin in the `fall` over `steps` steps; maintenance: m; most_pools: mu a
    step; priority: who is closed first; unequal: positions of `SIZES` instead of equal ones.
    """

    accounts: int = 5_000
    share: float = 0.82
    fall: float = 0.25
    steps: int = 120
    maintenance: float = 0.02
    most_pools: int = 20
    priority: Priority = "oldest"
    unequal: bool = False

    @property
    def arrivals(self) -> float:
        """Return lambda, the pools that come under margin in a step of the fall."""
        return self.accounts * self.share / self.steps

    @property
    def slowness(self) -> float:
        """Return max(1, lambda / mu): how much longer closing takes than the fall."""
        return max(1.0, self.arrivals / self.most_pools)

    def bad_debt(self) -> float:
        """Return the expected bad debt over the notional opened, of equal positions and the oldest first."""
        left = (1.0 - self.maintenance) * (1.0 - self.fall * _GRID)
        paid = 1.0 - self.fall * np.minimum(self._closed() / self.steps, 1.0)
        return self.share * float(np.maximum(left - paid, 0.0).mean())

    def delay(self, quantile: float = 0.95) -> float:
        """Return the expected quantile of the steps between coming under margin and being closed, the oldest first."""
        return float(np.quantile(self._closed() - np.ceil(_GRID * self.steps), quantile))

    def _closed(self) -> Array:
        """Return the step c at which the pool at each point of the grid is closed."""
        return np.ceil(_GRID * self.steps * self.slowness)

    def scenario(self, seed: int = 1) -> Scenario:
        """Return the scenario; it goes on until the queue is empty."""
        until = int(self.steps * self.slowness) + 2
        path = 1.0 - self.fall * np.minimum(np.arange(until + 1) / self.steps, 1.0)
        tier = {"floor": 0.0, "maintenance_rate": self.maintenance, "initial_rate": self.maintenance}
        return Scenario.from_dict(
            {
                "name": "liquidation-queue",
                "seed": seed,
                "steps": until,
                "rounds_per_step": 1,
                "markets": [{"name": "X", "price": _PRICE, "depth": 1e12, "lot": _LOT, "tiers": [tier]}],
                "price": {"kind": "replay", "prices": (_PRICE * path[:, None]).tolist()},
                "impact": {"kind": "none"},
                "fees": {"taker_rate": 0.0},
                "insurance_fund": AMPLE,
                "liquidation": {"kind": "full", "penalty_rate": 0.0, **self._room()},
                "population": self._people(),
            }
        )

    def _room(self) -> dict[str, Any]:
        return {"most_pools": self.most_pools, "priority": self.priority}

    def _people(self) -> list[dict[str, Any]]:
        """Return the crowd; a liquidation price P and one unit need a deposit of P0 - (1 - m) P."""
        lowest = _PRICE * (1.0 - self.fall / self.share)
        ends = [_PRICE - (1.0 - self.maintenance) * price for price in (_PRICE, lowest)]
        sizes = SIZES if self.unequal else (1,)
        each = _split(self.accounts, sizes)
        return [
            {
                "kind": "book",
                "name": f"size-{size:02d}",
                "count": count,
                "units": {"X": float(size)},
                "deposit": {"kind": "uniform", "low": size * ends[0], "high": size * ends[1]},
            }
            for size, count in zip(sizes, each, strict=True)
        ]


DEFAULT = Queue()


def _split(accounts: int, sizes: tuple[int, ...]) -> list[int]:
    """Return how many accounts have each size: inversely proportional to it, the rest the smallest."""
    weight = 1.0 / np.array(sizes, float)
    counts = np.floor(accounts * weight / weight.sum()).astype(int)
    counts[0] += accounts - counts.sum()
    return [int(count) for count in counts]


def delays(found: Run, maintenance: float) -> Array:
    """Return the steps (e,) that every closed pool had been under margin, from its equity and the path of the mark."""
    events = found.events
    mark = found.prices["mark"].to_numpy(float)  # of the one market
    step, units = (events[name].to_numpy() for name in ("step", "quantity"))
    held = -units.astype(float)  # what was sold was held
    cash = events["equity"].to_numpy(float) - held * mark[step]
    under = cash[:, None] + held[:, None] * mark < maintenance * np.abs(held)[:, None] * mark
    return (step - under.argmax(axis=1)).astype(float)


def outcome(queue: Queue, seed: int = 1) -> dict[str, float]:
    """Return bad debt (basis points of the notional opened), the 95 % quantile of the delay (steps), pools closed."""
    found = run_scenario(queue.scenario(seed))
    opened = _PRICE * sum(group["count"] * group["units"]["X"] for group in queue._people())
    waited = delays(found, queue.maintenance)
    late = float(np.quantile(waited, 0.95)) if len(waited) else 0.0
    return {"bad_debt": BASIS_POINTS * found.metrics["bad_debt"] / opened, "delay": late, "closed": float(len(waited))}


def run(queue: Queue = DEFAULT, capacities: tuple[int, ...] = CAPACITIES, storms: int = 5) -> pd.DataFrame:
    """Return one row a capacity: most_pools, load (lambda / mu), and for bad_debt and delay the expected and the mean.

    bad_debt in basis points of the notional opened, delay in steps (95 % of the pools were closed sooner); low and
    high are the ends of the 95 % interval over storms, which draw other liquidation prices.
    """
    rows = []
    for most in capacities:
        venue = replace(queue, most_pools=most, priority="oldest", unequal=False)
        found = [outcome(venue, seed) for seed in range(1, storms + 1)]
        expected = {"bad_debt": BASIS_POINTS * venue.bad_debt(), "delay": venue.delay()}
        row: dict[str, float] = {"most_pools": most, "load": venue.arrivals / most}
        for name, value in expected.items():
            row |= {f"{name}_expected": value, **_mean(found, name).columns(name)}
        rows.append(row)
    return pd.DataFrame(rows)


def run_priorities(queue: Queue = DEFAULT, storms: int = 5) -> pd.DataFrame:
    """Return one row a priority, for unequal positions on the same storms: bad_debt, its difference to oldest first.

    Basis points of the notional opened, means with 95 % intervals; differences are paired by storm.
    """
    kinds = {first: replace(queue, priority=first, unequal=True) for first in PRIORITIES}
    found = {first: [outcome(kind, seed)["bad_debt"] for seed in range(1, storms + 1)] for first, kind in kinds.items()}
    rows = []
    for first, values in found.items():
        gap = paired_difference(values, found["oldest"])
        level = bootstrap_mean(values)
        rows.append({"priority": first, **level.columns("bad_debt"), **gap.columns("difference")})
    return pd.DataFrame(rows)


def plot(queue: Queue = DEFAULT, storms: int = 5) -> Picture:
    """Draw bad debt and delay against mu / lambda with what is expected, and bad debt by priority."""
    table, order = run(queue, storms=storms), run_priorities(queue, storms)
    with canvas(9.0, 3.3) as figure:
        debt, delay, first = figure.subplots(1, 3, width_ratios=(1.2, 1.2, 1.0))
        for axis, name in ((debt, "bad_debt"), (delay, "delay")):
            _against_load(axis, table, name)
        debt.set_ylabel("bad debt, bp of notional opened")
        delay.set_ylabel("95 % closed within, steps")
        debt.legend()
        places = np.arange(len(order))
        reach = np.abs(order[["bad_debt_low", "bad_debt_high"]].to_numpy().T - order["bad_debt"].to_numpy())
        style = {"color": "white", "edgecolor": DARK, "hatch": "////"}
        first.barh(places, order["bad_debt"], xerr=reach, height=0.5, capsize=3, ecolor=DARK, **style)
        first.set_yticks(places, [name.replace("_", "\n") for name in order["priority"]])
        first.invert_yaxis()
        first.set_title("who is closed first", loc="left")
        first.set_xlabel("bad debt, bp, unequal sizes")
        picture = png(figure)
    caption = (
        f"{queue.accounts:,} longs, a fall by {100.0 * queue.fall:g} % in {queue.steps} steps, "
        f"{queue.arrivals:.1f} pools under margin a step (lambda), mu closed; mean over {storms} storms and 95 % "
        f"interval. Right: mu = {queue.most_pools}, positions of {', '.join(map(str, SIZES))} units."
    )
    return Picture("liquidation_queue", "A venue that cannot liquidate fast enough", caption, picture)


def _against_load(axis: Any, table: pd.DataFrame, name: str) -> None:
    x, style = 1.0 / table["load"], look("portfolio")
    axis.plot(x, table[f"{name}_expected"], color=GREY, lw=1.2, label="expected")
    reach = np.abs(table[[f"{name}_low", f"{name}_high"]].to_numpy().T - table[name].to_numpy())
    axis.errorbar(x, table[name], yerr=reach, fmt=style.marker, color=style.colour, capsize=3, ms=4, label="simulated")
    axis.axvline(1.0, color=DARK, lw=0.9, ls=":")
    axis.set_xlabel("mu / lambda")
    axis.set_xlim(0.0, None)
    from_zero(axis, "y")


def _mean(found: list[dict[str, float]], name: str) -> Estimate:
    return bootstrap_mean([one[name] for one in found])
