"""Overlapping portfolios: the branching law against its published numbers, and the engine against the law."""

import math
from dataclasses import replace

import numpy as np
import pytest

from experiments.target import opened, played
from experiments.theory.overlap import Overlap, OverlappingPortfolios, compared, failures
from experiments.theory.overlap_networks import drawn, threshold_failures
from experiments.theory.suite import run_target
from simulation.errors import InputError
from tests.theory import planted
from tests.theory.tiers import thorough


def of(held: int, leverage: float = 25.0, size: int = 1_000) -> Overlap:
    return Overlap(size, size, held, 0.8 * leverage, 1.0536)


@pytest.mark.parametrize(
    ("held", "reproduction", "chance"),
    [(1, 0.0, 0.0), (2, 1.998, 0.959), (3, 4.892, 0.997), (4, 2.857, 0.860), (5, 0.809, 0.0), (6, 0.074, 0.0)],
)
def test_the_law_has_the_published_numbers(held: int, reproduction: float, chance: float):
    assert of(held).reproduction == pytest.approx(reproduction, abs=5e-4)
    assert of(held).global_chance == pytest.approx(chance, abs=5e-4)


def test_with_little_leverage_there_is_no_window():
    assert max(of(held, 10.0).reproduction for held in range(1, 12)) < 1.0
    assert max(of(held, 12.0).reproduction for held in range(1, 12)) > 1.0  # critical is about 11


@pytest.mark.parametrize("held", [1, 2, 3, 4, 6])
def test_an_asset_is_fragile_up_to_the_largest_number_of_holders_whose_sale_ruins_the_others(held: int):
    def ruins(holders: int) -> bool:
        return 20.0 / held * (1.0 - math.exp(-1.0536 / holders)) > 1.0

    assert of(held).fragile == max(k for k in range(1, 100) if ruins(k))


def test_whoever_has_more_equity_than_it_holds_of_an_asset_never_fails_of_it():
    assert Overlap(100, 100, 3, 3.0, 1.0).fragile == 0
    assert Overlap(100, 100, 3, 3.0, 1.0).global_chance == 0.0


def test_the_chance_is_that_of_a_plain_branching_process():
    law = of(4)
    rng = np.random.default_rng(5)

    def survives() -> bool:
        left = law.held
        while 0 < left < 500:
            others = rng.poisson(law.held, left)
            left = int(others[others + 1 <= law.fragile].sum()) * (law.held - 1)
        return left > 0

    seen = np.mean([survives() for _ in range(4_000)])
    assert seen == pytest.approx(law.global_chance, abs=4 * math.sqrt(0.25 / 4_000))


def holdings(overlap: Overlap, seed: int):
    model = opened(overlap.scenario(seed))
    return model, model.accounts.position[model.traders]


def test_all_accounts_hold_the_same_amounts_of_as_many_assets():
    _, position = holdings(of(3, size=60), 4)
    held = position > 0.0
    assert (held.sum(axis=1) == 3).all()
    assert position[held] == pytest.approx(position[held][0], rel=1e-6)


def test_selling_all_that_is_held_of_an_asset_moves_its_log_price_by_alpha():
    scenario = of(2, size=60).scenario(1)
    model = opened(scenario)
    sold = model.accounts.position[model.traders].sum(axis=0)
    depth = np.array([market.depth for market in scenario.markets])
    assert (sold / depth)[sold > 0.0] == pytest.approx(1.0536)


def cascade(position: np.ndarray, first: int, equity: float, impact: float) -> set[int]:
    """Who fails by the definition: sell all of the failed, revalue, look for more, until nobody fails."""
    all_held = position.sum(axis=0)
    failed = {first}
    while True:
        sold = position[sorted(failed)].sum(axis=0)
        price = np.exp(-impact * np.divide(sold, all_held, out=np.zeros_like(sold), where=all_held > 0.0))
        loss = position @ (1.0 - price)
        more = {i for i in range(len(position)) if loss[i] > equity} - failed
        if not more:
            return failed
        failed |= more


@pytest.mark.parametrize(("held", "seed"), [(1, 1), (2, 1), (2, 2), (3, 3), (4, 1), (4, 7), (6, 2)])
def test_the_engine_closes_exactly_those_who_fail_by_definition(held: int, seed: int):
    overlap = of(held, size=150)
    scenario = overlap.scenario(seed)
    model, position = holdings(overlap, seed)
    rows = model.traders
    poor = int(model.accounts.cash[rows, 0].argmin())
    expected = cascade(position, poor, 1e4, 1.0536)
    events = played(scenario).exchange.desk.log.events
    assert set(np.unique(events.row)) == set(rows[sorted(expected)])


