"""What one round of liquidation closes, out of what the penalty comes, and who is sold or deleveraged, by hand."""

from typing import Any

import numpy as np
import pytest

from simulation.accounts import INSURANCE, OUTSIDE, QUANTUM, SHARED
from simulation.causes import TAKERS
from simulation.model import MarketModel
from tests.venues import TIERS, book, equity, positions, rows, storm, venue

FULL = {"kind": "full", "penalty_rate": 0.0}
LINEAR = {"kind": "linear", "scale": 1.0}
RICH = book("rich", {}, 9000.0)


def played(people: list[dict[str, Any]], *path: Any, listed: int = 1, **rules: Any) -> MarketModel:
    model = venue(people, listed, price=storm(*path), **{"liquidation": FULL, **rules})
    model.run()
    return model


def quarter(penalty: float = 0.0, **more: Any) -> dict[str, Any]:
    return {"kind": "fraction", "share": 0.25, "minimum_notional": 0.0, "penalty_rate": penalty, **more}


def events(model: MarketModel, name: str) -> list[float]:
    return getattr(model.exchange.desk.log.events, name).tolist()


def takers(model: MarketModel) -> list[str]:
    return [TAKERS[int(taker)] for taker in events(model, "taker")]


def markets(*depths: float, **more: Any) -> list[dict[str, Any]]:
    return [{"name": n, "price": 100.0, "depth": d, "tiers": TIERS, **more} for n, d in zip("AB", depths, strict=False)]


# What is found -------------------------------------------------------------------------------------------------


def test_the_notional_of_a_pool_is_gross() -> None:
    """Long ten and short ten: nothing on balance, 900 and 1,000 dollars in all; 150 - 100 are left of 95 needed."""
    model = venue([book("one", {"A": 10.0, "B": -10.0}, 150.0)], 2, price=storm([100.0, 100.0], [90.0, 100.0]))
    model.market.advance()
    found = model.exchange.desk.find()
    assert found.notional.tolist() == [1900.0]
    assert found.equity.tolist() == [50.0]
    assert found.maintenance.tolist() == [pytest.approx(95.0)]


def test_equity_and_requirement_are_those_of_the_pool_that_is_closed() -> None:
    """A has 100 dollars and falls by ten times six; B has as much and stands still."""
    people = [book("one", {"A": 10.0, "B": 20.0}, 300.0)]
    model = venue(people, 2, price=storm([100.0, 100.0], [94.0, 100.0]), margin={"kind": "isolated"})
    model.market.advance()
    found = model.exchange.desk.find()
    assert found.pools.tolist() == [1]
    assert found.equity.tolist() == [40.0]
    assert found.maintenance.tolist() == [pytest.approx(47.0)]


def test_a_venue_that_begins_early_watches_for_its_own_threshold() -> None:
    """At one and a half times maintenance: 97 leaves 75 of 72.75 dollars, 96.7 leaves 72 of 72.5."""
    early = {"kind": "ratio", "liquidation": 1.5, "release": 1.5}
    model = played([book("one", {"A": 10.0}, 105.0)], 100.0, 97.0, 96.7, state=early)
    assert events(model, "step") == [2.0]
    model = played([book("one", {"A": 10.0}, 105.0)], 100.0, 100.0, 96.7, state=early)
    assert events(model, "step") == [2.0]


def test_a_pool_that_waits_to_be_closed_is_looked_at_until_it_is_let_go_however_near_the_price_came_back() -> None:
    """Due at 94 (40 of 47 dollars); 98 leaves 80 of 49, which twice maintenance does not release, 100.1 does."""
    shut = {"kind": "capacity_window", "penalty_rate": 0.0, "depth_rate": 1e-12}
    lasting = {"kind": "ratio", "liquidation": 1.0, "release": 2.0}
    path = 100.0, 100.0, 94.0, 98.0, 100.1, 98.0
    model = venue([book("one", {"A": 10.0}, 100.0)], price=storm(*path), liquidation=shut, state=lasting)
    waiting = []
    for _ in path[1:]:
        model.step()
        waiting.append(model.exchange.desk.flagged.get("waiting", 0))
    assert waiting == [0, 1, 2, 2, 2]


# What is counted -----------------------------------------------------------------------------------------------


