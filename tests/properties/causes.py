"""The invariants of impact and causes (F), and of the order of events (G)."""

import numpy as np

from simulation.accounts import MARKET, OUTSIDE
from simulation.causes import BOOK
from simulation.journal import Posting
from tests.properties.audit import Audit, invariant, require
from tests.properties.invariants import ANYTIME, PHASES

# Impact and causes ----------------------------------------------------------------------------------------


@invariant("step")
def f1_what_hits_the_book_is_what_was_closed_there(audit: Audit) -> None:
    events, volume = audit.desk.log.events, np.zeros((len(audit.model.market.pushes), audit.accounts.markets))
    book = events.taker == BOOK
    where = events.push[book].astype(int), events.market[book].astype(int)
    np.add.at(volume, where, events.quantity[book])
    pushed = np.array([push.volume for push in audit.model.market.pushes]).reshape(volume.shape)
    require(np.array_equal(volume, pushed), "F1: volume sent to the book is not what was closed there")
    journal = np.zeros(audit.accounts.markets)
    for posting in audit.postings():
        if posting.reason == "liquidation":
            outside = posting.holder == MARKET.row
            np.add.at(journal, posting.market[outside], -posting.quantity[outside])
    steps = np.array([push.step == audit.model.market.step for push in audit.model.market.pushes], bool)
    require(np.array_equal(pushed[steps].sum(axis=0), journal), "F1: volume sent is not what the journal executed")


@invariant("step")
def f2_forced_sales_lower_prices_and_nothing_moves_without_volume(audit: Audit) -> None:
    for push in audit.model.market.pushes:
        move = push.permanent + push.transient
        require((move[push.volume == 0.0] == 0.0).all(), "F2: a price moved without volume")
        against = move * np.sign(push.volume) < -1e-15
        require(not against.any(), f"F2: volume {push.volume} moved prices by {move}")


@invariant("step")
def f3_the_mark_is_made_of_its_parts(audit: Audit) -> None:
    market = audit.model.market
    parts = market.moments.parts[market.moments.last]
    lift = market.moments.lifts[-1][0] if market.moments.lifts else 0.0
    whole = parts.sum(axis=0) + lift
    require(np.allclose(whole, np.log(market.mark_price), rtol=0, atol=1e-9), "F3: parts are not the mark")
    mid = market.index_price * np.exp(market.displacement.sum(axis=0) + lift)
    if market.dislocations is not None:
        mid = mid * market.dislocations[market.step]
    require(np.allclose(mid, market.mid, rtol=1e-12), "F3: mid is not index times displacement")


@invariant("step")
def f4_causes_come_before_effects(audit: Audit) -> None:
    events = audit.desk.log.events
    require((np.diff(events.step) >= 0).all() and (np.diff(events.moment) >= 0).all(), "F4: events out of order")
    require((events.reference <= events.moment).all(), "F4: a loss counts from a later moment")
    pushes = audit.model.market.pushes
    moments = [push.moment for push in pushes]
    require(moments == sorted(set(moments)), "F4: pushes out of order")
    own = events.push >= 0
    require((events.moment[own] == np.array(moments)[events.push[own].astype(int)]).all(), "F4: edge to another push")


@invariant("step")
def f5_causes_add_up_to_the_loss(audit: Audit) -> None:
    events = audit.desk.log.events
    causes = events.exogenous + events.flow + events.forced + events.mark_gap
    require(np.array_equal(events.loss, causes), "F5: causes do not add up to the loss")


# Order of events ------------------------------------------------------------------------------------------


@invariant("step")
def g1_phases_run_in_one_order(audit: Audit) -> None:
    phases = [PHASES.get(p.reason, 4) for p in audit.postings() if p.reason not in ANYTIME]
    if audit.model.rules.trading_rounds != 1:  # every round of trading ends with its fees
        phases = [PHASES["trade"] if phase == PHASES["fee"] else phase for phase in phases]
    require(phases == sorted(phases), f"G1: phases in the order {phases}")


@invariant("run")
def g2_all_steps_were_run(audit: Audit) -> None:
    market = audit.model.market
    require(market.step == audit.model.rules.steps, "G2: steps are missing")
    require(all(np.isfinite(history).all() for history in market.history.values()), "G2: a step was not recorded")


@invariant("posting")
def g3_funding_is_paid_on_positions_held_before_trading(audit: Audit, posting: Posting) -> None:
    if posting.reason == "funding":
        payers = posting.row[posting.cash != 0.0]
        held = audit.position[payers].any(axis=1) | (payers == OUTSIDE)
        require(held.all(), "G3: funding paid by somebody who held nothing")
