"""Warnings beside what then happened, and networks of account classes, with numbers worked out on paper."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.target import opened, played
from experiments.warning.classes import FALL, class_network
from experiments.warning.contagion_matrix import SharedBook, contagion_matrix, endogenous_correlation
from experiments.warning.debt_rank import debt_rank, linear_debt_rank, original_debt_rank, unsaturated
from experiments.warning.early_warning import LiveBook, Prediction
from experiments.warning.fire_sale import FireSale, indirect_contagion, overlap, perron_vector
from experiments.warning.outcome import Outcome, realised_amplification
from experiments.warning.warned import Warned, warn
from tests.experiments.storms import TIER, by_hand, holder_of, one_market
from tests.venues import book, venue


def scripted(*sizes):
    return {"kind": "scripted", "shocks": [{"step": i, "size": size} for i, size in enumerate(sizes, 1) if size]}


# What happened ------------------------------------------------------------------------------------------------


def test_what_came_is_all_that_was_closed_over_the_first_round_at_the_opening_marks() -> None:
    model = opened(by_hand())
    model.run()
    assert realised_amplification(model) == pytest.approx((400.0 + 200.0) / 400.0)
    later = opened(by_hand(price=scripted(-0.035, 0.0, -0.06)))
    later.run()  # C falls below 90 in step 3: 90.71 less what A and B moved
    assert realised_amplification(later) == pytest.approx(700.0 / 400.0)
    calm = opened(by_hand(price={"kind": "flat"}))
    calm.run()
    assert np.isnan(realised_amplification(calm))


def test_markets_that_fall_unlike_count_at_their_opening_marks() -> None:
    two = [{"name": name, "price": 100.0, "tiers": [TIER]} for name in "XY"]
    people = [
        holder_of(4.0, 97.0, "A"),
        {"kind": "book", "name": "V", "count": 1, "units": {"Y": 1.0}, "deposit": 40.0},
    ]
    shocks = [{"step": 1, "size": -0.035, "market": "X"}, {"step": 2, "size": -0.5, "market": "Y"}]
    model = opened(one_market(people, markets=two, price={"kind": "scripted", "shocks": shocks}))
    model.run()
    assert realised_amplification(model) == pytest.approx((400.0 + 100.0) / 400.0)


def test_the_outcome_is_simulated_over_predicted() -> None:
    two, five = np.array([4.0]), np.array([10.0])
    told = Outcome(0.5, Prediction(two, five, two, in_reach=True), simulated=5.0)
    assert told.ratio == pytest.approx(5.0 / 2.5)
    unstable = Prediction(two, np.full(1, np.nan), two, in_reach=False, reason="unstable")
    assert np.isnan(Outcome(1.2, unstable, 9.0).ratio)


# Readings -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shorts() -> Warned:
    """Shorts near their liquidation price, which falls come closer to in no step; the rise in step 3 hits them."""
    people = [
        {"kind": "book", "name": f"s{i}", "count": 1, "units": {"X": -4.0}, "deposit": 21.0 + i} for i in range(3)
    ]
    people.append(holder_of(1.0, 60.0, "rich"))
    per_unit = {"kind": "linear_units", "dollars_per_unit": 0.1}
    return warn(one_market(people, price=scripted(0.0, -0.002, 0.02), impact=per_unit, steps=4))


def test_the_radius_is_the_larger_one_of_both_directions_and_the_matrix_that_of_its_direction(shorts: Warned) -> None:
    readings = shorts.readings
    assert readings["radius_down"].tolist() == [0.0] * 5
    assert readings["radius_up"].max() > 0.0
    assert shorts.radius.tolist() == readings["radius_up"].tolist()
    top = int(readings["radius_up"].idxmax())
    assert shorts.matrix == pytest.approx(np.array([[readings["radius_up"][top]]]))
    assert (readings["bought_per_percent"][0] > 0.0) and (readings["sold_per_percent"] == 0.0).all()


def test_the_first_forced_step_is_the_first_and_the_volume_that_of_the_run(shorts: Warned) -> None:
    assert shorts.first_forced == 3
    assert np.flatnonzero(shorts.forced).tolist() == [3]
    assert shorts.forced[3] > 1_000.0
    two = replace(shorts, forced=np.array([0.0, 0.0, 2.0, 0.0, 5.0]))
    assert two.first_forced == 2


def test_the_alarm_is_the_first_reading_at_or_above_one(shorts: Warned) -> None:
    def alarm(*radii: float) -> int | None:
        rows = pd.DataFrame({"step": [0, 5, 10], "radius_down": radii, "radius_up": [0.0, 0.0, 0.1]})
        return replace(shorts, readings=rows).first_alarm

    assert alarm(0.2, 0.99, 0.5) is None
    assert alarm(0.2, 1.0, 1.5) == 5
    assert alarm(1.5, 0.2, 2.0) == 0


def test_the_text_tells_of_the_reading_with_the_largest_radius(shorts: Warned) -> None:
    columns = {name: [0.0] * 3 for name in shorts.readings.columns}
    rows = pd.DataFrame(columns | {"step": [0, 5, 10], "radius_up": [0.2, 0.8, 0.5], "first_sales": [1.0, 77.0, 3.0]})
    text = str(replace(shorts, readings=rows))
    assert "spectral radius: 0.2 at the start, 0.8 at most (step 5)" in text
    assert "forces out $77 at once" in text


def test_a_reading_foresees_a_common_fall_of_one_per_cent() -> None:
    """0.9 % off falls, 1.1 % off does not: thresholds 99.1 and 98.9 on either side of 99."""
    people = [holder_of(2.0, 99.1, "near"), holder_of(3.0, 98.9, "far"), holder_of(1.0, 60.0, "rich")]
    found = warn(one_market(people, price={"kind": "flat"}, steps=1, impact={"kind": "none"})).readings
    assert found["first_sales"].tolist() == pytest.approx([200.0, 200.0])
    assert found["predicted_sales"].tolist() == pytest.approx([200.0, 200.0]), "without impact nothing follows"
    assert found["vulnerability"].tolist() == [0.0, 0.0]
    assert pytest.approx(0.01) == FALL


def test_class_matrix_has_the_groups_in_their_order() -> None:
    """Only Z is near; its sale would force Z itself out further and nobody of A."""
    people = [holder_of(1.0, 60.0, "A", count=2), holder_of(2.0, 99.5, "Z", count=3)]
    found = warn(one_market(people, price={"kind": "flat"}, steps=1))
    assert found.groups == ("A", "Z")
    assert found.class_matrix[0].tolist() == [0.0, 0.0]
    assert found.class_matrix[1, 0] == 0.0 < found.class_matrix[1, 1]
    assert found.class_matrix[1, 1] == pytest.approx(found.matrix[0, 0])
    assert found.classes["class"].tolist() == ["A", "Z"]


# Classes ------------------------------------------------------------------------------------------------------


def test_a_class_has_its_net_holdings_and_its_gross_notional() -> None:
    pair = [book("a", {"A": 3.0}, 60.0, count=2), book("b", {"A": -2.0}, 80.0)]
    mixed = {"kind": "holder", "name": "mixed", "count": 8, "leverage": 2.0, "deposit": 100.0, "long_share": 0.5}
    model = venue([*pair, mixed], 1)
    network = class_network(model, LiveBook(model), np.array([1e-6]))
    assert network.holdings[:2, 0].tolist() == pytest.approx([600.0, -200.0])
    assert network.gross.tolist() == pytest.approx([600.0, 200.0, 8 * 200.0], rel=1e-3)
    assert abs(network.holdings[2, 0]) < 1_600.0, "longs and shorts of one class offset each other"


def test_the_equity_of_a_class_is_that_of_all_its_pools() -> None:
    """In isolated margin 100 dollars stand behind each of two positions; together they are 200."""
    model = venue([book("a", {"A": 3.0, "B": 3.0}, 200.0)], 2, margin={"kind": "isolated"})
    live = LiveBook(model)
    assert live.equity[:, 1:].tolist() == [[100.0, 100.0]]
    network = class_network(model, live, np.array([1e-6, 1e-6]))
    assert network.equity.tolist() == [200.0]
    assert network.gross.tolist() == [600.0]


def test_a_class_without_equity_is_left_out() -> None:
    model = venue([book("a", {"A": 3.0}, 60.0), book("b", {"A": 1.0}, 80.0)], 1)
    row = np.array([model.groups[0].first_row])
    model.accounts.transfer((row, 0), (np.array([0]), 0), np.array([70.0]), "withdrawal")
    assert class_network(model, LiveBook(model), np.array([1e-6])).names == ("b",)


# Matrices once more, in plain loops -----------------------------------------------------------------------------

SMALL = st.integers(0, 10**6).map(np.random.default_rng)


@settings(max_examples=30)
@given(SMALL)
def test_the_fire_sale_numbers_are_their_sums(rng: np.random.Generator) -> None:
    n, k = 4, 3
    weights = rng.dirichlet(np.ones(k), n)
    a, e, shock = rng.uniform(10.0, 90.0, n), rng.uniform(1.0, 9.0, n), rng.uniform(-0.1, 0.05, k)
    sale = FireSale(a, e, weights, rng.uniform(1e-4, 1e-3, k), shock)
    b, hit = (a - e) / e, [sum(weights[i, j] * shock[j] for j in range(k)) for i in range(n)]
    price = [sale.impact[j] * sum(weights[i, j] * a[i] * b[i] * hit[i] for i in range(n)) for j in range(k)]
    lost = [a[i] * sum(weights[i, j] * price[j] for j in range(k)) for i in range(n)]
    assert sale.aggregate_vulnerability == pytest.approx(sum(lost) / sum(e))
    assert sale.indirect_vulnerability.tolist() == pytest.approx([lost[i] / e[i] for i in range(n)])
    gamma = [sum(weights[:, j] @ a * sale.impact[j] * weights[i, j] for j in range(k)) for i in range(n)]
    assert sale.connectedness.tolist() == pytest.approx(gamma)
    assert sale.systemicness.tolist() == pytest.approx([gamma[i] * a[i] / sum(e) * b[i] * hit[i] for i in range(n)])
    holdings, depth = weights * a[:, None], 1.0 / sale.impact
    omega = overlap(holdings, depth)
    for i in range(n):
        for j in range(n):
            assert omega[i, j] == pytest.approx(sum(holdings[i, h] * holdings[j, h] / depth[h] for h in range(k)))
    others = [sum(omega[i, j] for j in range(n) if j != i) for i in range(n)]
    assert indirect_contagion(holdings, depth).tolist() == pytest.approx(others)
    vector = np.ones(n)
    for _ in range(3_000):
        vector = omega @ vector / (omega @ vector).sum()
    assert perron_vector(omega) == pytest.approx(vector, abs=1e-6)


@settings(max_examples=30)
@given(SMALL)
def test_debt_rank_passes_distress_from_the_row_to_the_column(rng: np.random.Generator) -> None:
    exposure, seed = rng.uniform(0.0, 0.3, (4, 4)) * (1.0 - np.eye(4)), np.array([0.4, 0.0, 0.0, 0.0])
    once = [seed[j] + sum(seed[i] * exposure[i, j] for i in range(4)) for j in range(4)]
    h, before = seed.tolist(), [0.0] * 4
    for _ in range(200):
        more = [h[j] - before[j] for j in range(4)]
        before = h
        h = [min(1.0, h[j] + sum(more[i] * exposure[i, j] for i in range(4))) for j in range(4)]
    assert linear_debt_rank(exposure, seed).tolist() == pytest.approx(h, abs=1e-9)
    if max(h) < 1.0 and np.abs(np.linalg.eigvals(exposure)).max() < 1.0:
        assert unsaturated(exposure, seed).tolist() == pytest.approx(h, abs=1e-9)
    assert (original_debt_rank(exposure, seed) >= np.array(once) - 1e-12).all()
    value = np.array([0.1, 0.2, 0.3, 0.4])
    beyond = sum((h[j] - seed[j]) * value[j] for j in range(4))
    assert debt_rank(np.array(h), seed, value) == pytest.approx(beyond)


# Who moves whom -------------------------------------------------------------------------------------------------


def test_rows_are_shocked_and_columns_are_moved() -> None:
    """The shocked market moves by more than the shock, the other one by what the same accounts had to sell of it."""
    tiny = SharedBook(markets=3, markets_held=2, traders=40, steps=5)
    matrix, healthy = contagion_matrix(tiny, "cross", 3)
    fall = {"kind": "scripted", "shocks": [{"step": 1, "market": "M0", "size": tiny.shock}]}
    marks = played(tiny.scenario("cross", fall, 1).seeded(3)).market.history["mark"]
    assert matrix[0] == pytest.approx(np.log(marks[-1] / marks[0]) / np.log(0.9))
    assert matrix[0, 0] > 1.0 > matrix[0, 1] > 0.0
    assert 0.0 < healthy < 1.0


def test_without_impact_a_shock_moves_its_own_market_alone_and_without_closings_nothing_was_healthy() -> None:
    tiny = SharedBook(markets=2, markets_held=2, traders=40, steps=5, impact=0.0)
    assert contagion_matrix(tiny, "cross", 3)[0] == pytest.approx(np.eye(2), abs=1e-12)
    assert np.isnan(contagion_matrix(replace(tiny, shock=-1e-4, leverage=(1.0, 1.1)), "cross", 3)[1])


def test_without_impact_no_correlation_is_endogenous() -> None:
    tiny = SharedBook(markets=2, markets_held=2, traders=20, steps=30, impact=0.0)
    assert endogenous_correlation(tiny, "cross", range(1, 3)) == pytest.approx(np.zeros(2), abs=1e-12)
