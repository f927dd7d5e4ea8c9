"""Claims in the live market: lent, cleared in whole quanta, and not a quantum lost."""

from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.cast import StandardCast
from experiments.graph.defaults import default_forest
from experiments.record.defaults import default_frame
from experiments.run import run
from simulation.accounts import OUTSIDE, QUANTUM
from simulation.claims.clearing import Debts, Recovery, clear
from simulation.claims.random_network import RandomNetworkClaims
from simulation.errors import ScenarioError
from simulation.model import MarketModel
from simulation.random import Streams
from tests.venues import book, scenario, storm, venue


def debts(*owed: tuple[str, str, float], **more: Any) -> dict[str, Any]:
    listed = [{"debtor": a, "creditor": b, "dollars": d} for a, b, d in owed]
    return {"kind": "given", "debts_owed": listed, "funded": False, **more}


def people(**deposits: float) -> list[dict[str, Any]]:
    return [book(name, {}, deposit) for name, deposit in deposits.items()]


def money(model: Any) -> list[float]:
    return [float(model.accounts.cash[group.first_row].sum()) for group in model.groups]


def test_debts_are_paid_on_their_day_and_not_before():
    model = venue(people(a=100.0, b=5.0), claims=debts(("a", "b", 30.0), due_step=2))
    model.step()
    assert money(model) == [100.0, 5.0]
    model.step()
    assert money(model) == [70.0, 35.0]
    model.run()
    assert money(model) == [70.0, 35.0]
    assert model.exchange.claims.defaults == []


def test_a_chain_of_defaults_is_told_with_its_rounds_and_causes():
    owed = debts(("a", "b", 10.0), ("b", "c", 10.0), ("c", "d", 10.0))
    model = venue(people(a=4.0, b=3.0, c=5.0, d=0.0), claims=owed)
    model.step()
    assert money(model) == [0.0, 0.0, 2.0, 10.0]
    first, second = model.exchange.claims.defaults
    rows = {group.name: group.first_row for group in model.groups}
    assert (first.row, first.round, first.owed, first.paid, first.unpaid, first.cause) == (rows["a"], 1, 10, 4, 6, -1)
    assert (second.row, second.round, second.received, second.paid, second.cause) == (rows["b"], 2, 4, 7, rows["a"])
    assert (first.cost, second.cost) == (0.0, 0.0)


def test_what_a_default_destroys_goes_to_the_outside():
    owed = debts(("a", "b", 10.0), outside_recovery_rate=0.25)
    model = venue(people(a=4.0, b=0.0), claims=owed)
    outside = model.accounts.cash[OUTSIDE].sum()
    model.step()
    assert money(model) == [0.0, 1.0]
    assert model.accounts.cash[OUTSIDE].sum() - outside == 3.0
    assert model.exchange.claims.defaults[0].cost == 3.0


def test_what_recovery_takes_of_claims_is_taken_of_what_came_in_and_not_of_what_went_out():
    """b receives 8 of 10 dollars, half of which is lost with it: 4 go on to c, 4 to the outside, none stays."""
    owed = debts(("a", "b", 10.0), ("b", "c", 10.0), claims_recovery_rate=0.5)
    model = venue(people(a=8.0, b=0.0, c=0.0), claims=owed)
    model.step()
    assert money(model) == [0.0, 0.0, 4.0]
    assert [(default.paid, default.cost) for default in model.exchange.claims.defaults] == [(8.0, 0.0), (4.0, 4.0)]


def test_small_debts_share_a_defaulter_s_money_like_large_ones():
    """Half a dollar for debts of 25 and 75 cents."""
    model = venue(people(a=0.5, b=0.0, c=0.0), claims=debts(("a", "b", 0.25), ("a", "c", 0.75)))
    model.step()
    assert money(model) == [0.0, 0.125, 0.375]


