"""The switchboard on storms worked out on paper: who is on, who is off, and how sure it is."""

import math
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t as student

from experiments.loops.loops import Switchboard, loops
from experiments.loops.switches import LOOPS, Loop, present, without
from simulation.errors import InputError
from simulation.scenario import Scenario
from tests.experiments.storms import by_hand

NAMES = ("impact", "margin", "withdrawal")


@pytest.fixture(scope="module")
def chain() -> Switchboard:
    """Without impact A alone is closed, 4 at 96.50; with it B as well, 2 at 94.50."""
    return loops(by_hand(), ("impact",), (1, 2), workers=1)


def test_row_nothing_is_the_run_without_the_loops_and_the_last_row_the_run_as_it_is(chain: Switchboard) -> None:
    assert chain.outcome("liquidated_notional", []) == pytest.approx([386.0, 386.0])
    assert chain.outcome("liquidated_notional", ["impact"]) == pytest.approx([575.0, 575.0])
    assert chain.outcome("price_amplification", []) == pytest.approx([1.0, 1.0])
    assert chain.outcome("price_amplification", ["impact"]) == pytest.approx([6.5 / 3.5] * 2)
    found = chain.single("liquidated_notional", "impact")
    assert (found.value, found.low, found.high) == pytest.approx((189.0, 189.0, 189.0))
    table = chain.table().set_index(["loops", "seed"])
    assert table.loc[("impact", "2"), "liquidated_notional"] == pytest.approx(575.0)
    assert table.loc[("", "1"), "liquidated_notional"] == pytest.approx(386.0)


def test_a_switch_that_changes_the_storm_is_refused() -> None:
    LOOPS["weather"] = Loop("weather", "another storm", lambda scenario: {"steps": scenario.steps - 1})
    random = by_hand(price={"kind": "gbm"}, steps=4)
    try:
        with pytest.raises(InputError, match="different storms"):
            loops(random, ("weather",), (1, 2), workers=1)
    finally:
        del LOOPS["weather"]
    assert len(loops(random, ("impact",), (1, 2), workers=1).seeds) == 2


@pytest.fixture(scope="module")
def board() -> Switchboard:
    rng = np.random.default_rng(8)
    return Switchboard(NAMES, tuple(range(6)), {"bad_debt": rng.uniform(0.0, 9.0, (8, 6))})


def by_student(values: np.ndarray) -> tuple[float, float, float]:
    """Mean and 95 % interval of a few paired differences."""
    half = float(student.ppf(0.975, len(values) - 1) * values.std(ddof=1) / math.sqrt(len(values)))
    return float(values.mean()), float(values.mean()) - half, float(values.mean()) + half


def inclusion_exclusion(rows: np.ndarray, on: int) -> np.ndarray:
    """The Moebius term as it is defined: sum over the subsets T of S of (-1) ** (|S| - |T|) y(T)."""
    bits = [1 << place for place in range(len(NAMES)) if on >> place & 1]
    total = np.zeros(rows.shape[1])
    for size in range(len(bits) + 1):
        for chosen in combinations(bits, size):
            total += (-1.0) ** (len(bits) - size) * rows[sum(chosen)]
    return total


def test_effects_and_their_intervals_are_paired_storm_by_storm(board: Switchboard) -> None:
    rows = board.outcomes["bad_debt"]
    several = rows[7] - rows[0] - sum(rows[1 << place] - rows[0] for place in range(3))
    expected = {"together": rows[7] - rows[0], "super_additive": several}
    for name, values in expected.items():
        found = getattr(board, name)("bad_debt")
        assert (found.value, found.low, found.high) == pytest.approx(by_student(values), rel=1e-9)
    for place, name in enumerate(NAMES):
        found = board.single("bad_debt", name)
        assert (found.value, found.low, found.high) == pytest.approx(by_student(rows[1 << place] - rows[0]), rel=1e-9)


def test_shapley_shares_weigh_sets_by_their_size(board: Switchboard) -> None:
    # Of three loops, a loop comes first in two orders of six, last in two, after either single other in one.
    rows = board.outcomes["bad_debt"]
    share = (2 * (rows[1] - rows[0]) + 2 * (rows[7] - rows[6]) + (rows[3] - rows[2]) + (rows[5] - rows[4])) / 6.0
    found = board.shapley("bad_debt", "impact")
    assert (found.value, found.low, found.high) == pytest.approx(by_student(share), rel=1e-9)


