"""Option prices that papers give in closed form: Merton's series, Heston's integral, and a plain integral for the rest.

S spot, K strike, T years, r interest; calls unless said otherwise.
"""

import cmath
import math
from dataclasses import dataclass
from itertools import pairwise

from simulation.arrays import Array


@dataclass(frozen=True)
class Call:
    """A European call: spot and strike in dollars, years to expiry, continuous interest a year."""

    spot: float = 100.0
    strike: float = 100.0
    years: float = 1.0
    rate: float = 0.0

    @property
    def bound(self) -> float:
        """Return S - K exp(-rT), dollars: what it is worth at least."""
        return self.spot - self.strike * math.exp(-self.rate * self.years)


@dataclass(frozen=True)
class MertonLaw:
    """Normal log returns of `volatility` a year, and `rate` jumps a year of log size N(mean, spread^2)."""

    volatility: float
    rate: float
    mean: float
    spread: float

    def cumulant(self, order: int) -> float:
        """Return the cumulant a year of order 2, 3 or 4."""
        m, d = self.mean, self.spread
        moment = {2: m * m + d * d, 3: m**3 + 3.0 * m * d * d, 4: m**4 + 6.0 * m * m * d * d + 3.0 * d**4}[order]
        return self.rate * moment + (self.volatility**2 if order == 2 else 0.0)

    def price(self, call: Call) -> float:
        """Return sum_n e^-l l^n / n! BS(sigma_n, r_n), l = rate T (1 + k) (R. Merton, J. Fin. Economics 3 (1976))."""
        growth = self.mean + 0.5 * self.spread**2  # ln(1 + k)
        expected, total = self.rate * call.years * math.exp(growth), 0.0
        for n in range(math.ceil(expected + 12.0 * math.sqrt(expected) + 40.0) if expected > 0.0 else 1):
            weight = math.exp(n * math.log(expected) - expected - math.lgamma(n + 1)) if n else math.exp(-expected)
            variance = self.volatility**2 * call.years + n * self.spread**2
            carried = (call.rate - self.rate * math.expm1(growth)) * call.years + n * growth
            total += weight * _black(call, call.spot * math.exp(carried), variance, carried)
        return total


def _black(call: Call, forward: float, variance: float, carried: float) -> float:
    """Return the value discounted by exp(-carried) of a call on a lognormal price of mean `forward`."""
    from scipy.special import ndtr

    deviation = math.sqrt(variance)
    if deviation == 0.0:
        return math.exp(-carried) * max(forward - call.strike, 0.0)
    d1 = math.log(forward / call.strike) / deviation + 0.5 * deviation
    return math.exp(-carried) * float(forward * ndtr(d1) - call.strike * ndtr(d1 - deviation))


@dataclass(frozen=True)
class HestonLaw:
    """dv = kappa (level - v) dt + deviation sqrt(v) dW from `first`, with correlation `rho` to the price."""

    reversion: float
    level: float
    deviation: float
    rho: float
    first: float

    def price(self, call: Call) -> float:
        """Return S P1 - K exp(-rT) P2 by Gil-Pelaez's integrals (S. Heston, Review of Financial Studies 6 (1993))."""
        discounted = call.strike * math.exp(-call.rate * call.years)
        return call.spot * self.chance(call, 1.0) - discounted * self.chance(call)

    def chance(self, call: Call, tilt: float = 0.0) -> float:
        """Return P(S_T > K), under the measure of the price with `tilt` 1."""
        from scipy.integrate import quad

        away = math.log(call.strike / call.spot) - call.rate * call.years

        def integrand(u: float) -> float:
            return (cmath.exp(-1j * u * away) * self._characteristic(u - 1j * tilt, call.years) / (1j * u)).real

        pieces = [0.0, 1.0, 5.0, 20.0, 100.0, 500.0, 5_000.0]
        area = sum(quad(integrand, a, b, limit=400, epsabs=1e-11)[0] for a, b in pairwise(pieces))
        return 0.5 + area / math.pi

    def _characteristic(self, u: complex, years: float) -> complex:
        """Return E exp(i u ln(S_T / forward)), in the form that stays on one branch (H. Albrecher et al., 2007)."""
        k, xi = self.reversion, self.deviation
        slope = k - self.rho * xi * 1j * u
        d = cmath.sqrt(slope * slope + xi * xi * (1j * u + u * u))
        ratio, decay = (slope - d) / (slope + d), cmath.exp(-d * years)
        log = cmath.log((1.0 - ratio * decay) / (1.0 - ratio))
        level = k * self.level / (xi * xi) * ((slope - d) * years - 2.0 * log)
        return cmath.exp(level + self.first / (xi * xi) * (slope - d) * (1.0 - decay) / (1.0 - ratio * decay))


def lognormal_price(call: Call, volatility: float, side: float) -> float:
    """Return exp(-rT) E max(side (S_T - K), 0) by quadrature over a normal variable, dollars."""
    from scipy.integrate import quad

    deviation = volatility * math.sqrt(call.years)
    forward = call.spot * math.exp(call.rate * call.years)
    kink = (math.log(call.strike / forward) + 0.5 * deviation**2) / deviation

    def paid(z: float) -> float:
        price = forward * math.exp(deviation * z - 0.5 * deviation**2)
        return max(side * (price - call.strike), 0.0) * math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)

    low, high = (kink, max(kink, deviation) + 12.0) if side > 0.0 else (min(kink, 0.0) - 12.0, kink)
    return math.exp(-call.rate * call.years) * float(quad(paid, low, high, limit=400, epsabs=1e-12)[0])


def controlled(payoff: Array, price: Array, known: float) -> Array:
    """Return `payoff` (n,) less what its regression on `price` (n,) explains of the error of the mean of `price`.

    The mean stays, the spread falls: the control variate of P. Glasserman, "Monte Carlo Methods in Financial
    Engineering" (2003), section 4.1.
    """
    away = price - price.mean()
    slope = float((away * payoff).sum() / (away * away).sum())
    return payoff - slope * (price - known)
