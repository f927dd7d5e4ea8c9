"""Collateral that falls when the position loses.

Question: how much more often is a long liquidated than a short, when both post the same token, and does a haircut that
knows the direction remove the difference? Method: BTC perpetuals margined with ETH worth the share w of their notional;
the engine's collateral rules state the requirement, every account holds just that much equity, and normal returns over
the horizon decide. With s, c the volatilities of position and collateral, side +1 or -1:

    volatility of equity / that with dollars = sqrt(s^2 + w^2 c^2 + 2 side w s c rho) / s.

Expected for s = .55, c = .75, w = .2: 1.04 at rho = 0; 1.23 long and .80 short at rho = .8, ratio 1.54. A flat haircut
asks both sides for the same, so longs are liquidated more often; the direction-aware one gives both the frequency that
was intended. Source: M. Pykhtin and A. Sokol, Risk (2013), on wrong-way risk; variance of a sum.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr

from experiments.drawing import Picture, canvas, png
from experiments.statistics import wilson_interval
from experiments.target import Check, share_check
from simulation.arrays import Array, column_sum
from simulation.board import Board, Book, Listed
from simulation.collateral.flat import FlatCollateral
from simulation.collateral.wrong_way import WrongWayCollateral
from simulation.random import Streams

SIDES = {"long": 1.0, "short": -1.0}
RULES = ("flat", "wrong_way")
_LISTED = Listed(("BTC", "ETH"), ("perpetual", "spot"), np.arange(2), np.full(2, np.nan), np.zeros(2))
_PRICE = np.array([100.0, 10.0])
_NOTIONAL = 1_000.0


@dataclass(frozen=True)
class Pledge:
    """A perpetual with a token pledged for it: volatilities a year, token worth `share` of notional, horizon."""

    position_volatility: float = 0.55
    token_volatility: float = 0.75
    share: float = 0.2
    correlation: float = 0.8
    horizon_days: float = 1.0
    confidence: float = 0.99

    def book(self, side: float) -> Book:
        """Return the book of one account; its cash is what the perpetual moved."""
        position = np.array([[side * _NOTIONAL, self.share * _NOTIONAL]]) / _PRICE
        return Book(np.array([-side * _NOTIONAL]), position, position * _PRICE)

    def joint(self) -> WrongWayCollateral:
        """Return the direction-aware rule; tokens that hedge may lower the requirement."""
        markets = {"BTC": {"volatility": self.position_volatility}, "ETH": {"volatility": self.token_volatility}}
        fields: dict[str, Any] = {"correlation": self.correlation, "horizon_days": self.horizon_days}
        found = {"markets": markets, "confidence": self.confidence, "least_haircut": -1.0, **fields}
        return WrongWayCollateral.model_validate(found)

    def flat(self) -> FlatCollateral:
        """Return the flat rule that asks what uncorrelated collateral would need."""
        blind = replace(self, correlation=0.0)
        cut = float(blind.joint().haircut(blind.book(1.0), board())[0])
        return FlatCollateral.model_validate({"default": {"haircut": cut / (self.share * _NOTIONAL)}})

    def required(self, rule: str, side: float) -> float:
        """Return the equity, dollars, that margin of the perpetual and haircut of the token ask for."""
        book, joint = self.book(side), self.joint()
        margin = joint.risk(np.array([[side * _NOTIONAL, 0.0]]), board())
        chosen = joint if rule == "wrong_way" else self.flat()
        return float((margin + chosen.requirement(book, board(), "maintenance"))[0])

    def deviation(self, side: float) -> float:
        """Return the standard deviation of equity over the horizon, dollars."""
        years = self.horizon_days / 365.0
        return _NOTIONAL * self.position_volatility * relative_volatility(self, side) * math.sqrt(years)

    def frequency(self, rule: str, side: float) -> float:
        """Return how often equity of exactly the requirement does not survive the horizon."""
        return float(ndtr(-self.required(rule, side) / self.deviation(side)))


def relative_volatility(pledge: Pledge, side: float) -> float:
    """Return the volatility of equity over that with dollars as collateral."""
    s, c = pledge.position_volatility, pledge.share * pledge.token_volatility
    return math.sqrt(s * s + c * c + 2.0 * side * s * c * pledge.correlation) / s


def board() -> Board:
    """Return the public prices."""
    return Board.at(_LISTED, _PRICE)


def losses(pledge: Pledge, side: float, draws: int, seed: int = 1) -> Array:
    """Return the loss of equity (draws,) over the horizon, dollars, revalued from the book."""
    streams, rho = Streams(seed), pledge.correlation
    first, second = (streams.normal(f"wrong_way/{name}", 0, draws) for name in ("btc", "eth"))
    scale = math.sqrt(pledge.horizon_days / 365.0)
    moves = np.stack([first, rho * first + math.sqrt(1.0 - rho * rho) * second], axis=1)
    price = _PRICE * (1.0 + moves * scale * np.array([pledge.position_volatility, pledge.token_volatility]))
    book = pledge.book(side)
    return float(book.equity(_PRICE)[0]) - (book.cash[0] + column_sum(book.position[0] * price))


def target(pledge: Pledge, draws: int = 200_000, seed: int = 1) -> list[Check]:
    """Return the checks of A5: frequency of liquidation by rule and side against the closed form."""
    checks = []
    for rule in RULES:
        for name, side in SIDES.items():
            lost = int((losses(pledge, side, draws, seed) > pledge.required(rule, side)).sum())
            checks.append(share_check(f"{rule}, {name}", pledge.frequency(rule, side), lost, draws))
    return checks


def run(correlations: tuple[float, ...] = (0.0, 0.2, 0.4, 0.6, 0.8, 0.95), draws: int = 50_000) -> pd.DataFrame:
    """Return the liquidation frequency by correlation, side and rule: closed form, drawn, 95 % interval."""
    rows = []
    for rho in correlations:
        pledge = Pledge(correlation=rho)
        for name, side in SIDES.items():
            lost = losses(pledge, side, draws)
            for rule in RULES:
                seen = wilson_interval(int((lost > pledge.required(rule, side)).sum()), draws)
                found = {"expected": pledge.frequency(rule, side), "drawn": seen.value}
                rows.append({"rho": rho, "side": name, "rule": rule, **found, "low": seen.low, "high": seen.high})
    return pd.DataFrame(rows)


def plot(correlations: tuple[float, ...] = (0.0, 0.2, 0.4, 0.6, 0.8, 0.95)) -> Picture:
    """Draw correlation x side, coloured by liquidation frequency, one panel a rule."""
    with canvas(9.0, 3.2) as figure:
        shown = None
        for axis, rule in zip(figure.subplots(1, 2, sharey=True), RULES, strict=True):
            grid = [[100.0 * Pledge(correlation=r).frequency(rule, s) for r in correlations] for s in SIDES.values()]
            shown = axis.imshow(grid, vmin=0.0, vmax=3.0, cmap="cividis", aspect="auto")
            axis.set(title=rule, xlabel="correlation", xticks=range(len(correlations)), yticks=range(2))
            axis.set_xticklabels([f"{rho:g}" for rho in correlations])
            axis.set_yticklabels(list(SIDES))
            for row, line in enumerate(grid):
                for column, value in enumerate(line):
                    ink = "black" if value > 1.5 else "white"
                    axis.text(column, row, f"{value:.1f}", ha="center", va="center", color=ink)
        assert shown is not None
        figure.colorbar(shown, ax=figure.axes, label="liquidated in a day, %")
        picture = png(figure)
    caption = "BTC perpetual with ETH worth 20 % of notional, equity equal to the requirement, closed form."
    return Picture("wrong_way", "Flat and direction-aware haircuts", caption, picture)
