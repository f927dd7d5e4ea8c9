"""The invariants of a run by number: money (A), positions (B), margin (C), losses (D).

Deleveraging (E), causes (F) and order (G) have files of their own.
Tolerance is zero wherever none is written.
"""

from collections import Counter
from typing import Any

import numpy as np

from simulation.accounts import BACKSTOP, INSURANCE, QUANTUM, SYSTEM_ROWS
from simulation.journal import Posting
from tests.properties.audit import Audit, Picture, invariant, require

INTO_FUND = {"deposit", "fee share", "penalty", "insurance", "socialised"}
# Phases of a step; "release" and "post" follow trades as well as liquidations.
PHASES = {"expiry": -1, "top up": 0, "withdrawal": 0, "interest": 1, "funding": 1, "trade": 2, "coin": 2}
PHASES |= {"claims": 1, "default cost": 1, "fee": 3, "fee share": 3}
FORCED = {"liquidation", "penalty", "takeover", "insurance", "socialised", "unpaid", "adl", "adl rounding"}
ANYTIME = {"deposit", "release", "post"}


# Money ----------------------------------------------------------------------------------------------------


@invariant("step")
def a1_cash_adds_up_to_nothing(audit: Audit) -> None:
    total = sum(int(x) for x in (audit.accounts.cash / QUANTUM).ravel())
    require(total == 0, f"A1: cash adds up to {total} quanta")


@invariant("posting")
def a2_every_posting_balances_and_has_a_known_reason(audit: Audit, posting: Posting) -> None:
    require(posting.cash.sum() == 0.0, f"A2: legs of '{posting.reason}' add up to {posting.cash.sum()}")
    units = np.zeros(audit.accounts.markets)
    np.add.at(units, posting.market, posting.quantity)
    require(not units.any(), f"A2: units of '{posting.reason}' add up to {units}")
    require(posting.reason in PHASES.keys() | FORCED | ANYTIME, f"A2: unknown reason '{posting.reason}'")


@invariant("step")
def a3_the_journal_alone_gives_the_balances(audit: Audit) -> None:
    require(np.array_equal(audit.cash, audit.accounts.cash), "A3: cash is not what the journal says")
    require(np.array_equal(audit.position, audit.accounts.position), "A3: positions are not what the journal says")


@invariant("find")
def a4_equity_is_cash_and_positions_at_the_mark(audit: Audit, seizure: Any) -> None:
    a, mark = audit.accounts, audit.model.market.mark_price
    equity = audit.model.engine.health(np.arange(len(a))).equity
    scratch, gross = a.cash.copy(), np.abs(a.cash)
    for pool in range(a.pools):
        value = np.where(a.pool == pool, a.position, 0.0) * mark
        scratch[:, pool] += value.sum(axis=1)
        gross[:, pool] += np.abs(value).sum(axis=1)
    require((np.abs(equity - scratch) <= 1e-12 * gross).all(), "A4: equity is not cash + position * mark")


@invariant("step")
def a5_total_equity_is_nothing_at_any_prices(audit: Audit) -> None:
    lots = np.array([int(x) for x in (audit.accounts.position / audit.accounts.lot).sum(axis=0)])
    require(not lots.any() and audit.accounts.cash.sum() == 0.0, "A5: equity depends on who values it")


@invariant("step")
def a7_nothing_held_has_no_entry_price(audit: Audit) -> None:
    flat = audit.accounts.position == 0.0
    require((audit.accounts.entry_price[flat] == 0.0).all(), "A7: a closed position has an entry price")
    open_ = audit.accounts.entry_price[SYSTEM_ROWS:][~flat[SYSTEM_ROWS:]]
    require((open_ >= 0.0).all(), "A7: an open position has a negative entry price")  # 0: cost less than a quantum


@invariant("step")
def a8_prices_are_positive_and_balances_whole(audit: Audit) -> None:
    market, a = audit.model.market, audit.accounts
    prices = np.concatenate([*market.prices(), market.mid])
    require((np.isfinite(prices) & (prices > 0.0)).all(), f"A8: prices {prices}")
    require(np.array_equal(a.cash, np.rint(a.cash / QUANTUM) * QUANTUM), "A8: cash in part of a quantum")
    require(np.array_equal(a.position, np.rint(a.position / a.lot) * a.lot), "A8: a position in part of a lot")


