"""What a market carries from step to step: the basis of a smoothed mark, fading impact, and the age of quotes."""

import numpy as np
import pytest

from tests.simulation.markets import market, units


@pytest.mark.parametrize("half_life", [1.0, 3.0])
def test_a_smoothed_mark_carries_its_basis_through_a_moving_index(half_life: float) -> None:
    """The reference keeps mark / oracle by hand while the index goes 100, 90, 120, 60 and a trade lifts the mid 2 %."""
    path = [100.0, 90.0, 120.0, 60.0, 60.0]
    impact = {"kind": "linear", "permanent_share": 1.0}
    place = market(path, impact=impact, mark={"kind": "smoothed", "half_life_steps": half_life})
    place.absorb(units(200.0), forced=False)  # 20,000 dollars against a depth of a million
    basis, weight = 1.0, 1.0 - 0.5 ** (1.0 / half_life)
    for index in path[1:]:
        place.advance()
        basis += weight * (np.exp(0.02) - basis)
        assert place.mark_price[0] == pytest.approx(index * basis, rel=1e-12)


def test_a_smoothed_mark_is_within_its_band_of_the_oracle_on_both_sides() -> None:
    for volume, bound in ((2_000.0, 1.01), (-2_000.0, 0.99)):
        smoothed = {"kind": "smoothed", "half_life_steps": 1e-3, "band_rate": 0.01}
        place = market([100.0, 80.0], impact={"kind": "linear", "permanent_share": 1.0}, mark=smoothed)
        place.absorb(units(volume), forced=True)
        place.advance()
        assert place.mark_price[0] == pytest.approx(80.0 * bound, rel=1e-12)


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_only_the_transient_part_of_a_push_fades_and_each_step_by_the_same_factor(share: float) -> None:
    impact = {"kind": "linear", "permanent_share": share, "half_life_steps": 2.0}
    place = market([100.0] * 6, impact=impact)
    place.absorb(units(1_000.0), forced=True)  # a log move of .1
    push = place.pushes[0]
    for step in range(1, 6):
        place.advance()
        left = 0.1 * (share + (1.0 - share) * 0.5 ** (step / 2.0))
        assert np.log(place.mid[0] / 100.0) == pytest.approx(left, rel=1e-12)
        assert place.remaining(push, step)[0] == pytest.approx(left, rel=1e-12)
        assert place.displacement[0, 0] == 0.0, "nothing of it is ordinary flow"


def test_two_pushes_of_one_step_are_remembered_apart_and_add_up() -> None:
    place = market([100.0] * 4, impact={"kind": "linear", "permanent_share": 0.5, "half_life_steps": 1.0})
    place.absorb(units(400.0), forced=True)
    place.absorb(units(-1_000.0), forced=True)
    place.advance()
    left = [float(place.remaining(push, 1)[0]) for push in place.pushes]
    assert left[0] == pytest.approx(0.04 * 0.75)
    assert sum(left) == pytest.approx(float(place.displacement[1, 0]), rel=1e-12)
