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

from experiments.drawing import Picture, canvas, look, png
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
    """Draw false liquidations against bad debt: a filled mark for the local depeg, a hollow one for the panic."""
    table = run(accounts, seed)
    with canvas(6.0, 3.6) as figure:
        axis = figure.subplots()
        for rule, *false, _, debt in table.itertuples(index=False):
            style = look(str(rule), tuple(RULES))
            places = 100.0 * np.array(false, float)
            axis.plot(places, [debt / 1e3] * 2, "-", color=style.colour, linewidth=1.0, clip_on=False)
            for place, fill in zip(places, (style.colour, "white"), strict=True):
                fine = {"color": style.colour, "markerfacecolor": fill, "markersize": 8, "clip_on": False}
                axis.plot(place, debt / 1e3, style.marker, **fine, label=rule if fill != "white" else None)
        axis.legend(loc="upper right")
        axis.set_xlabel("accounts closed though nothing was lost, % of accounts")
        axis.set_ylabel("bad debt of a true loss, $ thousand")
        axis.set_xlim(left=-1.0)
        axis.set_ylim(bottom=0.0)
        picture = png(figure)
    caption = (
        f"{accounts} accounts, one storm of each kind, token at {BOTTOM:g}: for {MINUTES} minutes on this venue alone "
        "(filled), on all venues (hollow), or for good (bad debt). The lower left corner would be best for both marks."
    )
    return Picture("depeg", "Which price should a token count at?", caption, picture)
