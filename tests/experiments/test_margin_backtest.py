"""Margin models against worlds: right ones accepted, wrong correlations rejected, closed forms met."""

import numpy as np
import pytest

from experiments.margin_backtest import (
    HEDGED_PAIR,
    LONG_PAIR,
    Held,
    backtest,
    breach_map,
    breach_rate,
    pair,
    plot,
    run,
    shortfall_test,
)
from experiments.statistics import wilson_interval

PLAIN = {"kind": "value_at_risk"}


def gbm(correlation: float) -> dict:
    return {"kind": "gbm", "correlation": correlation}


@pytest.mark.parametrize(
    ("held", "engine", "world", "expected"),
    [
        (HEDGED_PAIR, 0.9, 0.9, 0.010),
        (HEDGED_PAIR, 0.9, 0.7, 0.090),
        (HEDGED_PAIR, 0.9, 0.5, 0.149),
        (LONG_PAIR, 0.3, 0.9, 0.027),
        (LONG_PAIR, 0.0, 0.9, 0.046),
    ],
)
def test_breaches_are_as_frequent_as_the_closed_form(held: Held, engine: float, world: float, expected: float) -> None:
    closed = breach_rate(np.array(held.exposure), pair(engine), pair(world))
    assert closed == pytest.approx(expected, abs=5e-4)
    found = backtest(held, {**PLAIN, "correlation": engine}, gbm(world), 4_000)
    wide = wilson_interval(int(found.breached.sum()), len(found.loss), 0.9999)
    assert wide.low <= closed <= wide.high


def test_a_right_model_is_accepted() -> None:
    found = [backtest(LONG_PAIR, {**PLAIN, "correlation": 0.3}, gbm(0.3), 1_000, seed) for seed in range(12)]
    fine = [5 <= one.breached.sum() <= 16 for one in found]
    assert fine == [not one.unconditional.rejects() for one in found]
    assert sum(fine) >= 9  # a right model is rejected in about one of twenty samples
    assert not any(one.unconditional.rejects(0.001) or one.zone == "red" for one in found)
    assert not any(one.independent.rejects(0.001) for one in found)


@pytest.mark.parametrize(("held", "engine", "world"), [(HEDGED_PAIR, 0.9, 0.5), (LONG_PAIR, 0.3, 0.9)])
def test_a_wrong_correlation_is_rejected(held: Held, engine: float, world: float) -> None:
    found = backtest(held, {**PLAIN, "correlation": engine}, gbm(world), 1_000)
    assert found.unconditional.rejects(0.01)
    assert found.zone != "green"


def test_correlation_stress_brings_the_hedge_nearer_to_its_promise_for_more_margin() -> None:
    plain, stressed = (
        backtest(HEDGED_PAIR, {**PLAIN, "correlation": 0.9, "correlation_stress": share}, gbm(0.5), 3_000)
        for share in (0.0, 0.3)
    )
    assert abs(stressed.share.value - 0.01) < abs(plain.share.value - 0.01) / 5
    assert stressed.requirement[0] > 1.5 * plain.requirement[0]


def test_an_engine_that_learns_correlation_is_right_again() -> None:
    found = backtest(HEDGED_PAIR, {**PLAIN, "correlation": 0.9, "correlation_decay": 0.98}, gbm(0.5), 5_000)
    assert abs(found.breached[500:].mean() - 0.01) < 0.006
    assert found.requirement[500:].mean() == pytest.approx(found.requirement[0] * np.sqrt(0.5 / 0.1), rel=0.1)


def test_clusters_of_breaches_give_away_a_model_without_memory() -> None:
    price = {"kind": "garch", "reaction": 0.25, "persistence": 0.7}
    one = Held((1e4,), volatility=0.6)
    blind = backtest(one, PLAIN, price, 5_000)
    update = {"kind": "garch", "reaction": 0.25, "persistence": 0.7}
    seeing = backtest(one, {**PLAIN, "update": update}, price, 5_000)
    assert blind.independent.rejects(0.01)
    assert not seeing.independent.rejects(0.01)
    assert not seeing.unconditional.rejects(0.01)


def test_filtered_history_covers_where_plain_history_does_not() -> None:
    price = {"kind": "bridge", "waypoints": {}, "noise_level": [[600, 3.0]]}
    update = {"update": {"kind": "ewma", "decay": 0.94}, "window_steps": 500}
    kinds = ("historical", "filtered_historical")
    plain, filtered = (
        backtest(Held((1e4,)), {**PLAIN, **update, "law": {"kind": kind}}, price, 800).breached[600:].mean()
        for kind in kinds
    )
    assert filtered < 0.5 * plain


def test_shortfall_of_a_normal_law_is_accepted_in_a_normal_world_and_too_low_in_a_heavy_one() -> None:
    heavy = {"kind": "student_t", "tail_index": 3.0, "correlation": 0.3}
    normal = shortfall_test(LONG_PAIR, {"kind": "normal"}, gbm(0.3), 8_000)
    wrong = shortfall_test(LONG_PAIR, {"kind": "normal"}, heavy, 8_000)
    assert abs(normal) < 0.25  # 200 breaches expected: a standard error of about .08
    assert wrong < normal - 0.1


def test_the_diagonal_of_the_map_is_the_promise_and_the_two_books_fail_on_opposite_sides() -> None:
    grid = np.linspace(0.0, 0.9, 10)
    hedge, longs = breach_map((1.0, -1.0), grid), breach_map((1.0, 1.0), grid)
    np.testing.assert_allclose(np.diag(hedge), 0.01, rtol=1e-9)
    np.testing.assert_allclose(np.diag(longs), 0.01, rtol=1e-9)
    world, engine = np.tril_indices(10, -1)  # the world's correlation is above the engine's
    assert (hedge[world, engine] < 0.01).all()
    assert (longs[world, engine] > 0.01).all()


def test_the_table_holds_closed_form_and_simulation_side_by_side() -> None:
    table = run(2_000)
    assert (table["low"] <= table["share"]).all()
    assert (table["share"] <= table["high"]).all()
    assert (abs(table["share"] - table["expected"]) < 0.03).all()
    np.testing.assert_allclose(table["margin_ratio"], 1.0, rtol=1e-12)
    right = table["engine"] == table["world"]
    assert (table["kupiec"][~right] < 0.01).all()


def test_the_map_is_drawn() -> None:
    assert plot().png.startswith(b"\x89PNG")
