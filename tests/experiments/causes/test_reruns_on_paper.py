"""Reruns and forced trades where one wrong row, step or weight would change the answer; worked out on paper."""

from fractions import Fraction
from itertools import permutations
from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.causes.attribution import split_losses
from experiments.causes.culprits import closings_in, culprits
from experiments.causes.explain import explain
from experiments.causes.forced_trades import forced_trades
from experiments.causes.trace import Traced
from experiments.causes.what_if import CAUSES, LEVERAGE, Rerun, ask, outcome_of, shapley, subsets, variant
from simulation.accounts import QUANTUM
from simulation.scenario import Scenario
from tests.experiments.causes.test_attribution import of, traced
from tests.experiments.causes.test_forced_trades import table_of
from tests.experiments.causes.test_trigger import LEARNING, SWINGS
from tests.experiments.causes.test_what_if import TWO, answers, row_in
from tests.experiments.storms import TIER, by_hand, holder_of, one_market

LATE = {"kind": "lagged", "delay_steps": 2, "deviation_rate": 0.1}
RICH = {
    "oracle": LATE,
    "mark": {"kind": "smoothed"},
    "margin": {"kind": "value_at_risk", "update": {"kind": "ewma"}},
    "insurance_fund": 5.0,
    "insurance_funds": {"X": 7.0},
    "insurance": {"step_limit": 3.0},
}


def rich() -> Scenario:
    """A scenario that has every cause, in random prices."""
    data = Scenario.from_dict(TWO | {"price": {"kind": "gbm", "correlation": 0.3}, "steps": 6}).to_dict()
    data["population"].append({"kind": "noise", "count": 4})
    return Scenario.from_dict(data | RICH | {"impact": {"kind": "linear", "scale": 0.5}, "reuse_share": 0.3})


# What is switched off -----------------------------------------------------------------------------------------


def test_every_cause_changes_its_own_fields_and_no_others() -> None:
    plain = rich()
    one = {name: variant(plain, frozenset([name])).to_dict() for name in CAUSES}
    changed = {name: {key for key, value in plain.to_dict().items() if one[name].get(key) != value} for name in CAUSES}
    assert changed == {
        "impact": {"impact"},
        "pooling": {"margin", "reuse_share"},
        "delay": {"oracle", "mark"},
        "insurance": {"insurance_fund", "insurance_funds", "insurance"},
        "margin": {"margin"},
        LEVERAGE: set(),
    }
    assert one["insurance"]["insurance_fund"] == 5.0 + sum(market.depth for market in plain.markets)
    assert variant(plain, frozenset(["pooling"])).reuse_share == 0.0
    prompt = variant(plain, frozenset(["delay"]))
    assert prompt.oracle.model_dump()["delay_steps"] == prompt.oracle.model_dump()["deviation_rate"] == 0
    assert type(prompt.mark).kind == "mid"


def test_several_causes_are_off_together() -> None:
    both = variant(rich(), frozenset(["impact", "insurance", "delay"]))
    for name in ("impact", "insurance", "delay"):
        single = variant(rich(), frozenset([name]))
        for key in {"impact": ["impact"], "insurance": ["insurance_fund"], "delay": ["oracle", "mark"]}[name]:
            assert getattr(both, key) == getattr(single, key)


@pytest.mark.parametrize("off", [[name] for name in CAUSES] + [list(CAUSES)])
def test_the_storm_of_every_rerun_is_that_of_the_run(off: list[str]) -> None:
    plain, index = traced(rich()), []
    for model in (plain, traced(variant(rich(), frozenset(off))), traced(rich(), absent=[int(plain.traders[0])])):
        assert model.streams.digest() == plain.streams.digest()
        index.append(model.market.history["index"])
    assert (index[0] == index[1]).all() and (index[0] == index[2]).all()


# Who is counted out, and until when ---------------------------------------------------------------------------


def test_liquidators_are_not_among_the_others_whose_leverage_is_halved() -> None:
    """Z comes last, behind two liquidators without means: half of Z sells nothing, and C loses the shock alone."""
    people = [holder_of(1.0, 90.0, "C"), holder_of(2.0, 95.5, "D"), holder_of(4.0, 97.0, "Z")]
    keepers = [{"name": "keeper", "count": 2, "capital": 1.0}]
    scenario = one_market(people, liquidators=keepers)
    half = answers(scenario, "C[0]", (LEVERAGE,)).outcomes[Rerun(frozenset([LEVERAGE]))]
    assert half.loss == pytest.approx(3.5, abs=QUANTUM)
    assert answers(scenario, "C[0]", ()).outcomes[Rerun()].loss == pytest.approx(6.5, abs=2 * QUANTUM)


