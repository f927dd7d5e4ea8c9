"""Option writers and insured holders: what they sell and buy, how they hedge, when they start again."""

from typing import Any

import numpy as np
import pytest

from simulation.instrument.exposure import deltas
from simulation.model import MarketModel
from tests.traders.small import wishes
from tests.venues import TIERS, book, equity, positions, rows, storm, venue

A = {"name": "A", "price": 100.0, "volatility": 0.8, "depth": 1e7, "tiers": TIERS}
CALL, FAR, PUT, LOW, DEEP = 1, 2, 3, 4, 5


def option(name: str, strike: float, side: str, days: float = 2.0) -> dict[str, Any]:
    terms = {"kind": "option", "underlying": "A", "strike": strike, "side": side, "expiry_days": days}
    return {"name": name, "depth": 1e7, "tiers": TIERS, "instrument": {**terms, "settlement_minutes": 0.0}}


CHAIN = (
    option("C105", 105.0, "call"),
    option("C112", 112.0, "call"),
    option("P95", 95.0, "put"),
    option("P88", 88.0, "put"),
    option("C80", 80.0, "call"),
)


def market(kind: str, *chain: dict[str, Any], steps: Any = (), **fields: Any) -> MarketModel:
    entry = {"kind": kind, "count": 1, "deposit": 100_000.0, **fields}
    path = storm(100.0, *steps) if steps else {"kind": "flat"}
    return venue([entry], markets=[A, *(chain or CHAIN)], price=path)


def hedged(model: MarketModel) -> float:
    """Delta of the first member's whole book, in units of the underlying."""
    return float(positions(model)[0] @ deltas(model.view.board))


# Option writer --------------------------------------------------------------------------------------------------


def test_a_writer_sells_calls_and_puts_out_of_the_money_in_equal_notional() -> None:
    model = market("option_writer", leverage=2.0, least_delta=0.0)
    sold = -positions(model)[0]
    assert (sold[[CALL, FAR, PUT, LOW]] > 0.0).all()
    assert sold[DEEP] == 0.0, "in the money"
    assert sold[[CALL, FAR]].sum() == pytest.approx(1_000.0, rel=1e-3), "half of 2 x 100,000 dollars at 100"
    assert sold[[PUT, LOW]].sum() == pytest.approx(1_000.0, rel=1e-3)


def test_deltas_decide_what_is_sold() -> None:
    delta = np.abs(deltas(market("option_writer").view.board))
    near = market("option_writer", most_delta=0.4, least_delta=float(delta[[FAR, LOW]].max()) + 1e-6)
    far = market("option_writer", most_delta=float(delta[[CALL, PUT]].min()) - 1e-6, least_delta=0.0)
    assert np.flatnonzero(positions(near)[0, 1:]).tolist() == [CALL - 1, PUT - 1]
    assert np.flatnonzero(positions(far)[0, 1:]).tolist() == [FAR - 1, LOW - 1]


def test_a_writer_opens_without_delta() -> None:
    model = market("option_writer", *CHAIN[:2], band=0.0)
    assert positions(model)[0, 0] > 0.0, "short calls are hedged long"
    assert hedged(model) == pytest.approx(0.0, abs=0.01)


def test_the_hedge_follows_the_price() -> None:
    model = market("option_writer", steps=(103.0, 97.0, 104.0), band=0.0, leverage=1.0)
    held = []
    for _ in range(3):
        model.step()
        assert hedged(model) == pytest.approx(0.0, abs=0.01)
        held.append(positions(model)[0, 0])
    assert held[0] > held[1] < held[2], "buys after a rise, sells after a fall"


def test_a_small_error_of_the_hedge_is_left_alone() -> None:
    calm, keen = (market("option_writer", steps=(100.5, 100.5), band=band, leverage=1.0) for band in (0.5, 0.0))
    for model in (calm, keen):
        model.market.advance()
    assert not wishes(calm).any()
    assert wishes(keen)[0, 0] != 0.0


