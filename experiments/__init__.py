"""What people ask of the market, and what answers: `from experiments import load, run, compare, check`."""

from typing import TYPE_CHECKING

from experiments.exports import install

if TYPE_CHECKING:
    from experiments.compare import compare
    from experiments.description import check
    from experiments.plugins import load_plugins
    from experiments.prices import read_prices
    from experiments.run import run
    from experiments.scenarios import load

__all__ = ["check", "compare", "load", "load_plugins", "read_prices", "run"]
__names__ = install(__name__)