def test_double_hits_are_counted_as_they_occur():
    overlap = of(4, size=300)
    _, position = holdings(overlap, 3)
    shared = (position > 0.0).astype(int)
    pairs = (shared @ shared.T == 2).sum()
    assert pairs / len(shared) == pytest.approx(overlap.twice, rel=0.15)


def test_networks_are_as_large_as_asked():
    assert {one.accounts for one in OverlappingPortfolios().overlaps()} == {1_000}
    assert [one.assets for one in OverlappingPortfolios(accounts=100, assets=300).overlaps()] == [300] * 5


@pytest.mark.parametrize(("accounts", "assets", "held"), [(400, 400, 1), (500, 100, 3), (300, 30, 20)])
def test_a_drawn_network_gives_each_account_as_many_different_assets(accounts: int, assets: int, held: int):
    units = drawn(accounts, assets, held, 3).toarray()
    assert units.shape == (accounts, assets)
    assert ((units == 0.0) | (units == 1.0)).all()
    assert (units.sum(axis=1) == held).all()
    holders = units.sum(axis=0)  # binomial: every asset as likely as every other
    chance = held / assets
    spread = math.sqrt(accounts * chance * (1.0 - chance))
    assert abs(holders - accounts * chance).max() < 6.0 * spread
    assert holders.std() == pytest.approx(spread, rel=0.35)
    assert (drawn(accounts, assets, held, 3).toarray() == units).all()
    assert not (drawn(accounts, assets, held, 4).toarray() == units).all()


@pytest.mark.parametrize(("held", "seed"), [(1, 1), (2, 1), (3, 3), (4, 7), (6, 2)])
def test_the_threshold_model_is_the_definition(held: int, seed: int):
    units = drawn(150, 150, held, seed)
    failed, direct = threshold_failures(units, 20.0, 1.0536, np.array([0]))
    expected = cascade(units.toarray(), 0, held / 20.0, 1.0536)
    assert set(np.flatnonzero(failed)) == expected
    fallen = 1.0 - np.exp(-1.0536 * units.toarray()[0] / np.maximum(units.toarray().sum(axis=0), 1.0))
    assert direct == ((units.toarray() @ fallen > held / 20.0).sum() - 1 if held < 20 else 0)


def test_near_the_threshold_only_the_networks_themselves_are_compared():
    assert not of(5, size=20_000).decided
    names = ["mu = 5: accounts apart from the threshold model", "mu = 5: price furthest off, relative"]
    checks = OverlappingPortfolios(held=(5,), accounts=200, runs=3).run()
    assert [check.name for check in checks] == names
    assert checks[0].passed and checks[1].passed


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"held": (0,)}, "held: must be between 1 and"),
        ({"held": (500,), "accounts": 400}, "held: must be between 1 and 200"),
        ({"leverage": 250.0, "invested": 1.0}, r"leverage \* invested: must be at most 200 \(got 250\)"),
    ],
)
def test_impossible_parameters_are_refused_in_one_line(changes: dict, message: str):
    with pytest.raises(InputError, match=message):
        OverlappingPortfolios(**changes).run()


@pytest.mark.parametrize("changes", [{"held": (1, 3)}, {"held": (2,), "leverage": 40.0, "seed": 3}])
def test_small_networks_pass_where_theory_is_decided(changes: dict):
    result = run_target(OverlappingPortfolios, {"accounts": 300, "runs": 5, "large": 4_000, "networks": 40, **changes})
    assert result.passed, result.checks


@pytest.mark.parametrize("wrong", [1.02, 2.0])
def test_an_impact_that_is_too_large_is_found(wrong: float, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(planted, "WRONG", wrong)
    planted.impact(monkeypatch)
    apart, off = compared(replace(of(4, size=200), leverage=12.0), 0)
    assert off > 0.01
    assert apart == 0 or wrong == 2.0
    small = {"accounts": 200, "runs": 2, "large": 1_000, "networks": 10}
    assert not run_target(OverlappingPortfolios, small).passed


def test_failures_are_a_share_of_the_others():
    share, direct = failures(of(1, size=60), 2)
    assert 0.0 <= share <= 1.0
    assert direct <= share * 59 + 1e-9


@thorough
def test_just_above_the_window_large_networks_are_calm():
    assert run_target(OverlappingPortfolios, {"held": (6,), "runs": 2}).passed
