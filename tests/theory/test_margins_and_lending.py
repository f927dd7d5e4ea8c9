"""Margins at risk, EWMA procyclicality, toxic spirals and vega at other parameters; published numbers; planted bugs."""

import itertools

import numpy as np
import pytest

from experiments.coverage import christoffersen, kupiec
from experiments.target import verdict
from experiments.theory import margin
from experiments.theory.breach_runs import christoffersen_size
from experiments.theory.lending import ToxicSpiral
from experiments.theory.margin import MarginBacktest, Procyclicality
from experiments.theory.vega import VegaHedge, VegaUnderstatement
from simulation.liquidation import lending
from simulation.margin.anti_procyclical import AntiProcyclical
from simulation.margin.loss_law import NormalLaw
from simulation.margin.volatility_update import VolatilityUpdate


def by_name(checks):
    return {check.name: check for check in checks}


# T19 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "rate", "first", "last"),
    [
        (255, 0.01, 1, 6),
        (510, 0.01, 2, 10),
        (1000, 0.01, 5, 16),
        (255, 0.05, 7, 20),
        (510, 0.05, 17, 35),
        (1000, 0.05, 38, 64),
    ],
)
def test_regions_of_kupiec_are_the_published_ones(days: int, rate: float, first: int, last: int):
    # His table says "less than 7" for 255 days; no breach at all is rejected too, LR = 5.13.
    found = by_name(MarginBacktest(days=days, breach_rate=rate)._regions())
    assert (found["Kupiec accepts from"].expected, found["Kupiec accepts to"].expected) == (first, last)
    assert verdict(list(found.values()))


def test_basel_zones_and_multipliers_are_the_published_ones():
    found = by_name(MarginBacktest().run())
    assert (found["yellow zone begins at"].expected, found["red zone begins at"].expected) == (5, 10)
    assert found["VAR of a t4 loss"].expected == pytest.approx(3.74695, abs=5e-6)
    assert found["ES of a t4 loss"].expected == pytest.approx(5.22058, abs=5e-6)
    assert found["ES of a normal loss"].expected == pytest.approx(2.66521, abs=5e-6)


@pytest.mark.parametrize(
    "target",
    [
        MarginBacktest(breach_rate=0.025, tail_index=6.0, engine_correlation=0.5, world_correlation=0.0, seed=4),
        MarginBacktest(days=100, breach_rate=0.05, level=0.1, engine_correlation=0.2, world_correlation=0.8, seed=5),
    ],
)
def test_margins_breach_as_computed_at_other_parameters(target: MarginBacktest):
    checks = target.run()
    assert verdict(checks), checks


def test_a_margin_two_percent_too_low_is_found(monkeypatch: pytest.MonkeyPatch):
    right = NormalLaw.loss
    monkeypatch.setattr(NormalLaw, "loss", lambda self, *args: 0.98 * right(self, *args))
    assert not verdict(MarginBacktest(steps=2_000).run())


# T20 --------------------------------------------------------------------------------------------------------


def test_jumps_are_the_published_ones():
    found = by_name(Procyclicality().run())
    jumps = [found[f"jump after {k} deviations"].expected for k in (3, 5, 8)]
    assert jumps == pytest.approx([1.2166, 1.5620, 2.1863], abs=5e-5)


@pytest.mark.parametrize(
    "target",
    [
        Procyclicality(decay=0.97, deviations=(4.0,), scale=3.0, after=1, seed=2),
        Procyclicality(decay=0.9, deviations=(2.0, 10.0), scale=1.5, after=40, buffer_share=0.4, seed=3),
        Procyclicality(decay=0.99, buffer_share=0.5, floor_share=3.0, steps=5_000),  # too slow for a short storm
    ],
)
def test_the_margin_of_the_engine_rises_as_computed(target: Procyclicality):
    checks = target.run()
    assert verdict(checks), checks


@pytest.mark.parametrize(
    ("field", "failing"),
    [("stress_weight", "largest deviation, stress weight"), ("floor_share", "lowest margin over the opening's")],
)
def test_a_tool_two_percent_wrong_is_found(field: str, failing: str, monkeypatch: pytest.MonkeyPatch):
    real = AntiProcyclical.applied

    def wrong(self: AntiProcyclical, estimate: np.ndarray, normal: np.ndarray) -> np.ndarray:
        return real(self.model_copy(update={field: 0.98 * getattr(self, field)}), estimate, normal)

    monkeypatch.setattr(AntiProcyclical, "applied", wrong)
    assert failing in {check.name for check in Procyclicality(steps=5_000).run() if not check.passed}


def test_a_decay_two_percent_wrong_is_found(monkeypatch: pytest.MonkeyPatch):
    kind = type(VolatilityUpdate.parse({"kind": "ewma", "decay": 0.94}))
    right = kind.variance

    def wrong(self, before: np.ndarray, *rest):
        return 0.98 * right(self, before, *rest)

    monkeypatch.setattr(kind, "variance", wrong)
    assert not verdict(Procyclicality().run())


# T6 ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bonus", [0.05, 0.1, 0.25])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
@pytest.mark.parametrize("distance", [1e-3, 0.04])
def test_spirals_turn_toxic_at_the_frontier_whatever_the_close_factor(bonus: float, share: float, distance: float):
    checks = ToxicSpiral(bonus_rate=bonus, share=share, distance=distance, rounds=2).run()
    assert verdict(checks), checks


def test_a_bonus_two_percent_wrong_is_found(monkeypatch: pytest.MonkeyPatch):
    right = lending.bonus_seizure
    monkeypatch.setattr(
        "experiments.theory.lending.bonus_seizure",
        lambda debt, held, share, rate: right(debt, held, share, 1.02 * rate),
    )
    assert not verdict(ToxicSpiral().run())


# A20, A21 ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target", [VegaHedge(correlation=0.3, assumed=0.9), VegaUnderstatement(assets=8, correlation=0.1, seed=2)]
)
def test_vega_risk_is_as_computed(target):
    checks = target.run()
    assert verdict(checks), checks


@pytest.mark.parametrize(("n", "rate", "level"), [(2, 0.5, 0.3), (9, 0.3, 0.05), (11, 0.2, 0.1), (12, 0.45, 0.01)])
def test_the_size_of_christoffersens_test_is_that_of_all_series_one_by_one(n: int, rate: float, level: float):
    found = 0.0
    for series in itertools.product((False, True), repeat=n):
        if christoffersen(np.array(series)).rejects(level):
            found += rate ** sum(series) * (1.0 - rate) ** (n - sum(series))
    assert christoffersen_size(n, rate, level) == pytest.approx(found, abs=1e-12)


def test_christoffersens_test_rejects_too_rarely_or_too_often_in_samples_of_usual_length():
    assert christoffersen_size(250, 0.01) == pytest.approx(0.01398, abs=1e-5)
    assert christoffersen_size(1_000, 0.05) == pytest.approx(0.08240, abs=1e-5)
    assert christoffersen_size(5_000, 0.29) == pytest.approx(0.05, abs=5e-4)  # the chi-square law holds at last


def test_a_test_of_independence_blind_to_runs_is_found(monkeypatch: pytest.MonkeyPatch):
    """The number of breaches in place of their transitions: the size is another one."""
    target = MarginBacktest(days=100, breach_rate=0.05, steps=20_000)
    monkeypatch.setattr(margin, "christoffersen", lambda part: kupiec(int(part.sum()), len(part), 0.01))
    assert "size of Christoffersen's test" in {check.name for check in target.run() if not check.passed}
