"""Account classes as a network: by hand, against the fire-sale algebra, and read from the live book."""

import numpy as np
import pytest

from experiments.target import opened
from experiments.warning.classes import COLUMNS, ClassNetwork, class_network
from experiments.warning.early_warning import LiveBook
from experiments.warning.outcome import WarnedBook
from tests.venues import book, venue

BOOK = WarnedBook(accounts=400, markets=2, types=4)


def two() -> ClassNetwork:
    """a is long 1,000 of market 0, b long 500 of it and 500 of market 1; a dollar sold moves both marks by 1e-4."""
    holdings = np.array([[1_000.0, 0.0], [500.0, 500.0]])
    return ClassNetwork(("a", "b"), holdings, np.array([1_000.0, 1_000.0]), np.array([100.0, 200.0]), np.full(2, 1e-4))


def test_overlap_is_what_one_loses_to_the_other_s_sale_of_everything():
    assert two().omega == pytest.approx(np.array([[100.0, 50.0], [50.0, 50.0]]))
    assert two().table()["indirect_contagion"].tolist() == pytest.approx([50.0, 50.0])


def test_debt_rank_is_the_share_of_equity_in_distress_beyond_one_s_own():
    """a takes 50 of b's 200, b takes 50 of a's 100; nothing comes back to who is in full distress already."""
    assert two().table()["debt_rank"].tolist() == pytest.approx([0.25 * 200 / 300, 0.5 * 100 / 300])


def test_systemicness_adds_up_to_the_vulnerability_of_all():
    network = two()
    assert network.table()["systemicness"].sum() == pytest.approx(network.aggregate_vulnerability)
    # a: debt 900 for 1,000; sells 9 * 10 = 90 dollars; b sells 4 * 10 = 40, half each.
    sold = np.array([90.0 + 20.0, 20.0])
    lost = two().holdings @ (sold * 1e-4)
    assert network.aggregate_vulnerability == pytest.approx(lost.sum() / 300.0)
    assert network.table()["indirect_vulnerability"].tolist() == pytest.approx((lost / [100.0, 200.0]).tolist())


def test_connectedness_is_what_all_lose_per_dollar_sold():
    assert two().table()["connectedness"].tolist() == pytest.approx([0.15, (0.15 + 0.05) / 2])


def test_a_short_class_gains_where_longs_sell():
    holdings = np.array([[1_000.0], [-400.0]])
    network = ClassNetwork(("long", "short"), holdings, np.array([1_000.0, 400.0]), np.full(2, 200.0), np.array([1e-4]))
    table = network.table().set_index("class")
    assert table.loc["long", "indirect_contagion"] == pytest.approx(-40.0)
    assert table.loc["long", "debt_rank"] == 0.0, "gains are no distress"


def test_no_class_is_no_network():
    nobody = ClassNetwork((), np.empty((0, 2)), np.empty(0), np.empty(0), np.full(2, 1e-4))
    assert np.isnan(nobody.aggregate_vulnerability)
    assert list(nobody.table().columns) == ["class", *COLUMNS]


def test_the_live_book_gives_the_holdings_and_the_equity_of_its_groups():
    model = venue([book("a", {"A": 2.0, "B": -1.0}, 50.0), book("b", {}, 70.0), book("c", {"B": 3.0}, 40.0)], listed=2)
    live = LiveBook(model)
    network = class_network(model, live, np.full(2, 1e-6))
    assert network.names == ("a", "c"), "b holds nothing"
    assert network.holdings.tolist() == [[200.0, -100.0], [0.0, 300.0]]
    assert network.gross.tolist() == [300.0, 300.0]
    assert network.equity.tolist() == [50.0, 40.0]


@pytest.mark.parametrize("regime", ["cross", "isolated"])
def test_matrices_by_class_and_by_market_have_the_same_radius_when_there_is_one_market(regime):
    only = WarnedBook(accounts=400, markets=1, types=4, regime=regime).at_radius(0.5)
    model = opened(only.scenario())
    live = LiveBook(model)
    number = np.concatenate([np.full(group.count, i) for i, group in enumerate(model.turns)])
    by_class = live.by_class(number, only.window)
    assert np.abs(np.linalg.eigvals(by_class)).max() == pytest.approx(live.warning(only.window).radius)
    assert by_class.sum(axis=1) == pytest.approx(live.warning(only.window).radius), "a dollar is a dollar, whose ever"


def test_the_slope_of_units_does_not_depend_on_a_depth_that_means_nothing_there():
    """Impact linear in units: probing a thousandth of a depth of a billion would push the price through the floor."""
    population = [book("a", {"A": 1.0}, 20.0)]
    slopes = []
    for depth in (1e4, 1e9, 1e15):
        markets = [{"name": "A", "price": 100.0, "depth": depth}]
        impact = {"kind": "linear_units", "dollars_per_unit": 0.5}
        model = venue(population, markets=markets, impact=impact)
        slopes.append(LiveBook(model).warning(0.01).slope[0])
    assert slopes == pytest.approx([0.5 / 100.0 / 100.0] * 3, rel=1e-3)
