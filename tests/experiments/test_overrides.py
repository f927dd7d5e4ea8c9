"""`--set path=value`: what texts mean, where they go, and how those that make no sense are refused."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.overrides import apply, read_overrides
from experiments.toml_text import to_toml
from simulation.errors import ScenarioError

BASE = {
    "steps": 10,
    "margin": {"kind": "cross"},
    "markets": [{"name": "BTC", "price": 1.0}, {"name": "ETH", "price": 2.0, "tiers": [{"floor": 0.0}]}],
    "population": [{"kind": "holder", "count": 1}],
    "shares": [0.5, 0.25],
}


def changed(*texts):
    return apply(BASE, read_overrides(texts))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        ("0.25", 0.25),
        ("1e5", 1e5),
        ("-3", -3),
        ("true", True),
        ("false", False),
        ("portfolio", "portfolio"),
        ("student_t", "student_t"),
        ('"two words"', "two words"),
        ("[1, 2]", [1, 2]),
        ("{kind = 'none'}", {"kind": "none"}),
        ("inf", float("inf")),
        (" 7 ", 7),
    ],
)
def test_values_are_read_as_toml_and_bare_words_as_text(text, value):
    (override,) = read_overrides([f"steps={text}"])
    assert override.value == value
    assert type(override.value) is type(value)


def test_a_path_leads_through_tables_and_lists_by_name_number_or_kind():
    assert changed("margin.kind=portfolio")["margin"] == {"kind": "portfolio"}
    assert changed("markets.ETH.price=9")["markets"][1]["price"] == 9
    assert changed("markets[0].price=8")["markets"][0]["price"] == 8
    assert changed("population.holder.count=7")["population"][0]["count"] == 7
    assert changed("markets.ETH.tiers[0].floor=5.0")["markets"][1]["tiers"][0]["floor"] == 5.0


def test_a_section_that_is_not_there_is_made():
    assert changed("impact.kind=none")["impact"] == {"kind": "none"}


def test_a_plain_value_gives_way_to_a_table_and_the_check_of_the_scenario_says_what_that_breaks():
    assert changed("steps.x=1")["steps"] == {"x": 1}


def test_changes_are_made_in_order_and_the_original_stays_as_it_was():
    before = copy.deepcopy(BASE)
    assert changed("steps=3", "margin.kind=isolated")["steps"] == 3
    assert before == BASE


def test_names_are_resolved_to_numbers_so_that_problems_can_be_blamed_on_their_override():
    overrides = read_overrides(["markets.ETH.price=9"])
    apply(BASE, overrides)
    assert overrides[0].path == ("markets", 1, "price")


def test_without_overrides_a_copy_comes_back():
    same = apply(BASE, [])
    assert same == BASE
    assert same["markets"] is not BASE["markets"]


@pytest.mark.parametrize(
    "text", ["steps", "=5", "a b=5", "a..b=5", ".a=1", "a.=1", "a[=1", "a[x]=1", ".".join("abcdefghijk") + "=1"]
)
def test_what_is_not_path_equals_value_is_refused(text):
    with pytest.raises(ScenarioError, match=r"must be path=value, as in margin\.kind=portfolio"):
        read_overrides([text])


@pytest.mark.parametrize(
    "text", ["steps=", "steps=1 2", "steps=[1", 'steps="x', "steps=1\nseed=2", "steps=2025-13-01", "steps='"]
)
def test_a_value_that_toml_cannot_read_is_refused_with_what_is_allowed(text):
    with pytest.raises(ScenarioError, match="value must be"):
        read_overrides([text])


def test_a_value_too_long_or_too_deep_is_refused_before_it_is_read():
    for value in ("[" * 600 + "]" * 600, "1" * 20_000):
        with pytest.raises(ScenarioError, match="value is too long; put it into a file"):
            read_overrides([f"steps={value}"])


def test_the_same_path_twice_is_refused():
    with pytest.raises(ScenarioError, match="--set steps=4: steps is set twice"):
        read_overrides(["steps=3", "steps=4"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("markets.XRP.price=1", "no entry is called 'XRP'; known: BTC, ETH$"),
        ("markets.btc.price=1", "no entry is called 'btc'; known: BTC, ETH; did you mean 'BTC'"),
        ("markets[2].price=1", r"\[2\] is beyond the end; there are 2 entries"),
        ("shares[0].x=1", "'x' is inside a value that is not a table"),
        ("shares.two=1", "no entry is called 'two'; known: none has a name"),
    ],
)
def test_a_path_that_leads_nowhere_is_refused_with_what_there_is(text, message):
    with pytest.raises(ScenarioError, match=message):
        changed(text)


def test_every_refusal_names_the_override():
    with pytest.raises(ScenarioError) as refusal:
        changed("markets.XRP.price=1")
    assert str(refusal.value).startswith("--set markets.XRP.price=1: ")


WORDS = st.text("abcdefghij_", min_size=1, max_size=8)
VALUES = st.one_of(
    st.booleans(), st.integers(-(10**9), 10**9), st.floats(allow_nan=False), st.text("abc \"'\\é", max_size=9)
)


@given(section=WORDS, name=WORDS, value=VALUES)
def test_whatever_toml_can_write_an_override_can_set(section, name, value):
    written = to_toml({"x": value}).removeprefix("x = ").strip("\n")
    data = apply({}, read_overrides([f"{section}.{name}={written}"]))
    assert data == {section: {name: value}}


@given(st.text(max_size=40))
def test_any_text_is_an_override_or_a_refusal_and_nothing_else(text):
    try:
        apply(BASE, read_overrides([text]))
    except ScenarioError as error:
        assert len(error.problems) == 1
        assert "\n" not in error.problems[0]
