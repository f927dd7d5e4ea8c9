"""Which shock does pooled margin fear? One market alone, all together, or half against half.

Question: the designer of a venue compares isolated with portfolio margin before anybody knows what the next storm will
be; how much of the freed margin may traders re-use until portfolio margin leaves as much bad debt as isolated margin,
and does that share phi* depend on the kind of the shock? Method: the same people, half of their positions long and half
short, meet the same shock of one market, of all markets, and of half of the markets up and half down, in several sizes,
under both regimes and for several phi; differences are paired by storm. Impact and the waterfall are on.

Expected: with phi = 0 portfolio margin leaves less bad debt than isolated margin, whatever the kind: nobody's positions
are larger and losses are pooled. With phi = 1 positions have grown until they use as much margin as isolated margin
asks, and offsets that were granted for a correlation of .9 fail when one market moves alone, and all at once when half
of them rise and half fall: far more bad debt, and phi* is small. A common shock is what the offsets are made for: long
and short cancel, and there may be no phi* at all. Sources: the two readings of "safer" (equal positions, equal
utilisation); M. Brunnermeier & L. Pedersen, RFS 22 (2009) 2201-2238, on positions that grow with what margin allows.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from experiments.drawing import DARK, Look, Picture, canvas, from_zero, look, png
from experiments.paired import crossing
from experiments.statistics import Estimate, bootstrap_mean
from experiments.venue_risk import DECOUPLING, PORTFOLIO, VenueStorm, venue_outcomes
from simulation.arrays import Array
from simulation.errors import RunFailed

KINDS = {"one market": (-1.0, 0.0, 0.0, 0.0), "all together": (-1.0,) * 4, "half against half": (-1.0, -1.0, 1.0, 1.0)}
SIZES = (0.05, 0.15, 0.3)
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
BASIS_POINTS = 1e4
_ISOLATED = {"kind": "isolated"}


def bad_debt(storm: VenueStorm, storms: int, shares: tuple[float, ...] = SHARES) -> tuple[Array, Array]:
    """Return bad debt in basis points of deposits: isolated (n,), and portfolio margin by re-use share (n, p)."""
    seeds = range(1, storms + 1)
    alone = venue_outcomes(storm, _ISOLATED, seeds)
    pooled = [venue_outcomes(storm, PORTFOLIO, seeds, share) for share in shares]
    if any(arm["digest"].tolist() != alone["digest"].tolist() for arm in pooled):
        raise RunFailed("the arms met different storms")
    columns = [arm["bad_debt"].to_numpy(float) for arm in pooled]
    return BASIS_POINTS * alone["bad_debt"].to_numpy(float), BASIS_POINTS * np.column_stack(columns)


def storm_of(kind: str, size: float, base: VenueStorm = DECOUPLING) -> VenueStorm:
    """Return the storm with a shock of a kind: `size` is the simple return of the markets that move."""
    return replace(base, shocks=tuple(size * way for way in KINDS[kind]))


def run(
    sizes: tuple[float, ...] = SIZES,
    shares: tuple[float, ...] = SHARES,
    storms: int = 10,
    base: VenueStorm = DECOUPLING,
) -> pd.DataFrame:
    """Return one row a kind and size: bad debt, basis points of deposits, and phi*, each with its 95 % interval.

    Columns: kind, size; isolated, kept (portfolio margin, phi = the first of `shares`), spent (the last of them), each
    with _low and _high; phi_star, phi_star_low, phi_star_high, and why there is none (`note`).
    """
    rows = []
    for kind in KINDS:
        for size in sizes:
            alone, pooled = bad_debt(storm_of(kind, size, base), storms, shares)
            named = {"isolated": alone, "kept": pooled[:, 0], "spent": pooled[:, -1]}
            star = crossing(shares, pooled, alone)
            row: dict[str, object] = {"kind": kind, "size": size}
            for name, values in named.items():
                row |= bootstrap_mean(values).columns(name)
            rows.append({**row, **star.columns("phi_star"), "note": star.reason})
    return pd.DataFrame(rows)


def plot(size: float = 0.15, storms: int = 10, base: VenueStorm = DECOUPLING) -> Picture:
    """Draw bad debt against phi, one panel a kind, with the level of isolated margin and phi* where there is one."""
    found = {kind: bad_debt(storm_of(kind, size, base), storms) for kind in KINDS}
    with canvas(9.0, 3.2) as figure:
        for axis, (kind, (alone, pooled)) in zip(figure.subplots(1, len(KINDS)), found.items(), strict=True):
            level, style = bootstrap_mean(alone), look("isolated")
            axis.axhline(level.value, color=style.colour, ls=style.line, label="isolated")
            axis.axhspan(level.low, level.high, color=style.colour, alpha=0.13, lw=0)
            _curve(axis, pooled, look("portfolio"))
            star = crossing(SHARES, pooled, alone)
            axis.set_title(f"{kind}\n{_star(star)}", loc="left")
            if star.defined:
                axis.axvline(star.value, color=DARK, lw=0.9, ls=":")
            axis.set_xlabel("phi: share of freed margin re-used")
            from_zero(axis, "y")
        figure.axes[0].set_ylabel("bad debt, bp of deposits")
        figure.axes[0].legend(loc="upper left")
        picture = png(figure)
    caption = (
        f"Shocks of {100.0 * size:g} %, {base.traders} traders, half long, half short; mean over {storms} storms and "
        "95 % interval. Every panel has its own scale. Dotted: phi*, where portfolio margin is as bad as isolated."
    )
    return Picture("shock_kinds", "Which shock does pooled margin fear?", caption, picture)


def _curve(axis: Any, pooled: Array, style: Look) -> None:
    points = [bootstrap_mean(column) for column in pooled.T]
    value = np.array([point.value for point in points])
    reach = np.array([point.reach for point in points]).T
    shape = {"color": style.colour, "marker": style.marker, "ls": style.line}
    axis.errorbar(SHARES, value, reach, capsize=3, label="portfolio", **shape)


def _star(star: Estimate) -> str:
    return f"phi* = {star.text('.2f')}" if star.defined else "no phi*"
