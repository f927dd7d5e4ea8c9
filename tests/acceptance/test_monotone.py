"""What must rise or fall when one thing is changed and the storm is not."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from experiments import load, run
from tests.venues import book, scenario, storm

REGIMES = ("isolated", "cross", "portfolio")
PLAIN = {"kind": "full", "penalty_rate": 0.0}
SPREAD = {"kind": "uniform", "low": 600.0, "high": 4_000.0}
LADDER = [{"kind": "book", "name": "longs", "count": 60, "deposit": SPREAD, "units": {"A": 100.0}}]
PROVIDED = {"insurance_fund": 1e9}  # so that nobody pays for anybody else


def falling(seed: int, steps: int = 12) -> dict[str, Any]:
    """An index that never rises: the steps of a seeded walk, the rises taken out."""
    moves = np.minimum(np.random.default_rng(seed).normal(0.0, 0.03, steps), 0.0)
    return storm(*(100.0 * np.exp(np.cumsum(np.concatenate([[0.0], moves])))))


def walking(seed: int, listed: int, steps: int = 25) -> dict[str, Any]:
    """Walks that go one way and then, twice as far, the other."""
    moves = np.random.default_rng(seed).normal(0.0, 0.04, (steps, listed))
    moves = np.vstack([moves, -2.0 * moves])
    return storm(*(100.0 * np.exp(np.cumsum(np.vstack([np.zeros(listed), moves]), axis=0))))


def liquidated(result: Any) -> set[str]:
    return set(result.events["account"])


def shared(result: Any) -> float:
    return result.metrics["adl_haircut"] + result.metrics["socialised_loss"]


# Impact ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("law", ["linear", "square_root"])
def test_more_impact_means_a_lower_path_and_liquidates_a_superset(law: str, seed: int) -> None:
    """One market, all long, full close, permanent impact, a falling index: true by induction over the rounds."""
    markets = [{"name": "A", "price": 100.0, "depth": 2e6}]
    results = [
        run(
            scenario(
                LADDER,
                seed=seed,
                markets=markets,
                price=falling(seed),
                liquidation=PLAIN,
                impact={"kind": law, "scale": scale, "permanent_share": 1.0},
                **PROVIDED,
            )
        )
        for scale in (0.0, 0.05, 0.1, 0.3, 1.0)
    ]
    for weaker, stronger in pairwise(results):
        assert (stronger.prices["mark"] <= weaker.prices["mark"]).all()
        np.testing.assert_array_equal(stronger.prices["index"], weaker.prices["index"])
        assert liquidated(weaker) <= liquidated(stronger)
    assert liquidated(results[0]) < liquidated(results[-1])


@pytest.mark.parametrize("seed", range(3))
def test_an_impact_law_of_scale_zero_is_no_impact(seed: int) -> None:
    usual: dict[str, Any] = {"price": walking(seed, 1), "seed": seed}
    none = run(scenario(LADDER, **usual))
    for law in ("linear", "square_root"):
        zero = run(scenario(LADDER, impact={"kind": law, "scale": 0.0}, **usual))
        assert zero.events[["step", "account", "fill"]].equals(none.events[["step", "account", "fill"]])
        np.testing.assert_array_equal(zero.prices["mark"], none.prices["mark"])
    assert len(none.events)


@pytest.mark.parametrize("seed", range(3))
def test_a_deeper_market_liquidates_a_subset_on_the_way_down(seed: int) -> None:
    impact = {"kind": "linear", "permanent_share": 1.0}
    sets = []
    for depth in (1e6, 4e6, 1.6e7, 1e12):
        markets = [{"name": "A", "price": 100.0, "depth": depth}]
        usual: dict[str, Any] = {"price": falling(seed), "liquidation": PLAIN, "impact": impact, **PROVIDED}
        sets.append(liquidated(run(scenario(LADDER, seed=seed, markets=markets, **usual))))
    assert all(deeper <= shallower for shallower, deeper in pairwise(sets))


# Collateral -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("margin", REGIMES)
@pytest.mark.parametrize("seed", [0, 2, 3])  # storms that liquidate somebody in every regime
def test_more_collateral_never_liquidates_anybody_new(margin: str, seed: int) -> None:
    """Without impact and with losses provided for, accounts do not meet: each is on its own with the index."""
    base = np.random.default_rng(seed).uniform(1_200.0, 1_500.0, 12)
    units = np.random.default_rng(seed + 100).integers(-59, 60, (12, 2)).astype(float)
    sets = []
    for factor in (1.0, 1.1, 1.5, 3.0):
        people = [
            book(f"b{i}", {"A": units[i, 0], "B": units[i, 1]}, factor * base[i]) for i in range(12) if units[i].all()
        ]
        usual: dict[str, Any] = {"price": walking(seed, 2), "margin": {"kind": margin}, **PROVIDED}
        sets.append(liquidated(run(scenario(people, 2, **usual))))
    assert all(richer <= poorer for poorer, richer in pairwise(sets))
    assert sets[-1] < sets[0]


@pytest.mark.parametrize("seed", range(3))
def test_more_collateral_delays_the_liquidation_of_everybody(seed: int) -> None:
    first = []
    for deposit in (700.0, 900.0, 1_300.0, 2_500.0):
        result = run(scenario([book("one", {"A": 100.0}, deposit)], price=falling(seed, 40), **PROVIDED))
        first.append(result.events["step"].min() if len(result.events) else 99)
    assert first == sorted(first)
    assert first[0] < first[-1]


@pytest.mark.parametrize("seed", range(4))
def test_cross_margin_never_liquidates_a_healthy_book_that_isolated_margin_keeps_whole(seed: int) -> None:
    """If no pool of its own falls under maintenance, their sum does not either, nor does a requirement with offsets."""
    units = np.random.default_rng(seed).integers(-50, 51, (15, 2)).astype(float)
    people = [book(f"b{i}", {"A": pair[0], "B": pair[1]}, 1_500.0) for i, pair in enumerate(units) if pair.all()]
    usual: dict[str, Any] = {"price": walking(seed, 2), **PROVIDED}
    isolated, cross, portfolio = (
        liquidated(run(scenario(people, 2, margin={"kind": kind}, **usual))) for kind in REGIMES
    )
    assert portfolio <= cross <= isolated
    assert isolated


# Insurance ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("margin", REGIMES)
@pytest.mark.parametrize("adl", ["queue", "pro_rata", "off"])
def test_a_larger_fund_leaves_no_more_to_winners_and_to_everybody(margin: str, adl: str) -> None:
    """One crash, one round: the deficits are given, so what the fund pays is what others need not."""
    people = [book(f"long{i}", {"A": 100.0}, 600.0 + 200.0 * i) for i in range(5)]
    people += [book(f"short{i}", {"A": -150.0}, 5_000.0 + 500.0 * i) for i in range(4)]
    usual: dict[str, Any] = {"price": storm(100, 80), "rounds_per_step": 1, "liquidation": PLAIN}
    usual |= {"margin": {"kind": margin}, "deleveraging": {"kind": adl}}
    results = [run(scenario(people, insurance_fund=fund, **usual)) for fund in (0, 100, 999, 2_500, 4_999, 1e5)]
    losses = [shared(result) for result in results]
    assert losses == sorted(losses, reverse=True)
    assert losses[0] > 0.0 == losses[-1]
    assert len({result.metrics["bad_debt"] for result in results}) == 1
    for result in results:
        assert result.metrics["insurance_draw"] + shared(result) == result.metrics["bad_debt"]


@pytest.mark.parametrize("margin", REGIMES)
def test_a_fund_that_covers_everything_makes_the_classroom_solvent(margin: str) -> None:
    result = run(load("classroom").with_(steps=80, seed=4, insurance_fund=1e8, margin={"kind": margin}))
    assert result.metrics["bad_debt"] == result.metrics["insurance_draw"] > 0.0
    assert result.metrics["insolvent"] == shared(result) == result.metrics["adl_notional"] == 0.0


def test_without_a_move_nobody_is_liquidated_in_any_regime() -> None:
    people = [{"kind": "holder", "count": 40, "leverage": {"kind": "uniform", "low": 1.0, "high": 9.9}}]
    for margin in REGIMES:
        result = run(scenario(people, 2, margin={"kind": margin}, impact={"kind": "square_root"}))
        assert result.events.empty
        assert result.pushes.empty
