"""The invariants of auto-deleveraging (E), and of the layer it is in the waterfall."""

from typing import Any

import numpy as np

from simulation.accounts import QUANTUM, SYSTEM_ROWS
from simulation.arrays import Array
from simulation.board import Book
from simulation.margin.base import BookMargin
from tests.properties.audit import Audit, Picture, invariant, require


def _pool(audit: Audit, picture: Picture, row: int, market: int) -> tuple[float, float]:
    """Equity and gross notional of the pool in which `row` holds `market`."""
    pool = audit.accounts.pool[row, market]
    mine = np.where(audit.accounts.pool[row] == pool, picture.position[row], 0.0)
    value = mine * picture.mark
    return float(picture.cash[row, pool] + value.sum()), float(np.abs(value).sum())


def _eligible(audit: Audit, before: Picture, what: tuple[Any, float, float], market: int) -> list[tuple[float, int]]:
    """(score, row) of everybody who may be deleveraged, best first, ties by account."""
    side, quantity, rate = what
    health, found = audit.model.engine, []
    rows = np.arange(SYSTEM_ROWS, len(audit.accounts))
    held = before.position[rows, market]
    for row, units in zip(rows.tolist(), held.tolist(), strict=True):
        profit = units * (before.mark[market] - before.entry_price[row, market])
        place = row * audit.accounts.pools + audit.accounts.pool[row, market]
        barred = row == side.row or place in audit.waterfall.barred  # those are being closed themselves
        if barred or units * quantity >= 0.0 or profit <= 0.0:
            continue
        equity, gross = _pool(audit, before, row, market)
        need, rest = (_maintenance(health, audit, before, (row, market, closed)) for closed in (False, True))
        after = equity - rate * abs(units) * before.mark[market]
        if equity >= need and equity > 0.0 and equity >= rate * gross and after >= rest:
            found.append((profit / (abs(units) * before.mark[market]) * (gross / equity), row))
    return sorted(found, key=lambda pair: (-pair[0], pair[1]))


def _maintenance(engine: Any, audit: Audit, before: Picture, what: tuple[int, int, bool]) -> float:
    """Requirement of the pool in which `row` holds `market`, with that position or after it was `closed`."""
    row, market, closed = what
    mine = audit.accounts.pool[row]
    if isinstance(engine.rule, BookMargin):
        board = engine.board(before.mark)
        return float(engine.rule.requirement(_book(audit, before, what), board, "maintenance")[0])
    value = np.where(mine == mine[market], before.position[row], 0.0) * before.mark
    if closed:
        value[market] = 0.0
    alone = np.copysign(engine.rule.maintenance(np.abs(value)[None, :], engine.tiers), value)
    return float(engine.rule.pooled(alone)[0])


@invariant("fill")
def e1_winners_are_on_the_other_side_and_in_profit(audit: Audit, before: Picture, what: Any, fill: Any) -> None:
    _, quantity, _ = what
    held = before.position[fill.rows, fill.market]
    profit = held * (before.mark[fill.market] - before.entry_price[fill.rows, fill.market])
    require((held * quantity < 0.0).all() and (profit > 0.0).all(), "E1: a loser or a fellow was deleveraged")


@invariant("fill")
def e2_the_filled_are_a_prefix_of_the_ranking(audit: Audit, before: Picture, what: Any, fill: Any) -> None:
    ranked = _eligible(audit, before, what, fill.market)
    if type(audit.waterfall.rule).kind != "queue" or not len(fill.rows):
        return
    scores = [score for score, _ in ranked]
    audit.reached["rank tie"] += len(set(scores)) < len(scores)
    gaps = np.diff(sorted(scores))
    if ((gaps > 0.0) & (gaps < 1e-9 * max(scores, default=0.0))).any():
        return  # equal but for rounding: either order is right
    best = [row for _, row in ranked[: len(fill.rows)]]
    require(sorted(best) == fill.rows.tolist(), f"E2: {fill.rows.tolist()} filled, the ranking begins with {best}")
    given = {row: abs(units) for row, units in zip(fill.rows.tolist(), fill.quantity.tolist(), strict=True)}
    whole = [given[row] == abs(before.position[row, fill.market]) for row in best[:-1]]
    require(all(whole), "E2: somebody is filled before the one ahead is done")


