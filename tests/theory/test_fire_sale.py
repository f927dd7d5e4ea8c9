from dataclasses import replace

import numpy as np
import pytest

from experiments.warning.fire_sale import FireSale, indirect_contagion, overlap, perron_vector
from simulation.errors import InputError

WEIGHTS = np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8], [1.0, 0.0, 0.0], [0.25, 0.5, 0.25]])
BOOK = FireSale(
    np.array([1000.0, 500.0, 300.0, 800.0]),
    np.array([100.0, 25.0, 60.0, 160.0]),
    WEIGHTS,
    np.array([1e-5, 3e-5, 2e-5]),
    np.array([-0.01, 0.0, -0.02]),
)


def alone(impact):
    return FireSale(np.array([900.0]), np.array([100.0]), np.ones((1, 1)), np.array([impact]), np.array([-1e-4]))


def by_hand(book: FireSale):
    """Every owner sells in turn; every price then moves."""
    fall = [0.0] * 3
    for n in range(4):
        back = sum(book.weights[n, k] * book.shock[k] for k in range(3))
        to_sell = book.assets[n] * (book.assets[n] / book.equity[n] - 1.0) * back
        for k in range(3):
            fall[k] += book.impact[k] * book.weights[n, k] * to_sell
    return np.array(fall)


def test_the_second_round_is_what_owners_do_one_by_one():
    assert pytest.approx(by_hand(BOOK), abs=1e-14) == BOOK.second
    assert BOOK.contagion @ BOOK.direct == pytest.approx(BOOK.weights @ by_hand(BOOK), abs=1e-14)


def test_systemicness_adds_up_to_aggregate_vulnerability():
    assert BOOK.systemicness.sum() == pytest.approx(BOOK.aggregate_vulnerability, abs=1e-14)
    assert BOOK.aggregate_vulnerability < 0.0


def test_systemicness_is_the_vulnerability_when_one_owner_alone_is_hit():
    for n in range(4):
        only = BOOK.contagion[:, n] * BOOK.direct[n]
        assert BOOK.systemicness[n] == pytest.approx(float(BOOK.assets @ only) / BOOK.equity.sum(), abs=1e-14)


def test_equity_weighted_indirect_vulnerability_is_the_aggregate_one():
    mean = BOOK.indirect_vulnerability @ BOOK.equity / BOOK.equity.sum()
    assert mean == pytest.approx(BOOK.aggregate_vulnerability, abs=1e-14)


@pytest.mark.parametrize(("radius", "amplification"), [(0.3, 1.428571), (0.8, 5.0)])
def test_one_asset_has_the_published_amplification(radius, amplification):
    book = alone(radius / (900.0 * 8.0))
    assert book.radius == pytest.approx(radius, abs=1e-14)
    assert book.at_rest[0] / book.direct[0] == pytest.approx(amplification, abs=1e-6)


def test_above_a_radius_of_one_rounds_grow_and_there_is_no_end():
    book = alone(1.1 / (900.0 * 8.0))
    rounds = book.rounds(20)[:, 0]
    assert rounds[1:] / rounds[:-1] == pytest.approx(np.full(19, 1.1), abs=1e-12)
    assert np.isnan(book.at_rest).all()


def test_rounds_add_up_to_rest():
    book = replace(BOOK, impact=BOOK.impact * 0.5 / BOOK.radius)
    assert book.rounds(200).sum(axis=0) == pytest.approx(book.at_rest, rel=1e-12)


def test_overlap_is_the_loss_the_others_take():
    holdings, depth = WEIGHTS * BOOK.assets[:, None], 1.0 / BOOK.impact
    matrix = overlap(holdings, depth)
    assert matrix == pytest.approx(matrix.T)
    assert matrix[0, 2] == pytest.approx(500.0 * 300.0 * 1e-5)
    assert indirect_contagion(holdings, depth) == pytest.approx(matrix.sum(axis=1) - matrix.diagonal())


def test_the_perron_vector_is_an_eigenvector_with_shares():
    matrix = overlap(WEIGHTS, np.ones(3))
    vector = perron_vector(matrix)
    assert matrix @ vector == pytest.approx(np.linalg.eigvalsh(matrix)[-1] * vector)
    assert vector.sum() == pytest.approx(1.0)
    assert np.isnan(perron_vector(np.zeros((2, 2)))).all()


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"weights": WEIGHTS * 2.0}, "weights"),
        ({"equity": np.zeros(4)}, "equity"),
        ({"assets": np.ones(3)}, "assets"),
        ({"shock": np.ones(2)}, "shock"),
    ],
)
def test_tables_that_are_none_are_refused(change, word):
    with pytest.raises(InputError, match=word):
        replace(BOOK, **change)