def test_what_is_left_after_a_liquidation_can_still_be_charged_for_others() -> None:
    """A is sold in step 1 and keeps cash; in step 3 D leaves a loss that all equity shares, A's cash included."""
    shocks = [{"step": 1, "size": -0.035}, {"step": 3, "size": -0.4}]
    people = [holder_of(4.0, 97.0, "A"), holder_of(6.0, 80.0, "D"), {**holder_of(1.0, 1.0, "idle"), "units": {}}]
    changes = {"price": {"kind": "scripted", "shocks": shocks}, "impact": {"kind": "none"}, "steps": 5}
    scenario = one_market(people, deleveraging={"kind": "off"}, **changes)
    row, known = row_in(scenario, "A[0]")
    charged = of(split_losses(traced(scenario)), "A[0]")["socialised"]
    assert charged > 1.0
    found = ask(scenario, row, known, (), [row_in(scenario, "D[0]")[0]]).outcomes[Rerun(absent=(row + 1,))]
    assert found.loss == pytest.approx(known.loss - charged, abs=4 * QUANTUM)
    # Counting out somebody who holds nothing takes his share of the cash out of nothing: the rerun is the run.
    other = row_in(scenario, "idle[0]")[0]
    assert ask(scenario, row, known, (), [other]).outcomes[Rerun(absent=(other,))] == known


def test_money_brought_in_later_counts_as_brought_in() -> None:
    """T tops up twice what it is short of; what it lost is the fall of the price, not its first deposit."""
    holder = {"kind": "holder", "name": "T", "count": 1, "deposit": 100.0, "leverage": 8.0, "long_share": 1.0}
    slow = {"kind": "scripted", "shocks": [{"step": k, "size": -0.03} for k in (1, 2, 3, 4, 5)]}
    scenario = one_market([{**holder, "reserve": 500.0, "top_up_health": 1.5}], price=slow, steps=5)
    model = traced(scenario)
    assert any(posting.reason == "top up" for posting in model.diary)
    row = int(model.traders[0])
    found, told = outcome_of(model, row), of(split_losses(model), "T[0]")
    assert found.loss == told["loss"]
    assert told["brought"] > 100.0
    units = 8.0
    assert found.survived and found.loss == pytest.approx(units * 100.0 * (1.0 - 0.97**5), abs=0.01)


def test_an_account_dies_once_at_its_first_forced_trade() -> None:
    half = {"kind": "fraction", "share": 0.5, "minimum_notional": 0.0, "penalty_rate": 0.0}
    shocks = [{"step": 1, "size": -0.035}, {"step": 2, "size": 90.0 / 96.5 - 1.0}]
    changes = {"price": {"kind": "scripted", "shocks": shocks}, "impact": {"kind": "none"}, "liquidation": half}
    model = traced(one_market([holder_of(4.0, 97.0, "A")], rounds_per_step=1, **changes))
    found = outcome_of(model, int(model.traders[0]))
    assert model.events["step"].nunique() > 1
    assert found.died == 1
    assert found.closed == pytest.approx(float(model.events["notional"].sum()))