@invariant("posting")
def a11_fees_and_withdrawals_are_paid_by_those_who_can(audit: Audit, posting: Posting) -> None:
    if posting.reason in ("fee", "withdrawal", "penalty", "post"):
        payers = posting.cash[: len(posting.cash) // 2]
        require((payers <= 0.0).all(), f"A11: '{posting.reason}' pays the wrong way")


# Positions ------------------------------------------------------------------------------------------------


@invariant("step")
def b1_for_every_long_there_is_a_short(audit: Audit) -> None:
    require(not audit.accounts.position.sum(axis=0).any(), "B1: positions do not net to zero")


@invariant("step")
def b3_open_interest_is_what_longs_hold(audit: Audit) -> None:
    longs = np.maximum(audit.accounts.position, 0.0).sum(axis=0)
    require(np.array_equal(longs, audit.accounts.open_interest), "B3: open interest is not what longs hold")


@invariant("posting")
def b5_forced_trades_only_reduce(audit: Audit, posting: Posting) -> None:
    if posting.reason not in ("liquidation", "adl"):
        return
    sides = len(posting.holder) - audit.accounts.markets  # the last m entries are the side it was traded against
    stop = len(posting.holder) if posting.reason == "adl" else sides
    for holder, market, units in list(zip(posting.holder, posting.market, posting.quantity, strict=True))[:stop]:
        before = audit.position[holder, market]
        reduces = units == 0.0 or (before * units < 0.0 and abs(units) <= abs(before))
        require(reduces, f"B5: {posting.reason} moves {before} of account {holder} by {units}")


# Margin and liquidation -----------------------------------------------------------------------------------


@invariant("find")
def c1_maintenance_is_at_most_initial(audit: Audit, seizure: Any) -> None:
    health = audit.model.engine.health(np.arange(len(audit.accounts)))
    ordered = (health.maintenance >= 0.0) & (health.maintenance <= health.initial * (1 + 1e-12))
    require(ordered.all(), "C1: not 0 <= maintenance <= initial")


@invariant("find")
def c2_exactly_those_below_maintenance_are_found(audit: Audit, seizure: Any) -> None:
    health = audit.model.engine.health(np.arange(len(audit.accounts)))
    states = audit.model.rules.state
    begun = audit.desk.flags.closing(np.arange(len(audit.accounts)))
    under = health.equity < states.trigger * health.maintenance
    under |= begun & (health.equity < states.stop * health.maintenance)
    under[:BACKSTOP] = False
    found = set(zip(seizure.rows.tolist(), seizure.pools.tolist(), strict=True))
    require(found == set(map(tuple, np.argwhere(under).tolist())), "C2: found is not equity < maintenance")
    margined = (health.equity == health.maintenance) & (health.maintenance > 0.0)
    audit.reached["equity is maintenance"] += int(margined.any())


@invariant("step")
def c3_only_pools_below_maintenance_are_liquidated(audit: Audit) -> None:
    events = audit.desk.log.events
    new = slice(audit.events_seen, None)
    stop = audit.model.rules.state.stop
    require((events.equity[new] < stop * events.maintenance[new]).all(), "C3: a healthy pool was liquidated")
    audit.reached["liquidation"] += len(events) - audit.events_seen


@invariant("step")
def c4_after_clearing_everybody_is_healthy_or_flagged(audit: Audit) -> None:
    health = audit.model.engine.health(np.arange(BACKSTOP, len(audit.accounts)))
    left = int((health.equity < audit.model.rules.state.trigger * health.maintenance).sum())
    flagged = audit.desk.flagged["round_cap"] + audit.desk.flagged.get("waiting", 0)
    require(not left or flagged >= left, f"C4: {left} pools below maintenance, {flagged} flagged")


@invariant("step")
def c5_liquidation_touches_no_other_pool(audit: Audit) -> None:
    """Of an account that loses a pool, no other pool is charged: not for the close, the penalty or the deficit."""
    takers = {taker.row for taker in audit.desk.takers}
    for posting in audit.postings():
        if posting.reason not in ("liquidation", "penalty", "insurance", "unpaid"):
            continue
        moved = posting.cash != 0.0
        legs = set(zip(posting.row[moved].tolist(), posting.pool[moved].tolist(), strict=True))
        strange = {leg for leg in legs - audit.seized if leg[0] >= BACKSTOP and leg[0] not in takers}
        require(not strange, f"C5: {posting.reason} reaches {strange}, which was not seized")


@invariant("step")
def c11_rounds_are_bounded_and_the_cap_is_recorded(audit: Audit) -> None:
    most = audit.model.rules.rounds_per_step or 10_000
    require(audit.desk.round <= most, f"C11: {audit.desk.round} rounds, at most {most}")


# The loss waterfall ---------------------------------------------------------------------------------------


@invariant("run")
def d1_every_dollar_of_bad_debt_has_one_payer(audit: Audit) -> None:
    paid: Counter[str] = Counter()
    for posting in audit.accounts.journal or []:
        if posting.reason in ("insurance", "socialised", "unpaid"):
            to_fund = (posting.row == INSURANCE) & (posting.cash > 0.0)
            paid[posting.reason] += float(posting.cash[(posting.cash > 0.0) & ~to_fund].sum())
    for layer in ("insurance", "socialised", "unpaid"):
        booked = sum(getattr(case, layer) for case in audit.waterfall.bankruptcies)
        require(booked == paid[layer], f"D1: {layer} paid {paid[layer]}, booked {booked}")


@invariant("cover")
def d1_layers_add_up(audit: Audit, before: Picture, where: Any, cases: list[Any]) -> None:
    for case in cases:
        layers = (case.insurance, case.adl, case.socialised, case.unpaid)
        require(case.deficit == sum(layers) and min(layers) >= 0.0, f"D1: {case} does not add up")
        audit.reached["bankruptcy"] += 1
        for layer in ("insurance", "socialised", "unpaid"):
            audit.reached[layer] += getattr(case, layer) > 0.0


@invariant("cover")
def d2_others_pay_only_when_the_fund_is_empty(audit: Audit, before: Picture, where: Any, cases: Any) -> None:
    beyond = any(case.socialised > 0.0 or case.unpaid > 0.0 for case in cases)
    funds = audit.waterfall.insurance
    asked = [0, *(1 + np.flatnonzero(funds.own)).tolist()]  # one of them, or all
    pays = min(funds.available(place) for place in asked)
    require(not beyond or pays == 0.0, f"D2: loss socialised while the fund would pay {pays}")
    if not audit.model.rules.socialise_losses or audit.model.rules.loss.kind != "equity":
        return
    equity = audit.model.engine.health(np.arange(SYSTEM_ROWS, len(audit.accounts))).equity
    unpaid = any(case.unpaid > 0.0 for case in cases)
    require(not unpaid or (equity < QUANTUM).all(), "D2: unpaid although somebody has equity left")


@invariant("posting")
def d3_the_fund_is_never_negative_and_moves_for_known_reasons(audit: Audit, posting: Posting) -> None:
    mine = posting.row == INSURANCE
    moved = np.zeros(audit.accounts.pools)
    np.add.at(moved, posting.pool[mine], posting.cash[mine])
    require(not moved.any() or posting.reason in INTO_FUND, f"D3: '{posting.reason}' moves the fund")
    after = audit.cash[INSURANCE] + moved
    require((after >= 0.0).all(), f"D3: '{posting.reason}' takes a fund to {after}")


@invariant("cover")
def d4_nobody_pays_more_than_its_equity(audit: Audit, before: Picture, where: Any, cases: Any) -> None:
    mine = set(zip(*(side.tolist() for side in where), strict=True))
    after = audit.model.engine.health(np.arange(len(audit.accounts))).equity
    paid = before.cash - audit.accounts.cash
    for row, pool in np.argwhere(paid > 0.0).tolist():
        if row >= SYSTEM_ROWS and (row, pool) not in mine:
            require(after[row, pool] >= -1e-9, f"D4: account {row} pays {paid[row, pool]} and stands below zero")


@invariant("cover")
def d5_a_covered_pool_ends_at_exactly_nothing(audit: Audit, before: Picture, where: Any, cases: Any) -> None:
    rows, pools = where
    short = before.cash[rows, pools] < 0.0
    require(not audit.accounts.cash[rows, pools][short].any(), "D5: a bankrupt pool keeps debt or a gift")


@invariant("posting")
def d8_a_penalty_makes_no_debt(audit: Audit, posting: Posting) -> None:
    if posting.reason != "penalty":
        return
    for row, pool, cash in zip(posting.row, posting.pool, posting.cash, strict=True):
        held = (audit.accounts.pool[row] == pool) & (audit.position[row] != 0.0)
        if cash < 0.0 and not held.any():
            require(audit.cash[row, pool] + cash >= 0.0, f"D8: penalty takes account {row} below zero")
