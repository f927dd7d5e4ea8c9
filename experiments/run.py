"""One run of one scenario, and everything it leaves behind.

Question: what happens in this market, under these rules, in this storm? Method: step the model to the end, then keep
plain tables and forget the model.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from agents.cast import StandardCast, check_population
from agents.handles import forget
from experiments.record import frames
from experiments.record.defaults import default_frame
from experiments.record.metrics import Metric, measure
from experiments.record.observed import Observed
from experiments.scenarios import resolved
from simulation.arrays import Index
from simulation.journal import Posting
from simulation.model import Cast
from simulation.scenario import Scenario

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Run:
    """What a run leaves behind: plain tables, so that it travels between processes and pickles.

    Attributes:
        scenario: what was run.
        metrics: name -> value, see `record.metrics`; NaN where undefined, and `reasons` (name -> text) says why.
        prices: step, market, index, oracle, mark, fill; see `frames.price_frame`.
        events: forced trades in order of time; see `frames.event_frame`.
        bankruptcies: who paid for every bankrupt pool; see `frames.bankruptcy_frame`.
        defaults: who could not pay what it owed other accounts; see `record.defaults`. Empty without claims.
        accounts: all accounts at the end; see `frames.account_frame`.
        series: totals of every step; see `frames.series_frame`.
        pushes: what liquidations did to the book, one row per push and market; see `frames.push_frame`.
        moment_step: (moments,) the step at which each moment (a change of the mid price) fell.
        flags: how often the venue left something undone: `round_cap` pools left at the end of a step for want of
            rounds, `capacity_limited` pools sent back to the queue, `skipped_winners` passed over by deleveraging;
            `trading_cap` steps, if any, whose traders were to trade to rest and did not come to it.
        digest: names the exogenous draws; equal for equal storms, whatever traders and venue did.
        fingerprint: SHA-256 of all numbers and names above; equal for equal results.
        journal: every posting in order (posting, reason, row, pool, cash, market, quantity), if it was asked for; it
            repeats how the results came about and is not part of the fingerprint.
    """

    scenario: Scenario
    metrics: dict[str, float]
    reasons: dict[str, str]
    prices: pd.DataFrame
    events: pd.DataFrame
    bankruptcies: pd.DataFrame
    defaults: pd.DataFrame
    accounts: pd.DataFrame
    series: pd.DataFrame
    pushes: pd.DataFrame
    moment_step: Index
    flags: dict[str, int]
    digest: str
    fingerprint: str
    journal: pd.DataFrame | None = None


def run(
    scenario: Any,
    *,
    journal: bool = False,
    progress: Progress | None = None,
    cast: Cast | None = None,
    metrics: Iterable[Metric] = (),
) -> Run:
    """Run `scenario` (name, file, data, or a `Scenario`) to its end.

    `progress(step, steps)` is called after every step; `metrics` adds functions `model -> float` of your own. Raises
    `ScenarioError` where the population names a trader type or parameter that does not exist.
    """
    scenario = resolved(scenario)
    check_population(scenario)
    model = Observed(scenario, cast or StandardCast(), journal)
    try:
        model.run(None if progress is None else lambda: progress(model.market.step, scenario.steps))
        return _kept(model, metrics)
    finally:
        forget(model)


def _kept(model: Observed, metrics: Iterable[Metric]) -> Run:
    values, reasons = measure(model, metrics)
    bankruptcies = frames.bankruptcy_frame(model)
    tables = {
        "prices": frames.price_frame(model),
        "events": model.events,
        "bankruptcies": bankruptcies,
        "defaults": default_frame(model),
        "accounts": frames.account_frame(model),
        "series": frames.series_frame(model, model.events, bankruptcies),
        "pushes": frames.push_frame(model),
    }
    journal = None if model.accounts.journal is None else journal_frame(model.accounts.journal, model.market.names)
    flags = {**model.exchange.desk.flagged, "skipped_winners": model.exchange.waterfall.skipped}
    digest, moments = model.streams.digest(), frames.moment_steps(model)
    text = json.dumps([values, flags, digest], sort_keys=True)
    told = [table for name, table in tables.items() if name != "defaults" or len(table)]  # else as without claims
    everything = [*told, pd.DataFrame({"step": moments})]
    return Run(
        scenario=model.rules,
        metrics=values,
        reasons=reasons,
        **tables,
        moment_step=moments,
        flags=flags,
        digest=digest,
        fingerprint=fingerprint(everything, text),
        journal=journal,
    )


def journal_frame(postings: list[Posting], markets: tuple[str, ...]) -> pd.DataFrame:
    """Return one row per line of the journal: cash lines have no market (empty), position lines no pool (-1)."""
    parts: dict[str, list] = {key: [] for key in ("posting", "reason", "row", "pool", "cash", "market", "quantity")}
    for number, entry in enumerate(postings):
        lines, units = len(entry.row), len(entry.holder)
        parts["posting"].append(np.full(lines + units, number))
        parts["reason"].append(np.full(lines + units, entry.reason, object))
        parts["row"].append(np.concatenate([entry.row, entry.holder]))
        parts["pool"].append(np.concatenate([entry.pool, np.full(units, -1)]))
        parts["cash"].append(np.concatenate([entry.cash, np.zeros(units)]))
        named = np.array(["", *markets], object)[np.concatenate([np.zeros(lines, np.intp), entry.market + 1])]
        parts["market"].append(named)
        parts["quantity"].append(np.concatenate([np.zeros(lines), entry.quantity]))
    columns = {key: np.concatenate(values) for key, values in parts.items()}
    return pd.DataFrame(columns).astype({"reason": "str", "market": "str"})


def fingerprint(tables: Iterable[pd.DataFrame], text: str) -> str:
    """Return the SHA-256 (hex) of all cells of `tables`, their names and shapes, and `text`."""
    digest = hashlib.sha256(text.encode())
    for table in tables:
        for name in table.columns:
            column = table[name].to_numpy()
            named = column.dtype.kind not in "fiub"
            cells = "\0".join(map(str, column)).encode() if named else np.ascontiguousarray(column).tobytes()
            digest.update(f"{name}\0{len(column)}\0".encode() + cells)
    return digest.hexdigest()