@invariant("fill")
def e3_the_price_is_the_bankruptcy_price(audit: Audit, before: Picture, what: Any, fill: Any) -> None:
    side, quantity, rate = what
    own = audit.accounts.pool[side.row] == side.pool
    price = before.mark[fill.market] * (1.0 + np.sign(quantity) * rate)
    require(np.isclose(fill.price, price, rtol=1e-12), f"E3: filled at {fill.price}, not {price}")
    require(own[fill.market], "E3: a position of another pool was closed")


def _book(audit: Audit, before: Picture, what: tuple[int, int, bool]) -> Book:
    """The pool in which `row` holds `market`, for rules that read whole books; closed at the mark, that is for cash."""
    row, market, closed = what
    mine = audit.accounts.pool[row] == audit.accounts.pool[row, market]
    held = np.where(mine, before.position[row], 0.0)
    cash = before.cash[row, audit.accounts.pool[row, market]]
    if closed:
        cash, held[market] = cash + held[market] * before.mark[market], 0.0
    return Book(np.array([cash]), held[None, :], (held * before.entry_price[row])[None, :])


@invariant("fill")
def e4_nobody_is_made_riskier_or_flipped(audit: Audit, before: Picture, what: Any, fill: Any) -> None:
    now = Picture.of(audit.model)
    for row in fill.rows.tolist():
        old, new = before.position[row, fill.market], now.position[row, fill.market]
        require(abs(new) < abs(old) and new * old >= 0.0, f"E4: account {row} goes from {old} to {new}")
        if new == 0.0 and audit.accounts.pool[row, fill.market]:
            continue  # an emptied isolated pool has no leverage
        (equity, gross), (after, left) = _pool(audit, before, row, fill.market), _pool(audit, now, row, fill.market)
        slack = 1e-9 * gross * max(equity, 1.0) + gross * QUANTUM
        require(left * equity <= gross * after + slack, f"E4: leverage of account {row} rises")


@invariant("fill")
def e5_whoever_was_healthy_stays_healthy(audit: Audit, before: Picture, what: Any, fill: Any) -> None:
    pools = audit.accounts.pool[fill.rows, fill.market]
    health = audit.model.engine.health(fill.rows)
    short = (health.maintenance - health.equity)[np.arange(len(pools)), pools]
    require((short <= QUANTUM).all(), f"E5: deleveraging leaves a winner {short.max(initial=0.0)} below maintenance")


@invariant("fill")
def e6_all_is_filled_that_can_be(audit: Audit, before: Picture, what: Any, fill: Any) -> None:
    _, quantity, _ = what
    ranked = [row for _, row in _eligible(audit, before, what, fill.market)]
    room = float(np.abs(before.position[ranked, fill.market]).sum()) if ranked else 0.0
    given = float(np.abs(fill.quantity).sum())
    require(given == min(abs(quantity), room), f"E6: {given} filled of {abs(quantity)} with room for {room}")
    audit.reached["adl"] += given > 0.0
    audit.reached["adl exhausted"] += given < abs(quantity)


@invariant("deleverage")
def e7_haircuts_are_what_deleveraging_pays(audit: Audit, before: Picture, what: Any, cases: Any) -> None:
    _, fills = what
    taken = sum(float((fill.quantity * (fill.price - before.mark[fill.market])).sum()) for fill in fills)
    filled: Array = np.array([len(fill.rows) for fill in fills])
    booked = sum(case.adl for case in cases)
    size = sum(float(np.abs(fill.quantity).sum() * fill.price) for fill in fills)
    rounding = (filled.sum() + 2.0) * QUANTUM + 1e-12 * abs(size)
    require(abs(taken - booked) <= rounding, f"E7: haircuts of {taken}, booked {booked}")


@invariant("deleverage")
def d2_winners_pay_only_when_the_fund_is_empty(audit: Audit, before: Picture, what: Any, cases: Any) -> None:
    row, pool = what[0].row, what[0].pool
    pays = audit.pays(np.where(audit.accounts.pool[row] == pool, before.position[row], 0.0))
    require(not any(case.adl > 0.0 for case in cases) or pays == 0.0, "D2: haircut while the fund has money")


@invariant("deleverage")
def d5_a_deleveraged_pool_ends_at_exactly_nothing(audit: Audit, before: Picture, what: Any, cases: Any) -> None:
    side, fills = what
    held = (audit.accounts.pool[side.row] == side.pool) & (audit.accounts.position[side.row] != 0.0)
    if cases and fills and not held.any() and audit.waterfall.rule.price == "bankruptcy":
        left = audit.accounts.cash[side.row, side.pool]
        require(left == 0.0, f"D5: the closed bankrupt pool holds {left}")
