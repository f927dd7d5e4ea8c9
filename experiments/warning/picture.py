"""The picture of predicted against simulated amplification: does the early warning come true?"""

import numpy as np

from experiments.drawing import DARK, GREY, Picture, canvas, png
from experiments.statistics import mean_interval
from experiments.warning.outcome import Outcome

_APART = 0.012  # radius by which marks of populations stand beside one another
_SUPPORTED, _BEYOND = "one population", "one population, beyond the reach of the window"


def outcome_picture(found: list[list[Outcome]]) -> Picture:
    """Draw simulated over predicted amplification by radius, every population, and the mean with its 95 % interval.

    `found` holds the outcomes of all populations for each radius, as `warning_outcome.outcomes` returns them. What has
    no ratio (unstable, or nothing closed) is not drawn; the caption counts it.
    """
    with canvas(7.5, 3.8) as figure:
        axis = figure.subplots()
        for group in found:
            radius = float(np.mean([one.radius for one in group]))
            for reached, mark in ((True, "o"), (False, "x")):
                ratios = [one.ratio for one in group if one.prediction.in_reach == reached]
                spread = radius + _APART * (0.5 + np.arange(len(ratios)))
                name = _SUPPORTED if reached else _BEYOND
                axis.plot(spread, ratios, mark, color=GREY, ms=4.5, mfc="none", label=name)
            mean = mean_interval([one.ratio for one in group], skip_undefined=True)
            ends = [[mean.value - mean.low], [mean.high - mean.value]]
            axis.errorbar(radius - _APART, mean.value, ends, fmt="D", color=DARK, ms=5, capsize=3, label="mean, 95 %")
        axis.axhline(1.0, color=DARK, lw=0.9, ls=":")
        axis.set(xlabel="spectral radius of the contagion matrix, read before the shock")
        axis.set_ylabel("simulated / predicted\namplification")
        named = dict(zip(*axis.get_legend_handles_labels()[::-1], strict=True))
        axis.legend(list(named.values()), list(named), loc="upper left")
        image = png(figure)
    return Picture("warning_outcome", "Prediction and outcome", _caption(found), image)


def _caption(found: list[list[Outcome]]) -> str:
    ratios = np.array([one.ratio for group in found for one in group])
    return (
        f"{len(ratios)} books; a mark on the dotted line came out as predicted. Diamonds are means over populations "
        f"with Student's 95 % intervals. {int(np.sum(~np.isfinite(ratios)))} without a ratio are not drawn."
    )
