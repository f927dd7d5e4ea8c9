"""Who pays for a bankrupt pool, out of which pool and for which market, where the layers meet."""

from typing import Any

import pytest

from agents.cast import StandardCast
from simulation.accounts import BACKSTOP, QUANTUM, SHARED
from simulation.arrays import Array
from simulation.causes import TAKERS
from simulation.journal import Transfer
from simulation.model import MarketModel
from tests.venues import TIERS, book, equity, positions, rows, scenario, storm

FULL = {"kind": "full", "penalty_rate": 0.0}
OFF = {"kind": "off"}
MARKET = {"name": "A", "price": 100.0, "depth": 1e7, "tiers": TIERS}
COIN = {**MARKET, "name": "COIN", "instrument": {"kind": "spot", "underlying": "A"}}


def loser(name: str = "loser", market: str = "A", **more: Any) -> dict[str, Any]:
    """Ten units from 100 with 100 dollars: 100 dollars short at 80."""
    return book(name, {market: 10.0}, 100.0, **more)


def crashed(people: list[dict[str, Any]], *path: Any, listed: int = 1, **rules: Any) -> MarketModel:
    built = scenario(people, listed, price=storm(*(path or (100.0, 80.0))), **{"liquidation": FULL, **rules})
    model = MarketModel(built, StandardCast(), journal=True)
    model.run()
    return model


def cash(model: MarketModel, group: int) -> list[float]:
    return model.accounts.cash[rows(model, group)[0]].tolist()


def fills(model: MarketModel) -> list[tuple[str, float]]:
    log = model.exchange.desk.log.events
    return [(TAKERS[int(taker)], float(fill)) for taker, fill in zip(log.taker, log.fill, strict=True)]


def charged(model: MarketModel) -> Array:
    return model.exchange.waterfall.losses.charged


# Sharing -------------------------------------------------------------------------------------------------------


def test_the_venues_own_vault_is_not_asked_to_share() -> None:
    model = crashed([loser(), book("rich", {}, 5000.0)], backstop={"capital": 5000.0}, deleveraging=OFF)
    assert cash(model, 1) == [4900.0]
    assert model.accounts.cash[BACKSTOP, SHARED] == 5000.0


def test_every_pool_pays_by_its_own_equity_out_of_its_own_cash() -> None:
    """One account holds 600 dollars in its wallet and 400 behind an isolated long, another one 1,000."""
    both = book("both", {"B": 40.0}, 1000.0, isolated=["B"], posted_share=0.0)
    people = [loser(), both, book("rich", {}, 1000.0)]
    model = crashed(people, [100.0, 100.0], [80.0, 100.0], listed=2, deleveraging=OFF)
    wallet, _, apart = cash(model, 1)
    assert (wallet, apart + 4000.0) == (600.0 - 30.0, 400.0 - 20.0)
    assert cash(model, 2) == [950.0, 0.0, 0.0]
    assert charged(model)[[rows(model, 1)[0], rows(model, 2)[0]]].tolist() == [50.0, 50.0]


def test_what_an_account_was_charged_adds_up_over_the_run() -> None:
    """A falls in the first step and B in the second; each leaves 100 dollars to one payer."""
    people = [loser("a"), loser("b", "B"), book("rich", {}, 1000.0)]
    model = crashed(people, [100.0, 100.0], [80.0, 100.0], [80.0, 80.0], listed=2, deleveraging=OFF)
    first = 100.0 * 1000.0 / 1100.0  # b still has its 100 dollars then, and pays its part
    lacking = 200.0 - 100.0 + (100.0 - first)
    assert charged(model)[rows(model, 2)[0]] == pytest.approx(first + lacking, abs=1e-4)
    assert equity(model, 2)[0] == pytest.approx(1000.0 - first - lacking, abs=1e-4)


def test_a_depositor_of_tokens_pays_like_one_of_dollars_of_the_same_worth() -> None:
    """Ten tokens at 80, and 800 dollars."""
    people = [loser(), book("dollars", {}, 800.0), book("tokens", {}, 0.0, collateral={"COIN": 1000.0})]
    model = crashed(people, markets=[MARKET, COIN], deleveraging=OFF, loss={"kind": "depositors"})
    assert charged(model)[[rows(model, 1)[0], rows(model, 2)[0]]].tolist() == pytest.approx([50.0, 50.0], abs=QUANTUM)


