"""What a story prints adds up as printed: each list of amounts to its total, to the cent; what was tried is told."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.causes.amounts import exact, in_cents, whole_cents
from experiments.causes.explain import Explanation, explain
from experiments.causes.remedies import shares, what_if
from experiments.causes.what_if import Answers, Outcome, Rerun
from experiments.scenarios import load
from simulation.accounts import QUANTUM
from simulation.errors import InputError
from tests.experiments.storms import branching, by_hand

AMOUNT = r"-?\$[\d,]+\.\d\d"


def cents_of(text: str) -> int:
    return round(100.0 * float(text.replace("$", "").replace(",", "")))


def section(told: Explanation, title: str) -> str:
    return told.markdown.split(f"## {title}\n")[1].split("\n## ")[0]


@pytest.fixture(scope="module")
def isolated() -> Explanation:
    return explain(load("classroom").with_(seed=4, margin={"kind": "isolated"}, steps=80), "holders[72]")


@pytest.fixture(scope="module", params=["isolated", "branching", "by hand"])
def told(request, isolated) -> Explanation:
    if request.param == "isolated":
        return isolated
    return explain(branching(3)) if request.param == "branching" else explain(by_hand(), "B[0]")


def test_the_lines_of_a_story_add_up_to_the_cent(told) -> None:
    money = section(told, "Where the money went")
    total = re.search(rf"The lines add up to ({AMOUNT}), exactly\.", money)
    lines = re.findall(rf"^- ({AMOUNT}): ", money, re.MULTILINE)
    assert total is not None
    assert sum(map(cents_of, lines)) == cents_of(total[1]) == whole_cents(told.account["loss"])
    assert 0 not in map(cents_of, lines)


def test_the_markets_of_a_line_add_up_to_it(isolated) -> None:
    lines = re.findall(rf"^- ({AMOUNT}): .*\((.*\$.*)\)$", section(isolated, "Where the money went"), re.MULTILINE)
    named = [(total, re.findall(AMOUNT, parts)) for total, parts in lines if not parts.endswith("...")]
    assert len(named) >= 2
    for total, parts in named:
        assert sum(map(cents_of, parts)) == cents_of(total)


def test_the_closings_that_owe_add_up_to_what_forced_sales_took(told) -> None:
    text = section(told, "Whose liquidations took part")
    total = re.search(rf"^Forced sales took ({AMOUNT}) from it", text.strip())
    owed = re.findall(rf"^- ({AMOUNT}) by ", text, re.MULTILINE)
    assert total is not None
    assert sum(map(cents_of, owed)) == cents_of(total[1])
    line = re.search(rf"- ({AMOUNT}): forced sales of earlier", section(told, "Where the money went"))
    assert line is not None
    assert line[1] == total[1]


def test_what_a_rerun_saves_is_the_difference_of_the_losses_shown(told) -> None:
    text = section(told, "What would have saved it")
    base = re.search(rf"As it was: .*?lost ({AMOUNT})\.", text)
    assert base is not None
    reruns = re.findall(rf"^- .*, lost ({AMOUNT}); (the same|({AMOUNT}) (less|more))$", text, re.MULTILINE)
    assert len(reruns) >= 2
    for loss, said, saved, way in reruns:
        gap = 0 if said == "the same" else cents_of(saved) * (1 if way == "less" else -1)
        assert cents_of(base[1]) - gap == cents_of(loss)


def test_every_pool_of_an_account_is_told_with_its_own_trigger(isolated) -> None:
    text = str(isolated)
    for market in ("ETH", "SOL"):
        first = isolated.seizures[isolated.seizures["market"] == market].iloc[0]
        found = re.search(rf"Its {market} pool came under margin at step (\d+) .*its equity was ({AMOUNT})", text)
        assert found is not None
        assert (int(found[1]), found[2]) == (first["step"], exact(first["equity"]))
    assert "It came under margin" not in text


def test_a_shared_pool_is_the_account(told) -> None:
    assert ("It came under margin" in str(told)) == (type(told.scenario.margin).kind != "isolated")


def test_a_story_says_what_the_storm_has_none_of(isolated) -> None:
    text = section(isolated, "What would have saved it")
    assert "this storm has none: shared collateral, a late oracle or mark, requirements that change." in text
    assert "price impact" not in text.split("has none:")[1]


def answers(base: Outcome, **others: Outcome) -> Answers:
    found = {Rerun(frozenset([name])): outcome for name, outcome in others.items()}
    return Answers({Rerun(): base, **found}, tuple(others))


def test_the_story_names_what_would_have_saved_the_account() -> None:
    saved = answers(Outcome(9.0, 3, 50.0), impact=Outcome(2.0), pooling=Outcome(9.0, 4, 10.0))
    text = "\n".join(what_if(saved, {}, ruined=False))
    assert "It would have survived without price impact." in text
    assert "brought in" not in text
    lost = answers(Outcome(9.0, 3, 50.0), impact=Outcome(9.0, 3, 40.0))
    text = "\n".join(what_if(lost, {}, ruined=True))
    assert "Nothing of this would have kept it from being closed by force." in text
    assert "That is all it had brought in" in text


def test_who_survived_needs_no_saving() -> None:
    text = "\n".join(what_if(answers(Outcome(9.0), impact=Outcome(2.0)), {}, ruined=False))
    assert "It would have survived" not in text
    assert "Nothing of this" not in text


@given(st.lists(st.integers(-(10**12), 10**12), min_size=3, max_size=3))
def test_shares_shown_add_up_to_the_difference_shown(quanta) -> None:
    base, parts = quanta[0], quanta[1:]
    off = {
        Rerun(frozenset(["impact", "pooling"])): Outcome((base - sum(parts)) * QUANTUM),
        Rerun(): Outcome(base * QUANTUM),
    }
    found = Answers(
        off, ("impact", "pooling"), dict(zip(("impact", "pooling"), (q * QUANTUM for q in parts), strict=True))
    )
    said = "\n".join(shares(found))
    shown = sum(map(cents_of, re.findall(rf"^- \w+: ({AMOUNT})$", said, re.MULTILINE)))
    assert shown == whole_cents(off[Rerun()].loss) - whole_cents(off[Rerun(frozenset(["impact", "pooling"]))].loss)


def test_one_cause_has_nobody_to_share_with() -> None:
    alone = Answers({Rerun(): Outcome(9.0), Rerun(frozenset(["impact"])): Outcome(3.0)}, ("impact",), {"impact": 6.0})
    assert list(shares(alone)) == []
    assert list(shares(Answers({Rerun(): Outcome(9.0)}, ()))) == []


def test_two_causes_are_both_and_three_are_all() -> None:
    found = {Rerun(): Outcome(9.0), Rerun(frozenset(["impact", "margin"])): Outcome(12.5)}
    said = "\n".join(shares(Answers(found, ("impact", "margin"), {"impact": -4.5, "margin": 1.0})))
    assert said.startswith("With impact and margin both switched off it would have lost $3.50 more.")
    assert "- impact: -$4.50\n- margin: $1.00" in said


def test_shares_are_named_by_what_costs_and_not_by_what_would_help() -> None:
    names = ("impact", "insurance", "leverage")
    found = {Rerun(): Outcome(9.0), Rerun(frozenset(names)): Outcome(3.0)}
    said = "\n".join(shares(Answers(found, names, {"impact": 3.0, "insurance": 2.0, "leverage": 1.0})))
    assert (
        "With impact, small insurance fund and leverage of others all switched off it would have lost $6.00 less"
        in said
    )
    assert "- small insurance fund: $2.00\n- leverage of others: $1.00" in said


@given(st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=30))
def test_cents_add_up_and_no_amount_moves_by_a_cent(quanta) -> None:
    amounts = [q * QUANTUM for q in quanta]
    cents = in_cents(amounts, whole_cents(sum(amounts)))
    assert sum(cents) == whole_cents(sum(amounts))
    assert all(abs(part - 100.0 * amount) < 1.0 for part, amount in zip(cents, amounts, strict=True))


@given(st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=9), st.integers(-20, 20))
def test_a_total_of_another_rounding_is_met_too(quanta, away) -> None:
    amounts = [q * QUANTUM for q in quanta]
    total = whole_cents(sum(amounts)) + away
    assert sum(in_cents(amounts, total)) == total


def test_cents_by_hand() -> None:
    assert in_cents([0.005, 0.005, 0.004], 1) == [1, 0, 0]
    assert in_cents([-0.014, 0.024], 1) == [-1, 2]
    assert in_cents([0.001, 0.009], 1) == [0, 1], "the largest remainder first, wherever it stands"
    assert in_cents([0.018, 0.011], 1) == [1, 0], "and the smallest last to go where too much is there"
    assert in_cents([], 0) == []


@pytest.mark.parametrize(
    ("name", "problem"),
    [("B[0]", "is the account that is explained"), ("insurance", "is part of the venue"), ("outside", "is part of")],
)
def test_only_other_traders_can_be_counted_out(name, problem) -> None:
    with pytest.raises(InputError, match=rf'^without: "{re.escape(name)}" {problem}'):
        explain(by_hand(), "B[0]", without=[name])


def test_a_cause_cannot_be_shared_with_itself() -> None:
    with pytest.raises(InputError, match=r"^causes: each must be named once$"):
        explain(by_hand(), "B[0]", causes=("impact", "impact"))


def test_an_account_left_with_something_is_not_ruined(told) -> None:
    assert told.ruined == (told.account["equity"] == 0.0 and told.account["loss"] > 0.0)
    left = replace(told, account={**told.account, "equity": 1.0})
    assert not left.ruined


@pytest.mark.parametrize(
    ("names", "said"), [(("impact", "pooling"), "neither"), (("impact", "pooling", "insurance"), "none")]
)
def test_causes_that_cost_nothing_are_said_to_in_one_sentence(names, said) -> None:
    found = {Rerun(): Outcome(9.0), Rerun(frozenset(names)): Outcome(9.0)}
    told = list(shares(Answers(found, names, dict.fromkeys(names, 0.0))))
    assert len(told) == 1
    assert "switched off it would have lost the same. Shared out fairly" in told[0]
    assert told[0].endswith(f"{said} of them cost it anything.")


def test_causes_that_cancel_are_listed_though_their_sum_is_nothing() -> None:
    found = {Rerun(): Outcome(9.0), Rerun(frozenset(["impact", "pooling"])): Outcome(9.0)}
    told = list(shares(Answers(found, ("impact", "pooling"), {"impact": -2.0, "pooling": 2.0})))
    assert told[1] == "- impact: -$2.00\n- pooling: $2.00"
