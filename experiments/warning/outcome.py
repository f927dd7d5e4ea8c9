"""Does the early warning come true? Predicted against simulated amplification over unlike populations.

Question: is the mean amplification what (I - K)^-1 says, in isolated and in cross margin? Method: twelve populations
of account types with unlike books and uniform distances to liquidation; for each wanted radius the impact is set so
that the contagion matrix of the book, read before the shock, has it; then the same book meets the shock and cascades
to rest in rounds. Amplification = dollars closed in the end / dollars closed in the first round, both at the opening
marks. Expected: the mean of simulated / predicted lies within 5 % up to R = 0.85; single runs scatter far more.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from experiments.target import bare_scenario, one_tier, opened
from experiments.warning.early_warning import LiveBook, Prediction
from simulation.arrays import Array
from simulation.model import MarketModel
from simulation.scenario import Scenario

POPULATIONS = 12
RADII = (0.2, 0.4, 0.6, 0.75, 0.85)
_GOLDEN = (5.0**0.5 - 1.0) / 2.0  # its multiples modulo 1 are spread evenly: books without a random number
_LOT = 2.0**-20


@dataclass(frozen=True)
class WarnedBook:
    """A long-only book: `types` account types with unlike weights over `markets`, all worth the same.

    accounts: of all types together; reach: largest common drop at which an account falls; shock: drop of every index
    price; window: log move within which K is read; scale: of the linear impact, log move per multiple of open interest
    per market; population: which book, 0 to 11.
    """

    population: int = 0
    regime: Literal["cross", "isolated"] = "cross"
    accounts: int = 20_000
    markets: int = 4
    types: int = 8
    reach: float = 0.2
    shock: float = 0.004
    window: float = 0.03
    maintenance_rate: float = 0.05
    scale: float = 1.0
    worth: float = 10_000.0
    price: float = 100.0

    @property
    def weights(self) -> Array:
        """Return the share (types, markets) of each market in the book of a type; unlike from population to population,
        in their order and in how concentrated they are.
        """
        start = 1 + self.population * self.types * self.markets
        spread = np.arange(start, start + self.types * self.markets) * _GOLDEN % 1.0
        raw = spread.reshape(self.types, self.markets) ** (0.5 + self.population % 4)
        return raw / raw.sum(axis=1, keepdims=True)

    def scenario(self) -> Scenario:
        """Return the scenario: one step, the shock in every market, rounds to rest."""
        names, m, worth = [f"M{k}" for k in range(self.markets)], self.maintenance_rate, self.worth
        count = self.accounts // self.types
        deposit = {"kind": "uniform", "low": m * worth, "high": (m + (1.0 - m) * self.reach) * worth}
        depth = self.accounts * worth / self.markets
        return bare_scenario(
            name="early-warning",
            seed=1 + self.population,
            rounds_per_step=0,
            markets=[
                {"name": n, "price": self.price, "lot": _LOT, "depth": depth, "tiers": one_tier(m)} for n in names
            ],
            price={"kind": "scripted", "shocks": [{"step": 1, "size": -self.shock}]},
            impact={"kind": "linear", "scale": self.scale},
            margin={"kind": self.regime},
            population=[
                {
                    "kind": "book",
                    "name": f"type-{a}",
                    "count": count,
                    "deposit": deposit,
                    "units": dict(zip(names, (row * worth / self.price).tolist(), strict=True)),
                }
                for a, row in enumerate(self.weights)
            ],
        )

    def at_radius(self, radius: float) -> "WarnedBook":
        """Return the book with the impact at which its contagion matrix, read from the live book, has `radius`."""
        found = LiveBook(opened(self.scenario())).warning(self.window).radius
        return replace(self, scale=self.scale * radius / found)


@dataclass(frozen=True)
class Outcome:
    """One book warned of, and what happened. radius: read before the shock; simulated: amplification that came."""

    radius: float
    prediction: Prediction
    simulated: float

    @property
    def ratio(self) -> float:
        """Return simulated over predicted amplification; NaN where the warning was "unstable"."""
        return self.simulated / self.prediction.amplification


def outcome(book: WarnedBook) -> Outcome:
    """Read the warning from the opened book, then let the storm come."""
    model = opened(book.scenario())
    live = LiveBook(model)
    prediction = live.foresee(np.full(book.markets, np.log1p(-book.shock)), book.window)
    radius = live.warning(book.window).radius
    model.run()
    return Outcome(radius, prediction, realised_amplification(model))


def realised_amplification(model: MarketModel) -> float:
    """Return the dollars closed by force over those of the first round, at opening marks; NaN if nothing closed."""
    events = model.exchange.desk.log.events
    if not len(events):
        return np.nan
    dollars = np.abs(events.quantity) * model.market.history["mark"][0][events.market.astype(np.intp)]
    first = float(dollars[(events.step == events.step[0]) & (events.round == 0)].sum())
    return float(dollars.sum()) / first


def outcomes(book: WarnedBook, radii: tuple[float, ...] = RADII, count: int = POPULATIONS) -> list[list[Outcome]]:
    """Return, for each radius, the outcomes of `count` populations."""
    books = [replace(book, population=p) for p in range(count)]
    return [[outcome(one.at_radius(radius)) for one in books] for radius in radii]
