import numpy as np
import pytest

from experiments.warning.debt_rank import debt_rank, linear_debt_rank, original_debt_rank, unsaturated
from simulation.errors import InputError


def ring(size=5, weight=0.4):
    exposure = np.zeros((size, size))
    exposure[np.arange(size), (np.arange(size) + 1) % size] = weight
    return exposure


def first(size=5, amount=0.1):
    return np.where(np.arange(size) == 0, amount, 0.0)


def test_a_ring_has_the_published_numbers_under_the_linear_rule():
    distress = linear_debt_rank(ring(), first())
    assert distress[0] == pytest.approx(0.1 / (1.0 - 0.4**5), abs=1e-12)
    assert distress[[0, 3]] == pytest.approx([0.1010345, 0.0064662], abs=1e-7)


def test_in_the_original_rule_the_echo_is_absorbed_once():
    distress = original_debt_rank(ring(), first())
    assert distress[0] == pytest.approx(0.1 * (1.0 + 0.4**5), abs=1e-15)
    assert distress[3] == pytest.approx(0.0064, abs=1e-15)


@pytest.mark.parametrize("radius", [0.2, 0.7, 0.95])
def test_below_saturation_the_linear_rule_is_a_geometric_series(radius):
    exposure = np.abs(np.sin(np.arange(36.0))).reshape(6, 6)
    exposure *= radius / np.abs(np.linalg.eigvals(exposure)).max()
    seed = np.full(6, 1e-3)
    assert linear_debt_rank(exposure, seed) == pytest.approx(unsaturated(exposure, seed), abs=1e-9)


def test_above_a_radius_of_one_somebody_defaults_from_almost_nothing():
    exposure = np.full((4, 4), 0.3)
    assert linear_debt_rank(exposure, first(4, 1e-6)).max() == 1.0
    assert np.isnan(unsaturated(exposure, first(4, 1e-6))).all()


def test_the_rank_counts_only_what_was_not_seeded():
    distress = linear_debt_rank(ring(), first())
    expected = (distress.sum() - 0.1) / 5.0
    assert debt_rank(distress, first(), np.full(5, 0.2)) == pytest.approx(expected)
    assert debt_rank(first(), first(), np.full(5, 0.2)) == 0.0


def test_nobody_is_distressed_by_more_than_everything():
    for rule in (original_debt_rank, linear_debt_rank):
        assert rule(np.full((3, 3), 5.0), np.array([0.5, 0.0, 0.0])).max() == 1.0


def test_tables_that_are_none_are_refused():
    with pytest.raises(InputError, match="exposure"):
        linear_debt_rank(-ring(), first())
    with pytest.raises(InputError, match="exposure"):
        linear_debt_rank(ring(4), first())
    with pytest.raises(InputError, match="seed"):
        original_debt_rank(ring(), first(5, 1.5))


def test_distress_that_does_not_come_to_rest_is_no_number():
    """A ring of weight 1 - 1e-6 needs tens of millions of rounds: after 100,000 a tenth of the way is left."""
    assert np.isnan(linear_debt_rank(ring(2, 1.0 - 1e-6), first(2, 1e-9))).all()
    assert np.isfinite(linear_debt_rank(ring(2, 0.999), first(2, 1e-9))).all()


@pytest.mark.parametrize("value", [np.full(4, 0.25), np.full(5, 0.25), np.array([0.5, 0.5, 0.5, -0.25, np.nan])])
def test_shares_of_value_must_be_shares(value):
    with pytest.raises(InputError, match="value: must be 5 shares that add up to 1"):
        debt_rank(first(), first(), value)
