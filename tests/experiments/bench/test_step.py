"""The benchmark: the same venue at every size, its table, and its last line."""

import json
import math
import re

import numpy as np
import pytest

from experiments.bench import step
from experiments.bench.step import (
    HEADER,
    MARKETS,
    MINUTE,
    Timing,
    by_the_minute,
    creation,
    plain_mesa,
    population,
    revaluation,
    table,
    time_scenario,
)
from experiments.scenarios import load

ROW = re.compile(r" *[\d,]+ +\d+\.\d\d +\d+\.\d +[\d,]+ +(\d+\.\d|-) +(\d+\.\d|-) +\d+% +[\d,]+")


@pytest.fixture
def short(monkeypatch):
    """A benchmark of a few steps; the numbers mean nothing, the lines do."""
    monkeypatch.setattr(step, "STEPS", 6)
    monkeypatch.setattr(step, "WARM_UP", 1)


@pytest.mark.parametrize("accounts", [500, 1_000, 4_000, 100_000])
def test_the_venue_is_grown_or_shrunk_to_the_accounts_asked_for(accounts):
    scenario = population(accounts)
    assert sum(group.count for group in scenario.population) == pytest.approx(accounts, rel=0.02)
    assert len(scenario.markets) == MARKETS


def test_a_larger_venue_is_the_same_venue_larger():
    small, large = population(1_000), population(10_000)
    factor = sum(group.count for group in large.population) / sum(group.count for group in small.population)
    assert factor == pytest.approx(10.0, rel=0.02)
    for one, other in zip(small.markets, large.markets, strict=True):
        assert other.depth == pytest.approx(10.0 * one.depth)
        assert (other.name, other.price, other.volatility, other.tiers) == (
            one.name,
            one.price,
            one.volatility,
            one.tiers,
        )
    assert large.insurance_fund == pytest.approx(10.0 * small.insurance_fund)
    assert large.backstop.capital == pytest.approx(10.0 * small.backstop.capital)


def test_traders_decide_as_often_an_hour_as_in_the_preset():
    preset, minute = load("venue"), by_the_minute(population(2_000))
    assert minute.step_seconds == MINUTE
    for one, other in zip(preset.population, minute.population, strict=True):
        seconds = one.parameters.get("decision_steps", 1) * preset.step_seconds
        assert other.parameters["decision_steps"] * MINUTE == pytest.approx(seconds)
    assert minute.funding.interval_steps * MINUTE == preset.funding.interval_steps * preset.step_seconds


@pytest.mark.parametrize("margin", ["isolated", "cross", "portfolio"])
def test_every_margin_rule_can_be_measured(margin):
    assert by_the_minute(population(500), margin).margin.kind == margin


def test_the_markets_kept_include_all_that_the_population_names():
    scenario = population(1_000)
    text = json.dumps(load("venue").to_dict()["population"])
    named = {market.name for market in load("venue").markets if f'"{market.name}"' in text}
    assert named <= set(scenario.names)


def test_tables_by_market_are_cut_row_and_column():
    matrix = [[10 * i + j for j in range(3)] for i in range(3)]
    cut = step._cut({"a": matrix, "b": [1, 2], "c": "text", "d": [{"e": [7, 8, 9]}]}, [0, 2], 3)
    assert cut == {"a": [[0, 2], [20, 22]], "b": [1, 2], "c": "text", "d": [{"e": [7, 9]}]}


def test_steps_per_second_follow_from_nanoseconds_and_accounts():
    assert Timing(1_000, 0.1, 100.0, 90.0, 200.0, 0.5, 80.0).steps_per_second == pytest.approx(10_000.0)


def test_a_line_shows_a_dash_where_no_step_was_stormy():
    line = step._line(Timing(10_000, 0.25, 12.34, 11.0, math.nan, 0.0, 123.0))
    assert line.split() == ["10,000", "0.25", "12.3", "8,104", "11.0", "-", "0%", "123"]
    assert ROW.fullmatch(line)


def test_columns_stand_under_their_titles():
    line = step._line(Timing(1_000_000, 123.45, 12.34, 11.0, 30.0, 0.5, 1234.0))
    assert len(line) == len(HEADER)
    for match in re.finditer(r"\S+(?: s| MB)?", HEADER):
        assert line[match.end() - 1] != " "


def test_a_measurement_has_numbers_that_can_be(short):
    timing = time_scenario(by_the_minute(population(300)), repeats=1)
    assert timing.accounts == sum(group.count for group in population(300).population)
    assert 0.0 < timing.nanoseconds < 1e7
    assert timing.build_seconds > 0.0
    assert 0.0 <= timing.storms <= 1.0
    assert timing.peak_megabytes > 20.0
    assert np.isfinite(timing.quiet) or np.isfinite(timing.stormy)


def test_medians_are_over_the_runs_that_have_a_value():
    assert step._median([3.0, math.nan, 1.0, 2.0]) == 2.0
    assert math.isnan(step._median([math.nan]))


def test_the_table_is_said_line_by_line_and_ends_in_the_nanoseconds_of_the_last_size(short, monkeypatch):
    monkeypatch.setattr(step, "creation", lambda: 0.25)
    said = []
    timings = table((200, 300), repeats=1, say=said.append)
    n = timings[-1].accounts
    assert said[0] == "5 markets, venue population, one core, whole step, median of 1 runs of 6 steps"
    assert said[1] == HEADER
    assert all(ROW.fullmatch(line) for line in said[2:4])
    assert [line.split(" margin")[0] for line in said[4:6]] == [
        f"{n} accounts, {kind}" for kind in ("isolated", "portfolio")
    ]
    assert re.fullmatch(r"revaluing 100,000 option positions: \d+\.\d ms", said[-4])
    assert said[-3] == "creating 100,000 Mesa traders: 0.25 s"
    assert said[-2].startswith("plain Mesa, agent.step() per trader: ")
    assert said[-1] == f"{timings[-1].nanoseconds:.1f} ns per account-step"


def test_asking_traders_one_by_one_costs_time(short):
    assert plain_mesa(300) > 0.0


def test_creating_traders_takes_time_and_leaves_nothing_behind():
    assert 0.0 < creation(500) < 30.0


def test_a_hundred_thousand_options_are_revalued_in_less_than_50_milliseconds():
    assert 0.0 < revaluation(100_000, 5) < 50.0
