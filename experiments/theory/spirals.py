"""Target T9: margins make losses spiral.

The paper's speculator is an account of the engine (`margin_constrained`) that comes in with x0 units and trades to
what its capital margins, against a supply by which the price falls 1 / D a unit sold. All trade at the price at which
that holds, so the step is a call auction: the trader states its order again at every price looked at, to rest. Its
money decides that without a shock the auction ends at `price` with `position` units; eta is cash that it lacks.
"""

import math
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from experiments.drawing import Picture
from experiments.target import Check, bare_scenario, exact_check, groups_by_name, one_tier, played
from experiments.theory.curve_picture import Curve, curve_picture
from experiments.theory.suite import Target
from simulation.errors import InputError
from simulation.scenario import Scenario

_FINE = 2e-3  # relative
_CASES = {"neither": "no spiral", "loss": "loss spiral", "both": "loss and margin spiral"}
_LARGE = 1e9  # dollars of the position; then cents are nothing beside a small shock
_VISIBLE = 1e-4  # relative; of it the small shock's hundred-thousandth is still many lots
_SMALL = 1e-5  # of the shock; in the limit the fall is in proportion to it


class Spirals(Target):
    """T9."""

    name: ClassVar[str] = "T9"
    title: ClassVar[str] = "Loss spiral and margin spiral of a constrained trader"
    source: ClassVar[str] = "M. Brunnermeier & L. Pedersen, Review of Financial Studies 22 (2009) 2201-2238, prop. 5"
    formula: ClassVar[str] = "dp / d eta = 1 / (D m + m'(p) x - x0); m = m0 + th (p* - p) gives the root of a quadratic"

    demand: float = Field(4.0, gt=0.0, le=1e6, description="D, units that others buy per dollar of price")
    margin: float = Field(8.0, gt=0.0, le=1e6, description="m, dollars a unit, at the price before the shock")
    endowment: float = Field(16.0, ge=0.0, le=1e6, description="x0, units the trader comes in with")
    position: float = Field(12.0, gt=0.0, le=1e6, description="x, units it goes out with where there is no shock")
    sensitivity: float = Field(0.5, ge=0.0, le=1e3, description="th, rise of the margin per dollar of falling price")
    price: float = Field(98.0, gt=0.0, le=1e9, description="p at which it then trades, dollars")
    shock: float = Field(-20.0, lt=0.0, description="eta, dollars of the trader's money")

    def run(self) -> list[Check]:
        """Return the price after the shock with neither, one and both spirals, and the small-shock multipliers."""
        if self.margin < 1e-3 * self.price:
            raise InputError(
                f"margin: must be at least a thousandth of the price, {self.price:g} (got {self.margin:g})"
            )
        if self.ratio >= 1.0:
            raise InputError(f"T9: unstable, no price at a branching ratio of {self.ratio:g}")
        fall = -self._fall(0.0, 0.0, self.shock)
        moved = min(fall / self.price, self.demand * fall / max(self.position, self.endowment))
        if moved < _VISIBLE:
            raise InputError(
                f"T9: shock: would move price and position by only {moved:.2g} of themselves, must be at least "
                f"{_VISIBLE:g}, for rounding not to show; further from 0, or lower margin or demand"
            )
        return [check for name, case in self._cases.items() for check in self._checks(name, *case)]

    @property
    def ratio(self) -> float:
        """Return R0 = (x0 + th x) / (D m), dollars the position must shrink further per dollar it did."""
        return (self.endowment + self.sensitivity * self.position) / (self.demand * self.margin)

    def _checks(self, name: str, endowment: float, sensitivity: float) -> list[Check]:
        still, small = self._outcome(endowment, sensitivity, 0.0), _SMALL * self.shock
        fallen, hardly = (self._outcome(endowment, sensitivity, shock) for shock in (self.shock, small))
        fall = self._fall(endowment, sensitivity, self.shock)
        slope = self._fall(endowment, sensitivity, small) / small
        units = self.position + self.demand * fall
        needed = (self.margin - sensitivity * fall) * units
        return [
            *([exact_check(f"equity, {name}", needed, fallen[2], _FINE * needed)] if units > 0.0 else []),
            exact_check(f"price, {name}", self.price + fall, fallen[0], -_FINE * fall),
            exact_check(f"position, {name}", units, fallen[1], -_FINE * self.demand * fall),
            exact_check(f"dp / d eta, {name}", slope, (hardly[0] - still[0]) / small, _FINE * slope),
        ]

    @property
    def _cases(self) -> dict[str, tuple[float, float]]:
        """Return x0 and th of each case."""
        return {"neither": (0.0, 0.0), "loss": (self.endowment, 0.0), "both": (self.endowment, self.sensitivity)}

    def picture(self) -> Picture:
        """Return the price after shocks of all sizes up to this one."""
        at, tried = np.linspace(0.0, 1.0, 61) * self.shock, np.linspace(0.0, 1.0, 6) * self.shock
        curves = [
            Curve(
                _CASES[name],
                -at,
                np.array([self.price + self._fall(*case, float(shock)) for shock in at]),
                (-tried).tolist(),
                [self._outcome(*case, float(shock))[0] for shock in tried],
            )
            for name, case in self._cases.items()
        ]
        return curve_picture("theory_T9_spirals", self.title, ("money lost, -eta, dollars", "price, dollars"), curves)

    def _fall(self, endowment: float, sensitivity: float, shock: float) -> float:
        """Return p* - p: th D d^2 - (D m - th x - x0) d + eta = 0, the root next to 0; at most all is sold."""
        a, b = sensitivity * self.demand, self.demand * self.margin - sensitivity * self.position - endowment
        return max(2.0 * shock / (b + math.sqrt(b * b - 4.0 * a * shock)), -self.position / self.demand)

    def _outcome(self, endowment: float, sensitivity: float, shock: float) -> tuple[float, float, float]:
        """Return the price, the position, and the equity, dollars, with which the engine comes to rest."""
        model = played(self.scenario(endowment, sensitivity, shock))
        if model.exchange.desk.flagged.get("trading_cap", 0):
            raise InputError("T9: the auction came to no rest; a branching ratio so near to 1 takes too many rounds")
        row = groups_by_name(model)["trader"].rows
        held, equity = model.accounts.position[row, 0], model.engine.health(row).equity[:, 0]
        return float(model.market.mid[0]), float(held[0]) / self._scale, float(equity[0]) / self._scale

    @property
    def _scale(self) -> float:
        """Return by how much all units and dollars are multiplied."""
        return _LARGE / (self.price * max(self.position, self.endowment))

    def scenario(self, endowment: float, sensitivity: float, shock: float) -> Scenario:
        """Return the auction of one trader with x0 = `endowment`, th = `sensitivity` and eta = `shock`."""
        first = self.price + (endowment - self.position) / self.demand  # from here to `price` it trades x - x0
        money = self.margin * self.position + endowment * (first - self.price) + shock
        if not (money > 0.0 and first > 0.0):
            raise InputError(f"T9: trader and price must start above 0 (got {money:g} and {first:g} dollars)")
        opened = (self.margin + sensitivity * max(self.price - first, 0.0)) * endowment / money
        trader = {
            "kind": "margin_constrained",
            "name": "trader",
            "count": 1,
            "deposit": money * self._scale,
            "leverage_setting": 1000.0,
            "weights": {"A": 1.0},
            "start": opened,  # then it holds x0
            "margin_rate": self.margin / first,
            "sensitivity": sensitivity,
            "reference": self.price / first,
        }
        return bare_scenario(
            markets=[self._market(first)],
            impact={"kind": "linear_units", "dollars_per_unit": 1.0 / (self.demand * self._scale)},
            fill_at="after",
            trading="call",
            trading_rounds=0,
            population=[trader],
        )

    def _market(self, price: float) -> dict[str, Any]:
        lot = 2.0 ** math.floor(math.log2(1e-12 * _LARGE / self.price))
        return {"name": "A", "price": price, "lot": lot, "tiers": one_tier(1e-9)}
