"""The loop switchboard: shares that add up, loops that vanish when they are off, and what only exists together."""

import dataclasses
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.cli import execute
from experiments.loops.folder import interactions_picture, loops_picture, save_loops
from experiments.loops.loops import METRICS, Switchboard, loops
from experiments.loops.switches import LOOPS, chosen_loops, present, without
from experiments.scenarios import load
from simulation.errors import InputError
from simulation.scenario import Scenario

NAMES = ("impact", "margin", "withdrawal")
boards = st.lists(st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=3), min_size=8, max_size=8).map(
    lambda rows: Switchboard(NAMES, (1, 2, 3), {"bad_debt": np.array(rows)})
)


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return load("loops")


@pytest.fixture(scope="module")
def board(scenario: Scenario) -> Switchboard:
    return loops(scenario, ("impact", "margin", "withdrawal"), (1, 2), workers=1)


# Sums -----------------------------------------------------------------------------------------------------------


@given(boards)
def test_shapley_shares_add_up_to_the_effect_of_all_loops(board: Switchboard) -> None:
    shares = sum(board.shapley("bad_debt", name).value for name in NAMES)
    assert shares == pytest.approx(board.together("bad_debt").value, abs=1e-6)


@given(boards)
def test_single_effects_and_the_super_additive_part_add_up_to_the_effect_of_all(board: Switchboard) -> None:
    singles = sum(board.single("bad_debt", name).value for name in NAMES)
    whole = singles + board.super_additive("bad_debt").value
    assert whole == pytest.approx(board.together("bad_debt").value, abs=1e-6)


@given(boards)
def test_a_shapley_share_is_the_mean_effect_over_all_orders(board: Switchboard) -> None:
    orders = list(permutations(NAMES))
    effects = []
    for order in orders:
        before = order[: order.index("margin")]
        effects.append(board.outcome("bad_debt", (*before, "margin")) - board.outcome("bad_debt", before))
    assert board.shapley("bad_debt", "margin").value == pytest.approx(np.mean(effects), abs=1e-6)


@given(boards)
def test_moebius_terms_of_the_subsets_of_a_set_add_up_to_its_outcome(board: Switchboard) -> None:
    found = board.moebius("bad_debt")
    terms = dict(zip(found["loops"], found["term"], strict=True))
    within = terms["impact"] + terms["withdrawal"] + terms["impact withdrawal"] + terms[""]
    assert within == pytest.approx(board.outcome("bad_debt", ("impact", "withdrawal")).mean(), abs=1e-6)
    assert sum(terms.values()) == pytest.approx(board.outcome("bad_debt", NAMES).mean(), abs=1e-6)


def test_loops_that_multiply_are_super_additive_by_hand() -> None:
    # Two loops that double and treble 1: alone +1 and +2, together 6 - 1 = +5, so 2 exist only together.
    board = Switchboard(("impact", "margin"), (1, 2), {"bad_debt": np.array([[1.0, 1], [2, 2], [3, 3], [6, 6]])})
    assert board.single("bad_debt", "impact").value == 1.0
    assert board.single("bad_debt", "margin").value == 2.0
    assert board.super_additive("bad_debt").value == 2.0
    assert board.shapley("bad_debt", "impact").value == 2.0
    assert board.moebius("bad_debt")["term"].tolist() == [1.0, 1.0, 2.0, 2.0]


def test_loops_that_add_have_nothing_that_exists_only_together() -> None:
    board = Switchboard(("impact", "margin"), (1, 2), {"bad_debt": np.array([[1.0, 0], [2, 3], [5, 1], [6, 4]])})
    assert board.super_additive("bad_debt").value == 0.0


def test_an_undefined_amplification_leaves_that_storm_out_and_says_so() -> None:
    rows = np.array([[1.0, np.nan, 1.0], [2.0, np.nan, 4.0]])
    found = Switchboard(("impact",), (1, 2, 3), {"price_amplification": rows}).together("price_amplification")
    assert found.value == 2.0
    assert "2 of 3" in found.method


@pytest.mark.parametrize(
    ("all_on", "told"),
    [
        ([6.0, 6.1, 6.2, 6.1], "more together than the sum"),
        ([2.0, 2.1, 2.2, 2.1], "less together than the sum"),
        ([6.0, 1.0, 2.0, 5.0], "the interval contains 0"),
        ([6.0], "not known"),
    ],
)
def test_what_only_exists_together_is_told_with_its_doubt(all_on: list[float], told: str) -> None:
    storms = len(all_on)
    rows = np.array([[1.0] * storms, [2.0] * storms, [3.0] * storms, all_on])
    board = Switchboard(("impact", "margin"), tuple(range(storms)), {"bad_debt": rows})
    assert told in board.verdict("bad_debt")
    assert told in str(board)


@given(boards)
def test_moebius_terms_lie_in_their_intervals_and_those_of_all_loops_differ_from_the_sum(board: Switchboard) -> None:
    found = board.moebius("bad_debt")
    within = (found["low"] <= found["term"]) & (found["term"] <= found["high"])
    assert (within | found["low"].isna()).all()
    several = found["term"][found["size"] > 1].sum()
    assert several == pytest.approx(board.super_additive("bad_debt").value, abs=1e-6)


# Switches -------------------------------------------------------------------------------------------------------


def test_the_preset_has_all_six_loops(scenario: Scenario) -> None:
    assert present(scenario) == tuple(LOOPS)