@pytest.mark.parametrize(("quanta", "paid"), [(2.4, 2.0), (2.6, 3.0)])
def test_a_debt_is_the_nearest_number_of_quanta(quanta: float, paid: float):
    model = venue(people(a=1.0, b=0.0), claims=debts(("a", "b", quanta * QUANTUM)))
    model.step()
    assert money(model) == [1.0 - paid * QUANTUM, paid * QUANTUM]
    assert model.exchange.claims.defaults == []


@pytest.mark.parametrize(("one", "two", "cause"), [(6.0, 2.0, 0), (2.0, 6.0, 1), (4.0, 4.0, 0)])
def test_the_cause_is_who_left_most_unpaid_and_of_equals_the_first(one: float, two: float, cause: int):
    owed = debts(("a", "c", one), ("b", "c", two), ("c", "d", 5.0))
    model = venue(people(a=0.0, b=0.0, c=1.0, d=0.0), claims=owed)
    model.step()
    last = model.exchange.claims.defaults[-1]
    assert (last.round, last.cause) == (2, model.groups[cause].first_row)


def test_the_cause_is_of_the_round_before_although_an_earlier_one_left_more():
    """c still stands when a leaves it 6 dollars short, and falls when b, which a has ruined, leaves 5."""
    owed = debts(("a", "b", 10.0), ("a", "c", 6.0), ("b", "c", 10.0), ("c", "d", 12.0))
    model = venue(people(a=0.0, b=5.0, c=5.0, d=0.0), claims=owed)
    model.step()
    found = [(default.round, default.cause) for default in model.exchange.claims.defaults]
    assert found == [(1, -1), (2, model.groups[0].first_row), (3, model.groups[1].first_row)]


def test_who_paid_a_debt_and_has_too_little_margin_then_is_closed_in_the_same_step():
    """100 dollars behind ten units at 100 need 50; after a debt of 60 there are 40."""
    debtor = book("a", {"A": 10.0}, 100.0)
    owed = debts(("a", "b", 60.0), due_step=2)
    model = venue([debtor, book("b", {}, 0.0)], claims=owed, liquidation={"kind": "full", "penalty_rate": 0.0})
    model.run()
    assert model.exchange.desk.log.events.step.tolist() == [2.0]
    assert money(model) == [40.0, 60.0]


def test_debts_are_paid_out_of_the_wallet_and_not_out_of_isolated_margin():
    """50 dollars in the wallet, 100 behind an isolated long: of a debt of 60 only 50 are paid."""
    debtor = book("a", {"A": 10.0}, 150.0, isolated=["A"], posted_share=0.0)
    model = venue([debtor, book("b", {}, 0.0)], claims=debts(("a", "b", 60.0)))
    model.step()
    assert money(model)[1] == 50.0
    assert model.accounts.cash[model.groups[0].first_row].tolist() == [0.0, 100.0 - 1000.0]


def test_loans_put_the_lender_s_cash_into_the_borrower_s_hands():
    model = venue(people(a=50.0, b=100.0), claims=debts(("a", "b", 30.0), funded=True, due_step=3))
    assert money(model) == [80.0, 70.0]
    model.run()
    assert money(model) == [50.0, 100.0]


def test_losses_in_the_market_are_losses_of_those_who_lent():
    """a borrows 60, loses 70 on a long unit that was worth 100, and owns 30 with the loan; b gets 30 of 60."""
    population = [book("a", {"A": 1.0}, 40.0), book("b", {}, 100.0)]
    model = venue(population, price=storm(100.0, 30.0), claims=debts(("a", "b", 60.0), funded=True))
    model.step()
    assert money(model)[1] == pytest.approx(70.0)
    assert model.exchange.claims.defaults[0].paid == pytest.approx(30.0)


def test_an_overdrawn_account_pays_nothing_and_its_deficit_stays_with_the_venue():
    population = [book("a", {"A": 1.0}, 40.0), book("b", {}, 100.0)]
    alone = {"socialise_losses": False, "deleveraging": {"kind": "off"}}
    model = venue(population, price=storm(100.0, 30.0), claims=debts(("a", "b", 10.0)), **alone)
    model.step()
    assert money(model)[1] == 100.0
    assert model.exchange.claims.defaults[0].paid == 0.0
    assert model.exchange.waterfall.bankruptcies[0].deficit == pytest.approx(30.0)