def test_everybody_left_over_by_the_last_round_is_flagged() -> None:
    """At 94 two have 47.5 dollars and need 47; the sale of the first takes the price to 93.91: 46.6 of 46.96."""
    people = [book("first", {"A": 100.0}, 900.0), *(book(name, {"A": 10.0}, 107.5) for name in ("second", "third"))]
    model = played(people, 100.0, 94.0, 94.0, impact=LINEAR, rounds_per_step=1)
    assert events(model, "step") == [1.0, 2.0, 2.0]
    assert model.exchange.desk.flagged["round_cap"] == 2


def test_everybody_who_waits_because_nothing_can_be_done_is_flagged() -> None:
    full_window = {"kind": "capacity_window", "penalty_rate": 0.0, "depth_rate": 1e-12}
    people = [book(name, {"A": 10.0}, 100.0) for name in ("first", "second", "third")]
    model = played(people, 100.0, 94.0, liquidation=full_window)
    assert model.exchange.desk.flagged["waiting"] == 3
    assert not events(model, "step")


def test_everybody_beyond_the_capacity_of_the_round_is_flagged() -> None:
    """One a round: two wait in the first, one in the second."""
    people = [book(name, {"A": 10.0}, 100.0) for name in ("first", "second", "third")]
    model = played(people, 100.0, 94.0, liquidation={**FULL, "capacity": 1.0})
    assert events(model, "round") == [0.0, 1.0, 2.0]
    assert model.exchange.desk.flagged["capacity_limited"] == 3


# How much is closed --------------------------------------------------------------------------------------------


def test_each_pool_is_closed_by_its_own_share_whatever_was_found_before_it() -> None:
    """By size: the large pool, of which a quarter goes, comes before the small one, which goes whole."""
    rule = quarter(capacity=1.0, priority="largest_notional") | {"minimum_notional": 1000.0}
    people = [book("a-small", {"A": 10.0}, 100.0), book("b-large", {"A": 100.0}, 1050.0)]  # rows go by name
    model = played(people, 100.0, 94.0, liquidation=rule)
    assert events(model, "quantity") == [-25.0, -10.0]
    assert positions(model, 1).tolist() == [[75.0]]


def test_a_share_is_rounded_up_to_whole_lots() -> None:
    """A half of three contracts is two of them."""
    half = quarter() | {"share": 0.5}
    model = played([book("one", {"A": 3.0}, 20.0)], 100.0, 96.0, liquidation=half, markets=markets(1e7, lot=1.0))
    assert events(model, "quantity") == [-2.0]


@pytest.mark.parametrize(("units", "mark"), [(100.0, 94.0), (-100.0, 105.0)])
def test_a_partial_close_pays_its_penalty_on_what_was_closed_out_of_what_the_rest_leaves(
    units: float, mark: float
) -> None:
    """A quarter of 100 units is 2,350 (2,625) dollars, a hundredth of it 23.50 (26.25)."""
    model = played([book("one", {"A": units}, 1000.0)], 100.0, mark, liquidation=quarter(0.01))
    assert events(model, "quantity") == [-units / 4.0]
    assert model.exchange.waterfall.fund == model.exchange.desk.penalties == 0.25 * mark
    assert equity(model).tolist() == [1000.0 + units * (mark - 100.0) - 0.25 * mark]


@pytest.mark.parametrize(("mark", "penalty"), [(94.0, 0.2 * 9400.0), (90.0 + 2.0**-8, 100.0 * 2.0**-8), (85.0, 0.0)])
def test_a_penalty_takes_what_is_left_and_makes_no_debt(mark: float, penalty: float) -> None:
    """A fifth of the notional: more than the 400, 0.39 and no dollars there are."""
    model = played([book("one", {"A": 100.0}, 1000.0), RICH], 100.0, mark, liquidation={**FULL, "penalty_rate": 0.2})
    paid = min(penalty, max(100.0 * mark - 9000.0, 0.0))
    assert model.exchange.desk.penalties == paid == model.exchange.waterfall.fund
    assert equity(model).tolist() == [0.0]
    assert [case.deficit for case in model.exchange.waterfall.bankruptcies] == ([500.0] if mark == 85.0 else [])


