"""Targets T19 and T20: margins at risk and their back-tests, and how far an EWMA margin rises in a storm.

Every margin here is asked of the engine's own `value_at_risk` rule, step by step along a path of prices.
"""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from experiments.coverage import accepted, christoffersen, kupiec_size, traffic_light
from experiments.margin_backtest import Backtest, Held, backtest, breach_rate, kupiec, pair
from experiments.procyclicality import (
    ONE_LONG,
    Storm,
    ewma_jump,
    ewma_mean,
    ewma_noise,
    half_life_steps,
    peak_to_trough,
)
from experiments.target import SIGMAS, Check, exact_check, share_check
from experiments.theory.breach_runs import christoffersen_size
from experiments.theory.suite import Target
from simulation.arrays import Array

_EXACT = 1e-9  # relative
_BATCHES, _FEWEST = 40, 10
_FORGOTTEN = 10.0  # memories of an estimate after which it knows nothing of what it was
_FADED = 0.01
_CALM = 0.01  # volatility a year, at which equal legs stay nearly equal for as long as a path lasts


class MarginBacktest(Target):
    """T19."""

    name: ClassVar[str] = "T19"
    title: ClassVar[str] = "Value at Risk margins and the tests of their coverage"
    source: ClassVar[str] = (
        "P. Kupiec, J. Derivatives 3(2) (1995) 73-84; P. Christoffersen, Int. Econ. Rev. 39 (1998) 841-862; Basel "
        "Committee, Supervisory framework for backtesting (1996)"
    )
    formula: ClassVar[str] = (
        "LR = 2 ln(L(x/n) / L(p)), and of transitions, below the chi-square quantile; sizes by counting series; "
        "zones at P(X <= x) of .95 and .9999; VaR, ES of "
        "normal and t; breaches Phi(-z sqrt(v'Cv / v'Wv))"
    )
    thorough: ClassVar[Mapping[str, Any]] = {"steps": 200_000}

    days: int = Field(250, ge=20, le=5_000, description="T, of one test")
    breach_rate: float = Field(0.01, gt=1e-3, lt=0.3, description="p, promised")
    level: float = Field(0.05, gt=1e-4, lt=0.5, description="of Kupiec's test")
    tail_index: float = Field(4.0, gt=2.1, le=100.0, description="nu of the Student-t margin")
    engine_correlation: float = Field(0.9, gt=-0.99, lt=0.99, description="what the engine assumes of a hedged pair")
    world_correlation: float = Field(0.7, gt=-0.99, lt=0.99, description="what the world has")
    steps: int = Field(20_000, ge=2_000, description="simulated days")
    seed: int = Field(1, ge=0, description="of the paths")

    def run(self) -> list[Check]:
        """Return regions, zones, multipliers and simulated breaches."""
        return [*self._regions(), *self._multipliers(), *self._breaches()]

    def _regions(self) -> list[Check]:
        from scipy.stats import binom, chi2

        n, p, x = self.days, self.breach_rate, np.arange(self.days + 1)
        own = np.array([binom.logpmf(k, n, k / n) for k in x])
        inside = x[2.0 * (own - binom.logpmf(x, n, p)) <= chi2.ppf(1.0 - self.level, 1)]
        found, seen = accepted(n, p, self.level), binom.cdf(x, n, p)
        zones = np.array([traffic_light(int(k), n, p) for k in x])
        return [
            exact_check("Kupiec accepts from", inside[0], found.start),
            exact_check("Kupiec accepts to", inside[-1], found.stop - 1),
            exact_check("yellow zone begins at", (seen < 0.95).sum(), (zones == "green").sum()),
            exact_check("red zone begins at", (seen < 0.9999).sum(), (zones != "red").sum()),
        ]

    def _multipliers(self) -> list[Check]:
        from scipy.integrate import quad
        from scipy.stats import norm, t

        confidence, checks = 1.0 - self.breach_rate, []
        nu = self.tail_index
        laws: tuple[tuple[str, Any, dict[str, Any], float], ...] = (
            ("normal", norm, {"kind": "normal"}, 1.0),
            (f"t{nu:g}", t(nu), {"kind": "student_t", "tail_index": nu}, math.sqrt(nu / (nu - 2.0))),
        )
        for name, law, rule, scale in laws:
            value = float(law.ppf(confidence))
            # E[X | X > VaR] by quadrature of the tail
            mean = value + quad(law.sf, value, np.inf, epsabs=1e-13)[0] / self.breach_rate
            for measure, expected in (("var", value), ("es", float(mean))):
                asked = self._asked({"law": rule, "measure": measure, "confidence": confidence}) * scale
                checks.append(exact_check(f"{measure.upper()} of a {name} loss", expected, asked, 1e-6 * expected))
        return checks

    def _asked(self, rule: dict[str, Any]) -> float:
        """Return the engine's requirement in standard deviations of a step."""
        price = {"kind": "replay", "prices": [[100.0], [100.0]]}
        found = backtest(ONE_LONG, {"kind": "value_at_risk", **rule}, price, 1)
        return float(found.requirement[0]) / (ONE_LONG.exposure[0] * _step_spread(ONE_LONG))

    def _breaches(self) -> list[Check]:
        pairs = {"right": (self.world_correlation, self.world_correlation)}
        pairs["wrong"] = (self.engine_correlation, self.world_correlation)
        held, checks = Held((1e4, -1e4), volatility=_CALM), []
        for name, (engine, world) in pairs.items():
            rule = {"kind": "value_at_risk", "correlation": engine, "confidence": 1.0 - self.breach_rate}
            found = backtest(held, rule, {"kind": "gbm", "correlation": world}, self.steps, self.seed)
            expected = breach_rate(np.array(held.exposure), pair(engine), pair(world), self.breach_rate)
            hit = int(found.breached.sum())
            checks.append(share_check(f"breaches, {name} correlation", expected, hit, self.steps, 0.01 * expected))
            if name == "right" and self.days <= self.steps:
                checks += self._sizes(found)
        return checks

    def _sizes(self, found: Backtest) -> list[Check]:
        """Return how often the tests reject the right model over windows of `days`: their exact sizes, not 5 %."""
        windows = self.steps // self.days
        parts = found.breached[: windows * self.days].reshape(windows, self.days)
        by_number = sum(kupiec(int(x), self.days, self.breach_rate).rejects(self.level) for x in parts.sum(axis=1))
        by_order = sum(christoffersen(part).rejects(self.level) for part in parts)
        asked = self.days, self.breach_rate, self.level
        return [
            share_check("size of Kupiec's test", kupiec_size(*asked), by_number, windows),
            share_check("size of Christoffersen's test", christoffersen_size(*asked), by_order, windows),
        ]


