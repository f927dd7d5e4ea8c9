"""The picture of predicted against simulated amplification: does the early warning come true?"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from experiments.drawing import DARK, GREY, Picture, canvas, from_zero, png
from experiments.statistics import mean_interval
from experiments.warning.outcome import Outcome
from experiments.warning.study import Study
from simulation.arrays import Array

_ASIDE = 0.035  # radius by which the marks of populations stand to both sides of their own, at most
_RATIO = "simulated / predicted\namplification"
_SUPPORTED, _BEYOND = "one population", "one population, beyond the reach of the window"


def outcome_picture(found: list[list[Outcome]]) -> Picture:
    """Draw simulated over predicted amplification by radius, every population, and the mean with its 95 % interval.

    `found` holds the outcomes of all populations for each radius, as `warning_outcome.outcomes` returns them. What has
    no ratio (unstable, or nothing closed) is not drawn; the caption counts it.
    """
    with canvas(7.5, 3.8) as figure:
        axis = figure.subplots()
        _draw(axis, found)
        axis.set(xlabel="spectral radius of the contagion matrix, read before the shock")
        axis.set_ylabel(_RATIO)
        figure.legend(*_named([axis]), loc="outside lower center", ncols=3)
        image = png(figure)
    return Picture("warning_outcome", "Prediction and outcome", _caption(found), image)


def study_picture(found: Study) -> Picture:
    """Draw the outcomes of a study, isolated margin beside cross margin on the same scale; see `outcome_picture`."""
    regimes = list(dict.fromkeys(group.regime for group in found.groups))
    with canvas(4.6 * len(regimes), 4.2) as figure:
        axes = np.atleast_1d(figure.subplots(1, len(regimes), sharey=True))
        for axis, regime in zip(axes, regimes, strict=True):
            _draw(axis, found.of(regime))
            axis.set_title(f"{regime} margin")
            axis.set_xlabel("spectral radius before the shock")
        axes[0].set_ylabel(_RATIO)
        figure.legend(*_named(list(axes)), loc="outside lower center", ncols=3)
        image = png(figure)
    every = [list(group.outcomes) for group in found.groups]
    return Picture("outcomes", "Did what was foreseen come?", _caption(every), image)


def _draw(axis: Any, found: list[list[Outcome]]) -> None:
    radii = [float(np.mean([one.radius for one in group])) for group in found]
    for group, radius in zip(found, radii, strict=True):
        places = radius + beside(len(group), radii)
        for reached, mark in ((True, "o"), (False, "x")):
            these = [i for i, one in enumerate(group) if one.prediction.in_reach == reached]
            ratios = [group[i].ratio for i in these]
            name = _SUPPORTED if reached else _BEYOND
            if np.isfinite(ratios).any():
                axis.plot(places[these], ratios, mark, color=GREY, ms=4.5, mfc="none", label=name)
        mean = mean_interval([one.ratio for one in group], skip_undefined=True)
        reach = np.transpose([mean.reach])
        axis.errorbar(radius, mean.value, reach, fmt="D", color=DARK, ms=5, capsize=3, label="mean, 95 %")
    axis.axhline(1.0, color=DARK, lw=0.9, ls=":")
    from_zero(axis)


def beside(count: int, radii: Sequence[float]) -> Array:
    """Return by how much (count,) marks stand beside their radius, on both sides in turn; the middle is the mean's.

    Marks of neighbouring `radii` stay apart: none goes further than 0.4 of the way to the next.
    """
    gaps = np.diff(np.unique(radii))
    most = min([_ASIDE, *(0.4 * gaps[gaps > 1e-9]).tolist()])
    steps = 1.0 + np.arange(count) // 2  # 1, 1, 2, 2, ...
    return np.where(np.arange(count) % 2, 1.0, -1.0) * most * (0.3 + 0.7 * steps / max(steps.max(initial=1.0), 1.0))


def _named(axes: list[Any]) -> tuple[list[Any], list[str]]:
    """Return what a legend needs: everything drawn on any of the axes, each kind once."""
    named: dict[str, Any] = {}
    for axis in axes:
        named |= dict(zip(*axis.get_legend_handles_labels()[::-1], strict=True))
    return list(named.values()), list(named)


def _caption(found: list[list[Outcome]]) -> str:
    ratios = np.array([one.ratio for group in found for one in group])
    return (
        f"{len(ratios)} books; a mark on the dotted line came out as predicted. Diamonds are means over populations "
        "with Student's 95 % intervals, at their radius; populations stand beside it. "
        f"{int(np.sum(~np.isfinite(ratios)))} without a ratio are not drawn."
    )
