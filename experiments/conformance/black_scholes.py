"""Published option values and greeks: Black-Scholes-Merton and Black-76."""

from dataclasses import asdict
from typing import Any

from experiments.conformance.case import Adapter, Case
from simulation.instrument.black_scholes import Vanilla, black76, black_scholes, greeks

_SIDE = {"call": 1.0, "put": -1.0}
_YEAR_SECONDS = 31_536_000.0  # stated by the cases: T = seconds / 31536000


def _on_spot(case: Case) -> dict[str, Any]:
    given = case.inputs
    option = Vanilla(_SIDE[given["type"]], given["strike"], given["T"])
    terms = (option, given["spot"], given["vol"], given.get("rate", 0.0), given.get("dividend_yield", 0.0))
    found = greeks(*terms)
    everything = {"price": black_scholes(*terms), "theta_per_day": found.theta_per_day, **asdict(found)}
    return {name: float(value) for name, value in everything.items()}


def _on_forward(case: Case) -> dict[str, Any]:
    given = case.inputs
    years = given["seconds"] / _YEAR_SECONDS
    sides = {name: Vanilla(side, given["strike"], years) for name, side in _SIDE.items()}
    terms = (given["forward"], given["vol"], given.get("discount", 1.0))
    return {name: float(black76(option, *terms)) for name, option in sides.items()}


_STEM = "black_scholes_black76"
ADAPTERS: dict[tuple[str, str], Adapter] = {
    (_STEM, "bsm_price"): _on_spot,
    (_STEM, "bsm_greek"): _on_spot,
    (_STEM, "bsm_price_and_greeks"): _on_spot,
    (_STEM, "black76_price"): _on_forward,
}
