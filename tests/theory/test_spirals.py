"""Loss and margin spirals: published numbers, other parameters, the fixed point by bisection, planted bugs."""

import pytest

from experiments.target import Check, verdict
from experiments.theory.spirals import Spirals
from simulation.errors import InputError
from tests.theory import planted


def by_name(checks: list[Check]) -> dict[str, Check]:
    return {check.name: check for check in checks}


def test_the_published_multipliers_and_prices_are_expected_and_found():
    found = by_name(Spirals().run())
    for name, slope in (("neither", 0.03125), ("loss", 0.0625), ("both", 0.1)):
        check = found[f"dp / d eta, {name}"]
        assert (check.expected, check.simulated) == (pytest.approx(slope, rel=1e-5), pytest.approx(slope, rel=2e-3))
    for name, price in (("loss", 96.75), ("both", 96.46887)):
        check = found[f"price, {name}"]
        assert (check.expected, check.simulated) == (pytest.approx(price, abs=5e-6), pytest.approx(price, abs=1e-4))


def balanced(target: Spirals) -> float:
    """The price at which capital margins the position, by bisection between where all is sold and the price before."""
    low, high = target.price - target.position / target.demand, target.price
    for _ in range(200):
        price = (low + high) / 2.0
        units = target.position + target.demand * (price - target.price)
        margin = target.margin + target.sensitivity * (target.price - price)
        money = target.margin * target.position + target.endowment * (price - target.price) + target.shock
        low, high = (price, high) if margin * units < money else (low, price)
    return (low + high) / 2.0


@pytest.mark.parametrize(
    "target",
    [
        Spirals(demand=10.0, margin=2.0, endowment=15.0, position=3.0, sensitivity=0.1, price=50.0, shock=-0.4),
        Spirals(endowment=0.0, sensitivity=2.0, position=1.0, shock=-1.0),
        Spirals(endowment=30.0, sensitivity=0.0, shock=-10.0),
        Spirals(endowment=19.0, sensitivity=1.0, shock=-2.0),  # a ratio of .97
        Spirals(demand=1e2, margin=8e2, endowment=5e4, position=4e4, sensitivity=0.1, price=9e3, shock=-1e5),
    ],
)
def test_prices_spiral_to_the_fixed_point_at_other_parameters(target: Spirals):
    checks = target.run()
    assert verdict(checks), checks
    fall = target.price - balanced(target)
    assert target.price - by_name(checks)["price, both"].simulated == pytest.approx(fall, rel=2e-3)


def test_who_loses_more_than_there_is_sells_all_and_no_more():
    target = Spirals(endowment=30.0, sensitivity=0.0)  # the root would be a position of -28
    checks = target.run()
    assert verdict(checks), checks
    found = by_name(checks)
    assert found["position, loss"].simulated == 0.0
    assert found["price, loss"].simulated == pytest.approx(98.0 - 12.0 / 4.0)


@pytest.mark.parametrize(
    ("target", "word"),
    [(Spirals(endowment=40.0), "unstable"), (Spirals(price=2.0), "above 0"), (Spirals(shock=-200.0), "above 0")],
)
def test_what_has_no_price_or_no_beginning_is_refused(target: Spirals, word: str):
    with pytest.raises(InputError, match=word):
        target.run()


def test_a_margin_that_no_account_may_have_is_refused():
    with pytest.raises(InputError, match="margin: must be at least a thousandth"):
        Spirals(margin=0.05, endowment=0.0, sensitivity=0.0).run()


@pytest.mark.parametrize("bug", [planted.impact, planted.fill], ids=lambda bug: bug.__name__)
def test_a_bug_of_two_percent_is_found(bug, monkeypatch: pytest.MonkeyPatch):
    bug(monkeypatch)
    assert not verdict(Spirals().run())