def test_what_has_expired_is_sold_again_and_the_hedge_of_it_is_closed() -> None:
    chain = (option("NEAR", 105.0, "call", 2 / 24), option("NEXT", 106.0, "call", 1.0))
    narrow = {"most_delta": 0.5, "least_delta": 0.0, "band": 0.0, "leverage": 1.0}
    model = market("option_writer", *chain, steps=(100.0, 100.0, 100.0, 100.0), **narrow)
    first = positions(model)[0].copy()
    assert (first[1:] < 0.0).all()
    model.run()
    assert positions(model)[0, 1] == 0.0, "settled"
    assert positions(model)[0, 2] < 0.0
    assert hedged(model) == pytest.approx(0.0, abs=0.01)


def test_when_all_is_expired_new_options_are_sold_on_the_equity_of_then() -> None:
    model = market("option_writer", leverage=1.0)
    model.accounts.position[model.groups[0].rows] = 0.0
    model.market.advance()
    wanted = wishes(model)[0]
    assert (wanted[[CALL, PUT]] < 0.0).all()
    now = float(equity(model)[0])
    assert -wanted[1:].sum() == pytest.approx(now / 100.0, rel=1e-9)


def test_a_writer_keeps_the_premium_when_nothing_happens_and_loses_in_a_jump() -> None:
    calm = market("option_writer", steps=(100.0,) * 50, leverage=1.0)
    jump = market("option_writer", steps=(*(100.0,) * 24, *(125.0,) * 26), leverage=1.0)
    for model in (calm, jump):
        model.run()
    assert equity(calm)[0] > 100_000.0
    assert equity(jump)[0] < 97_000.0


def test_a_hedge_never_makes_initial_margin_less_than_maintenance() -> None:
    """The call needs its value at both levels, the perpetual half at maintenance: netted, initial could be less."""
    entry = book("x", {"A": -20.0, "C80": 10.0}, 5_000.0)
    model = venue([entry], markets=[A, *CHAIN], margin={"kind": "portfolio", "correlation": 0.9})
    health = model.engine.health(rows(model))
    assert health.maintenance[0, 0] > 0.0
    assert health.initial[0, 0] >= health.maintenance[0, 0]


# Insured holder -------------------------------------------------------------------------------------------------


def test_an_insured_holder_buys_a_put_on_every_unit_near_its_floor() -> None:
    for floor, column in ((0.9, LOW), (0.97, PUT)):
        held = positions(market("insured_holder", leverage=2.0, floor=floor))[0]
        assert held[0] == pytest.approx(2_000.0)
        assert held[column] == pytest.approx(2_000.0)
        assert np.count_nonzero(held) == 2


def test_insurance_pays_what_the_fall_costs_below_the_floor() -> None:
    steps = (*(100.0,) * 10, *(70.0,) * 39)
    model = market("insured_holder", steps=steps, leverage=1.0)
    premium = 1_000.0 * float(model.market.mark_price[LOW])
    for _ in range(48):
        model.step()
    assert premium > 0.0
    assert equity(model)[0] == pytest.approx(100_000.0 - 12_000.0 - premium, rel=1e-4), "from 100 to the strike of 88"


def test_the_next_put_is_bought_when_one_has_expired() -> None:
    chain = (option("NEAR", 90.0, "put", 2 / 24), option("NEXT", 80.0, "put", 1.0))
    model = market("insured_holder", *chain, steps=(100.0,) * 5, leverage=1.0)
    assert positions(model)[0].tolist() == [1_000.0, 1_000.0, 0.0]
    model.run()
    assert positions(model)[0].tolist() == [1_000.0, 0.0, 1_000.0]


def test_without_puts_the_position_is_held_bare() -> None:
    model = market("insured_holder", CHAIN[0], steps=(100.0,) * 3, leverage=1.0)
    model.run()
    assert positions(model)[0].tolist() == [1_000.0, 0.0]