@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_switched_off_is_no_longer_there_and_the_others_are(scenario: Scenario, name: str) -> None:
    assert present(without(scenario, [name])) == tuple(other for other in LOOPS if other != name)


def test_a_loop_that_a_scenario_lacks_changes_nothing(scenario: Scenario) -> None:
    bare = without(scenario, tuple(LOOPS))
    assert present(bare) == ()
    assert without(bare, tuple(LOOPS)) == bare


def test_frozen_collateral_is_cash_of_the_same_worth(scenario: Scenario) -> None:
    before = {group.name: group for group in scenario.population}["coin-holders"]
    after = {group.name: group for group in without(scenario, ["collateral"]).population}["coin-holders"]
    assert after.collateral == {}
    assert after.deposit == before.collateral["COIN"]


def test_collateral_that_is_drawn_cannot_be_frozen(scenario: Scenario) -> None:
    data = scenario.to_dict()
    next(g for g in data["population"] if g["name"] == "coin-holders")["collateral"] = {
        "COIN": {"kind": "uniform", "low": 1.0, "high": 2.0}
    }
    with pytest.raises(InputError, match=r"coin-holders.collateral: must be plain numbers"):
        without(Scenario.from_dict(data), ["collateral"])


# Runs -----------------------------------------------------------------------------------------------------------


def test_without_any_loop_prices_follow_the_index(scenario: Scenario) -> None:
    found = loops(scenario, ("impact",), (1, 2), workers=1)
    bare = loops(without(scenario, tuple(LOOPS)), ("impact",), (1, 2), workers=1)
    assert bare.outcome("price_amplification", []) == pytest.approx(1.0)
    assert (found.outcome("price_amplification", ["impact"]) > 1.0).all()


def test_a_loop_that_is_off_everywhere_has_no_effect(scenario: Scenario) -> None:
    off = loops(without(scenario, ["margin"]), ("margin",), (1, 2), workers=1)
    for metric in METRICS:
        assert off.together(metric).value == 0.0


def test_liquidity_withdrawal_does_nothing_without_impact(board: Switchboard) -> None:
    for metric in METRICS:
        assert board.single(metric, "withdrawal").value == 0.0


def test_impact_and_rising_margins_force_more_together_than_each_alone(board: Switchboard) -> None:
    assert board.super_additive("liquidated_notional").value > 0.0


def test_results_do_not_depend_on_the_number_of_workers(scenario: Scenario) -> None:
    one, two = (loops(scenario, ("impact",), (1, 2), workers) for workers in (1, 2))
    assert one.table().equals(two.table())


def test_the_loops_a_scenario_has_are_switched_if_none_are_named(scenario: Scenario) -> None:
    few = without(scenario, ["margin", "withdrawal", "deleveraging", "releveraging", "collateral"])
    assert chosen_loops(few) == ("impact",)
    assert loops(few, seeds=(1, 2), workers=1).names == ("impact",)
    assert chosen_loops(scenario) == tuple(LOOPS)
    assert chosen_loops(few, ["margin"]) == ("margin",)


def test_a_scenario_without_loops_is_refused_at_once(scenario: Scenario) -> None:
    with pytest.raises(InputError, match=r"loops: loops has none to switch; must have one of impact, "):
        loops(without(scenario, tuple(LOOPS)))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nowhere"], "nowhere"),
        (["loops", "--loop", "imact"], "did you mean 'impact'?"),
        (["loops", "--seeds", "0"], "--seeds: must be 1 to"),
        (["loops", "--loop", "impact", "--loop", "impact"], "each must be named once"),
    ],
)
def test_bad_input_is_one_line(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["loops", *words]) == 2
    shown = capsys.readouterr().err
    assert told in shown
    assert shown.count("\n") == 1


@pytest.mark.parametrize(("names", "seeds"), [(("x",), (1,)), (("impact", "impact"), (1,)), ((), ()), ((), (1, 1))])
def test_unknown_loops_and_storms_twice_are_refused(
    scenario: Scenario, names: tuple[str, ...], seeds: tuple[int, ...]
) -> None:
    with pytest.raises(InputError):
        loops(scenario, names, seeds, workers=1)


# What is left behind --------------------------------------------------------------------------------------------


def test_the_text_tells_each_loop_and_what_exists_only_together(board: Switchboard) -> None:
    assert "3 loops, 8 subsets, 2 storms" in str(board)
    assert str(board).count("only together") == len(METRICS)


def test_the_folder_holds_effects_outcomes_and_interactions(board: Switchboard, scenario: Scenario, tmp_path) -> None:
    out = save_loops(board, scenario, tmp_path / "out")
    stems = {path.stem for path in out.iterdir()}
    assert {"loops", "interactions", "effects", "outcomes", "interactions_bad_debt", "scenario"} <= stems
    assert (out / "loops.txt").read_text() == f"{board}\n"
    assert len(board.table()) == 16
    assert set(board.effects()["part"]) == {"single", "shapley", "together", "super-additive"}


def test_a_picture_says_undefined_where_there_is_no_value(board: Switchboard) -> None:
    nothing = dataclasses.replace(board, outcomes={"bad_debt": np.full((8, 2), np.nan)})
    for picture in (loops_picture(nothing), interactions_picture(nothing)):
        assert picture.png.startswith(b"\x89PNG")


def test_pictures_are_drawn_the_same_twice(board: Switchboard) -> None:
    for draw in (loops_picture, interactions_picture):
        assert draw(board).png == draw(board).png
