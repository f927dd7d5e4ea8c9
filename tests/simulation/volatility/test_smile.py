"""The smile: a level at the money, a skew, and no arbitrage whatever its parameters."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from simulation.instrument.black_scholes import Vanilla, black76
from simulation.rule import load_rules
from simulation.volatility.base import VolatilityProcess

load_rules("simulation.volatility")


def smiling(**fields: float) -> VolatilityProcess:
    return VolatilityProcess.parse({"kind": "flat", **fields})


smiles = st.builds(
    smiling, skew=st.floats(-0.6, 0.6), curvature=st.floats(0.0, 1.25), term_exponent=st.floats(0.01, 0.5)
)
levels = st.floats(0.1, 3.0)
expiries = st.floats(1.0 / 365.0, 3.0)
STRIKES = np.exp(np.linspace(-2.0, 2.0, 161))


def calls(smile: VolatilityProcess, level: float, years: float, strikes: np.ndarray) -> np.ndarray:
    """Undiscounted calls on a forward of 1."""
    implied = smile.implied(np.full(len(strikes), level), np.log(strikes), np.full(len(strikes), years))
    return black76(Vanilla(1.0, strikes, years), 1.0, implied)


@given(smiles, levels, expiries)
def test_at_the_money_the_smile_is_the_level(smile: VolatilityProcess, level: float, years: float) -> None:
    implied = smile.implied(np.array([level]), np.zeros(1), np.array([years]))
    assert implied[0] == pytest.approx(level, rel=1e-12)


def test_without_curvature_every_strike_has_the_level() -> None:
    implied = smiling(skew=-0.5).implied(np.array([0.7]), np.linspace(-1.0, 1.0, 5), np.full(5, 0.1))
    assert implied.tolist() == [0.7] * 5


def test_a_smile_worked_by_hand() -> None:
    # level .5, a quarter year: w0 = .0625; phi = 1 / (sqrt(.0625) sqrt(1.0625)) = 3.880570; k = .2: phi k = .776114
    # bend = sqrt((.776114 - .3)^2 + .91) = 1.066154; factor = (1 - .232834 + 1.066154) / 2 = .916660
    smile = smiling(skew=-0.3, curvature=1.0)
    implied = smile.implied(np.array([0.5]), np.array([0.2]), np.array([0.25]))
    assert implied[0] == pytest.approx(0.5 * 0.916660**0.5, rel=1e-6)


def test_a_negative_skew_makes_low_strikes_dearer() -> None:
    smile = smiling(skew=-0.4, curvature=0.8)
    low, high = smile.implied(np.full(2, 0.6), np.array([-0.2, 0.2]), np.full(2, 0.1))
    assert low > 0.6
    assert low > high


def test_the_smile_flattens_with_time_to_expiry() -> None:
    smile = smiling(curvature=0.8)
    years = np.array([0.02, 0.1, 0.5, 2.0])
    wing = smile.implied(np.full(4, 0.6), np.full(4, -0.3), years)
    assert (np.diff(wing) < 0.0).all()


@given(smiles, levels, expiries)
def test_no_butterfly_costs_less_than_nothing(smile: VolatilityProcess, level: float, years: float) -> None:
    value = calls(smile, level, years, STRIKES)
    slope = np.diff(value) / np.diff(STRIKES)
    assert (np.diff(slope) >= -1e-10).all(), "calls are convex in the strike"
    assert (slope >= -1.0 - 1e-9).all()
    assert (slope <= 1e-12).all()


@given(smiles, levels, expiries, st.floats(1.0, 5.0))
def test_no_calendar_spread_costs_less_than_nothing(
    smile: VolatilityProcess, level: float, years: float, longer: float
) -> None:
    near, far = calls(smile, level, years, STRIKES), calls(smile, level, years * longer, STRIKES)
    assert (far >= near - 1e-12).all()


@pytest.mark.parametrize("field", [{"skew": -0.7}, {"curvature": 1.3}, {"curvature": -0.1}, {"term_exponent": 0.6}])
def test_a_smile_that_might_be_arbitraged_is_refused(field: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        smiling(**field)


def test_a_smile_beyond_the_bounds_can_indeed_be_arbitraged() -> None:
    """The test above has teeth: eta (1 + |rho|) = 5.7 lets a butterfly cost less than nothing."""
    wild = VolatilityProcess.model_construct(skew=-0.9, curvature=3.0, term_exponent=0.5)
    value = calls(wild, 0.6, 0.02, STRIKES)
    assert (np.diff(np.diff(value) / np.diff(STRIKES)) < -1e-6).any()


def test_at_expiry_and_without_one_the_smile_stays_finite() -> None:
    smile = smiling(skew=-0.3, curvature=1.0)
    for years in (0.0, 1e-9, np.inf):
        implied = smile.implied(np.array([0.5]), np.array([-0.4, 0.4]), np.full(2, years))
        assert np.isfinite(implied).all()
        assert implied.shape == (2,)
