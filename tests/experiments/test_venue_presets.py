"""Venue presets: every number has a source, every venue runs and compares, and words are told apart."""

import pytest

from experiments.arms import Plan
from experiments.compare import compare
from experiments.run import run
from experiments.scenarios import load
from experiments.venue_presets import TAKEN, VenuePreset, named, venue_names, venue_preset
from experiments.venue_table import BOOKS, requirements, venue_details, venue_table
from simulation.errors import InputError
from simulation.scenario import Scenario

EACH = pytest.mark.parametrize("name", venue_names())


@EACH
def test_every_number_of_a_venue_says_where_it_comes_from(name: str) -> None:
    venue = venue_preset(name)
    assert [path for path, _ in venue.numbers() if not venue.source_path(path)] == []


@EACH
def test_every_source_is_of_something_in_the_preset(name: str) -> None:
    venue = venue_preset(name)
    used = {venue.source_path(path) for path, _ in venue.numbers()}
    assert used == set(venue.sources), "a source of nothing, or of a table whose numbers all have sources of their own"


@EACH
def test_a_venue_decides_rules_and_leaves_the_storm_and_the_people_alone(name: str) -> None:
    before = load("classroom")
    after = venue_preset(name).on(before)
    same = set(Scenario.model_fields) - set(TAKEN) - {"markets"}
    assert {field for field in same if getattr(before, field) != getattr(after, field)} == set()
    assert [market.name for market in after.markets] == [market.name for market in before.markets]
    assert set(venue_preset(name).rules) <= set(TAKEN)


@EACH
def test_a_venue_runs_on_the_classroom_and_loses_nothing(name: str) -> None:
    result = run(load(name))
    assert result.scenario.margin.kind == venue_preset(name).rules["margin"]["kind"]


@EACH
def test_a_venue_says_when_its_numbers_held_and_what_is_left_out(name: str) -> None:
    venue = venue_preset(name)
    assert venue.date[:2] == "20"
    assert len(venue.about) > 40
    assert venue.left_out, "no preset is the whole venue"
    text = venue_details(name)
    assert all(len(line) <= 110 for line in text.splitlines())
    assert all(left.split()[0] in text for left in venue.left_out)


@EACH
def test_maintenance_never_exceeds_initial_margin_and_both_are_sane(name: str) -> None:
    for book, (initial, maintenance) in requirements(venue_preset(name)).items():
        assert 0.0 < maintenance <= initial * (1 + 1e-9), book
        assert initial <= 1.5, book


def test_the_table_names_every_venue_and_every_book() -> None:
    text = venue_table()
    assert all(name in text for name in venue_names())
    assert all(book in text for book in BOOKS)
    assert max(map(len, text.splitlines())) <= 110


def test_two_venues_are_compared_on_the_same_storms() -> None:
    regimes = ("isolated", *dict.fromkeys((venue_names()[0], venue_names()[-1])))
    result = compare(load("classroom"), seeds=2, workers=1, designs=("equal positions",), regimes=regimes)
    assert set(result.runs["regime"]) == set(regimes)
    assert len(set(result.digests.values())) == 2
    assert all(regime in str(result) for regime in regimes)


def test_without_isolated_margin_the_first_regime_is_the_reference() -> None:
    assert Plan(("cross", "portfolio")).reference == "cross"
    assert Plan(("cross", "isolated")).reference == "isolated"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ([], ("classroom", ())),
        (["venue"], ("venue", ())),
        (["dydx"], ("classroom", ("isolated", "dydx"))),
        (["venue", "cross", "portfolio"], ("venue", ("cross", "portfolio"))),
        (["isolated", "my.toml", "cross"], ("my.toml", ("isolated", "cross"))),
    ],
)
def test_words_are_told_apart(words: list[str], found: tuple[str, tuple[str, ...]]) -> None:
    assert named(words, "classroom") == found


def test_a_second_scenario_is_refused_with_what_is_allowed() -> None:
    with pytest.raises(InputError, match=r"one scenario; regimes are .* did you mean 'dydx'"):
        named(["classroom", "dydxx"], "classroom")


def test_an_unknown_venue_is_refused_by_name() -> None:
    with pytest.raises(InputError, match=r'venue: must be one of .* \(got "dydxx"\); did you mean'):
        venue_preset("dydxx")


def test_the_source_of_a_number_is_its_own_or_that_of_the_nearest_table() -> None:
    sources = {"margin": "m", "margin.markets.BTC": "b", "tiers": "t"}
    rules = {"margin": {"default": {"rate": 0.1}, "markets": {"BTC": {"rate": 0.2}}}, "fees": {"taker_rate": 0.1}}
    venue = VenuePreset("x", "X", "2025", "", (), sources, rules, {"default": [{"floor": 0.0}]})
    assert {path: venue.source_path(path) for path, _ in venue.numbers()} == {
        "margin.default.rate": "margin",
        "margin.markets.BTC.rate": "margin.markets.BTC",
        "fees.taker_rate": "",
        "tiers.default.floor": "tiers",
    }