def test_equity_counts_at_the_mark_where_book_and_oracle_differ() -> None:
    """The book falls to 80, the oracle stays: a long of five with 4,000 dollars has 3,900, the other one 5,000."""
    shift = [{"market": "A", "start_step": 1, "end_step": 2, "factor": 0.8}]
    people = [loser(), book("long", {"A": 5.0}, 4000.0), book("rich", {}, 5000.0)]
    model = crashed(people, 100.0, 100.0, dislocations=shift, deleveraging=OFF)
    paid = charged(model)[[rows(model, 1)[0], rows(model, 2)[0]]]
    assert paid.tolist() == pytest.approx([100.0 * 39.0 / 89.0, 100.0 * 50.0 / 89.0], abs=1e-4)


def test_who_is_charged_below_its_margin_is_closed_in_the_same_step() -> None:
    """A falls by 0.05 % only, but the loser has 10,000 units. Thin pays 2 of its 51 dollars and needs 50 in B."""
    steep = [{"floor": 0.0, "maintenance_rate": 1e-4, "initial_rate": 1e-4}]
    listed = [{**MARKET, "tiers": steep}, {**MARKET, "name": "B"}]
    people = [book("loser", {"A": 10_000.0}, 400.0), book("rich", {}, 2499.0), book("thin", {"B": 10.0}, 51.0)]
    path = [100.0, 100.0], [100.0, 100.0], [99.95, 100.0]
    model = crashed(people, *path, markets=listed, deleveraging=OFF)
    log = model.exchange.desk.log.events
    assert (log.step.tolist(), log.round.tolist()) == ([2.0, 2.0], [0.0, 1.0])
    assert positions(model, 2)[0, 1] == 0.0
    assert equity(model, 2)[0] == pytest.approx(51.0 - 100.0 * 51.0 / 2550.0, abs=1e-3)


def test_only_the_markets_of_losses_that_the_fund_has_not_paid_are_charged() -> None:
    """The loss in A is insured by a fund of its own; the one in B is its holders' business alone."""
    people = [loser("a"), loser("b", "B"), book("in-a", {"A": -5.0}, 1000.0), book("in-b", {"B": -5.0}, 1000.0)]
    rules = {"insurance_funds": {"A": 1000.0}, "loss": {"kind": "both_sides"}, "deleveraging": OFF}
    model = crashed(people, [100.0, 100.0], [80.0, 80.0], listed=2, **rules)
    assert charged(model)[[rows(model, 2)[0], rows(model, 3)[0]]].tolist() == [0.0, 100.0]
    assert [(case.insurance, case.socialised) for case in model.exchange.waterfall.bankruptcies] == [
        (100.0, 0.0),
        (0.0, 100.0),
    ]


def test_two_losses_of_one_step_share_the_limit_of_the_step() -> None:
    people = [loser("a"), loser("b"), book("rich", {}, 1000.0)]
    limits = {"insurance_fund": 1000.0, "insurance": {"step_limit": 150.0}}
    model = crashed(people, deleveraging=OFF, **limits)
    assert [case.insurance for case in model.exchange.waterfall.bankruptcies] == [100.0, 50.0]
    assert model.exchange.waterfall.fund == 850.0


def test_the_limit_of_a_step_holds_again_in_the_next_one() -> None:
    people = [loser("a"), loser("b", "B"), book("rich", {}, 1000.0)]
    limits = {"insurance_fund": 1000.0, "insurance": {"step_limit": 60.0}, "loss": {"kind": "none"}}
    model = crashed(people, [100.0, 100.0], [80.0, 100.0], [80.0, 80.0], listed=2, deleveraging=OFF, **limits)
    assert [(case.step, case.insurance) for case in model.exchange.waterfall.bankruptcies] == [(1, 60.0), (2, 60.0)]


