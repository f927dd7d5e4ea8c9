"""The story of one account in plain sentences with amounts, as Markdown without HTML."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from experiments.causes.amounts import Record, exact, in_cents, largest_of, records, whole_cents
from experiments.causes.attribution import Split
from experiments.causes.remedies import shares, what_if
from experiments.causes.what_if import Answers
from experiments.wording import dollars, number
from simulation.scenario import Scenario

POOLS = 3  # pools whose coming under margin is told one by one
NAMED = 6  # culprits and forced trades that are told one by one; the rest is summed up
_WORDS = {
    "exogenous": "the outside price moved against what it held",
    "flow": "ordinary trading of others, and its own, moved the price",
    "forced": "forced sales of earlier liquidations moved the price",
    "margin_rule": "forced sales that only a risen margin requirement made moved the price",
    "mark_gap": "the mark stood apart from the book",
    "trading": "its own orders filled at other prices than the mark before them",
    "liquidation": "its forced trades filled at other prices than the mark before them",
    "adl": "deleveraging closed positions at other prices than the mark",
    "fees": "trading fees",
    "funding": "funding",
    "interest": "interest",
    "penalty": "liquidation penalties",
    "takeover": "margin that went to the backstop with its positions",
    "insurance": "paid for it by the insurance fund",
    "socialised": "its share in losses that all bear, less what others bore for it",
    "unpaid": "owed and never paid",
    "claims": "lent to other accounts or owed to them, and not paid back",
    "other": "other postings",
}


@dataclass(frozen=True)
class Facts:
    """What is known about one account.

    account: its line of `Split.accounts`; lines: market, cause, dollars; culprits: what each closing owes, see
    `experiments.causes.culprits`; seizures: its forced trades, columns of `frames.event_frame`; answers: the reruns;
    others: names of the accounts counted out, by row; split: all accounts; trades: all forced trades by causes, see
    `experiments.causes.forced_trades`; needed_at_opening: dollars, see `experiments.causes.trigger`; rule_known:
    whether the cost of a margin rule that changes is "known" or "unknown", "fixed" where it does not change; digest:
    names the storm.
    """

    scenario: Scenario
    account: Record
    lines: pd.DataFrame
    culprits: pd.DataFrame
    seizures: pd.DataFrame
    answers: Answers
    others: dict[int, str]
    split: Split
    trades: pd.DataFrame
    needed_at_opening: float | None = None
    rule_known: str = "fixed"
    digest: str = ""

    @property
    def name(self) -> str:
        """Return the account."""
        return str(self.account["account"])

    @property
    def died(self) -> bool:
        """Tell whether anything of it was closed by force."""
        return len(self.seizures) > 0

    @property
    def ruined(self) -> bool:
        """Tell whether it lost all that it had brought in."""
        return self.account["loss"] > 0.0 and self.account["equity"] == 0.0


def story(told: Facts) -> str:
    """Return the story: what happened, where the money went, who took part, what would have saved it."""
    parts = [f"# What became of {told.name}", *_beginning(told), *_end(told)]
    parts += ["## Where the money went", *_money(told), "## Whose liquidations took part", *_culprits(told)]
    parts += ["## What would have saved it", *what_if(told.answers, told.others, told.ruined)]
    parts += shares(told.answers)
    return "\n\n".join(parts) + "\n"


def plain(markdown: str) -> str:
    """Return Markdown as plain text: headings in a line of their own, no marks."""
    text = re.sub(r"^#+ (.*)$", lambda found: found[1].upper(), markdown, flags=re.MULTILINE)
    return text.replace("**", "").rstrip("\n")


def noun_of(kind: str) -> str:
    """Return a kind of trader as a noun: an arbitrageur, a noise trader."""
    noun = kind.replace("_", " ") + (" trader" if kind in _ADJECTIVES else "")
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


_ADJECTIVES = ("noise", "momentum", "fundamental", "margin_constrained")


def _beginning(told: Facts) -> Iterator[str]:
    account, scenario = told.account, told.scenario
    brought, left, loss = (float(account[key]) for key in ("brought", "equity", "loss"))
    verb = "lost" if loss >= 0.0 else "gained"
    kind = type(scenario.margin).kind.replace("_", " ")
    yield (
        f"**{told.name}**, {noun_of(str(account['kind']))} under {kind} margin in the storm `{scenario.name}` (seed "
        f"{scenario.seed}), {verb} {exact(abs(loss))}: it brought in {exact(brought)} more than it took out, and was "
        f"left with {exact(left)}."
    )


def _end(told: Facts) -> Iterator[str]:
    if not told.died:
        yield "Nothing of it was closed by force."
        return
    for place, (pool, first) in enumerate(_pools(told)):
        if place < POOLS:
            yield _under(told, pool, first) + (_risen(told, first) if place == 0 else "")
    if (more := len(list(_pools(told))) - POOLS) > 0:
        yield f"So did {more} more of its pools."
    yield "\n".join(_trades(told))


def _pools(told: Facts) -> Iterator[tuple[str, Record]]:
    """Yield the pools that were closed, as the story calls them, each with its first forced trade; in order of time."""
    table = told.seizures
    for pool in dict.fromkeys(table["pool"].tolist()):
        mine = table.iloc[np.flatnonzero((table["pool"] == pool).to_numpy())]
        alone = type(told.scenario.margin).segregated or len(set(table["pool"])) > 1
        yield f"Its {' + '.join(sorted(set(mine['market'])))} pool" if alone else "It", records(mine)[0]


def _under(told: Facts, pool: str, first: Record) -> str:
    when = f"step {first['step']} ({_clock(told, first['step'])}), round {first['round'] + 1}"
    asked = f"{exact(first['pool_notional'])} of positions needed {exact(first['maintenance'])}"
    return (
        f"{pool} came under margin at {when}: its equity was {exact(first['equity'])}, its {asked} "
        f"({number(100.0 * _rate(first))} % of them). {_carried(first)}"
    )


def _carried(first: Record) -> str:
    """Tell whether earlier forced sales carried the pool across its threshold."""
    gap = float(first["unforced_equity"]) - float(first["unforced_maintenance"])
    if gap >= 0.0:
        return (
            "Without what earlier forced sales had done to the price it would have stood "
            f"{exact(gap)} above its requirement."
        )
    return f"Even without any forced sale before it, it would have been {exact(-gap)} short."


def _risen(told: Facts, first: Record) -> str:
    """Tell whether the margin rule had become stricter since the opening."""
    before, needed = told.needed_at_opening, float(first["maintenance"])
    if before is None:
        return ""
    less = "; that alone put it under margin" if before <= float(first["equity"]) < needed else ""
    return f" The margin rule as it stood at the opening would have asked for {exact(before)}{less}."


def _rate(first: Record) -> float:
    return float(first["maintenance"]) / max(float(first["pool_notional"]), 1e-300)


def _trades(told: Facts) -> Iterator[str]:
    table = told.seizures
    largest = largest_of(table, "notional", NAMED).sort_index()
    for trade in records(largest):
        did = "sold" if trade["quantity"] < 0.0 else "bought back"
        yield (
            f"- step {trade['step']}, round {trade['round'] + 1}: {did} {_units(trade['quantity'])} {trade['market']} "
            f"({dollars(float(trade['notional']))}) at {_price(trade['fill'])}, mark {_price(trade['mark_before'])}, "
            f"{_TAKERS[str(trade['taker'])]}"
        )
    rest = table.drop(index=largest.index)
    if len(rest):
        yield f"- and {len(rest)} smaller forced trades of {dollars(_total(rest, 'notional'))} together"


def _total(table: pd.DataFrame, column: str) -> float:
    return float(np.sum(table[column].to_numpy(float)))


_TAKERS = {
    "book": "in the order book",
    "liquidator": "to a liquidator",
    "backstop": "to the backstop",
    "adl": "against winners (deleveraging)",
}


def _units(quantity: float) -> str:
    return f"{abs(quantity):,.6g}"


def _price(value: float) -> str:
    return f"${value:,.6g}"


def _clock(told: Facts, step: int) -> str:
    minutes = round(step * told.scenario.step_seconds / 60.0)
    return f"{minutes // 60} h {minutes % 60:02d} min after the start"


def _money(told: Facts) -> Iterator[str]:
    cents = _cents(told)
    ordered = sorted(cents, key=lambda cause: -abs(cents[cause]))
    rows = [
        f"- {exact(cents[cause] / 100.0)}: {_WORDS[cause]}{_markets(told, cause, cents[cause])}"
        for cause in ordered
        if cents[cause]
    ]
    yield f"Positive is lost, negative came back. The lines add up to {exact(float(told.account['loss']))}, exactly."
    yield "\n".join(rows) if rows else "No money moved."
    yield _RULES[told.rule_known]


def _cents(told: Facts) -> dict[str, int]:
    """Return what each cause took, in whole cents that add up to the loss."""
    taken = {cause: float(told.account[cause]) for cause in _WORDS if told.account[cause]}
    return dict(zip(taken, in_cents(list(taken.values()), whole_cents(float(told.account["loss"]))), strict=True))


_RULES = {
    "fixed": "The margin rule never changed, so nothing is owed to it.",
    "known": (
        "A margin rule moves no money. What it cost is what was lost to the sales of those who would still have met "
        "the requirement of the opening; when it closed this account is told above."
    ),
    "unknown": (
        "The margin rule changes, but what it would have asked at the opening cannot be told for this venue; its part "
        "stays among the forced sales."
    ),
}


def _markets(told: Facts, cause: str, cents: int) -> str:
    """Name the markets that made most of a cause of `cents`, where there are several."""
    mine = told.lines.iloc[np.flatnonzero((told.lines["cause"] == cause).to_numpy())]
    mine = mine.assign(cents=in_cents(mine["dollars"].tolist(), cents))
    mine = mine.iloc[np.flatnonzero(((mine["market"] != "") & (mine["cents"] != 0)).to_numpy())]
    if len(mine) < 2:
        return "".join(f" ({market})" for market in mine["market"].tolist())
    largest = largest_of(mine, "cents", 3)
    named = ", ".join(f"{one['market']} {exact(one['cents'] / 100.0)}" for one in records(largest))
    return f" ({named}{', ...' if len(mine) > len(largest) else ''})"


def _culprits(told: Facts) -> Iterator[str]:
    owed, cents = told.culprits, _cents(told)
    if not len(owed):
        yield "No earlier liquidation moved the price of anything it held."
        return
    forced = cents.get("forced", 0) + cents.get("margin_rule", 0)
    who = f"these {len(owed)} closings owe" if len(owed) > 1 else "this closing owes"
    gain = ", which means that they brought it money," if forced < 0 else ""
    yield (
        f"Forced sales took {exact(forced / 100.0)} from it{gain} while it held its positions; {who} that, to the "
        "last cent:"
    )
    top = largest_of(owed, "dollars", NAMED).sort_index()
    rest = owed.drop(index=top.index)
    parts = in_cents([*top["dollars"].tolist(), *([_total(rest, "dollars")] if len(rest) else [])], forced)
    rows = [
        f"- {exact(part / 100.0)} by {_who(told, one)}, step {one['step']}, round {one['round'] + 1}, which closed "
        f"{dollars(float(one['notional']))}{_ONLY_RULE if one['raised'] else ''}"
        for one, part in zip(records(top), parts, strict=False)
    ]
    if len(rest):
        rows.append(f"- {exact(parts[-1] / 100.0)} by {len(rest)} others together")
    yield "\n".join(rows)


_ONLY_RULE = " (only because its requirement had risen)"


def _who(told: Facts, one: Record) -> str:
    return "its own earlier closing" if one["account"] == told.name else f"the closing of **{one['account']}**"
