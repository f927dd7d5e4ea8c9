"""Whole stories on paper: every amount of a sentence derived from thresholds, falls and units."""

import math

import pytest

from experiments.causes.explain import explain
from experiments.causes.story import noun_of
from simulation.errors import InputError
from tests.experiments.causes.test_trigger import LEARNING
from tests.experiments.causes.test_what_the_mark_hides import LONE, SWINGS_THEN_FALL, WEAK
from tests.experiments.storms import branching, by_hand, holder_of, one_market


def story(account: str | None = None, **changes) -> list[str]:
    return str(explain(by_hand(**changes), account, causes=())).splitlines()


def test_the_story_of_the_second_link_of_a_chain() -> None:
    """B brought 2 (100 - 0.95 * 95.5) = 18.55; from 100 to 96.50 by itself, to 94.50 by A, sold at 94 on average.

    At 94.50 its equity is 18.55 - 2 * 5.5 = 7.55 against 5 % of 189; at 96.50 it had 11.55 against 9.65.
    """
    told = story("B[0]")
    assert told[2] == (
        "B[0], a book under cross margin in the storm `by-hand` (seed 1), lost $12.93: it brought in $18.55 more than "
        "it took out, and was left with $5.62."
    )
    assert told[4] == (
        "It came under margin at step 1 (0 h 01 min after the start), round 2: its equity was $7.55, its $189.00 of "
        "positions needed $9.45 (5.00 % of them). Without what earlier forced sales had done to the price it would "
        "have stood $1.90 above its requirement."
    )
    assert told[6] == "- step 1, round 2: sold 2 X ($189) at $94, mark $94.5, in the order book"
    money = told.index("WHERE THE MONEY WENT")
    assert told[money + 4 : money + 8] == [
        "- $6.93: the outside price moved against what it held (X)",
        "- $4.07: forced sales of earlier liquidations moved the price (X)",
        "- $1.00: its forced trades filled at other prices than the mark before them (X)",
        "- $0.93: liquidation penalties",
    ]
    assert (
        "Forced sales took $4.07 from it while it held its positions; this closing owes that, to the last cent:" in told
    )
    assert "- $4.07 by the closing of A[0], step 1, round 1, which closed $386" in told


def test_several_closings_owe_together() -> None:
    told = explain(branching(3), causes=())
    assert len(told.culprits) > 1
    assert f"these {len(told.culprits)} closings owe that, to the last cent:" in str(told)


def test_the_first_link_would_have_fallen_anyway() -> None:
    """A's threshold is 97; at 96.50 it has 4 * 0.95 * 0.5 = 1.90 less than it needs, whoever else is there."""
    assert "Even without any forced sale before it, it would have been $1.90 short." in story("A[0]")[4]


def test_a_few_cents_above_the_requirement_are_above_it() -> None:
    """A threshold of 96.40 leaves 2 * 0.95 * 0.1 = 0.19 at 96.50."""
    near = one_market([holder_of(4.0, 97.0, "A"), holder_of(2.0, 96.4, "B")])
    assert "it would have stood $0.19 above its requirement." in str(explain(near, "B[0]", causes=()))


def test_of_nobody_named_the_worst_of_those_closed_is_told_though_others_lost_more() -> None:
    """D holds thirty units through the fall and loses ten times as much as A, but keeps them."""
    large = one_market([holder_of(4.0, 97.0, "A"), holder_of(2.0, 95.5, "B"), holder_of(30.0, 50.0, "D")])
    told = explain(large, causes=())
    losses = told.split.accounts.set_index("account")["loss"]
    assert losses["D[0]"] > 5.0 * losses["A[0]"] > losses["A[0]"] > losses["B[0]"]
    assert told.name == "A[0]"


def test_forced_sales_and_those_that_a_risen_rule_made_are_owed_together() -> None:
    """L's sale, made by the rule alone, took $0.90 from W at the end: it is owed, whatever it is called above."""
    told = str(explain(one_market([LONE, WEAK], price=SWINGS_THEN_FALL, steps=20, margin=LEARNING), "W[0]", causes=()))
    assert "- $0.90: forced sales that only a risen margin requirement made moved the price (X)" in told
    assert "Forced sales took $0.90 from it" in told
    assert "- $0.90 by the closing of L[0], step 14, round 1, which closed $100 (only because" in told


@pytest.mark.parametrize(
    ("account", "hint"),
    [
        ("AA[0]", r"; did you mean 'A\[0\]'\?"),
        ("hodlers", "; groups: A, B, C"),
        ("C[3]", r"; C has the members C\[0\]"),
        ("C", r"; C has the members C\[0\] to C\[0\]"),
    ],
)
def test_a_misspelt_account_is_told_the_nearest_one(account: str, hint: str) -> None:
    with pytest.raises(InputError, match=rf'^account: there is no "{account[0]}.*"{hint}'):
        explain(by_hand(), account)


def test_who_stood_on_the_other_side_is_told_that_forced_sales_brought_it_money() -> None:
    """S is short of 3; the fall from 100 to 93.50 is shared by logs, from 96.50 on it was A's and B's forced sales."""
    short = {"kind": "book", "name": "S", "count": 1, "units": {"X": -3.0}, "deposit": 1000.0}
    told = str(explain(one_market([holder_of(4.0, 97.0, "A"), holder_of(2.0, 95.5, "B"), short]), "S[0]", causes=()))
    brought = 3.0 * 6.5 * math.log(96.5 / 93.5) / math.log(100.0 / 93.5)
    assert f"took -${brought:.2f} from it, which means that they brought it money, while it held its positions" in told
    assert "brought it money" not in "".join(story("B[0]"))


@pytest.mark.parametrize(
    ("kind", "noun"),
    [
        ("holder", "a holder"),
        ("arbitrageur", "an arbitrageur"),
        ("market_maker", "a market maker"),
        ("noise", "a noise trader"),
        ("momentum", "a momentum trader"),
        ("margin_constrained", "a margin constrained trader"),
    ],
)
def test_a_kind_of_trader_is_told_as_a_noun(kind: str, noun: str) -> None:
    assert noun_of(kind) == noun