@pytest.mark.parametrize("shared", [True, False])
def test_an_isolated_loss_is_made_good_in_its_pool_and_the_wallet_neither_pays_nor_gains(shared: bool) -> None:
    """150 dollars, 100 of them behind the isolated long, which ends 100 short."""
    one = book("one", {"A": 10.0}, 150.0, isolated=["A"], posted_share=0.0)
    model = crashed([one, book("rich", {}, 950.0)], socialise_losses=shared, deleveraging=OFF)
    wallet, apart = cash(model, 0)
    assert apart == 0.0
    assert wallet == (50.0 - 100.0 * 50.0 / 1000.0 if shared else 50.0)
    assert equity(model, 1)[0] == (950.0 - 100.0 * 950.0 / 1000.0 if shared else 950.0)


# Deleveraging --------------------------------------------------------------------------------------------------


def test_only_the_bankrupt_pool_of_an_account_is_deleveraged() -> None:
    one = book("one", {"A": 10.0, "B": 5.0}, 150.0)
    winner = book("winner", {"A": -10.0, "B": -5.0}, 3000.0)
    model = crashed([one, winner], [100.0, 100.0], [80.0, 99.0], listed=2, margin={"kind": "isolated"})
    assert positions(model).tolist() == [[0.0, 5.0]]
    assert fills(model) == [("adl", 90.0)]
    assert positions(model, 1).tolist() == [[0.0, -5.0]]


def test_the_own_fund_of_a_market_pays_before_its_winners_do() -> None:
    """60 of 100 dollars; the shared fund of 500 has nothing to do with it: x = 40 / 800."""
    people = [loser(), book("winner", {"A": -10.0}, 1000.0)]
    model = crashed(people, insurance_funds={"A": 60.0}, insurance_fund=500.0)
    assert fills(model) == [("adl", pytest.approx(84.0))]
    (case,) = model.exchange.waterfall.bankruptcies
    assert (case.deficit, case.insurance, case.adl) == (100.0, 60.0, 40.0)
    (event,) = model.exchange.waterfall.deleveragings
    assert (event.deficit, event.needed) == (100.0, 40.0)
    assert model.exchange.waterfall.fund == 500.0


def test_the_previous_mark_is_that_of_the_step_before_and_not_the_first() -> None:
    """B rose in the first step and stands still in the second, in which A ruins the pool: B is closed at its mark."""
    people = [book("loser", {"A": 10.0, "B": -10.0}, 250.0), book("winner", {"A": -10.0, "B": 10.0}, 3000.0)]
    path = [100.0, 100.0], [100.0, 110.0], [80.0, 110.0]
    model = crashed(people, *path, listed=2, deleveraging={"kind": "queue", "price": "previous_mark"})
    x = 50.0 / (800.0 + 1100.0)
    assert fills(model) == [("adl", pytest.approx(80.0 * (1.0 + x))), ("adl", pytest.approx(110.0))]


def test_a_winner_filled_in_part_keeps_the_cash_of_its_isolated_pool_and_is_dated() -> None:
    """A short of fifteen gives up ten at 90: 1,500 + 150 dollars less 900 stay behind the other five."""
    winner = book("winner", {"A": -15.0}, 150.0, isolated=["A"])
    model = crashed([loser(), winner])
    assert fills(model) == [("adl", 90.0)]
    assert positions(model, 1).tolist() == [[-5.0]]
    assert cash(model, 1) == [0.0, 1500.0 + 150.0 - 900.0]
    assert model.accounts.reference[rows(model, 1)[0], 0] == model.exchange.desk.log.events.moment[0]


def test_a_winner_filled_wholly_gets_what_its_isolated_pool_holds() -> None:
    model = crashed([loser(), book("winner", {"A": -10.0}, 150.0, isolated=["A"])])
    assert cash(model, 1) == [150.0 + 100.0, 0.0]


def uneven(*others: dict[str, Any], deposit: float, listed: int = 1) -> MarketModel:
    """A bankruptcy price with many digits, so that fills round."""
    people = [book("bankrupt", {"A": 100.0}, deposit), *others]
    ends = [80.0, *[100.0] * (listed - 1)]
    return crashed(people, [100.0] * listed, ends, listed=listed)


