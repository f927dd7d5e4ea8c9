"""Scenario grids after Derive: price and volatility moves, skew moves, dampened tails, basis moves."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import Field

from simulation.arrays import Array, Index
from simulation.board import Board
from simulation.instrument.black_scholes import Vanilla, black76
from simulation.margin.revaluation import DAYS_PER_YEAR
from simulation.strict import Strict

VolatilityMove = Literal["up", "down", "none", "linear", "abs"]
_MONTH_DAYS = 30.0


class GridScenario(Strict):
    """One scenario: the price becomes `spot` times itself, volatility moves, and `weight` of the profit counts."""

    spot: float = Field(1.0, ge=0.0, le=1e3, description="price over today's price")
    volatility: VolatilityMove = Field("none", description="up, down, none, or a skew move: linear, abs")
    weight: float = Field(1.0, ge=0.0, le=1e3, description="share of the profit that counts (dampening)")

    @property
    def skew(self) -> bool:
        """Tell whether the scenario moves the skew, where a profit counts as a loss."""
        return self.volatility in ("linear", "abs")


class VolatilityMoves(Strict):
    """Up: vol max(1 + up m, ..) at least `floor`; down: vol max(0, 1 - down m), with m = (30 / days) ** power.

    Days are at least `least_days`; the power is `short_power` within 30 days, else `long_power`.
    """

    up: float = Field(0.5, ge=0.0, le=1e3, description="relative move up at 30 days")
    down: float = Field(0.275, ge=0.0, le=1e3, description="relative move down at 30 days")
    short_power: float = Field(0.3, ge=0.0, le=1e3, description="exponent of 30 / days, up to 30 days")
    long_power: float = Field(0.13, ge=0.0, le=1e3, description="exponent of 30 / days, beyond 30 days")
    least_days: float = Field(1.0, ge=0.0, le=1e4, description="fewer days to expiry count as this")
    floor: float = Field(0.45, ge=0.0, le=1e3, description="least volatility after a move up, a year")

    def scale(self, days: Array) -> Array:
        """Return m (m,) by days to expiry."""
        power = np.where(days <= _MONTH_DAYS, self.short_power, self.long_power)
        counted = np.maximum(days, self.least_days)
        return np.where(counted > 0.0, _MONTH_DAYS / np.where(counted > 0.0, counted, 1.0), 0.0) ** power

    def moved(self, volatility: Array, days: Array, direction: Literal["up", "down"]) -> Array:
        """Return the volatility (m,) after a move."""
        if direction == "up":
            return np.maximum(volatility * (1.0 + self.up * self.scale(days)), self.floor)
        return volatility * np.maximum(1.0 - self.down * self.scale(days), 0.0)


class SkewMoves(Strict):
    """Volatility times 1 + clip(k cap / k*, -cap, cap), k = ln(K / F), for "abs" |k|.

    cap = base sqrt(T) + scale_cap; k* = max(least_width, sqrt(T) width_scale (level + sqrt(T) slope)).
    """

    linear_base: float = Field(-0.05, ge=-1e3, le=1e3, description="of the linear cap, per square root of a year")
    linear_cap: float = Field(0.15, ge=-1e3, le=1e3, description="linear cap of an option that expires now")
    abs_base: float = Field(-0.05, ge=-1e3, le=1e3, description="of the absolute cap, per square root of a year")
    abs_cap: float = Field(0.15, ge=-1e3, le=1e3, description="absolute cap of an option that expires now")
    least_width: float = Field(0.01, ge=0.0, le=1e3, description="least k*, log moneyness")
    width_scale: float = Field(4.0, ge=0.0, le=1e3, description="k* in units of a deviation")
    level: float = Field(0.6, ge=-1e3, le=1e3, description="volatility of the width, a year")
    slope: float = Field(-0.1, ge=-1e3, le=1e3, description="of that volatility, per square root of a year")

    def multiplier(self, moneyness: Array, years: Array, kind: VolatilityMove) -> Array:
        """Return the factor (m,) on volatility at log moneyness (m,)."""
        root = np.sqrt(years)
        base, scale = (self.linear_base, self.linear_cap) if kind == "linear" else (self.abs_base, self.abs_cap)
        cap = base * root + scale
        width = np.maximum(self.least_width, root * self.width_scale * (self.level + root * self.slope))
        distance = moneyness if kind == "linear" else np.abs(moneyness)
        move = distance * cap / np.where(width > 0.0, width, 1.0)
        return 1.0 + np.minimum(np.maximum(move, -cap), cap)


class BasisMoves(Strict):
    """Each expiry's forward moves alone, up or down; the worse counts `share` + `share_per_year` T, if it is a loss."""

    up: float = Field(1.045, ge=0.0, le=1e3, description="forward over today's forward")
    down: float = Field(0.955, ge=0.0, le=1e3, description="forward over today's forward")
    share: float = Field(0.5, ge=0.0, le=1e3, description="of the loss")
    share_per_year: float = Field(2.0, ge=0.0, le=1e3, description="of the loss, per year to expiry")


