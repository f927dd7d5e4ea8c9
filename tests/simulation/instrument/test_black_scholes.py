"""Values and greeks of options: textbook numbers, numerical integration, parity, differences, limits."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from simulation.instrument.black_scholes import Vanilla, black76, black_scholes, greeks

forwards = st.floats(20.0, 500.0)
strikes = st.floats(20.0, 500.0)
years = st.floats(0.01, 3.0)
volatilities = st.floats(0.1, 2.0)
rates = st.floats(-0.1, 0.2)
sides = st.sampled_from((1.0, -1.0))


@pytest.mark.parametrize(
    ("side", "terms", "value"),
    [
        (1.0, (60.0, 65.0, 0.25, 0.08, 0.0, 0.30), 2.1334),  # Haug (1998), section 1.1.1
        (-1.0, (100.0, 95.0, 0.50, 0.10, 0.05, 0.20), 2.4648),  # Haug (1998), section 1.1.2: index option
        (1.0, (42.0, 40.0, 0.50, 0.10, 0.0, 0.20), 4.7594),  # Hull, "Options, Futures", example in ch. 15
        (-1.0, (42.0, 40.0, 0.50, 0.10, 0.0, 0.20), 0.8086),
    ],
)
def test_textbook_values(side: float, terms: tuple[float, ...], value: float) -> None:
    spot, strike, expiry, rate, dividends, volatility = terms
    found = black_scholes(Vanilla(side, strike, expiry), spot, volatility, rate, dividends)
    assert float(found) == pytest.approx(value, abs=1e-4)


def integrated(option: Vanilla, forward: float, deviation: float) -> float:
    """The mean payoff under the lognormal law, by quadrature over where it is not zero."""
    kink = (math.log(float(option.strike) / forward) + deviation**2 / 2) / deviation

    def payoff(z: float) -> float:
        return float(option.payoff(forward * math.exp(deviation * z - deviation**2 / 2))) * float(norm.pdf(z))

    low, high = (max(kink, -12.0), 20.0) if option.side > 0 else (-20.0, min(kink, 12.0))
    return quad(payoff, low, high, limit=200)[0] if low < high else 0.0


@pytest.mark.parametrize("side", [1.0, -1.0])
@pytest.mark.parametrize("forward", [60.0, 100.0, 170.0])
@pytest.mark.parametrize("deviation", [0.05, 0.4, 1.5])
def test_the_value_is_the_mean_payoff_under_the_lognormal_law(side: float, forward: float, deviation: float) -> None:
    option = Vanilla(side, 100.0, 0.25)
    found = float(black76(option, forward, deviation / 0.5))
    assert found == pytest.approx(integrated(option, forward, deviation), rel=1e-7, abs=1e-9)


@given(forwards, strikes, years, volatilities, st.floats(0.5, 1.0))
def test_call_less_put_is_forward_less_strike(f: float, k: float, t: float, s: float, discount: float) -> None:
    call, put = (float(black76(Vanilla(side, k, t), f, s, discount)) for side in (1.0, -1.0))
    assert call - put == pytest.approx(discount * (f - k), abs=1e-9 * (f + k))


@given(forwards, strikes, years, volatilities)
def test_an_option_is_worth_at_least_its_payoff_and_at_most_what_it_is_on(
    f: float, k: float, t: float, s: float
) -> None:
    call, put = (float(black76(Vanilla(side, k, t), f, s)) for side in (1.0, -1.0))
    assert max(f - k, 0.0) - 1e-9 * f <= call <= f * (1 + 1e-12)
    assert max(k - f, 0.0) - 1e-9 * k <= put <= k * (1 + 1e-12)


@given(forwards, strikes, years, volatilities, sides, st.floats(1.0, 2.0))
def test_value_scales_with_money_and_rises_with_volatility_and_time(
    f: float, k: float, t: float, s: float, side: float, factor: float
) -> None:
    value = float(black76(Vanilla(side, k, t), f, s))
    assert float(black76(Vanilla(side, k * factor, t), f * factor, s)) == pytest.approx(value * factor, abs=1e-8)
    assert float(black76(Vanilla(side, k, t), f, s * factor)) >= value - 1e-9
    assert float(black76(Vanilla(side, k, t * factor), f, s)) >= value - 1e-9


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_at_the_end_or_without_volatility_the_value_is_the_discounted_payoff(side: float) -> None:
    forward = np.array([80.0, 100.0, 130.0])
    for option, volatility in ((Vanilla(side, 100.0, 0.0), 0.8), (Vanilla(side, 100.0, 1.0), 0.0)):
        value = black76(option, forward, volatility, 0.9)
        np.testing.assert_allclose(value, 0.9 * np.maximum(side * (forward - 100.0), 0.0))


def test_a_strike_or_forward_of_nothing_leaves_the_other_discounted() -> None:
    assert float(black76(Vanilla(1.0, 0.0, 1.0), 1000.0, 4.0, 0.99)) == pytest.approx(990.0)
    assert float(black76(Vanilla(-1.0, 0.0, 1.0), 1000.0, 4.0, 0.99)) == 0.0
    assert float(black76(Vanilla(1.0, 1000.0, 1.0), 0.0, 4.0, 0.99)) == 0.0
    assert float(black76(Vanilla(-1.0, 1000.0, 1.0), 0.0, 4.0, 0.99)) == pytest.approx(990.0)


@given(forwards, strikes, years, volatilities, rates, rates, sides)
def test_greeks_are_the_slopes_of_the_value(
    spot: float, strike: float, t: float, s: float, rate: float, dividends: float, side: float
) -> None:
    def value(spot: float = spot, t: float = t, s: float = s, rate: float = rate, paid: float = dividends) -> float:
        return float(black_scholes(Vanilla(side, strike, t), spot, s, rate, paid))

    def slope(name: str, at: float, step: float) -> float:
        return (value(**{name: at + step}) - value(**{name: at - step})) / (2 * step)

    found, small = greeks(Vanilla(side, strike, t), spot, s, rate, dividends), 2e-4 * spot
    assert float(found.delta) == pytest.approx(slope("spot", spot, spot * 1e-4), rel=2e-4, abs=2e-4)
    assert float(found.vega) == pytest.approx(slope("s", s, s * 1e-4), rel=2e-4, abs=small)
    assert float(found.theta) == pytest.approx(-slope("t", t, t * 1e-4), rel=2e-4, abs=small)
    assert float(found.rho) == pytest.approx(slope("rate", rate, 1e-5), rel=2e-4, abs=small)
    assert float(found.dividend_rho) == pytest.approx(slope("paid", dividends, 1e-5), rel=2e-4, abs=small)
    bump = spot * 1e-3
    curve = (value(spot + bump) - 2 * value() + value(spot - bump)) / bump**2
    assert float(found.gamma) == pytest.approx(curve, rel=1e-2, abs=1e-3)
    assert float(found.theta_per_day) == float(found.theta) / 365.0


@given(forwards, strikes, years, volatilities, rates, sides)
def test_theta_gamma_and_delta_obey_the_equation_of_black_and_scholes(
    spot: float, strike: float, t: float, s: float, rate: float, side: float
) -> None:
    g = greeks(Vanilla(side, strike, t), spot, s, rate)
    value = float(black_scholes(Vanilla(side, strike, t), spot, s, rate))
    left = float(g.theta + 0.5 * s * s * spot**2 * g.gamma + rate * spot * g.delta)
    assert left == pytest.approx(rate * value, abs=1e-8 * (spot + strike))


def test_elasticity_is_the_percentage_gained_per_percent() -> None:
    option = Vanilla(1.0, 100.0, 0.5)
    value = float(black_scholes(option, 105.0, 0.36, 0.1, 0.1))
    up = float(black_scholes(option, 105.0 * 1.0001, 0.36, 0.1, 0.1))
    assert float(greeks(option, 105.0, 0.36, 0.1, 0.1).elasticity) == pytest.approx((up / value - 1) / 1e-4, rel=1e-3)


def test_values_of_many_options_are_those_of_each() -> None:
    side, strike, t = np.array([1.0, -1.0, 1.0]), np.array([80.0, 100.0, 120.0]), np.array([0.1, 0.5, 2.0])
    together = black76(Vanilla(side, strike, t), 100.0, 0.6)
    alone = [float(black76(Vanilla(a, b, c), 100.0, 0.6)) for a, b, c in zip(side, strike, t, strict=True)]
    assert together.tolist() == alone


@given(forwards, strikes, years, volatilities, sides)
def test_without_interest_and_dividends_the_spot_is_its_own_forward(
    f: float, k: float, t: float, s: float, w: float
) -> None:
    option = Vanilla(w, k, t)
    assert float(black_scholes(option, f, s)) == float(black76(option, f, s))
    assert float(black_scholes(option, f, s, 0.07, 0.07)) == pytest.approx(
        math.exp(-0.07 * t) * float(black76(option, f, s))
    )
    still, priced = greeks(option, f, s), greeks(option, f, s, 0.0, 0.0)
    assert [float(x) for x in vars(still).values()] == [float(x) for x in vars(priced).values()]


@pytest.mark.parametrize(
    ("side", "forward", "strike", "value"),
    [
        (1.0, 0.0, 50.0, 0.0),
        (-1.0, 0.0, 50.0, 45.0),
        (1.0, 50.0, 0.0, 45.0),
        (-1.0, 50.0, 0.0, 0.0),
        (1.0, 0.0, 0.0, 0.0),
    ],
)
def test_a_forward_or_a_strike_of_nothing_leaves_the_discounted_payoff(
    side: float, forward: float, strike: float, value: float
) -> None:
    assert float(black76(Vanilla(side, strike, 1.0), forward, 0.5, 0.9)) == pytest.approx(value, abs=1e-12)


@given(forwards, strikes, volatilities, sides)
def test_no_option_costs_less_than_nothing_however_far_out_it_is(f: float, k: float, s: float, w: float) -> None:
    assert float(black76(Vanilla(w, k * 1e3 if w > 0.0 else k / 1e3, 0.02), f, s)) >= 0.0