def test_a_penalty_is_rounded_down_to_the_quantum() -> None:
    """7.7 quanta become seven."""
    rate = 7.7 * QUANTUM / 940.0
    model = played([book("one", {"A": 10.0}, 100.0)], 100.0, 94.0, liquidation={**FULL, "penalty_rate": rate})
    assert model.exchange.desk.penalties == 7.0 * QUANTUM == model.exchange.waterfall.fund


def test_the_fund_of_a_market_gets_the_penalties_of_what_was_closed_there() -> None:
    """Tokens are sold before the rest is: the pool stands in two markets, the close is in one."""
    sale = {"kind": "flat", "sale": "derivatives_first"}
    token = {**markets(1e7)[0], "name": "COIN", "instrument": {"kind": "spot", "underlying": "A"}}
    rule = quarter(0.01)
    people = [book("one", {"A": 100.0}, 0.0, collateral={"COIN": 1100.0})]
    listed = [*markets(1e7), token]
    model = played(people, 100.0, 95.0, liquidation=rule, markets=listed, collateral=sale, insurance_funds={"A": 1.0})
    assert positions(model)[0].tolist()[1] == 11.0
    closed = -sum(events(model, "quantity"))
    assert closed > 0.0
    shared, own, other = model.accounts.cash[INSURANCE]
    assert own - 1.0 == pytest.approx(0.95 * closed, abs=1e-4)
    assert shared == other == 0.0


def test_what_is_closed_in_part_is_dated_and_stays_in_its_pool() -> None:
    people = [book("one", {"A": 100.0}, 1000.0, isolated=["A"])]
    model = played(people, 100.0, 94.0, liquidation=quarter())
    row = rows(model)[0]
    assert positions(model).tolist() == [[75.0]]
    assert model.accounts.cash[row].tolist() == [0.0, 1000.0 - 10000.0 + 25.0 * 94.0]
    assert model.accounts.reference[row, 0] == events(model, "moment")[0] > 0.0


def test_the_cash_of_an_isolated_pool_stays_there_until_its_last_position_is_closed() -> None:
    """A short has its proceeds in its pool: 10,000 of the sale and 1,000 of margin, less a quarter bought at 105."""
    model = played([book("one", {"A": -100.0}, 1000.0, isolated=["A"])], 100.0, 105.0, liquidation=quarter())
    assert positions(model).tolist() == [[-75.0]]
    assert model.accounts.cash[rows(model)[0]].tolist() == [0.0, 11000.0 - 25.0 * 105.0]


def test_a_pool_that_holds_nothing_but_a_debt_is_settled_although_the_window_is_shut() -> None:
    shut = {"kind": "capacity_window", "penalty_rate": 0.0, "depth_rate": 1e-12}
    model = venue([book("one", {}, 10.0)], liquidation=shut, insurance_fund=100.0)
    row = rows(model)
    model.accounts.transfer((row, SHARED), (np.array([OUTSIDE]), SHARED), np.array([15.0]), "withdrawal")
    model.exchange.watch.touch(row)
    model.step()
    assert [(case.deficit, case.insurance) for case in model.exchange.waterfall.bankruptcies] == [(5.0, 5.0)]


@pytest.mark.parametrize(("mark", "closed"), [(90.0, 10.0), (90.0 + 2.0**-4, 0.0), (89.0, 10.0)])
def test_bidders_are_waited_for_as_long_as_there_is_equity_and_no_longer(mark: float, closed: float) -> None:
    """Nobody bids in a book this thin; with nothing left at 90 the pool goes there all the same."""
    thin: dict[str, Any] = {"impact": LINEAR, "markets": markets(100.0)}
    auction = {"kind": "dutch_auction", "penalty_rate": 0.0}
    model = played([book("one", {"A": 10.0}, 100.0), RICH], 100.0, mark, liquidation=auction, **thin)
    assert sum(events(model, "quantity")) == -closed
    assert takers(model) == ["book"] * (closed > 0.0)


# Book or winners -----------------------------------------------------------------------------------------------

SHORT = book("short", {"A": -10.0}, 1000.0)


def test_a_pool_that_its_own_sale_would_ruin_is_deleveraged_at_the_mark() -> None:
    """Ten units at 91 leave 10 dollars; sold in a book of 10,000 they would fetch 91 exp(-0.0455), and leave -30."""
    people = [book("long", {"A": 10.0}, 100.0), SHORT]
    model = played(people, 100.0, 91.0, impact=LINEAR, markets=markets(1e4))
    assert takers(model) == ["adl"]
    assert events(model, "fill") == [91.0]
    assert equity(model).tolist() == [10.0]
    deep = played(people, 100.0, 91.0, impact=LINEAR, markets=markets(1e7))
    assert takers(deep) == ["book"]