def test_paying_may_bring_an_account_under_margin_in_the_same_step():
    population = [book("a", {"A": 1.0}, 20.0), book("b", {}, 0.0)]
    model = venue(population, claims=debts(("a", "b", 17.0)))
    model.step()
    assert model.accounts.position[model.groups[0].first_row].tolist() == [0.0]
    assert money(model) == [2.5, 17.0], "the penalty of half a per cent is paid by whoever is closed"


@given(st.lists(st.floats(0.0, 1e4), min_size=2, max_size=6), st.integers(0, 1_000), st.sampled_from([0.0, 0.5, 1.0]))
def test_the_engine_is_the_vector_to_a_quantum_a_debt_and_loses_nothing(deposits, seed, rate):
    rng = np.random.default_rng(seed)
    names = [f"p{i}" for i in range(len(deposits))]
    pairs = [(i, j) for i in range(len(names)) for j in range(len(names)) if i != j and rng.random() < 0.6]
    dollars = np.floor(rng.uniform(0.0, 5e3, len(pairs)) / QUANTUM) * QUANTUM
    owed = debts(
        *((names[i], names[j], float(d)) for (i, j), d in zip(pairs, dollars, strict=True)),
        outside_recovery_rate=rate,
        claims_recovery_rate=rate,
    )
    model = venue(people(**dict(zip(names, deposits, strict=True))), claims=owed)
    before, all_money = np.array(money(model)), model.accounts.cash.sum()
    model.step()
    assert model.accounts.cash.sum() == all_money
    ends = np.array(pairs, np.intp).reshape(-1, 2)
    expected = clear(Debts(len(names), ends[:, 0], ends[:, 1], dollars), before, Recovery(rate, rate))
    house = model.exchange.claims
    paid = np.bincount(house.debts.debtor, house.debts.dollars - house.unpaid, len(names))
    assert paid == pytest.approx(expected.paid, abs=2 * QUANTUM * (1 + len(pairs)))
    assert (house.unpaid >= 0.0).all()
    assert (np.array(money(model)) >= -QUANTUM * (1 + len(pairs))).all()
    assert len(house.defaults) == np.count_nonzero(expected.round)


def network(count: int = 60, **claims: Any) -> Any:
    rule = {"kind": "random_network", "outside_recovery_rate": 0.0, "claims_recovery_rate": 0.0, **claims}
    group = {"kind": "book", "name": "banks", "count": count, "deposit": 150.0}
    shocked = {"kind": "book", "name": "shocked", "count": 2, "deposit": 150.0, "units": {"A": 20.0}}
    return scenario([group, shocked], price=storm(100.0, 80.0), claims=rule)


def test_the_forest_has_a_node_for_every_default_and_a_root_for_everyone_who_fails_alone():
    model = MarketModel(network(), StandardCast())
    model.run()
    found = model.exchange.claims.defaults
    frame = default_frame(model)
    forest = default_forest(frame)
    assert len(found) > 10
    assert nx.is_forest(forest)
    assert len(forest) == len(found)
    assert sum(forest.in_degree(node) == 0 for node in forest) == sum(one.round == 1 for one in found)
    of = {one.row: one for one in found}
    assert all(of[effect].round == of[cause].round + 1 for cause, effect in forest.edges)
    assert frame["unpaid"].tolist() == (frame["owed"] - frame["paid"]).tolist()


def test_a_run_tells_its_defaults_by_name():
    found = run(network()).defaults
    assert set(found["group"]) <= {"banks", "shocked"}
    assert (found["account"].str.split("[").str[0] == found["group"]).all()
    assert found["owed"].to_numpy() == pytest.approx((found["paid"] + found["unpaid"]).to_numpy())
    assert len(run(scenario(people(a=1.0))).defaults) == 0


