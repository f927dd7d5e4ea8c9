"""Contagion in one scenario over several storms: what `crossmargin contagion` prints and keeps."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from experiments.causes.source import check_storm, source_of
from experiments.contagion.ratios import Ratios, radius_before, ratios
from experiments.drawing import Picture
from experiments.graph.anatomy import CLASSES, Anatomy, anatomy, write_anatomy
from experiments.graph.animation import cascade_film
from experiments.graph.cascade_picture import cascade_picture
from experiments.graph.hits import hits_over
from experiments.graph.hits_picture import hits_picture
from experiments.results import scenario_toml
from experiments.run import Run, run
from experiments.store import Provenance, results_folder, write_bytes
from experiments.tables import write_table
from experiments.wording import counted, dollars

_SHOWN, _MARKETS = 5, 8  # accounts in the text; markets up to which those that took no part are shown too


@dataclass(frozen=True)
class Contagion:
    """Runs of one scenario on storms, the network of the worst one, and the branching ratios of all.

    The worst is the one with the most liquidated notional, of equal ones the first.
    """

    runs: Sequence[Run]
    seen: Anatomy
    ratios: Ratios

    @cached_property
    def hits(self) -> pd.DataFrame:
        """Return who hits whom over the storms: class, from, to, mean, low, high (dollars), runs."""
        tables = [hits_over(self.runs, by) for by in CLASSES]
        for by, table in zip(CLASSES, tables, strict=True):
            table.insert(0, "class", by)
        return pd.concat(tables, ignore_index=True).astype({"class": "str"})

    @cached_property
    def pictures(self) -> list[Picture]:
        """Return the cascade of the worst storm, and who hits whom over all of them."""
        return [cascade_picture(self.seen.graph), *(hits_picture(self.runs, by) for by in CLASSES)]

    def __str__(self) -> str:
        """Return the cascade of the worst storm, who hits whom by market, the worst accounts and the ratios."""
        shown, forest = self.seen.run.scenario, self.seen.forest
        pools, closings = int(forest.generations.sum()), counted(len(forest), "closing")
        lines = [f"{shown.name}, {self._which}seed {shown.seed}: {closings} of {counted(pools, 'pool')}"]
        if pools:
            lines[0] += f" in {counted(len(forest.roots), 'cascade')}"
            largest, deepest = counted(int(forest.sizes.max()), "pool"), counted(int(forest.depths.max()), "generation")
            lines.append(f"the largest cascade has {largest}, the deepest {deepest}")
            lines.append(f"{counted(self.seen.width, 'pool')} in the largest generation, all cascades together")
            groups = len(set(self.seen.closings["community"].tolist()))
            lines.append(f"{counted(groups, 'community', 'communities')} of closings (Louvain)")
        storms = counted(len(self.runs), "storm")
        lines += ["", self._matrix(), "", *self._worst(), "", f"branching ratio over {storms}:"]
        return "\n".join([*lines, str(self.ratios)])

    @property
    def _which(self) -> str:
        return f"the worst of {len(self.runs)} storms, " if len(self.runs) > 1 else ""

    def _matrix(self) -> str:
        table = self.hits[(self.hits["class"] == "market") & (self.hits["from"] != "")]
        names = list(self.runs[0].scenario.names)
        mean = table.pivot(index="from", columns="to", values="mean").loc[names, names]
        mean.index.name = mean.columns.name = None
        crossed = self.hits[(self.hits["class"] == "market") & (self.hits["from"] == "")].iloc[0]
        across = f"across markets: {dollars(crossed['mean'])}"
        if len(self.runs) > 1:
            across += f", 95 % interval {dollars(crossed['low'])} to {dollars(crossed['high'])}"
        what = "dollars of loss that forced sales in the row's market caused in what the column's had to close"
        over = f", mean over {counted(len(self.runs), 'storm')}" if len(self.runs) > 1 else ""
        hit = mean.to_numpy().any(axis=0) | mean.to_numpy().any(axis=1)
        kept = names if len(names) <= _MARKETS or not hit.any() else [names[i] for i in np.flatnonzero(hit)]
        rest = f"\n{counted(len(names) - len(kept), 'other market')}: 0" if len(kept) < len(names) else ""
        return f"{what}{over}:\n{mean.loc[kept, kept].round(0).astype('int64').to_string()}{rest}\n{across}"

    def _worst(self) -> list[str]:
        if self.seen.accounts.empty:
            return ["nobody was liquidated"]
        accounts = self.seen.accounts.head(_SHOWN)
        accounts = accounts.loc[accounts["caused"] > 0.0]
        harm = [
            f"  {row['account']:<20} {dollars(row['caused']):>16}, onward {dollars(row['downstream'])}"
            for row in accounts.to_dict("records")
        ]
        return ["accounts whose forced sales cost others most:", *(harm or ["  none cost others anything"])]


def contagion(source: Any, storms: int = 1) -> Contagion:
    """Run a scenario and its impact-free twin on `storms` storms, counted from its seed, and measure contagion.

    `source` is a results folder, a scenario (name, file, data) or a `Run`. Raises `InputError` for what does not exist.
    """
    scenario, digest = source_of(source)
    seeded = [scenario.with_(seed=scenario.seed + i) for i in range(storms)]
    runs = [run(one) for one in seeded]
    check_storm(source, digest, runs[0].digest)
    twins = [run(one.with_(impact={"kind": "none"})) for one in seeded]
    worst = max(runs, key=lambda one: one.metrics["liquidated_notional"])
    return Contagion(runs, anatomy(worst), ratios(runs, twins, [radius_before(one) for one in runs]))


def save_contagion(
    found: Contagion, out: str | Path, overwrite: bool = False, command: Sequence[str] = (), film: bool = False
) -> Path:
    """Write graph (GraphML, GEXF, Parquet), tables and pictures to the folder `out`, all or nothing."""
    scenario = found.runs[0].scenario
    seeds, shown = [one.scenario.seed for one in found.runs], {"seed": found.seen.run.scenario.seed}
    provenance = Provenance(scenario.to_dict(), seeds, command, {"digest": found.seen.run.digest, "shown": shown})
    with results_folder(out, provenance, overwrite) as folder:
        write_bytes(folder / "scenario.toml", scenario_toml(found.seen.run.scenario).encode())
        write_bytes(folder / "contagion.txt", f"{found}\n".encode())
        write_anatomy(found.seen, folder, gexf=True)
        write_table(found.hits, folder / "who_hits_whom_over_storms")
        write_table(found.ratios.table, folder / "branching_ratios")
        for picture in found.pictures:
            write_bytes(folder / f"{picture.name}.png", picture.png)
        if film:
            write_bytes(folder / "contagion.gif", cascade_film(found.seen.graph).gif)
    return Path(out)
