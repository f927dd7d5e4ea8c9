"""Branching ratios and funding as targets: the finite-window law, other parameters, planted mistakes, refusals."""

import math

import numpy as np
import pytest
from scipy.integrate import quad

from experiments.graph.branching import Hawkes, fitted, ratio_error
from experiments.target import verdict
from experiments.theory import events
from experiments.theory.events import BranchingRatio, PerpetualFunding
from simulation.errors import InputError
from simulation.funding.average import AverageFunding
from simulation.random import Streams
from tests.theory.tiers import thorough


@pytest.mark.parametrize("process", [Hawkes(1.0, 0.5), Hawkes(2.0, 0.8, 3.0), Hawkes(0.3, 0.1, 0.5)])
@pytest.mark.parametrize("window", [0.5, 10.0])
def test_the_fano_factor_is_the_integral_of_the_covariance_density(process: Hawkes, window: float) -> None:
    # A. Hawkes, Biometrika 58 (1971) 83-90: covariance density of events for exponential delays
    n, b, mean = process.ratio, process.decay, process.mean_rate
    height = b * n * (2.0 - n) * mean / (2.0 * (1.0 - n))
    area = quad(lambda t: 2.0 * (window - t) * height * math.exp(-b * (1.0 - n) * t), 0.0, window)[0]
    assert process.fano(window) == pytest.approx((mean * window + area) / (mean * window))


def test_in_long_windows_the_fano_factor_is_one_over_one_minus_n_squared() -> None:
    assert Hawkes(1.0, 0.5).fano(1e9) == pytest.approx(4.0)
    assert Hawkes(1.0, 0.5).fano(1e-9) == pytest.approx(1.0)


def test_the_error_of_a_fitted_ratio_is_its_spread_over_samples() -> None:
    process, span = Hawkes(1.0, 0.5), 500.0
    samples = [process.times(span, Streams(seed)) for seed in range(24)]
    found = [fitted(times, span) for times in samples]
    errors = [ratio_error(one, times, span) for one, times in zip(found, samples, strict=True)]
    spread = np.std([one.ratio for one in found], ddof=1)
    assert np.nanmedian(errors) == pytest.approx(spread, rel=0.5)


@pytest.mark.parametrize(
    "target",
    [
        BranchingRatio(),
        BranchingRatio(ratios=(0.3, 0.9), rate=0.02, decay=0.1, windows=500, seed=2),
        BranchingRatio(ratios=(0.6,), rate=20.0, decay=10.0, seed=3),
        # Children are hard to tell from others here, and the likelihood is flat.
        BranchingRatio(ratios=(0.15,), rate=0.0041106387, decay=0.0014454063, windows=500, seed=169),
        PerpetualFunding(),
        PerpetualFunding(carry=0.4, clamp=0.0005, steps=100),
        PerpetualFunding(carry=-0.3, clamp=0.001, settlements=365.0),
        PerpetualFunding(carry=0.0),
    ],
    ids=str,
)
def test_ratios_and_funding_are_recovered(target) -> None:
    checks = target.run()
    assert verdict(checks), [check for check in checks if not check.passed]


@thorough
def test_ratios_are_recovered_from_many_events() -> None:
    assert verdict(BranchingRatio.of({**BranchingRatio.thorough, "seed": 7}).run())


def test_a_twentieth_of_the_events_misread_as_children_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    times = Hawkes.times

    def with_echoes(process: Hawkes, span: float, streams: Streams) -> np.ndarray:
        found = times(process, span, streams)
        return np.sort(np.concatenate([found, found[::20] + 1e-3]))

    monkeypatch.setattr(Hawkes, "times", with_echoes)
    assert not verdict(BranchingRatio(windows=3_000).run())


def test_funding_2_percent_too_high_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    payment = AverageFunding.payment
    monkeypatch.setattr(AverageFunding, "payment", lambda *asked: 1.02 * payment(*asked))
    assert not verdict(PerpetualFunding().run())


def test_a_wrong_price_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "perpetual_ratio", lambda k, i, carry: (k - i) / (k + carry))
    assert not verdict(PerpetualFunding().run())


def test_what_cannot_be_told_is_refused() -> None:
    with pytest.raises(InputError, match="ratios"):
        BranchingRatio(ratios=(1.0,)).run()
    with pytest.raises(InputError, match="times decay"):
        BranchingRatio(rate=100.0).run()
    with pytest.raises(InputError, match="at most"):
        BranchingRatio(ratios=(0.95,), windows=100_000).run()