@dataclass(frozen=True)
class Smile:
    """How scenarios move volatility and what an option is discounted by."""

    moves: VolatilityMoves
    skew: SkewMoves | None
    discounted: bool

    def values(self, board: Board, multiple: float, move: VolatilityMove) -> Array:
        """Return what one unit of each option (m,) is worth with the underlying at `multiple` times its price, dollars.

        Columns that are no options are worth 0.
        """
        return self.revalued(board, np.array([multiple]), (move,))[0]

    def revalued(self, board: Board, multiples: Array, moves: Sequence[VolatilityMove]) -> Array:
        """Return the values (s, m) of one unit of each option with the underlying at `multiples` (s,) of its price.

        The settlement price is a average + (1 - a) forward multiple, with the share a averaged already.
        """
        option, years = board.listed.option, np.where(board.listed.option, board.years, 0.0)
        floating = (1.0 - board.averaged) * board.forward
        forward = board.averaged * board.average + floating * multiples[:, None]
        discount = np.exp(-np.maximum(board.rate, 0.0) * years) if self.discounted else np.ones_like(years)
        vanilla = Vanilla(board.listed.side, np.where(option, board.listed.strike, 1.0), years)
        moved = {move: self.volatility(board, years, move) for move in dict.fromkeys(moves)}
        volatility = np.stack([moved[move] for move in moves])
        return np.where(option, black76(vanilla, forward, volatility, discount), 0.0)

    def volatility(self, board: Board, years: Array, move: VolatilityMove) -> Array:
        """Return the volatility (m,) of each option after `move`."""
        if move == "none":
            return board.volatility
        if move in ("up", "down"):
            return self.moves.moved(board.volatility, years * DAYS_PER_YEAR, move)
        if self.skew is None:
            raise ValueError("this rule has no skew moves")
        forward = board.averaged * board.average + (1.0 - board.averaged) * board.forward
        with np.errstate(divide="ignore", invalid="ignore"):
            moneyness = np.where(board.listed.option, np.log(board.listed.strike / forward), 0.0)
        return board.volatility * self.skew.multiplier(moneyness, years, move)


def by_expiry(board: Board, columns: Index) -> list[Index]:
    """Return the options among `columns`, one array for each time to expiry, in the order of the columns."""
    groups: dict[float, list[int]] = {}
    for column in columns:
        if board.listed.option[column]:
            groups.setdefault(float(board.years[column]), []).append(int(column))
    return [np.array(group) for group in groups.values()]


def by_strike(board: Board, columns: Index) -> list[Index]:
    """Return the options among `columns`, one array for each time to expiry and strike."""
    groups: dict[tuple[float, float], list[int]] = {}
    for column in columns:
        if board.listed.option[column]:
            key = float(board.years[column]), float(board.listed.strike[column])
            groups.setdefault(key, []).append(int(column))
    return [np.array(group) for group in groups.values()]


def naked_shorts(position: Array, strikes: list[Index]) -> Array:
    """Return the options (r,) sold and not covered by options of the other side at their strike, units.

    `position` (m, r).
    """
    naked = np.zeros(position.shape[1])
    for columns in strikes:
        net = position[columns[0]]
        for column in columns[1:]:
            net = net + position[column]
        naked += np.maximum(-net, 0.0)
    return naked


def weighted_sum(position: Array, unit: Array) -> Array:
    """Return sum_j position_j unit_j: (m, r) and (s, m) give (s, r); column after column, the same bytes for any r."""
    total = unit[:, :1] * position[0]
    product = np.empty_like(total)
    for column in range(1, len(position)):
        np.multiply(unit[:, column, None], position[column], out=product)
        total += product
    return total