def test_moebius_terms_are_sums_with_alternating_signs_and_have_their_own_intervals(board: Switchboard) -> None:
    table = board.moebius("bad_debt").set_index("loops")
    for on in range(8):
        name = " ".join(one for place, one in enumerate(NAMES) if on >> place & 1)
        expected = by_student(inclusion_exclusion(board.outcomes["bad_debt"], on))
        assert table.loc[name, ["term", "low", "high"]].tolist() == pytest.approx(list(expected), rel=1e-9)
        assert table.loc[name, "size"] == bin(on).count("1")


@given(st.floats(-5.0, 5.0), st.floats(0.01, 5.0))
def test_a_verdict_needs_an_interval_on_one_side_of_zero(middle: float, spread: float) -> None:
    extra = middle + spread * np.array([-1.0, 0.0, 1.0])
    board = Switchboard(
        ("impact", "margin"), (1, 2, 3), {"bad_debt": np.array([0 * extra, 0 * extra, 0 * extra, extra])}
    )
    _, low, high = by_student(extra)
    told = board.verdict("bad_debt")
    assert ("more" in told.split()[0]) == (low > 0.0)
    assert ("less" in told.split()[0]) == (high < 0.0)
    assert ("contains 0" in told) == (low <= 0.0 <= high)


def test_bad_debt_that_is_undefined_in_one_storm_is_undefined_and_amplification_goes_on_without_it() -> None:
    rows = np.array([[1.0, np.nan, 1.0], [2.0, 2.0, 4.0]])
    both = Switchboard(("impact",), (1, 2, 3), {"bad_debt": rows, "price_amplification": rows})
    assert not both.single("bad_debt", "impact").defined
    assert both.single("bad_debt", "impact").reason
    assert both.single("price_amplification", "impact").value == 2.0
    table = both.effects().set_index(["metric", "part"])
    assert np.isnan(table.loc[("bad_debt", "single"), "value"])
    assert table.loc[("price_amplification", "single"), ["value", "storms"]].tolist() == [2.0, 2]
    assert both.verdict("bad_debt").startswith("not known")


def test_every_switch_leaves_nothing_of_its_loop_and_everything_of_the_others() -> None:
    full = by_hand(
        margin={"kind": "value_at_risk", "update": {"kind": "ewma"}, "correlation_decay": 0.9},
        deleveraging={"kind": "pro_rata"},
        depth={"elasticity": 0.7},
        reuse_share=0.3,
    )
    assert present(full) == ("impact", "margin", "withdrawal", "deleveraging", "releveraging")
    for name in present(full):
        rest = without(full, [name])
        assert set(present(rest)) == set(present(full)) - {name}
        assert rest.seed == full.seed and rest.price == full.price
    margin = without(full, ["margin"]).margin.model_dump(mode="json")
    assert margin["update"] == {"kind": "fixed"} and margin["correlation_decay"] == 1.0
    assert without(full, ["releveraging"]).reuse_share == 0.0
    assert without(full, ["withdrawal"]).depth.elasticity == 0.0
    assert without(full, ["deleveraging"]).deleveraging.model_dump()["kind"] == "off"
    assert present(without(full, present(full))) == ()


def test_a_rule_that_only_learns_correlations_is_a_margin_loop_too() -> None:
    learning = by_hand(margin={"kind": "value_at_risk", "correlation_decay": 0.9})
    assert "margin" in present(learning)
    assert "margin" not in present(by_hand(margin={"kind": "value_at_risk"}))


def test_frozen_tokens_are_worth_as_many_dollars_of_cash() -> None:
    data = by_hand().to_dict()
    data["markets"].append({"name": "COIN", "instrument": {"kind": "spot", "underlying": "X"}})
    data["population"][0] |= {"collateral": {"COIN": 50.0}, "deposit": 31.4}
    frozen = without(Scenario.from_dict(data), ["collateral"]).population
    assert frozen[0].deposit == pytest.approx(81.4)
    assert not frozen[0].collateral
    assert [group.deposit for group in frozen[1:]] == [group.deposit for group in by_hand().population[1:]]


def test_outcomes_are_read_by_the_bits_of_the_names(board: Switchboard) -> None:
    rows = board.outcomes["bad_debt"]
    assert (board.outcome("bad_debt", ("withdrawal", "impact")) == rows[0b101]).all()
    turned = replace(board, names=NAMES[::-1])
    assert (turned.outcome("bad_debt", ("withdrawal",)) == rows[0b001]).all()