class Procyclicality(Target):
    """T20."""

    name: ClassVar[str] = "T20"
    title: ClassVar[str] = "How far an EWMA margin rises, and what tools take off"
    source: ClassVar[str] = (
        "D. Murphy, M. Vasios & N. Vause, Bank of England FSP 29 (2014) and SWP 597 (2016); Delegated Regulation (EU) "
        "153/2013, art. 28"
    )
    formula: ClassVar[str] = (
        "jump sqrt(L + (1 - L) k^2); v_n = b^2 + L^n (a^2 - b^2); half-life ln(1/2) / ln L; Var v / s^4 = "
        "2 (1 - L) / (1 + L); a buffer divides peak to trough by 1 + share; stress weight w: (1 - w) M + w S; floor: "
        "max(M, f M0)"
    )
    thorough: ClassVar[Mapping[str, Any]] = {"steps": 200_000}

    decay: float = Field(0.94, gt=0.5, lt=0.999, description="L, a step")
    deviations: tuple[float, ...] = Field((3.0, 5.0, 8.0), description="k, sizes of one return in normal deviations")
    scale: float = Field(2.0, gt=1.0, le=10.0, description="b / a, volatility after over before")
    after: int = Field(10, ge=1, le=200, description="n, steps after the change")
    buffer_share: float = Field(0.25, gt=0.0, le=0.5, description="of the anti-procyclicality buffer")
    stress_weight: float = Field(0.25, ge=0.0, le=1.0, description="w, of the stressed level S")
    stress_scale: float = Field(3.0, ge=1.0, le=100.0, description="S over the opening's margin M0")
    floor_share: float = Field(0.8, ge=0.0, le=10.0, description="f, least margin over the opening's")
    steps: int = Field(20_000, ge=5_000, description="of the path of the estimate's noise, at least")
    seed: int = Field(1, ge=0, description="of the paths")

    def run(self) -> list[Check]:
        """Return jumps, adjustment, noise and what a buffer, a stressed weight and a floor do."""
        jumps = [self._jump(k) for k in self.deviations]
        return [*jumps, *self._adjustment(), self._noise(), *self._buffer(), *self._tools()]

    def _margins(self, returns: Array, **tools: float) -> Array:
        """Return the margin before each of these returns (n,), in deviations, and after them all, (n + 1,)."""
        path = 100.0 * np.cumprod(np.concatenate([[1.0], 1.0 + returns * _step_spread(ONE_LONG), [1.0]]))
        rule = {
            "kind": "value_at_risk",
            "update": {"kind": "ewma", "decay": self.decay},
            "anti_procyclical": tools,
        }
        price = {"kind": "replay", "prices": path[:, None].tolist()}
        return backtest(ONE_LONG, rule, price, len(returns) + 1).requirement

    def _jump(self, size: float) -> Check:
        margin = self._margins(np.array([size]))
        expected = ewma_jump(self.decay, size)
        return exact_check(f"jump after {size:g} deviations", expected, margin[1] / margin[0], _EXACT * expected)

    def _adjustment(self) -> list[Check]:
        half = math.ceil(half_life_steps(self.decay))
        moves = np.resize([self.scale, -self.scale], max(self.after, 4 * half))  # up and down: prices stay finite
        margin = self._margins(moves)
        variance = (margin / margin[0]) ** 2
        arrived = (variance - 1.0) / (self.scale**2 - 1.0)
        expected = ewma_mean(self.decay, 1.0, self.scale**2, self.after)
        return [
            exact_check(f"variance after {self.after} steps", expected, variance[self.after], _EXACT * expected),
            exact_check("steps until half has arrived", half, int(np.argmax(arrived >= 0.5 - _EXACT))),
        ]

    def _noise(self) -> Check:
        """Return the check of the estimate's spread around the true variance, which the opening margin shows.

        Its errors have the correlation L^(2 k) at a lag of k: means over batches of many 1 / (1 - L) are independent.
        """
        from scipy.stats import norm, t

        batch = _FORGOTTEN / (1.0 - self.decay)
        burnt, steps = math.ceil(batch), max(self.steps, math.ceil((_FEWEST + 1.0) * batch))
        many = min(int((steps - burnt) / batch), _BATCHES)
        rule = {"kind": "value_at_risk", "update": {"kind": "ewma", "decay": self.decay}}
        calm = Held(ONE_LONG.exposure, volatility=0.05)
        found = backtest(calm, rule, {"kind": "gbm"}, steps, self.seed)
        variance = (found.requirement / found.requirement[0]) ** 2
        means = np.array([batch.mean() for batch in np.array_split((variance[burnt:] - 1.0) ** 2, many)])
        error = float(means.std(ddof=1)) / math.sqrt(many)
        width = float(t.isf(norm.sf(SIGMAS), many - 1))  # as seldom beyond as a normal number its 4 deviations
        return Check("Var v / s^4", ewma_noise(self.decay), float(means.mean()), error, width * error)

    def _buffer(self) -> list[Check]:
        """Return the check of the buffer, if it was all there in the calm and all used up in the storm."""
        update = {"kind": "ewma", "decay": self.decay}
        storm = Storm(calm_steps=150, storm_steps=max(40, math.ceil(2.0 * half_life_steps(self.decay))))
        plain, buffered = (
            storm.margins(tools, self.seed, update=update).requirement
            for tools in ({}, {"buffer_share": self.buffer_share})
        )
        if plain.min() > plain[0] or plain.max() < (1.0 + self.buffer_share) * plain[0]:
            return []
        expected = peak_to_trough(plain) / (1.0 + self.buffer_share)
        return [exact_check("peak to trough with a buffer", expected, peak_to_trough(buffered), _EXACT * expected)]

    def _tools(self) -> list[Check]:
        """Return the checks of stress weight and floor at every step of a path that turns wild, then still."""
        still = math.ceil(math.log(_FADED / self.scale**2) / math.log(self.decay))  # until hardly a variance is left
        path = np.repeat([self.scale, 0.0], [self.after, still])
        plain = self._margins(path)
        w, opening = self.stress_weight, plain[0]
        weighted = (1.0 - w) * plain + w * self.stress_scale * opening
        floored = np.maximum(plain, self.floor_share * opening)
        found = self._margins(path, stress_weight=w, stress_scale=self.stress_scale)
        kept = self._margins(path, floor_share=self.floor_share)
        return [
            exact_check("largest deviation, stress weight", 0.0, float(np.abs(found / weighted - 1.0).max()), _EXACT),
            exact_check("largest deviation, floor", 0.0, float(np.abs(kept / floored - 1.0).max()), _EXACT),
            exact_check("lowest margin over the opening's", floored.min() / opening, kept.min() / opening, _EXACT),
        ]


def _step_spread(held: Held) -> float:
    """Return the standard deviation of a step's return."""
    world = held.world(1)
    return float(world.volatility[0]) * math.sqrt(world.step_years)
