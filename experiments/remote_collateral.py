"""What collateral on another chain is worth as margin.

Question: which haircut makes collateral that arrives after a delay L as safe as collateral that is there, and from
which delay on is one margin per chain the cheaper way? Method: closed forms for normal returns, and draws of the
return over the delay. A message that is dropped is sent again; a bridge that fails takes everything in flight.
With volatility s a year, shortfall probability a, z = z(1 - a) and L in years:

    haircut = z s sqrt(L);   with hazard lam a year, p = 1 - exp(-lam L):  p + (1 - p) N(-haircut / (s sqrt(L))) = a,

so no haircut serves once p >= a: only a cap does. Netting saves the share k of the sum of stand-alone margins; with the
share r of collateral remote, joint margin J needs J (1 - r + r / (1 - h)) of capital, which breaks even at

    h* / (1 - h*) = k / ((1 - k) r),   L* = (h* / (z s))^2 without hazard.

Expected: haircut proportional to sqrt(L): .11 % at 12 s, 1.15 % at 20 min, 2.0 % at 1 h, 9.7 % at 1 day and 25.8 % at 7
days for s = .8; hazard lowers L*. Source: square-root-of-time scaling of Value at Risk (J. Danielsson and
J.-P. Zigrand, J. Banking & Finance 30 (2006) 2701-2713, who say where it fails).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from experiments.drawing import DARK, GREY, Picture, canvas, png
from experiments.target import Check, share_check
from simulation.arrays import Array
from simulation.random import Streams

YEAR_SECONDS = 31_536_000.0
DELAYS = {"12 s": 12.0, "20 min": 1_200.0, "1 h": 3_600.0, "1 day": 86_400.0, "7 days": 604_800.0}
_MOST_SENDS = 200  # repetitions that are counted; with half of all messages dropped 2^-200 is left out


@dataclass(frozen=True)
class Bridge:
    """How remote collateral arrives: volatility a year, accepted shortfall probability, drops, hazard a year."""

    volatility: float = 0.8
    shortfall: float = 0.01
    drop_rate: float = 0.0
    hazard_rate: float = 0.0

    def failure(self, seconds: float) -> float:
        """Return the probability that what is in flight for `seconds` is lost."""
        return -math.expm1(-self.hazard_rate * seconds / YEAR_SECONDS)

    def probability(self, haircut: float, seconds: float) -> float:
        """Return the probability that collateral sent over `seconds` arrives worth less than 1 - `haircut`."""
        sends = np.arange(1, _MOST_SENDS + 1) if self.drop_rate else np.ones(1)
        weight = (1.0 - self.drop_rate) * self.drop_rate ** (sends - 1.0)
        deviation = self.volatility * np.sqrt(sends * seconds / YEAR_SECONDS)
        lost = np.array([self.failure(seconds * float(n)) for n in sends])
        return float(np.sum(weight * (lost + (1.0 - lost) * ndtr(-haircut / deviation))) / np.sum(weight))

    def haircut(self, seconds: float) -> float:
        """Return the haircut that keeps the shortfall probability; 1 where no smaller one does."""
        if self.drop_rate == 0.0 and self.hazard_rate == 0.0:
            return min(float(ndtri(1.0 - self.shortfall)) * self.deviation(seconds), 1.0)
        if self.probability(1.0, seconds) >= self.shortfall:
            return 1.0
        return _root(lambda h: self.probability(h, seconds) - self.shortfall, 0.0, 1.0, 1e-14)

    def deviation(self, seconds: float) -> float:
        """Return the standard deviation of the return over `seconds`."""
        return self.volatility * math.sqrt(seconds / YEAR_SECONDS)

    @property
    def longest(self) -> float:
        """Return the delay, seconds, from which hazard alone exceeds the shortfall probability; inf without hazard."""
        return -math.log1p(-self.shortfall) / self.hazard_rate * YEAR_SECONDS if self.hazard_rate else math.inf


@dataclass(frozen=True)
class Pooling:
    """What one margin over several chains saves: `saving` of the stand-alone sum, `remote` share of collateral."""

    saving: float = 0.2
    remote: float = 0.5

    def capital(self, haircut: float) -> float:
        """Return capital over that of one margin per chain; below 1 pooling is cheaper, inf at haircut 1."""
        if haircut >= 1.0:
            return math.inf
        return (1.0 - self.saving) * (1.0 - self.remote + self.remote / (1.0 - haircut))

    @property
    def largest_haircut(self) -> float:
        """Return the haircut h* at which pooling breaks even."""
        ratio = self.saving / ((1.0 - self.saving) * self.remote)
        return ratio / (1.0 + ratio)

    def break_even(self, bridge: Bridge) -> float:
        """Return the delay L*, seconds, beyond which one margin per chain is cheaper."""
        if bridge.drop_rate == 0.0 and bridge.hazard_rate == 0.0:
            plain = self.largest_haircut / (float(ndtri(1.0 - bridge.shortfall)) * bridge.volatility)
            return plain**2 * YEAR_SECONDS
        low, high = 1e-3, 1e10
        return _root(lambda s: bridge.haircut(s) - self.largest_haircut, low, high, 1e-6)


def _root(function: Callable[[float], float], low: float, high: float, tolerance: float) -> float:
    found: Any = brentq(function, low, high, xtol=tolerance)
    return float(found)


def arrivals(bridge: Bridge, seconds: float, draws: int, seed: int = 1) -> Array:
    """Return what a dollar sent is worth on arrival (draws,): normal returns over the time all sends took."""
    streams = Streams(seed)
    u = streams.uniform("bridge/sends", 0, draws)
    sends = np.ones(draws)
    if bridge.drop_rate:
        sends = np.floor(np.log1p(-u) / math.log(bridge.drop_rate)) + 1.0
    years = sends * seconds / YEAR_SECONDS
    value = 1.0 + bridge.volatility * np.sqrt(years) * streams.normal("bridge/return", 0, draws)
    alive = streams.uniform("bridge/failure", 0, draws) >= -np.expm1(-bridge.hazard_rate * years)
    return np.where(alive, value, 0.0)


def haircut_target(bridge: Bridge, draws: int = 200_000, seed: int = 1) -> list[Check]:
    """Return the checks of A7: at the haircut of each delay, drawn arrivals fall short as often as accepted."""
    checks = []
    for name, seconds in DELAYS.items():
        haircut = bridge.haircut(seconds)
        if haircut < 1.0:
            short = int((arrivals(bridge, seconds, draws, seed) < 1.0 - haircut).sum())
            checks.append(share_check(f"shortfall after {name}", bridge.shortfall, short, draws))
    return checks


def run(bridge: Bridge = Bridge(), pooling: Pooling = Pooling()) -> pd.DataFrame:
    """Return haircut and capital relative to one margin per chain, by delay."""
    rows = [
        {"delay": name, "seconds": s, "haircut": bridge.haircut(s), "capital": pooling.capital(bridge.haircut(s))}
        for name, s in DELAYS.items()
    ]
    return pd.DataFrame(rows)


def plot(pooling: Pooling = Pooling(), hazard_rate: float = 0.5) -> Picture:
    """Draw the saving against the delay with L* marked, and the haircut on logarithmic axes."""
    seconds = np.geomspace(5.0, 3e6, 120)
    with canvas(9.0, 3.8) as figure:
        left, right = figure.subplots(1, 2)
        for bridge, colour, name in ((Bridge(), DARK, "no hazard"), (Bridge(hazard_rate=hazard_rate), GREY, "hazard")):
            cut = np.array([bridge.haircut(float(s)) for s in seconds])
            known = cut < 1.0
            saved = [100.0 * (1.0 - pooling.capital(float(h))) for h in cut[known]]
            left.plot(seconds[known] / 3600.0, saved, color=colour, label=name)
            left.axvline(pooling.break_even(bridge) / 3600.0, color=colour, linestyle=":", linewidth=1.0)
            right.plot(seconds[known] / 3600.0, 100.0 * cut[known], color=colour, label=name)
        left.axhline(0.0, color=GREY, linewidth=0.8)
        left.set(xscale="log", xlabel="delay, hours", ylabel="capital saved, %")
        right.set(xscale="log", yscale="log", xlabel="delay, hours", ylabel="haircut, %")
        right.legend()
        picture = png(figure)
    caption = (
        f"Netting saves {pooling.saving:.0%}, {pooling.remote:.0%} of collateral is remote, volatility 80 %, shortfall "
        f"1 %. Dotted: the break-even delay. Hazard: {hazard_rate:g} bridge failures a year; its line ends where no "
        "haircut serves any more."
    )
    return Picture("remote_collateral", "What distance costs", caption, picture)
