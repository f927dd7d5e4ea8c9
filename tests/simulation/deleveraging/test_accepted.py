"""When a pool may go from one state to another: every branch of the rule with a requirement stated outright."""

from typing import Any

import numpy as np
import pytest

from simulation.board import Board, Book
from simulation.deleveraging.offset import Terms, accepted
from tests.simulation.perpetuals import board

PRICE = 100.0


def verdict(before: tuple[float, float], after: tuple[float, float], initial: float = 1e9) -> bool:
    """States are (net collateral, maintenance requirement); the position carries the requirement."""

    def requirement(book: Book, _: Board, level: Any) -> Any:
        return np.abs(book.position[:, 0]) if level == "maintenance" else np.full(len(book.cash), initial)

    def state(net: float, needed: float) -> Book:
        return Book(np.array([net - needed * PRICE]), np.array([[needed]]), np.zeros((1, 1)))

    terms = Terms(board(PRICE), requirement, lambda pair, units: np.zeros(1))
    return bool(accepted(state(*before), state(*after), terms)[0])


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ((5.0, 10.0), (5.0, 10.0), True),  # as good as before
        ((5.0, 10.0), (2.5, 5.0), True),  # the ratio stays
        ((5.0, 10.0), (2.0, 5.0), False),  # the ratio falls
        ((5.0, 10.0), (6.0, 11.0), False),  # the requirement grows, though the ratio rises too
        ((-5.0, 10.0), (-5.0, 10.0), True),
        ((-5.0, 10.0), (-5.0, 5.0), False),  # -1 is worse than -1/2
        ((-5.0, 10.0), (-2.0, 5.0), True),
        ((5.0, 10.0), (50.0, 0.0), False),  # a requirement on one side only
        ((5.0, 0.0), (50.0, 10.0), False),
        ((-5.0, 0.0), (-4.0, 0.0), True),
        ((-5.0, 0.0), (-5.0, 0.0), False),
        ((-5.0, 0.0), (-6.0, 0.0), False),
    ],
)
def test_without_initial_margin_a_change_must_not_make_things_worse(
    before: tuple[float, float], after: tuple[float, float], expected: bool
) -> None:
    assert verdict(before, after) is expected


@pytest.mark.parametrize(("net", "expected"), [(20.0, True), (21.0, True), (19.0, False)])
def test_with_initial_margin_everything_is_allowed_and_just_enough_is_enough(net: float, expected: bool) -> None:
    assert verdict((30.0, 5.0), (net, 15.0), initial=20.0) is expected
    assert verdict((30.0, 0.0), (net, 15.0), initial=20.0) is expected