def test_what_is_left_of_one_pool_pays_for_no_other() -> None:
    """The first has 40 dollars left at 94, the second lacks 50; the fund of 30 cannot pay that."""
    people = [book("first", {"A": 10.0}, 100.0), book("second", {"A": 10.0}, 10.0), SHORT]
    model = played(people, 100.0, 94.0, insurance_fund=30.0)
    assert takers(model) == ["book", "adl"]
    assert [(c.deficit, c.insurance, c.adl) for c in model.exchange.waterfall.bankruptcies] == [(50.0, 30.0, 20.0)]


def torn(*order: str, fund: float = 0.0) -> MarketModel:
    """A at 91 in a book of 10,000, B at 80. `long` would lack 30 dollars if it sold alone (see above), and nothing if
    `torn`, short in A and ruined by B, bought at the same time.
    """
    people = {
        "long": book("long", {"A": 10.0}, 100.0),
        "torn": book("torn", {"A": -10.0, "B": 20.0}, 100.0),
        "winner": book("winner", {"A": -10.0, "B": -20.0}, 5000.0),
    }
    path = [100.0, 100.0], [91.0, 80.0]
    listed = [{**people[name], "name": f"{place}-{name}"} for place, name in enumerate(order)]  # rows go by name
    return played(listed, *path, impact=LINEAR, markets=markets(1e4, 1e9), insurance_fund=fund)


def of(model: MarketModel, name: str) -> list[str]:
    group = next(group for group in model.groups if group.name.endswith(name))
    here = np.array(events(model, "row")) == group.rows[0]
    return [taker for taker, mine in zip(takers(model), here, strict=True) if mine]


@pytest.mark.parametrize("order", [("long", "torn", "winner"), ("torn", "long", "winner")])
def test_once_a_pool_leaves_the_book_the_others_are_judged_again_without_its_orders(order: tuple[str, ...]) -> None:
    model = torn(*order)
    assert of(model, "long") == ["adl"]
    assert of(model, "torn")[0] == "adl"


def test_the_deficit_of_a_pool_that_leaves_the_book_is_no_burden_on_the_fund_there() -> None:
    """The fund of 40 cannot pay the 210 dollars of the first, but the 30 of the second."""
    model = torn("torn", "long", "winner", fund=40.0)
    assert of(model, "torn")[0] == "adl"
    assert of(model, "long") == ["book"]


def test_a_pool_that_can_only_be_closed_in_part_is_sold_and_not_deleveraged() -> None:
    """Five of ten units fit into the window at 80; whoever is closed whole is deleveraged instead."""
    window = {"kind": "capacity_window", "penalty_rate": 0.0, "depth_rate": 400.0 / 1e7}
    people = [book("long", {"A": 10.0}, 100.0), SHORT]
    model = played(people, 100.0, 80.0, liquidation=window)
    assert takers(model) == ["book"]
    assert events(model, "quantity") == [-5.0]
    assert takers(played(people, 100.0, 80.0)) == ["adl"]


def test_a_pool_that_found_winners_only_in_part_lacks_what_its_rest_lost_in_the_book() -> None:
    """Solvent by 10 dollars at the mark, ruined by its own sale: four units go to the winner, six to the book.

    Nothing is left for a penalty in the end, so none is taken in between.
    """
    people = [book("long", {"A": 10.0}, 100.0), book("small", {"A": -4.0}, 1000.0), RICH]
    model = played(people, 100.0, 91.0, impact=LINEAR, markets=markets(1e4), liquidation={"kind": "full"})
    assert takers(model) == ["adl", "book"]
    assert model.exchange.desk.penalties == 0.0
    assert events(model, "quantity") == [-4.0, -6.0]
    sold = 6.0 * 91.0 * np.exp(-6.0 * 91.0 / 1e4 / 2.0)
    lacking = 900.0 - 4.0 * 91.0 - sold
    (case,) = model.exchange.waterfall.bankruptcies
    assert case.deficit == pytest.approx(lacking, abs=1e-3)
    assert not model.accounts.cash[rows(model)[0]].any()
