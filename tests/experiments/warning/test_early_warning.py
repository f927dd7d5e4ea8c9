from dataclasses import replace

import numpy as np
import pytest

from experiments.target import opened
from experiments.warning.contagion_matrix import SharedBook, contagion
from experiments.warning.early_warning import EarlyWarning, LiveBook, impact_slope, spectral_radius
from experiments.warning.outcome import POPULATIONS, WarnedBook, outcome, outcomes
from simulation.errors import InputError

SMALL = WarnedBook(accounts=800)


def live(book: WarnedBook = SMALL, **changes):
    return LiveBook(opened(replace(book, **changes).scenario()))


def warned(matrix, window=0.01):
    triggered = np.array(matrix, float)
    return EarlyWarning(triggered, np.full(len(triggered), window), window, "down")


@pytest.mark.parametrize("regime", ["cross", "isolated"])
@pytest.mark.parametrize("radius", [0.3, 0.6, 0.85])
def test_over_twelve_populations_the_mean_amplification_is_the_predicted_one(regime, radius):
    (found,) = outcomes(WarnedBook(regime=regime), (radius,))
    assert len(found) == POPULATIONS
    assert [one.radius for one in found] == pytest.approx([radius] * POPULATIONS, rel=1e-6)
    assert np.mean([one.ratio for one in found]) == pytest.approx(1.0, abs=0.05)


def test_a_radius_above_one_is_called_unstable_and_gets_no_number():
    found = outcome(SMALL.at_radius(1.2))
    assert np.isnan(found.prediction.total).all()
    assert np.isnan(found.prediction.amplification)
    assert "unstable: spectral radius 1.2" in found.prediction.reason
    assert found.simulated > 5.0


def test_at_a_radius_of_one_there_is_no_number_either():
    assert not warned([[1.0]]).stable
    assert np.isnan(warned([[1.0]]).predict(np.array([1.0])).total).all()


def test_segregated_pools_have_an_exactly_diagonal_matrix():
    matrix = live(regime="isolated").warning(0.03).matrix
    assert np.count_nonzero(matrix - np.diag(matrix.diagonal())) == 0
    assert (matrix.diagonal() > 0.0).all()


def test_pooled_collateral_makes_every_market_move_every_other():
    off = ~np.eye(SMALL.markets, dtype=bool)
    found = [live(population=p).warning(0.03).matrix[off].mean() for p in range(POPULATIONS)]
    half_width = 2.2 * np.std(found, ddof=1) / np.sqrt(POPULATIONS)  # Student, 95 %, 11 degrees of freedom
    assert np.mean(found) - half_width > 0.0


@pytest.mark.parametrize("regime", ["cross", "isolated"])
def test_who_falls_is_who_has_less_buffer_than_loss(regime):
    book = replace(SMALL, regime=regime)
    model = opened(book.scenario())
    rows, m, price = model.traders, book.maintenance_rate, book.price
    value = model.accounts.position[rows] * price
    cash = model.accounts.cash[rows]
    expected = np.zeros((book.markets, book.markets))
    for a in range(book.markets):
        lost = np.zeros_like(value)
        lost[:, a] = value[:, a] * (1.0 - np.exp(-0.02))
        if regime == "cross":
            room = cash.sum(axis=1) + (1.0 - m) * (value - lost).sum(axis=1)
            expected[a] = value[room < 0.0].sum(axis=0)
        else:
            room = np.take_along_axis(cash, model.accounts.pool[rows].astype(int), axis=1) + (1.0 - m) * (value - lost)
            expected[a] = np.where(room < 0.0, value, 0.0).sum(axis=0)
    assert expected.sum() > 0.0
    assert LiveBook(model).warning(0.02).triggered == pytest.approx(expected)


def test_without_impact_nothing_spreads():
    warning = live(scale=0.0).warning(0.03)
    assert warning.radius == 0.0
    assert warning.per_percent.min() > 0.0
    assert warning.predict(np.ones(4)).total == pytest.approx(np.ones(4))