# Shares -------------------------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(st.lists(st.integers(-50, 50), min_size=8, max_size=8))
def test_left_over_quanta_go_to_the_largest_remainders(worth: list[int]) -> None:
    names = ("a", "b", "c")
    losses = {frozenset(off): QUANTUM * value for off, value in zip(subsets(names), worth, strict=True)}
    exact = dict.fromkeys(names, Fraction(0))
    for order in permutations(names):
        off: frozenset[str] = frozenset()
        for name in order:
            exact[name] += Fraction(round((losses[off] - losses[off | {name}]) / QUANTUM), factorial(3))
            off |= {name}
    found = {name: Fraction(round(dollars / QUANTUM)) for name, dollars in shapley(names, losses).items()}
    up = {name: found[name] - exact[name] // 1 for name in names}
    assert set(up.values()) <= {0, 1}
    assert sum(found.values()) == round((losses[frozenset()] - losses[frozenset(names)]) / QUANTUM)
    rest = {name: exact[name] % 1 for name in names}
    assert max((rest[n] for n in names if not up[n]), default=0) <= min((rest[n] for n in names if up[n]), default=1)


# Forced trades ------------------------------------------------------------------------------------------------


def test_two_pools_closed_at_once_pay_two_penalties() -> None:
    """Isolated: X is sold for 372 dollars and Y for 744 in one round; each trade bears half a per cent of its own."""
    two = [{"name": name, "price": 100.0, "tiers": [TIER]} for name in "XY"]
    pair = {"kind": "book", "name": "E", "count": 1, "units": {"X": 4.0, "Y": 8.0}, "deposit": 120.0}
    changes = {"markets": two, "margin": {"kind": "isolated"}, "impact": {"kind": "none"}}
    fall = {"kind": "scripted", "shocks": [{"step": 1, "size": -0.07}]}
    table, split = table_of(one_market([pair], price=fall, **changes))
    assert table["notional"].tolist() == pytest.approx([4 * 93.0, 8 * 93.0])
    assert table["penalty"].tolist() == pytest.approx([0.005 * 372.0, 0.005 * 744.0], abs=2 * QUANTUM)
    assert table["penalty"].sum() == of(split, "E[0]")["penalty"]


def test_funding_before_the_last_change_of_a_position_is_no_part_of_a_later_close() -> None:
    """Two units pay 5 cents each in step 2; half is closed in step 3; one pays again in step 4 and closes in step 5."""
    dear = {"kind": "premium", "interval_steps": 2, "interest_rate": 0.01, "cap_rate": 0.1}
    shocks = [{"step": 3, "size": -0.035}, {"step": 5, "size": -0.06}]
    half = {"kind": "fraction", "share": 0.5, "minimum_notional": 0.0, "penalty_rate": 0.0}
    changes = {"price": {"kind": "scripted", "shocks": shocks}, "impact": {"kind": "none"}, "funding": dear}
    table, split = table_of(one_market([holder_of(2.0, 97.0, "A")], liquidation=half, steps=5, **changes))
    first, second = table.iloc[0], table.iloc[1]
    assert (first["step"], second["step"]) == (3, 5)
    paid = 0.0005 * np.array([200.0, 96.5])
    assert of(split, "A[0]")["funding"] == pytest.approx(paid.sum(), abs=4 * QUANTUM)
    assert first["funding"] == pytest.approx(0.5 * paid[0], abs=4 * QUANTUM)
    closed = second["notional"] / (96.5 * 0.94)
    assert second["funding"] == pytest.approx(closed * paid[1], abs=4 * QUANTUM)


def test_a_pool_can_owe_to_itself_but_is_not_counted_out_for_it() -> None:
    """A sells two units, which lowers the price of the two it keeps; nobody else sold, so nobody is counted out."""
    half = {"kind": "fraction", "share": 0.5, "minimum_notional": 0.0, "penalty_rate": 0.0}
    scenario = one_market([holder_of(4.0, 97.0, "A"), holder_of(1.0, 60.0, "C")], liquidation=half, rounds_per_step=1)
    model = traced(scenario)
    split = split_losses(model)
    own = culprits(model, split, closings_in(model), int(of(split, "A[0]")["row"]))
    assert own["account"].tolist() == ["A[0]"]
    assert own["dollars"].sum() > 0.0
    told = explain(scenario, "A[0]", causes=())
    assert not told.others
    assert explain(scenario, "C[0]", causes=()).others == {int(of(split, "A[0]")["row"]): "A[0]"}


@pytest.mark.parametrize(("share", "raised"), [(0.99, False), (1.01, True)])
def test_the_rule_is_to_blame_from_the_dollar_on_that_met_its_first_requirement(share: float, raised: bool) -> None:
    """The opening's rule asks .2567 dollars of a unit at 100; the rule that saw the price swing asks more."""
    scenario = one_market([_swung(4.0)], price=SWINGS, steps=19, margin=LEARNING)
    needed = float(split_losses(traced(scenario)).needed[0])
    model = traced(scenario.with_(population=[_swung(share * needed)]))
    split, log = split_losses(model), model.exchange.desk.log.events
    assert split.needed[0] == pytest.approx(needed)
    assert log.equity[0] == pytest.approx(share * needed, rel=1e-3)
    assert log.maintenance[0] > log.equity[0]
    assert split.raised.tolist() == [raised]


def _swung(deposit: float) -> dict[str, object]:
    return {"kind": "book", "name": "L", "count": 1, "units": {"X": 1.0}, "deposit": deposit}


def test_tracing_keeps_the_split_of_the_plain_run_of_the_hand_worked_case() -> None:
    model = Traced(by_hand())
    model.run()
    trades = forced_trades(model, split_losses(model))
    assert trades["account"].tolist() == ["A[0]", "B[0]"]
    assert trades["loss"].sum() == pytest.approx(14.0 + 4.0 + 0.005 * 378.0 + 11.0 + 1.0 + 0.005 * 187.0, abs=1e-2)
