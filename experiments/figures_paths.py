"""Price paths of the worst and the median run: index against mark, forced volume below, regime beside regime."""

from typing import Any

import numpy as np

from experiments.comparison import Compared
from experiments.drawing import DARK, GREY, Look, Picture, canvas, look, png
from experiments.gallery import RULE, Shown
from experiments.run import Run
from experiments.wording import dollar_scale, dollars

_TIMES = ((86_400.0, "days"), (3_600.0, "hours"), (60.0, "minutes"), (1.0, "seconds"))


def paths(comparison: Compared) -> list[Picture]:
    """Return the pictures of the worst and of the median run."""
    gallery = comparison.gallery
    return [_paths(comparison, chosen) for chosen in (gallery.worst, gallery.median)]


def hardest_market(run: Run) -> str:
    """Return the market with the largest forced volume, or the first where there is none."""
    if len(run.events) == 0:
        return str(run.prices["market"].iloc[0])
    volume = {name: forced_volume(run, name).sum() for name in sorted(set(run.events["market"].tolist()))}
    return max(volume, key=lambda name: volume[name])


def _paths(comparison: Compared, chosen: Shown) -> Picture:
    market, regimes = hardest_market(chosen.run), list(chosen.runs)
    scenario = comparison.scenario
    clock = _clock(scenario.steps * scenario.step_seconds)
    volumes = {regime: forced_volume(run, market) for regime, run in chosen.runs.items()}
    scale = dollar_scale(volume.max() for volume in volumes.values())
    with canvas(9.0, 3.9) as figure:
        grid = figure.subplots(2, len(regimes), sharex=True, sharey="row", height_ratios=(2.2, 1), squeeze=False)
        for column, regime in enumerate(regimes):
            time = np.arange(scenario.steps + 1) * scenario.step_seconds / clock[0]
            style = look(regime, tuple(regimes))
            _prices(grid[0, column], time, chosen.runs[regime], (regime, market), style)
            _volume(grid[1, column], time, volumes[regime] / scale[0], style)
            grid[1, column].set_xlabel(f"time, {clock[1]}")
        grid[0, 0].set_ylabel(f"{market}, % of start")
        grid[1, 0].set_ylabel(f"forced volume,\n{scale[1]} a step")
        grid[0, 0].legend(loc="best")
        picture = png(figure)
    return Picture(f"paths_{chosen.title}", f"The {chosen.title} run", _caption(chosen, market), picture)


def forced_volume(run: Run, market: str) -> np.ndarray:
    """Return the notional closed by force in `market` step by step (steps + 1,), dollars."""
    here = np.asarray(run.events["market"]) == market
    steps, notional = np.asarray(run.events["step"], np.intp), np.asarray(run.events["notional"], float)
    return np.bincount(steps[here], notional[here], run.scenario.steps + 1)


def _prices(axis: Any, time: np.ndarray, run: Run, names: tuple[str, str], style: Look) -> None:
    regime, market = names
    here = np.asarray(run.prices["market"]) == market
    index, mark = (np.asarray(run.prices[price], float)[here] for price in ("index", "mark"))
    axis.plot(time, 100 * index / index[0], color=GREY, linestyle="--", linewidth=1.1, label="index (no agents)")
    axis.plot(time, 100 * mark / index[0], color=style.colour, linewidth=1.3, label="mark (with agents)")
    debt = run.metrics["bad_debt"]
    axis.set_title(f"{regime}\nbad debt {dollars(debt) if debt else 'none'}", loc="left")


def _volume(axis: Any, time: np.ndarray, volume: np.ndarray, style: Look) -> None:
    width = time[1] - time[0]
    axis.bar(time, volume, width=max(width, time[-1] / 200), color=style.colour, edgecolor=DARK, linewidth=0.2)
    axis.set_ylim(0.0, max(axis.get_ylim()[1], 1.08 * float(volume.max()), 1e-9))


def _caption(chosen: Shown, market: str) -> str:
    return (
        f"Storm (seed) {chosen.seed}, {chosen.design}; chosen: {chosen.arm.regime} margin, the {chosen.title} run by "
        f"this rule: {RULE}. Shown is {market}, the market with most forced volume in the chosen run. The dashed index "
        "is the same in all panels: what prices would have been without anybody's trades. One run is an illustration, "
        "not an estimate."
    )


def _clock(seconds: float) -> tuple[float, str]:
    return next(((size, name) for size, name in _TIMES if seconds >= 2 * size), _TIMES[-1])
