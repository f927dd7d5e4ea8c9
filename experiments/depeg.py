"""Which price should a stablecoin count at as collateral?

Question: a token of one dollar trades at .65 for forty minutes: once on this venue's own book alone, once on all venues
in a panic that passes, once for good because a third of its backing is gone. How many accounts are closed for nothing,
and how much bad debt is left, under four valuation rules: the venue's own mark, the index of other venues, the promise
of redemption, a bounded moving average? Method: the same accounts, long and short a perpetual, margined with the token,
on the live engine; all rules meet the same storm. In the first two events the perpetual does not move, so every
liquidation is false: nothing that backs the account has changed. In the true loss it falls by `FALL` as well.

Expected: the local depeg liquidates under the mark and not under index and redemption; the panic also under the index;
the true loss leaves most bad debt under redemption, which does not see it until the end. A slow average forgives what
is short and sees late what lasts: how much that costs depends on its half-life. Sources:
USDe on one venue on 10 October 2025, .65 for about forty minutes, after which that venue moved to redemption and index
prices; USDC on all venues on 11 March 2023, which was redeemed in full.
"""

from typing import Any

import numpy as np
import pandas as pd

from experiments.drawing import DARK, GREY, Picture, canvas, png
from experiments.run import run as run_scenario
from simulation.arrays import Array
from simulation.scenario import Scenario

RULES: dict[str, dict[str, Any]] = {
    "own mark": {"kind": "mark"},
    "index": {"kind": "index"},
    "redemption": {"kind": "redemption", "tokens": {"USDX": {"rate": 1.0}}},
    "average": {"kind": "average", "half_life_seconds": 3600.0, "growth_rate": 1.0},
}
EVENTS = ("local", "panic", "true loss")
BOTTOM = 0.65  # dollars; price of the token at the worst
STEPS, START, MINUTES = 120, 20, 40  # one-minute steps; the local depeg begins at START and lasts MINUTES
FALL = 0.1  # of the perpetual in the true loss, over the MINUTES after it
_TIERS = [{"floor": 0.0, "maintenance_rate": 0.04, "initial_rate": 0.05}]


def scenario(event: str, rule: str, accounts: int = 300, seed: int = 1) -> Scenario:
    """Return the scenario of one of `EVENTS` under one of `RULES`.

    At the end of a true loss redemption stops: whoever holds the token is paid what the backing is worth.
    """
    path = index(event)
    shift = [{"market": "USDX", "start_step": START, "end_step": START + MINUTES, "factor": BOTTOM}]
    leverage = {"kind": "uniform", "low": 1.0, "high": 19.0}
    people = {"kind": "holder", "name": "traders", "count": accounts, "deposit": 0.0, "collateral": {"USDX": 10_000.0}}
    return Scenario.from_dict(
        {
            "name": f"depeg-{event.replace(' ', '-')}",
            "seed": seed,
            "steps": STEPS,
            "step_seconds": 60.0,
            "markets": [
                {"name": "BTC", "price": 100_000.0, "depth": 1e12, "tiers": _TIERS},
                {"name": "USDX", "price": 1.0, "depth": 1e12, "instrument": {"kind": "spot"}},
            ],
            "price": {"kind": "replay", "prices": path.tolist()},
            "dislocations": shift if event == "local" else [],
            "impact": {"kind": "none"},
            "collateral": {"kind": "flat", "default": {"haircut": 0.05}},
            "valuation": RULES[rule],
            "deleveraging": {"kind": "off"},
            "population": [{**people, "leverage": leverage, "markets_held": 1, "long_share": 0.5}],
        }
    )


def index(event: str) -> Array:
    """Return the prices (steps + 1, 2) of perpetual and token outside this venue."""
    step = np.arange(STEPS + 1)
    low = (step >= START) & ((event == "true loss") | (step < START + MINUTES)) & (event != "local")
    fall = FALL * np.clip((step - START) / MINUTES, 0.0, 1.0) * (event == "true loss")
    return np.column_stack([100_000.0 * (1.0 - fall), np.where(low, BOTTOM, 1.0)])


def shortfall(event: str, rule: str, accounts: int = 300, seed: int = 1) -> dict[str, float]:
    """Return what one run did: share of accounts liquidated, and debt that the tokens' true worth does not cover.

    Debt counts at the end, at what the token is worth outside, whatever the rule says: dollars of negative equity of
    accounts that are still open, and of those that were closed.
    """
    result = run_scenario(scenario(event, rule, accounts, seed))
    closed = int(result.events.loc[result.events["group"] == "traders", "account"].nunique())
    worth = index(event)[-1, 1]
    table = result.accounts[result.accounts["group"] == "traders"]
    counted = float(result.prices.loc[(result.prices["market"] == "USDX"), "mark"].iloc[-1])
    equity = table["equity"] - table["position_USDX"] * (counted - worth)
    hidden = float(-equity.clip(upper=0.0).sum())
    return {"liquidated": closed / accounts, "bad_debt": float(result.metrics["bad_debt"]) + hidden}


def run(accounts: int = 300, seed: int = 1) -> pd.DataFrame:
    """Return one row a rule: accounts closed in the local depeg and in the panic (shares, both false), accounts closed
    in the true loss (share) and the bad debt it leaves (dollars).
    """
    rows = []
    for rule in RULES:
        local, panic, true = (shortfall(event, rule, accounts, seed) for event in EVENTS)
        false = {"false_local": local["liquidated"], "false_panic": panic["liquidated"]}
        rows.append({"rule": rule, **false, "closed_true": true["liquidated"], "bad_debt": true["bad_debt"]})
    return pd.DataFrame(rows)


def plot(accounts: int = 300, seed: int = 1) -> Picture:
    """Draw, rule by rule, who was closed for nothing in the local depeg and in the panic, and what a true loss left."""
    table = run(accounts, seed)
    places = np.arange(len(table))
    with canvas(9.0, 3.0) as figure:
        false, debt = figure.subplots(1, 2, sharey=True)
        for column, shift, hatch in (("false_local", -0.2, ""), ("false_panic", 0.2, "////")):
            name = "this venue alone" if column == "false_local" else "all venues, passing"
            style = {"color": "white" if hatch else GREY, "edgecolor": DARK, "hatch": hatch}
            false.barh(places + shift, 100.0 * table[column], height=0.36, label=name, **style)
        debt.barh(places, table["bad_debt"] / 1e3, height=0.5, color=DARK)
        false.set_yticks(places, table["rule"])
        false.invert_yaxis()
        false.legend(title="token at .65 on")
        false.set_xlabel("accounts closed though nothing was lost, %")
        debt.set_xlabel("bad debt of a true loss, $ thousand")
        picture = png(figure)
    caption = (
        f"{accounts} accounts, one storm of each kind, no intervals: token at {BOTTOM:g} for {MINUTES} minutes on this "
        "venue alone, on all venues, or for good while the market falls (bad debt). A bar that is missing is zero."
    )
    return Picture("depeg", "Which price should a token count at?", caption, picture)
