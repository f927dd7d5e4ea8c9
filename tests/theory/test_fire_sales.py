"""Owners of the engine who keep their leverage, against the matrices of their portfolios."""

from dataclasses import replace

import numpy as np
import pytest

from experiments.target import Check, played, verdict
from experiments.theory.fire_sales import FireSaleMatrix, FireSalesWithoutEnd, OwnersVenue
from simulation.errors import InputError
from tests.theory import planted


def by_name(checks: list[Check]) -> dict[str, Check]:
    return {check.name: check for check in checks}


@pytest.mark.parametrize(
    "target",
    [
        FireSaleMatrix(),
        FireSaleMatrix(owners=1, assets=1, radius=0.8),
        FireSaleMatrix(owners=40, assets=3, leverage=20.0, radius=0.3, shock=-5e-5, seed=2),
        FireSaleMatrix(owners=3, assets=8, leverage=2.0, radius=0.9, seed=3),
        FireSaleMatrix(leverage=100.0, radius=0.95, seed=4),
    ],
)
def test_sales_in_the_market_are_those_of_the_matrix(target: FireSaleMatrix):
    checks = target.run()
    assert verdict(checks), checks


@pytest.mark.parametrize(("radius", "amplification"), [(0.3, 1.428571), (0.8, 5.0)])
def test_one_owner_of_one_asset_has_the_published_amplification(radius: float, amplification: float):
    found = by_name(FireSaleMatrix(radius=radius).run())["amplification of one owner of one asset"]
    assert found.expected == pytest.approx(amplification, abs=5e-7)
    assert found.simulated == pytest.approx(amplification, rel=1e-3)


@pytest.mark.parametrize("rounds", [1, 2, 4])
def test_some_rounds_within_a_step_are_as_many_steps_of_one_round(rounds: int):
    book = FireSaleMatrix(owners=4, assets=2).book()
    venue = OwnersVenue(book)
    within = venue.loss(played(venue.scenario(trading_rounds=rounds)))
    after = venue.loss(played(venue.scenario(steps=rounds)))
    np.testing.assert_allclose(within, after, rtol=1e-9)
    expected = book.assets * book.rounds(rounds + 1)[1:].sum(axis=0)
    np.testing.assert_allclose(within, expected, rtol=1e-4)


def test_a_rise_makes_owners_buy_as_a_fall_makes_them_sell():
    book = FireSaleMatrix().book()
    fall, rise = OwnersVenue(book), OwnersVenue(replace(book, shock=-book.shock))
    lost, won = (venue.loss(played(venue.scenario(trading_rounds=0))) for venue in (fall, rise))
    np.testing.assert_allclose(won, -lost, rtol=1e-3)


def test_owners_who_only_hold_are_hurt_by_those_who_sell_and_hurt_nobody():
    book = FireSaleMatrix().book()
    venue = OwnersVenue(book)
    quiet = venue.loss(played(venue.scenario([], trading_rounds=0)))
    assert np.abs(quiet).max() < 0.1  # dollars, of billions: the rounding of positions to lots
    assert (venue.loss(played(venue.scenario([3]))) < -1.0).all()


@pytest.mark.parametrize(
    "target",
    [
        FireSalesWithoutEnd(),
        FireSalesWithoutEnd(owners=1, assets=1, rounds=30),
        FireSalesWithoutEnd(radius=2.5, leverage=20.0, seed=2),
    ],
)
def test_above_the_threshold_rounds_grow_by_the_radius_and_there_is_no_total(target: FireSalesWithoutEnd):
    checks = target.run()
    assert verdict(checks), checks
    assert by_name(checks)["growth in the last round"].simulated == pytest.approx(target.radius, rel=0.02)


def test_more_growth_than_can_be_followed_is_refused():
    with pytest.raises(InputError, match=r"rounds: .*take fewer"):
        FireSalesWithoutEnd(radius=3.0, rounds=50).run()


def test_an_impact_two_percent_wrong_is_found(monkeypatch: pytest.MonkeyPatch):
    planted.impact(monkeypatch)
    assert not verdict(FireSaleMatrix().run())
    assert not verdict(FireSalesWithoutEnd().run())


def test_sales_that_fill_two_percent_too_high_are_found(monkeypatch: pytest.MonkeyPatch):
    planted.fill(monkeypatch)
    assert not verdict(FireSaleMatrix().run())


def test_a_shock_that_is_not_small_to_the_most_leveraged_is_refused():
    with pytest.raises(InputError, match=r"T3: shock: would take 0\.\d+ of the equity of one owner"):
        FireSaleMatrix(leverage=100.0, shock=-2e-4).run()
