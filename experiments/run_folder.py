"""What one run prints, draws and leaves in its results folder."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from experiments.drawing import GREY, Picture, canvas, look, png
from experiments.measures import COUNT, DOLLARS, MEASURES, PERCENT
from experiments.record.definition import documented
from experiments.record.metrics import DETAILS, METRICS
from experiments.results import scenario_toml
from experiments.run import Run, run
from experiments.store import Provenance, results_folder, scenario_hash, write_bytes
from experiments.tables import write_table
from experiments.wording import dollars, number
from simulation.scenario import Scenario

_SECONDS = "seconds"
_COLUMNS = 4  # panels in a row
_UNITS = {measure.metric: (measure.title, measure.unit) for measure in MEASURES if not measure.twin}


def run_with_bar(scenario: Scenario, progress: bool | None = None) -> Run:
    """Run `scenario` with a progress bar on stderr: always, never, or (None) on a terminal."""
    from tqdm import tqdm

    with tqdm(total=scenario.steps, unit="step", disable=None if progress is None else not progress) as bar:

        def advance(step: int, _: int) -> None:
            bar.update(step - bar.n)

        return run(scenario, progress=advance)


def report(result: Run, every: bool = False) -> str:
    """Return the headline metrics of a run, or `every` one, as text with units; undefined ones with the reason."""
    scenario, names = result.scenario, [name for name in result.metrics if every or name not in DETAILS]
    title = f"{scenario.name}: {type(scenario.margin).kind} margin, seed {scenario.seed}, {scenario.steps:,} steps"
    width = max(len(_title(name)) for name in names)
    lines = [f"  {_title(name):<{width}}  {_value(name, result.metrics[name], result)}" for name in names]
    prints = [f"scenario {scenario_hash(scenario.to_dict())[:16]}", f"storm {result.digest[:16]}"]
    return "\n".join([title, "", *lines, "", ", ".join([*prints, f"result {result.fingerprint[:16]}"])])


def save_run(result: Run, out: str | Path, overwrite: bool = False, command: Sequence[str] = ()) -> Path:
    """Write tables, scenario, pictures and the contagion graph of a run to the folder `out`, all or nothing."""
    from experiments.graph.anatomy import anatomy, write_anatomy
    from experiments.graph.cascade_picture import cascade_picture
    from experiments.graph.hits_picture import hits_picture

    seen = anatomy(result)
    pictures = [price_picture(result), cascade_picture(seen.graph), hits_picture([result], "market")]
    marks = {"digest": result.digest, "fingerprint": result.fingerprint, "flags": result.flags}
    provenance = Provenance(result.scenario.to_dict(), [result.scenario.seed], command, marks)
    with results_folder(out, provenance, overwrite) as folder:
        claims = ("defaults",) if type(result.scenario.claims).exists else ()
        for name in ("prices", "events", "bankruptcies", "accounts", "series", *claims):
            write_table(getattr(result, name), folder / name)
        write_table(metric_table(result), folder / "metrics")
        write_bytes(folder / "scenario.toml", scenario_toml(result.scenario).encode())
        for picture in pictures:
            write_bytes(folder / f"{picture.name}.png", picture.png)
        write_anatomy(seen, folder)
    return Path(out)


def metric_table(result: Run) -> pd.DataFrame:
    """Return metric, value and, where undefined, the reason."""
    names = list(result.metrics)
    reasons = [result.reasons.get(name, "") for name in names]
    return pd.DataFrame({"metric": names, "value": list(result.metrics.values()), "reason": reasons})


def price_picture(result: Run) -> Picture:
    """Return index and mark of every market, as a share of the start."""
    names = list(result.scenario.names)[:16]
    columns = min(_COLUMNS, len(names))
    rows = math.ceil(len(names) / columns)
    with canvas(2.6 * columns + 0.6, 1.9 * rows + 0.5) as figure:
        panels = figure.subplots(rows, columns, sharex=True, squeeze=False)
        for i, panel in enumerate(panels.flat):
            if i < len(names):
                _panel(panel, result, names[i])
            else:
                panel.set_visible(False)
        panels[0, 0].legend(loc="best", fontsize=7)
        figure.supxlabel("time, hours")
        figure.supylabel("price, % of start")
        image = png(figure)
    text = "Index: the outside price, which nobody's trades move. Mark: the price margin is computed with."
    return Picture("prices", "Prices", text, image)


def _panel(panel: Any, result: Run, market: str) -> None:
    scenario, kind = result.scenario, type(result.scenario.margin).kind
    here = np.asarray(result.prices["market"]) == market
    hours = np.arange(scenario.steps + 1) * scenario.step_seconds / 3600.0
    index, mark = (np.asarray(result.prices[name], float)[here] for name in ("index", "mark"))
    panel.plot(hours, 100.0 * index / index[0], color=GREY, linestyle="--", linewidth=1.0, label="index")
    panel.plot(hours, 100.0 * mark / index[0], color=look(kind).colour, linewidth=1.2, label="mark")
    panel.set_title(market, loc="left")


def _title(name: str) -> str:
    return _UNITS.get(name, (name.replace("_", " "), ""))[0]


def _value(name: str, value: float, result: Run) -> str:
    if math.isnan(value):
        return f"undefined: {result.reasons.get(name, 'no reason given')}"
    unit = _UNITS.get(name, ("", _guess(name)))[1]
    if unit == DOLLARS:
        return dollars(value)
    if name == "insolvent":
        return "yes" if value else "no"
    if unit == PERCENT:
        return f"{number(100.0 * value)} %"
    if unit == COUNT and value == round(value):  # a mean of counts need not be whole
        return f"{value:,.0f}"
    return number(value) + (f" {unit}" if unit == _SECONDS else "")


def _guess(name: str) -> str:
    """Return the unit of a metric that the verdict does not show."""
    if name in DETAILS:
        stated = documented(name, METRICS[name]).unit
        count = COUNT if stated.startswith("number") or stated == "0 or 1" else ""
        return {"dollars": DOLLARS, "share": PERCENT, _SECONDS: _SECONDS}.get(stated, count)
    return COUNT if name.endswith(("_accounts", "_size", "_depth")) else "" if name.endswith("_ratio") else DOLLARS
