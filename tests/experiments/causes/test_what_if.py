"""Reruns of the same storm with one thing changed, and shares that are fair and add up."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.causes.what_if import (
    CAUSES,
    LEVERAGE,
    NEVER,
    Answers,
    Outcome,
    Rerun,
    applicable,
    ask,
    outcome_of,
    shapley,
    subsets,
    variant,
)
from simulation.accounts import QUANTUM
from simulation.scenario import Scenario
from tests.experiments.causes.test_attribution import of, split_losses, traced
from tests.experiments.storms import TIER, by_hand, holder_of, one_market

TWO = {
    "steps": 4,
    "markets": [{"name": name, "price": 100.0, "tiers": [TIER]} for name in ("X", "Y")],
    "price": {"kind": "replay", "prices": [[100.0, 100.0], [80.0, 100.0], [80.0, 100.0], [80.0, 100.0], [80.0, 100.0]]},
    "impact": {"kind": "none"},
    "fees": {"taker_rate": 0.0},
    "population": [
        {"kind": "book", "name": "pair", "count": 1, "units": {"X": 5.0, "Y": 5.0}, "deposit": 120.0},
        {"kind": "book", "name": "rich", "count": 1, "units": {"X": 1.0}, "deposit": 1000.0},
    ],
}


def row_in(scenario, name):
    model = traced(scenario)
    row = int(of(split_losses(model), name)["row"])
    return row, outcome_of(model, row)


def answers(scenario, name, causes=("impact",), others=()):
    row, known = row_in(scenario, name)
    return ask(scenario, row, known, causes, [row_in(scenario, other)[0] for other in others])


def test_without_impact_the_second_victim_survives() -> None:
    found = answers(by_hand(), "B[0]")
    saved = found.outcomes[Rerun(frozenset(["impact"]))]
    assert not found.outcomes[Rerun()].survived
    assert saved.survived
    assert saved.loss == pytest.approx(7.0, abs=QUANTUM)  # 2 units from 100 to 96.50
    assert (saved.died, saved.closed) == (NEVER, 0.0)


def test_without_the_first_victim_the_second_survives() -> None:
    found = answers(by_hand(), "B[0]", others=["A[0]", "C[0]"])
    without = {rerun.absent: outcome for rerun, outcome in found.outcomes.items() if rerun.absent}
    assert [outcome.survived for outcome in without.values()] == [True, False]


def test_the_first_victim_dies_whatever_the_others_do() -> None:
    found = answers(by_hand(), "A[0]", others=["B[0]"])
    assert {outcome.died for outcome in found.outcomes.values()} == {1}


def test_a_pool_of_its_own_keeps_the_winning_half() -> None:
    found = answers(Scenario.from_dict(TWO), "pair[0]", ("pooling",))
    whole, apart = found.outcomes[Rerun()], found.outcomes[Rerun(frozenset(["pooling"]))]
    assert whole.closed == pytest.approx(900.0)  # 5 * 80 + 5 * 100: equity 20 is below 5 % of it
    assert apart.closed == pytest.approx(400.0)


def test_only_what_a_scenario_has_can_be_switched_off() -> None:
    assert applicable(by_hand()) == ("impact", "insurance", "leverage")
    late = by_hand(oracle={"kind": "lagged", "delay_steps": 2}, mark={"kind": "oracle"})
    assert applicable(late) == ("impact", "delay", "insurance", "leverage")
    assert applicable(by_hand(mark={"kind": "smoothed"})) == ("impact", "delay", "insurance", "leverage")
    assert applicable(Scenario.from_dict(TWO)) == ("pooling", "insurance", "leverage")
    assert variant(by_hand(), frozenset(["pooling", "delay"])) == by_hand()


def test_switching_a_cause_off_leaves_nothing_of_it() -> None:
    scenario = by_hand(oracle={"kind": "lagged", "delay_steps": 2, "deviation_rate": 0.1})
    bare = variant(scenario, frozenset(CAUSES))
    assert applicable(bare) == ("insurance", "leverage")
    assert bare.insurance_fund > scenario.insurance_fund
    assert bare.seed == scenario.seed


def test_a_rule_that_learns_can_be_made_to_stand_still() -> None:
    learning = {"kind": "value_at_risk", "update": {"kind": "ewma"}}
    scenario = by_hand(margin=learning)
    assert "margin" in applicable(scenario)
    still = variant(scenario, frozenset(["margin"])).margin
    assert "margin" not in applicable(variant(scenario, frozenset(["margin"])))
    assert still.model_dump() == by_hand(margin={"kind": "value_at_risk"}).margin.model_dump()


def test_everybody_else_at_half_the_leverage_sells_half_as_much() -> None:
    found = answers(by_hand(), "C[0]", ("leverage",))
    half = found.outcomes[Rerun(frozenset(["leverage"]))]
    # A's 2 units with equity 24.40 of 193 dollars are far from their margin now: nobody sells, C loses the shock alone
    assert half.loss == pytest.approx(3.5, abs=QUANTUM)
    assert found.shares == {"leverage": found.difference}


def test_an_account_that_is_over_has_its_final_loss() -> None:
    scenario = by_hand(steps=30)
    row, known = row_in(scenario, "A[0]")
    again = ask(scenario, row, known, ("insurance",)).outcomes[Rerun(frozenset(["insurance"]))]
    assert again == known


def test_subsets_are_all_of_them() -> None:
    assert [len(subsets("abcde"[:k])) for k in range(6)] == [1, 2, 4, 8, 16, 32]
    assert len(set(subsets("abcd"))) == 16


@st.composite
def games(draw):
    names = tuple("abcd"[: draw(st.integers(0, 4))])
    loss = st.integers(-(2**40), 2**40).map(lambda quanta: quanta * QUANTUM)
    return names, {frozenset(off): draw(loss) for off in subsets(names)}


def by_orders(names, losses):
    """The definition: the average, over all orders of switching off, of what each one takes away."""
    total, orders = dict.fromkeys(names, 0.0), list(permutations(names))
    for order in orders:
        for i, name in enumerate(order):
            total[name] += losses[frozenset(order[:i])] - losses[frozenset(order[: i + 1])]
    return {name: value / len(orders) for name, value in total.items()}


@given(games())
def test_shapley_shares_are_averages_over_orders_and_add_up_exactly(game) -> None:
    names, losses = game
    shares = shapley(names, losses)
    assert sum(shares.values()) == losses[frozenset()] - losses[frozenset(names)]
    for name, value in by_orders(names, losses).items():
        assert shares[name] == pytest.approx(value, abs=1.01 * QUANTUM)


def test_a_cause_that_changes_nothing_gets_nothing() -> None:
    losses = {frozenset(off): 8.0 if "a" not in off else 3.0 for off in subsets("ab")}
    assert shapley("ab", losses) == {"a": 5.0, "b": 0.0}


def test_causes_that_need_each_other_share_alike() -> None:
    losses = {frozenset(off): 0.0 for off in subsets("ab")} | {frozenset(): 10.0}
    assert shapley("ab", losses) == {"a": 5.0, "b": 5.0}


def test_the_difference_is_all_on_less_all_off() -> None:
    found = Answers({Rerun(): Outcome(5.0), Rerun(frozenset(["impact"])): Outcome(2.0)}, ("impact",))
    assert found.difference == 3.0


def test_the_leverage_of_others_is_changed_only_for_whoever_asks() -> None:
    off = Rerun(frozenset([LEVERAGE]))
    assert off not in answers(by_hand(), "B[0]", causes=("impact",)).outcomes
    asked = answers(by_hand(), "B[0]", causes=(LEVERAGE,))
    assert asked.outcomes[off].survived, "with two units instead of four A is never under margin"


GAINS = {"kind": "replay", "prices": [[100.0], [90.0], [104.0], [97.0], [108.0]]}
LATER = {
    "once": ({"kind": "noise", "deposit": 1e5}, {}),
    "in rounds": ({"kind": "distressed_seller", "units": {"X": 3.0}, "deposit": 200.0}, {"trading_rounds": 3}),
    "at a clearing price": ({"kind": "value_fund", "deposit": 500.0, "aggression": 5.0}, {"trading": "schedule"}),
}


@pytest.mark.parametrize("how", LATER)
def test_the_absent_do_not_trade_later_either_however_orders_are_taken(how) -> None:
    group, rules = LATER[how]
    crowd = {**group, "name": "N", "count": 3}
    impact = {"kind": "linear", "scale": 0.01}
    scenario = one_market(
        [holder_of(4.0, 40.0, "A"), crowd], steps=4, price=GAINS, impact=impact, fill_at="after", **rules
    )
    plain = traced(scenario)
    rows = next(group.rows for group in plain.groups if group.name == "N").tolist()
    one = traced(scenario, [rows[1]])

    def traded(model, row):
        later = (posting for posting, moment in zip(model.diary, model.diary.moment, strict=True) if moment > 0)
        return bool(sum(abs(posting.quantity[posting.holder == row]).sum() for posting in later))

    assert all(traded(plain, row) for row in rows)
    assert [traded(one, row) for row in rows] == [True, False, True]
    assert one.accounts.position[rows[1]].tolist() == [0.0]
    assert one.equity[rows[1]] == group["deposit"]
