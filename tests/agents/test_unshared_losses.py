"""Where losses are not socialised the outside market goes unpaid, and nobody else is touched; wrong ADL prices stop."""

from typing import Any

import pytest

from agents.waterfall import Waterfall
from simulation.errors import ConservationError
from simulation.model import MarketModel
from tests.venues import book, equity, storm, venue

LOSER = book("loser", {"A": 10.0}, 100.0)  # worth nothing at 90
RICH = book("rich", {}, 5_000.0)


def crashed(price: float, **rules: Any) -> MarketModel:
    """A long of 10 with 100 dollars, a rich bystander, and the price going from 100 to `price`."""
    model = venue([LOSER, RICH], price=storm(100.0, price), deleveraging={"kind": "off"}, **rules)
    model.step()
    return model


def test_an_unshared_loss_is_left_unpaid() -> None:
    model = crashed(80.0, socialise_losses=False)
    (case,) = model.exchange.waterfall.bankruptcies
    assert (case.deficit, case.socialised, case.unpaid) == (100.0, 0.0, 100.0)
    assert equity(model, 1) == pytest.approx(5_000.0)


def test_a_shared_loss_is_paid_by_whoever_has_equity() -> None:
    model = crashed(80.0)
    (case,) = model.exchange.waterfall.bankruptcies
    assert (case.deficit, case.socialised, case.unpaid) == (100.0, 100.0, 0.0)
    assert equity(model, 1) == pytest.approx(4_900.0)


def test_the_fund_comes_first_even_where_nothing_is_shared() -> None:
    model = crashed(80.0, socialise_losses=False, insurance_fund=30.0)
    (case,) = model.exchange.waterfall.bankruptcies
    assert (case.insurance, case.unpaid) == (30.0, 70.0)
    assert model.exchange.waterfall.fund == 0.0


def test_money_is_conserved_either_way() -> None:
    for shared in (True, False):
        crashed(80.0, socialise_losses=shared).accounts.check()


def test_a_wrong_deleveraging_price_is_not_hidden_as_rounding(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Waterfall._close

    def half(self: Waterfall, side: Any, market: int, units: float, rate: float) -> Any:
        return real(self, side, market, units, rate / 2)

    monkeypatch.setattr(Waterfall, "_close", half)
    people = [LOSER, book("winner", {"A": -10.0}, 1_000.0)]
    model = venue(people, price=storm(100.0, 80.0))
    with pytest.raises(ConservationError, match="deleveraging left"):
        model.step()