def test_claims_may_be_anywhere_in_a_run_and_the_same_seed_gives_the_same_bytes():
    assert run(network()).fingerprint == run(network()).fingerprint
    assert run(network()).fingerprint != run(network(mean_degree=2.0)).fingerprint


def test_without_claims_nothing_is_drawn_or_booked():
    model = venue(people(a=1.0))
    model.run()
    assert model.exchange.claims.defaults == []
    assert len(model.exchange.claims.rows) == 0


# The random network ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize(("count", "degree"), [(2_000, 3.0), (40, 30.0), (5, 100.0), (2, 1.0), (1, 3.0), (30, 0.0)])
def test_a_network_has_the_mean_degree_that_was_asked_for(count: int, degree: float, directed: bool):
    rule = RandomNetworkClaims(mean_degree=degree, directed=directed, dollars=90.0)
    found = rule.debts({"x": count}, Streams(3))
    expected = np.floor(min(degree, count - 1) * count / (1 if directed else 2)) * (1 if directed else 2)
    assert len(found.dollars) == expected
    assert len(np.unique(found.debtor * count + found.creditor)) == expected, "no debt twice"
    assert (found.debtor != found.creditor).all()
    lends = np.bincount(found.creditor, minlength=count) > 0
    assert found.claimed[lends] == pytest.approx(90.0, abs=count * QUANTUM)


def test_degrees_of_a_large_network_are_poisson():
    found = RandomNetworkClaims(mean_degree=3.0).debts({"x": 20_000}, Streams(1))
    degree = np.bincount(found.creditor, minlength=20_000)
    assert degree.mean() == pytest.approx(3.0, abs=1e-3)
    assert degree.var() == pytest.approx(3.0, rel=0.05)


def test_neighbours_lend_to_each_other_unless_claims_are_directed():
    found = RandomNetworkClaims(mean_degree=3.0).debts({"x": 50}, Streams(1))
    both = {(int(a), int(b)) for a, b in zip(found.debtor, found.creditor, strict=True)}
    assert both == {(b, a) for a, b in both}


def test_only_the_groups_that_are_named_take_part():
    rule = RandomNetworkClaims(mean_degree=2.0, groups=("y",))
    found = rule.debts({"x": 10, "y": 20, "z": 5}, Streams(1))
    assert set(found.debtor) <= set(range(10, 30))


@pytest.mark.parametrize(
    ("claims", "line"),
    [
        (debts(("a", "nobody", 1.0)), "claims.debts_owed[0].creditor: \"nobody\" is no member of a group"),
        (debts(("a[1]", "b", 1.0)), "claims.debts_owed[0].debtor: a has 1 members, 0 the first"),
        (debts(("a", "a", 1.0)), "claims.debts_owed[0].creditor: must be somebody else than the debtor (got \"a\")"),
        (debts(("a", "c", 1.0)), "claims.debts_owed[0].creditor: name one of the 3 members, as c[0]"),
        (debts(("a", "b", -1.0)), "claims.debts_owed[0].dollars: must be at least 0 (got -1.0)"),
        (debts(("a", "b", 1.0), due_step=99), "claims.due_step: 99 is after the last step 10"),
        ({"kind": "random_network", "groups": ["bb"]}, "claims.groups[0]: \"bb\" is not defined; known: a, b, c"),
        ({"kind": "given", "outside_recovery_rate": 1.5}, "claims.outside_recovery_rate: must be at most 1 (got 1.5)"),
    ],
)
def test_impossible_claims_are_refused_in_one_line(claims: dict[str, Any], line: str):
    population = [*people(a=1.0, b=1.0), {"kind": "book", "name": "c", "count": 3, "deposit": 1.0}]
    with pytest.raises(ScenarioError) as refused:
        scenario(population, claims=claims)
    assert any(problem.startswith(line) for problem in refused.value.problems), refused.value.problems
