"""Values and greeks of European options: Black-Scholes-Merton and Black-76, elementwise over arrays.

With forward F, strike K, time T in years, volatility s, discount factor D and side w (+1 call, -1 put):

    V = D w (F N(w d1) - K N(w d2)),   d1 = (ln(F / K) + s^2 T / 2) / (s sqrt(T)),   d2 = d1 - s sqrt(T).

Black-Scholes-Merton is the same with F = S exp((r - q) T) and D = exp(-r T). Arguments broadcast against each other.
Sources: F. Black & M. Scholes, J. Political Economy 81 (1973) 637-654; R. Merton, Bell J. Economics 4 (1973) 141-183;
F. Black, J. Financial Economics 3 (1976) 167-179; E. Haug, "The Complete Guide to Option Pricing Formulas" (1998).
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from simulation.arrays import Array

_TINY = 1e-300  # keeps logs and quotients finite where forward, strike, volatility or time is zero
_FAR = 1e3  # standard deviations, beyond which nothing changes
_DENSITY = 1.0 / np.sqrt(2.0 * np.pi)


@dataclass(frozen=True)
class Vanilla:
    """European options: side (+1 call, -1 put), strike in dollars, years to expiry; arrays or numbers."""

    side: Array | float
    strike: Array | float
    years: Array | float

    def payoff(self, price: Array | float) -> Array:
        """Return max(side * (price - strike), 0), dollars."""
        return np.maximum(self.side * (np.asarray(price) - self.strike), 0.0)


@dataclass(frozen=True)
class Greeks:
    """Sensitivities of a Black-Scholes-Merton value.

    delta = dV/dS, gamma = d2V/dS2, vega = dV/ds per 1.00 of volatility, theta = -dV/dT a year, rho = dV/dr per 1.00,
    dividend_rho = dV/dq per 1.00, elasticity = delta S / V.
    """

    delta: Array
    gamma: Array
    vega: Array
    theta: Array
    rho: Array
    dividend_rho: Array
    elasticity: Array

    @property
    def theta_per_day(self) -> Array:
        """Return theta per day of a 365-day year."""
        return self.theta / 365.0


def black76(option: Vanilla, forward: Array | float, volatility: Array | float, discount: Array | float = 1.0) -> Array:
    """Return the value of `option` on a forward, dollars; at no time or no volatility it is the discounted payoff.

    `discount` is the factor D, not a rate. Forward and strike may be zero. Raises nothing: domains are the caller's.
    """
    deviation = np.asarray(volatility) * np.sqrt(option.years)
    d1 = _d1(forward, option.strike, deviation)
    called = forward * ndtr(option.side * d1) - option.strike * ndtr(option.side * (d1 - deviation))
    value = discount * np.asarray(option.side) * called
    return np.where(deviation > 0.0, np.maximum(value, 0.0), discount * option.payoff(forward))


def black_scholes(
    option: Vanilla,
    spot: Array | float,
    volatility: Array | float,
    rate: Array | float = 0.0,
    dividend_yield: Array | float = 0.0,
) -> Array:
    """Return the value of `option` on `spot`, dollars; `rate` and `dividend_yield` are continuous, a year."""
    forward = spot * np.exp((np.asarray(rate) - dividend_yield) * option.years)
    return black76(option, forward, volatility, np.exp(-np.asarray(rate) * option.years))


def greeks(
    option: Vanilla,
    spot: Array | float,
    volatility: Array | float,
    rate: Array | float = 0.0,
    dividend_yield: Array | float = 0.0,
) -> Greeks:
    """Return all sensitivities of `black_scholes` with the same arguments."""
    side, strike, years = option.side, option.strike, np.asarray(option.years, float)
    root = np.sqrt(np.maximum(years, _TINY))
    carry, discount = np.exp(-np.asarray(dividend_yield) * years), np.exp(-np.asarray(rate) * years)
    d1 = _d1(spot * carry, strike * discount, np.asarray(volatility) * root)
    d2 = d1 - np.asarray(volatility) * root
    density = _DENSITY * np.exp(-0.5 * d1 * d1)
    held, owed = spot * carry * ndtr(side * d1), strike * discount * ndtr(side * d2)
    delta = side * carry * ndtr(side * d1)
    decay = -spot * carry * density * np.asarray(volatility) / (2.0 * root)
    return Greeks(
        delta=delta,
        gamma=carry * density / np.maximum(spot * np.asarray(volatility) * root, _TINY),
        vega=spot * carry * density * root,
        theta=decay - side * rate * owed + side * dividend_yield * held,
        rho=side * years * owed,
        dividend_rho=-side * years * held,
        elasticity=delta * spot / np.maximum(side * (held - owed), _TINY),
    )


def _d1(forward: Array | float, strike: Array | float, deviation: Array | float) -> Array:
    """Return d1; plus or minus `_FAR` where forward, strike or deviation is zero."""
    moneyness = np.log(np.maximum(forward, _TINY)) - np.log(np.maximum(strike, _TINY))
    return np.clip(moneyness / np.maximum(deviation, _TINY) + 0.5 * np.asarray(deviation), -_FAR, _FAR)
