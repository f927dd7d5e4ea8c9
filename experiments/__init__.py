"""What people ask of the market, and what answers: `from experiments import load, run, compare, check`."""

from typing import TYPE_CHECKING

from experiments.exports import install

if TYPE_CHECKING:
    from experiments.causes.explain import explain
    from experiments.compare import compare
    from experiments.contagion.study import contagion
    from experiments.description import check
    from experiments.impulse.impulse import impulse
    from experiments.loops.loops import loops
    from experiments.plugins import load_plugins
    from experiments.prices import read_prices
    from experiments.run import run
    from experiments.scenarios import load
    from experiments.warning.warned import warn

__all__ = [
    "check",
    "compare",
    "contagion",
    "explain",
    "impulse",
    "load",
    "load_plugins",
    "loops",
    "read_prices",
    "run",
    "warn",
]
__names__ = install(__name__)
