"""Collateral of many tokens instead of one.

Question: whom does spreading collateral over m tokens help, the account or the venue? Method: accounts hold equal
weights of m of M tokens and fail when the basket loses more than their buffer b; returns of a step follow a
multivariate t with nu degrees of freedom, standard deviation s and one correlation rho; every choice of m tokens is one
kind of account. With scale s sqrt((nu - 2) / nu):

    P(account fails) = T_nu(-b / (scale * sqrt((1 + (m - 1) rho) / m))).

An account survives a crash of c in one token if and only if m > c / b. Expected for b = 15 %, s = 6 %, nu = 4, from
m = 1 to 8: 1.2 to .15 % at rho = .2, to .6 % at .6, to 1.0 % at .9; that more than half of all accounts fail together
hardly changes, and failures become all or nothing. Source: F. Caccioli, M. Shrestha, C. Moore and J. D. Farmer,
J. Banking & Finance 46 (2014) 233-245 (diversification and overlapping portfolios).
"""

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import chi2
from scipy.stats import t as student

from experiments.drawing import DARK, Picture, canvas, look, png
from experiments.target import Check, share_check
from simulation.arrays import Array
from simulation.random import Streams

SIZES = (1, 2, 4, 8)
CORRELATIONS = (0.2, 0.6, 0.9)


@dataclass(frozen=True)
class Baskets:
    """Accounts with equal weights of some of `tokens`, a `buffer`, and t returns of one step."""

    correlation: float = 0.2
    tokens: int = 8
    buffer: float = 0.15
    deviation: float = 0.06
    freedom: float = 4.0

    def weights(self, size: int) -> Array:
        """Return the weights (accounts, tokens) of every choice of `size` tokens."""
        chosen = list(combinations(range(self.tokens), size))
        weight = np.zeros((len(chosen), self.tokens))
        for row, columns in enumerate(chosen):
            weight[row, list(columns)] = 1.0 / size
        return weight

    def failure(self, size: int) -> float:
        """Return the probability that an account of `size` tokens fails in a step."""
        scale = self.deviation * math.sqrt((self.freedom - 2.0) / self.freedom)
        spread = scale * math.sqrt((1.0 + (size - 1) * self.correlation) / size)
        return float(student.cdf(-self.buffer / spread, self.freedom))

    def returns(self, draws: int, seed: int = 1) -> Array:
        """Return returns (draws, tokens)."""
        streams, rho = Streams(seed), self.correlation
        common = streams.normal("basket/common", 0, draws)[:, None]
        own = streams.normal("basket/own", 0, draws * self.tokens).reshape(draws, self.tokens)
        mixing = chi2.ppf(streams.uniform("basket/mixing", 0, draws), self.freedom)[:, None] / (self.freedom - 2.0)
        return self.deviation * (math.sqrt(rho) * common + math.sqrt(1.0 - rho) * own) / np.sqrt(mixing)

    def failed_share(self, size: int, draws: int, seed: int = 1) -> Array:
        """Return the share of accounts (draws,) that fail in each step."""
        return (self.returns(draws, seed) @ self.weights(size).T < -self.buffer).mean(axis=1)


def survives(size: int, crash: float, buffer: float) -> bool:
    """Return whether an equal basket of `size` tokens survives when one of them loses `crash`: m > c / b."""
    return size > crash / buffer


def target(baskets: Baskets, draws: int = 100_000, seed: int = 1) -> list[Check]:
    """Return the checks of A2: how often the first account fails, by the number of its tokens."""
    drawn, checks = baskets.returns(draws, seed), []
    for size in SIZES:
        failed = int((drawn[:, :size].mean(axis=1) < -baskets.buffer).sum())
        checks.append(share_check(f"{size} tokens, rho {baskets.correlation:g}", baskets.failure(size), failed, draws))
    return checks


def run(correlations: tuple[float, ...] = CORRELATIONS, draws: int = 100_000, seed: int = 1) -> pd.DataFrame:
    """Return failure of an account, failure of most accounts together, and the share that fails given any."""
    rows = []
    for rho in correlations:
        baskets = Baskets(rho)
        for size in SIZES:
            share = baskets.failed_share(size, draws, seed)
            any_ = share[share > 0.0]
            found = {"expected": baskets.failure(size), "account": share.mean(), "most": (share > 0.5).mean()}
            rows.append({"rho": rho, "tokens": size, **found, "given_any": any_.mean() if len(any_) else math.nan})
    return pd.DataFrame(rows)


def plot(draws: int = 100_000) -> Picture:
    """Draw the probability that an account fails, and that most fail together, against the number of tokens."""
    table = run(draws=draws)
    with canvas(9.0, 3.6) as figure:
        for axis, what in zip(figure.subplots(1, 2, sharey=True), ("account", "most"), strict=True):
            for rho, rows in table.groupby("rho"):
                style = look(str(rho), tuple(str(r) for r in CORRELATIONS))
                shape = {"color": style.colour, "marker": style.marker, "linestyle": style.line}
                axis.plot(rows["tokens"], 100.0 * rows[what], label=f"rho {rho:g}", **shape)
            axis.set(xscale="log", yscale="log", xlabel="tokens in the basket", xticks=SIZES)
            axis.set_xticklabels([str(size) for size in SIZES])
            axis.minorticks_off()
        figure.axes[0].set(title="an account fails", ylabel="probability a step, %")
        figure.axes[1].set_title("most accounts fail together", color=DARK)
        figure.axes[1].legend()
        picture = png(figure)
    caption = f"Equal baskets of m of 8 tokens, buffer 15 %, t(4) returns of 6 %, {draws:,} draws."
    return Picture("collateral_basket", "Spreading helps the member, not the system", caption, picture)