def test_the_slope_is_that_of_the_impact_law():
    model = opened(SMALL.scenario())
    assert impact_slope(model.market) == pytest.approx(SMALL.scale / model.market.depth)


def test_reading_the_book_changes_nothing():
    model = opened(SMALL.scenario())
    before = model.accounts.cash.copy(), model.market.mark_price.copy()
    LiveBook(model).foresee(np.full(4, -0.01))
    assert np.array_equal(before[0], model.accounts.cash)
    assert np.array_equal(before[1], model.market.mark_price)


def test_longs_are_not_hurt_by_a_rise():
    assert not live().warning(0.03, "up").triggered.any()


def test_shorts_are_bought_back_in_a_rise():
    names = [f"M{k}" for k in range(4)]
    scenario = SMALL.scenario()
    group = scenario.population[0].model_copy(update={"parameters": {"units": dict.fromkeys(names, -25.0)}})
    warning = LiveBook(opened(scenario.with_(population=[group]))).warning(0.03, "up")
    assert (warning.matrix > 0.0).all()


def test_a_prediction_is_the_sum_of_all_rounds():
    matrix = np.array([[0.3, 0.2], [0.1, 0.4]])
    first, total = np.array([5.0, 1.0]), np.zeros(2)
    wave = first
    for _ in range(400):
        total, wave = total + wave, wave @ matrix
    prediction = warned(matrix).predict(first)
    assert prediction.total == pytest.approx(total, rel=1e-12)
    assert prediction.amplification == pytest.approx(total.sum() / 6.0)


def test_a_prediction_says_when_it_leaves_the_window_it_was_measured_in():
    one = EarlyWarning(np.array([[5.0]]), np.array([0.001]), 0.01, "down")
    assert one.predict(np.array([4.0]), 0.001).in_reach
    assert not one.predict(np.array([4.0]), 0.005).in_reach
    assert not one.predict(np.array([40.0])).in_reach


def test_nothing_closed_is_no_amplification():
    assert np.isnan(warned([[0.5]]).predict(np.zeros(1)).amplification)


def test_one_class_of_accounts_has_the_branching_of_the_whole_book():
    book = live(replace(SMALL, markets=1, types=1))
    whole = book.by_class(np.zeros(len(book.rows), int), 0.03)
    assert whole[0, 0] == pytest.approx(book.warning(0.03).matrix[0, 0])


def test_classes_that_share_no_market_do_not_meet():
    names = [f"M{k}" for k in range(2)]
    scenario = replace(SMALL, markets=2, types=2).scenario()
    groups = [
        group.model_copy(update={"parameters": {"units": {name: 100.0}}})
        for group, name in zip(scenario.population, names, strict=True)
    ]
    book = LiveBook(opened(scenario.with_(population=groups)))
    classes = (book.value[:, 1] > 0.0).astype(int)
    matrix = book.by_class(classes, 0.03)
    assert matrix[0, 1] == matrix[1, 0] == 0.0
    assert matrix.diagonal().min() > 0.0


def test_the_spectral_radius_is_the_largest_modulus():
    assert spectral_radius(np.array([[0.0, -2.0], [0.5, 0.0]])) == pytest.approx(1.0)
    assert spectral_radius(np.zeros((0, 0))) == 0.0


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_matrix_that_is_not_finite_has_no_radius_and_predicts_nothing(bad):
    found = EarlyWarning(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([bad, 1e-9]), 0.01, "down")
    assert np.isnan(found.radius) and not found.stable
    told = found.predict(np.array([1.0, 1.0]))
    assert np.isnan(told.total).all() and told.reason == "the matrix is not finite"


def test_one_market_has_no_others():
    with pytest.raises(InputError, match=r"markets: must be at least 2 \(got 1\)"):
        contagion(SharedBook(markets=1, markets_held=1), "cross", range(1, 2))
