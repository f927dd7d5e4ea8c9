"""The law of cascades among accounts of two sizes: by hand, against the law of equal sizes, and in the limit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.theory.cascade import CascadeLaw
from experiments.theory.cascade_sizes import SizedLaw, UnlikeSizes, sized_cascades


def moments(law: SizedLaw) -> tuple[float, float]:
    sizes = np.arange(law.accounts + 1)
    mean = float(sizes @ law.pmf)
    return mean, float((sizes - mean) ** 2 @ law.pmf)


@given(st.floats(0.01, 0.4), st.floats(0.01, 0.2), st.floats(0.0, 0.99))
def test_a_large_and_a_small_account_by_hand(shock: float, impact: float, variation: float):
    large, small = impact * (1.0 + variation), impact * (1.0 - variation)
    by_hand = [
        (1.0 - shock) ** 2,
        shock * (1.0 - shock - large) + shock * (1.0 - shock - small),
        shock * (shock + large + small),
    ]
    assert SizedLaw(2, shock, impact, variation).pmf == pytest.approx(by_hand, abs=1e-12)


@given(st.integers(1, 40), st.floats(0.001, 0.2), st.floats(0.0, 0.02))
def test_without_variation_it_is_the_law_of_equal_sizes(pairs: int, shock: float, impact: float):
    equal = CascadeLaw(2 * pairs, shock, impact).pmf
    np.testing.assert_allclose(SizedLaw(2 * pairs, shock, impact, 0.0).pmf, equal, rtol=1e-9, atol=1e-12)


@given(st.integers(1, 60), st.floats(0.001, 0.3), st.floats(0.0, 0.9), st.floats(0.0, 0.99))
def test_every_set_of_accounts_is_counted_once(pairs: int, shock: float, ratio: float, variation: float):
    """What is not put at N by definition already adds up to less than one, and to one where N is out of reach."""
    law = SizedLaw(2 * pairs, shock, ratio / (2 * pairs), variation)
    assert (law.pmf >= 0.0).all()
    assert law.pmf.sum() == pytest.approx(1.0)
    last = law.shock * (law.shock + 2 * pairs * law.impact) ** (2 * pairs - 1)  # everybody, where that is within reach
    if law.shock + 2 * pairs * law.impact * (1.0 + variation) < 1.0:
        assert law.pmf[-1] == pytest.approx(last, abs=1e-9)


@pytest.mark.parametrize(("ratio", "variation"), [(0.3, 0.9), (0.5, 0.5), (0.6, 0.8)])
def test_many_accounts_are_the_busy_period_of_a_queue(ratio: float, variation: float):
    accounts = 1_200
    phi = ratio / accounts
    parts = [moments(SizedLaw(accounts, phi * (1.0 + sign * variation), phi, variation)) for sign in (1.0, -1.0)]
    mean = np.mean([mean for mean, _ in parts])
    variance = np.mean([variance for _, variance in parts]) + np.var([mean for mean, _ in parts])
    assert 1.0 + mean == pytest.approx(1.0 / (1.0 - ratio), rel=0.01)
    assert variance == pytest.approx((ratio + (ratio * variation) ** 2) / (1.0 - ratio) ** 3, rel=0.05)


def test_the_engine_counts_what_the_law_says_of_two_accounts():
    law = SizedLaw(2, 0.3, 0.2, 0.5)
    counts = np.bincount(sized_cascades(law, 2_000, 3).astype(int), minlength=3)
    for size, chance in enumerate(law.pmf):
        assert counts[size] / 2_000 == pytest.approx(chance, abs=4.0 * np.sqrt(chance * (1.0 - chance) / 2_000))


@pytest.mark.parametrize("variation", [0.0, 0.6, 0.999])
def test_the_target_passes_at_other_parameters(variation: float):
    checks = UnlikeSizes(accounts=60, ratio=0.7, variation=variation, replications=400, seed=5).run()
    assert [check.name for check in checks if not check.passed] == []


def test_a_cascade_law_that_ignores_the_sizes_is_told_apart():
    """Equal sizes of the same mean give a smaller variance; the variance of the exact law must show it."""
    _, unlike = moments(SizedLaw(200, 0.01, 0.003, 0.9))
    assert unlike > 1.2 * CascadeLaw(200, 0.01, 0.003).variance
