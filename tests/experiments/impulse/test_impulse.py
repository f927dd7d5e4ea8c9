"""Impulse responses: worked by hand in one and two markets, exact zeros, signs, and the same storm everywhere."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.impulse.impulse import Impulse, Shock, chosen_markets, others_of, own_of, peak
from experiments.impulse.impulse import impulse as studied
from experiments.statistics import bootstrap_mean
from simulation.errors import InputError
from simulation.scenario import Scenario
from tests.experiments.storms import TIER, by_hand, one_market, storms
from tests.venues import scenario

UNITS = {"kind": "linear_units", "dollars_per_unit": 0.5}
FLAT = {"kind": "flat"}
PLAIN = Shock()


def pool(name: str, units: dict[str, float], deposit: float) -> dict[str, Any]:
    return {"kind": "book", "name": name, "count": 1, "units": units, "deposit": deposit}


def two_markets(*population: dict[str, Any], **changes: Any) -> Scenario:
    """X and Y stand still at 100 dollars; every unit sold by force moves a price by half a dollar."""
    markets = [{"name": name, "price": 100.0, "tiers": [TIER]} for name in "XY"]
    return one_market(list(population), **{"markets": markets, "price": FLAT, **changes})


def impulse(one: Scenario, shock: Shock = PLAIN, regimes: tuple[str, ...] = (), seeds: Any = ()) -> Impulse:
    return studied(one, shock, regimes, seeds, workers=1)


def rooted(fall: float) -> float:
    return math.log1p(-fall)


# By hand --------------------------------------------------------------------------------------------------------


def test_the_shocked_market_answers_with_its_whole_cascade() -> None:
    """A fall of 3.5 % liquidates A (4 units), then B (2 units): 96.50 -> 94.50 -> 93.50."""
    found = impulse(by_hand(price=FLAT), Shock(-0.035))
    assert found.markets == ("X",)
    for regime in ("cross", "isolated"):
        assert found.responses[regime].item() == pytest.approx(math.log(0.935) / rooted(0.035), rel=1e-12)
        assert found.own(regime).item() == found.responses[regime].item()
        assert found.spilled(regime).item() == 0.0


def test_pooled_collateral_carries_the_shock_and_segregated_pools_do_not() -> None:
    """X falls by 4 % and takes 4 of 13 dollars from 1 X and 2 Y, which need 14.80: both are sold, 0.5 and 1 dollar."""
    one = two_markets(pool("A", {"X": 1.0, "Y": 2.0}, 17.0))
    found = impulse(one, Shock(-0.04))
    np.testing.assert_allclose(found.responses["cross"][0, 0], np.log([0.955, 0.99]) / rooted(0.04), rtol=1e-9)
    assert found.responses["isolated"][0, 0, 1] == 0.0
    assert found.responses["isolated"][0, 1, 0] == 0.0


def test_who_is_short_of_the_other_market_makes_it_move_against_the_shock() -> None:
    found = impulse(two_markets(pool("A", {"X": 2.0, "Y": -2.0}, 23.0)), Shock(-0.04))
    np.testing.assert_allclose(found.responses["cross"][0, 0], np.log([0.95, 1.01]) / rooted(0.04), rtol=1e-9)
    assert found.responses["cross"][0, 0, 1] < 0.0


def test_a_rise_is_measured_in_its_own_direction() -> None:
    found = impulse(two_markets(pool("A", {"X": -2.0, "Y": -2.0}, 28.0)), Shock(0.05))
    expected = np.log([1.06, 1.01]) / math.log(1.05)
    np.testing.assert_allclose(found.responses["cross"][0, 0], expected, rtol=1e-9)


def test_a_shock_that_reaches_nobody_is_only_itself() -> None:
    found = impulse(two_markets(pool("A", {"X": 1.0, "Y": 1.0}, 100.0)), Shock(-0.1))
    for response in found.responses.values():
        np.testing.assert_allclose(response[0], np.eye(2), rtol=0.0, atol=1e-12)
        assert (response[0] == 0.0).sum() == 2


def test_the_index_of_contagion_is_what_others_move_per_shocked_market() -> None:
    matrix = np.array([[1.5, 0.2, -0.1], [0.0, 1.1, 0.4], [0.3, 0.0, 1.0]])
    assert others_of(matrix) == pytest.approx((0.1 + 0.4 + 0.3) / 3)
    assert own_of(matrix) == pytest.approx(1.2)
    np.testing.assert_allclose(own_of(np.stack([matrix, 2.0 * matrix])), [1.2, 2.4])


def test_the_answer_is_the_largest_move_whatever_its_sign_and_the_first_of_equals() -> None:
    path = np.array([[0.1, 0.0, 0.5], [-0.3, 0.0, -0.5], [0.2, 0.0, 0.1]])
    assert peak(path).tolist() == [-0.3, 0.0, 0.5]


# The horizon ----------------------------------------------------------------------------------------------------


def test_only_the_horizon_is_watched_from_the_step_of_the_shock_on() -> None:
    calm = by_hand(price=FLAT, steps=20)
    found = impulse(calm, Shock(-0.035, step=5, horizon=4))
    assert found.paths["cross"].shape == (1, 1, 4, 1)
    assert impulse(calm, Shock(-0.035, step=18, horizon=10)).paths["cross"].shape == (1, 1, 3, 1)


def test_an_answer_that_fades_is_seen_fading() -> None:
    """Impact of which half is left after each step: the first step shows most, the last nearly the shock alone."""
    fading = {**UNITS, "permanent_share": 0.0, "half_life_steps": 1.0}
    found = impulse(by_hand(price=FLAT, impact=fading, steps=12), Shock(-0.035, horizon=12))
    path = found.paths["cross"][0, 0, :, 0]
    beyond = path - 1.0
    assert (np.diff(path) < 0.0).all()
    np.testing.assert_allclose(beyond[1:] / beyond[:-1], 0.5, rtol=1e-6)
    assert found.responses["cross"].item() == path[0]


def test_before_the_shock_nothing_differs_and_after_it_the_storm_is_the_same() -> None:
    """Without impact what remains of two storms that differ by the shock is the shock, in every step and market."""
    moving = {"kind": "gbm", "correlation": 0.5}
    calm = two_markets(pool("A", {"X": 1.0, "Y": 1.0}, 50.0), price=moving, impact={"kind": "none"}, steps=30)
    found = impulse(calm, Shock(-0.2, step=7, horizon=20), seeds=(1, 2, 3))
    for path in found.paths.values():
        np.testing.assert_allclose(path, np.broadcast_to(np.eye(2)[:, None, :], path.shape), rtol=0.0, atol=1e-9)


# Exact zeros and signs over random storms -----------------------------------------------------------------------


@settings(max_examples=8)
@given(storms(), st.floats(-0.3, -0.01))
def test_without_price_impact_a_shock_is_its_own_answer(drawn: Scenario, size: float) -> None:
    drawn = drawn.with_(impact={"kind": "none"}, steps=min(drawn.steps, 10))
    found = impulse(drawn, Shock(size, horizon=10))
    for regime in found.responses:
        assert found.spilled(regime)[0] == 0.0
        assert found.own(regime)[0] == pytest.approx(1.0, abs=1e-9)


@settings(max_examples=12)
@given(st.lists(st.tuples(st.floats(-3.0, 3.0), st.floats(-3.0, 3.0), st.floats(0.06, 0.5)), min_size=1, max_size=6))
def test_books_in_segregated_pools_carry_nothing_unless_they_share_losses(
    books: list[tuple[float, float, float]],
) -> None:
    people = [
        pool(f"t{i}", {"X": x, "Y": y}, 100.0 * (abs(x) + abs(y)) * share + 1.0)
        for i, (x, y, share) in enumerate(books)
    ]
    one = two_markets(*people, steps=6, loss={"kind": "none"})
    found = impulse(one, Shock(-0.15), regimes=("isolated",))
    assert found.responses["isolated"][0, 0, 1] == found.responses["isolated"][0, 1, 0] == 0.0


def test_a_shared_loss_crosses_even_segregated_pools() -> None:
    """2 X fall by 30 dollars, 25.80 stand behind them: 4.20 and what the sale costs are taken from the pool of Y."""
    one = two_markets(pool("A", {"X": 2.0, "Y": 0.5}, 32.25))
    assert impulse(one, Shock(-0.15)).responses["isolated"][0, 0, 1] > 0.0
    assert impulse(one.with_(loss={"kind": "none"}), Shock(-0.15)).responses["isolated"][0, 0, 1] == 0.0


def test_over_storms_pooled_collateral_carries_more_with_an_interval_above_zero() -> None:
    rng = np.random.default_rng(5)
    books = [pool(f"t{i}", {"X": 1.0, "Y": 1.0}, float(d)) for i, d in enumerate(rng.uniform(14.0, 30.0, 25))]
    small = {"kind": "linear_units", "dollars_per_unit": 0.1}
    one = two_markets(*books, price={"kind": "gbm"}, impact=small, steps=8)
    found = impulse(one, Shock(-0.08, step=2, horizon=5), seeds=range(1, 9))
    summary = found.summary().set_index(["regime", "measure"])
    assert summary.loc[("cross", "spilled"), "low"] > 0.0
    assert summary.loc[("isolated", "spilled"), ["value", "low", "high"]].tolist() == [0.0, 0.0, 0.0]
    gap = summary.loc[("cross", "spilled_difference")]
    assert gap["low"] > 0.0
    assert gap["value"] == pytest.approx(np.mean(found.spilled("cross") - found.spilled("isolated")))


# Regimes, markets, storms ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("margin", "regimes"),
    [("cross", ("cross", "isolated")), ("portfolio", ("portfolio", "isolated")), ("isolated", ("cross", "isolated"))],
)
def test_a_rule_is_held_against_isolated_margin_and_that_one_against_cross(margin: str, regimes: tuple[str]) -> None:
    one = two_markets(pool("A", {"X": 1.0}, 50.0), margin={"kind": margin})
    assert tuple(impulse(one).responses) == regimes


def test_a_response_does_not_depend_on_which_other_markets_are_asked_about_nor_on_the_workers() -> None:
    people = [{"kind": "holder", "count": 30, "leverage": 9.0, "markets_held": 3}]
    one = scenario(people, 3, price={"kind": "gbm"}, impact={"kind": "linear"}, steps=6)
    whole = studied(one, Shock(-0.1), seeds=(3, 4), workers=2)
    part = impulse(one, Shock(-0.1, markets=("C", "A")), seeds=(4,))
    assert part.markets == ("C", "A")
    for regime, response in part.responses.items():
        assert response[0].tolist() == whole.responses[regime][1][np.ix_([2, 0], [2, 0])].tolist()


def test_what_follows_another_market_has_no_index_to_shock() -> None:
    option = {"kind": "option", "underlying": "X", "expiry_days": 1.0, "strike": 100.0}
    markets = [{"name": name, "price": 100.0, "tiers": [TIER]} for name in "XY"]
    listed = [*markets, {"name": "CALL", "instrument": option}]
    one = two_markets(pool("A", {"X": 1.0}, 50.0), markets=listed)
    assert chosen_markets(one, ()) == ("X", "Y")
    with pytest.raises(InputError, match=r'must be among X, Y \(got "CALL"\)'):
        chosen_markets(one, ("CALL",))


def test_too_many_or_repeated_markets_are_refused() -> None:
    people = [{"kind": "holder", "count": 1}]
    markets = [{"name": f"M{i}", "price": 100.0} for i in range(13)]
    many = scenario(people, markets=markets)
    with pytest.raises(InputError, match=r"at most 12 are shocked \(got 13\); name some of them"):
        chosen_markets(many, ())
    assert chosen_markets(many, ("M3", "M12")) == ("M3", "M12")
    with pytest.raises(InputError, match="each must be named once"):
        chosen_markets(many, ("M3", "M3"))


@pytest.mark.parametrize(
    ("shock", "said"),
    [
        (Shock(-1.0), r"shock: must be a return from above -1 to 10, and not 0 \(got -1.0\)"),
        (Shock(math.nan), r"shock: must be"),
        (Shock(0.0), r"shock: must be"),
        (Shock(step=4), r"step: must be 1 to 3, the last step \(got 4\)"),
        (Shock(horizon=0), r"horizon: must be at least 1 step \(got 0\)"),
    ],
)
def test_a_shock_that_does_not_fit_is_refused_before_anything_runs(shock: Shock, said: str) -> None:
    with pytest.raises(InputError, match=said):
        impulse(by_hand(), shock)


# Tables and words -----------------------------------------------------------------------------------------------


def test_tables_hold_what_the_matrices_hold() -> None:
    people = [{"kind": "holder", "count": 40, "leverage": 9.0, "markets_held": 2}]
    one = scenario(people, 2, price={"kind": "gbm"}, impact={"kind": "linear"}, steps=4)
    found = impulse(one, Shock(-0.1, horizon=3), seeds=(1, 2, 3))
    table = found.table().set_index(["regime", "shocked", "market"])
    for regime, response in found.responses.items():
        for i, shocked in enumerate("AB"):
            for j, market in enumerate("AB"):
                row, expected = table.loc[(regime, shocked, market)], bootstrap_mean(response[:, i, j])
                assert row.tolist() == [expected.value, expected.low, expected.high, 3]
    summary = found.summary()
    assert summary["measure"].tolist() == ["own", "own_difference", "spilled", "spilled_difference", "own", "spilled"]


def test_words_say_what_was_done_and_what_one_storm_cannot_tell() -> None:
    text = str(impulse(two_markets(pool("A", {"X": 1.0, "Y": 2.0}, 17.0)), Shock(-0.04)))
    assert text.splitlines()[0] == "by-hand: -4 % in one market alone from step 1 on; 1 storm"
    assert "cross margin:\n     X    Y\nX 1.13 0.25\n" in text
    assert "the shocked market 1.13, all others together 0.25" not in text  # the shock of Y counts too
    assert "cross margin against isolated margin: the shocked market " in text
    assert "[" not in text