DEPOSITS = [1000.0 + cents / 97.0 for cents in range(1, 13)]


def test_the_last_winner_of_the_last_fill_takes_the_rounding() -> None:
    seen = 0
    for deposit in DEPOSITS:
        winners = [book(f"w{i}", {"A": -50.0}, 4000.0 - 100.0 * i) for i in range(2)]
        model = uneven(*winners, deposit=deposit)
        last = {int(fill.rows[-1]) for case in model.exchange.waterfall.deleveragings for fill in case.fills}
        for posting in model.accounts.journal or []:
            if isinstance(posting, Transfer) and posting.reason == "adl rounding":
                assert set(posting.row.tolist()) - {int(rows(model)[0])} == last
                seen += 1
    assert seen > 0


def test_a_rounding_goes_to_the_wallet_where_the_fill_emptied_the_pool_whatever_else_the_winner_holds() -> None:
    seen = 0
    for deposit in DEPOSITS:
        winners = [book(f"w{i}", {"A": -50.0, "B": 10.0}, 9000.0, isolated=["A", "B"]) for i in range(2)]
        model = uneven(*winners, deposit=deposit, listed=2)
        for group in (1, 2):
            assert positions(model, group).tolist() == [[0.0, 10.0]]
            assert cash(model, group)[1] == 0.0
        assert cash(model, 0) == [0.0, 0.0, 0.0]
        seen += sum(posting.reason == "adl rounding" for posting in model.accounts.journal or [])
    assert seen > 0


def test_winners_passed_over_are_counted_over_all_bankruptcies() -> None:
    """The thin one holds nine times as much in B, and could not bear an eighth of its position in A, twice."""
    thin = book("thin", {"A": -20.0, "B": 90.0}, 900.0)
    people = [loser("l1"), loser("l2"), thin]
    model = crashed(people, [100.0, 100.0], [80.0, 95.0], listed=2)
    assert model.exchange.waterfall.skipped == 2
    assert not any(taker == "adl" for taker, _ in fills(model))


def test_the_capacity_of_a_fill_is_the_profit_of_all_who_were_eligible() -> None:
    """Two shorts have won 200 and 300 dollars; the first alone is filled."""
    people = [loser(), book("bold", {"A": -10.0}, 500.0), book("calm", {"A": -15.0}, 5000.0)]
    model = crashed(people)
    ((fill,),) = (case.fills for case in model.exchange.waterfall.deleveragings)
    assert fill.rows.tolist() == rows(model, 1).tolist()
    assert (fill.profit.tolist(), fill.capacity, fill.mark) == ([200.0], 500.0, 80.0)


def test_a_pool_is_deleveraged_by_what_it_is_worth_at_the_mark_and_not_at_the_oracle() -> None:
    """The book falls to 80 and the oracle stays at 100: 100 dollars are lacking all the same."""
    shift = [{"market": "A", "start_step": 1, "end_step": 2, "factor": 0.8}]
    people = [loser(), book("winner", {"A": -10.0}, 1000.0)]
    model = crashed(people, 100.0, 100.0, dislocations=shift)
    assert fills(model) == [("adl", pytest.approx(90.0))]
    assert [case.adl for case in model.exchange.waterfall.bankruptcies] == [pytest.approx(100.0, abs=1e-3)]


def test_what_winners_have_paid_of_an_isolated_deficit_is_told_by_its_pool_and_not_by_the_wallet() -> None:
    """Four of ten units find a winner, who pays 40; the other six leave 60. 50 dollars are in the wallet."""
    one = book("one", {"A": 10.0}, 150.0, isolated=["A"], posted_share=0.0)
    model = crashed([one, book("winner", {"A": -4.0}, 1000.0)])
    assert fills(model) == [("adl", 90.0), ("book", 80.0)]
    found = [(case.deficit, case.adl, case.socialised) for case in model.exchange.waterfall.bankruptcies]
    assert found == [(40.0, 40.0, 0.0), (60.0, 0.0, 60.0)]
