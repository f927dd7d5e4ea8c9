"""The targets of liquidation, impact, passage, ruin and deleveraging, with their parameters in the open."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal

from pydantic import Field

from experiments.drawing import Picture
from experiments.target import Check
from experiments.theory.account_types import TypesVenue, types_target
from experiments.theory.adl import GapVenue, Policy, deleveraging_target, queue_regret
from experiments.theory.cascade import CascadeLaw, CascadeVenue, cascade_target, simulate_cascades
from experiments.theory.exit import ExitVenue, exit_target
from experiments.theory.law_picture import law_picture
from experiments.theory.passage import PassageVenue, passage_target
from experiments.theory.ruin import FundVenue, ruin_target
from experiments.theory.shortfall_laws import ShortfallLaw, Sizes
from experiments.theory.suite import Target, Tier
from simulation.errors import InputError

_MOST_CLAIMS = 4_000  # shortfalls that one path can hold
_NEGLECTED = 1e-3  # probability of ruin after the last shortfall that is played
_HIT = 25.0  # liquidations, for shares of them to mean anything
_DRAWN = 600  # runs of a picture

Sides = tuple[tuple[float, float], ...]


class Cascade(Target):
    """T1."""

    name: ClassVar[str] = "T1"
    title: ClassVar[str] = "A liquidation cascade is a branching process"
    source: ClassVar[str] = (
        "E. Borel, C. R. Acad. Sci. 214 (1942) 452-456; P. C. Consul, Sankhya B 36 (1974) 391-399; "
        "P. C. Consul & G. C. Jain, Technometrics 15 (1973) 791-799"
    )
    formula: ClassVar[str] = (
        "P(X = x) = C(N, x) p (p + x phi)^(x-1) (1 - p - x phi)^(N-x); depth by the chain of generations; "
        "branching ratio 1 - N p / E X"
    )
    thorough: ClassVar[Mapping[str, Any]] = {"replications": 200_000}

    accounts: int = Field(200, ge=1, le=2_000, description="N")
    shock: float = Field(0.01, gt=0.0, lt=1.0, description="p, share of the range of thresholds")
    impact: float = Field(0.003, ge=0.0, lt=1.0, description="phi of one liquidation, share of the range")
    reach: float = Field(0.05, gt=0.0, lt=0.9, description="range of thresholds over the price")
    maintenance_rate: float = Field(0.05, gt=0.0, lt=0.5, description="of the venue")
    rounds_per_step: int = Field(0, ge=0, le=1, description="0 loops to rest, 1 is one generation a step")
    replications: int = Field(2_000, ge=50, description="independent cascades")
    seed: int = Field(1, ge=0, description="of the thresholds")

    def run(self) -> list[Check]:
        """Return size, depth, ratio, threshold model and proceeds."""
        hit = self.replications * self.accounts * self.shock
        if hit < _HIT:
            raise InputError(
                f"{self.name}: shock: only {hit:.2g} liquidations by it are expected in all, must be {_HIT:g}; raise "
                "shock, accounts or replications"
            )
        return cascade_target(self.venue(), self.replications, self.seed)

    def venue(self) -> CascadeVenue:
        """Return the venue; refuses impacts that would drive the price to nothing."""
        fallen = (self.shock + self.accounts * self.impact) * self.reach
        if fallen >= 0.99:
            raise InputError(
                f"{self.name}: impact: the whole book would take {fallen:.3g} of the price, must be below .99; lower "
                "impact, accounts or reach"
            )
        law = CascadeLaw(self.accounts, self.shock, self.impact)
        return CascadeVenue(
            law, reach=self.reach, maintenance_rate=self.maintenance_rate, rounds_per_step=self.rounds_per_step
        )

    def picture(self) -> Picture:
        """Return the law of the number of liquidations with the first runs."""
        venue = self.venue()
        counts = simulate_cascades(venue, min(self.replications, _DRAWN), self.seed).size
        return law_picture("theory_T1_law", self.title, "accounts liquidated, X", venue.law.pmf, counts)


class _Types(Target):
    """T4, in one regime."""

    source: ClassVar[str] = (
        "T. E. Harris, The Theory of Branching Processes, Springer (1963); R. Cont & E. Schaanning, J. Banking & "
        "Finance 104 (2019) 85-102"
    )
    formula: ClassVar[str] = "E X = theta (I - K)^-1, K_ab = phi_b sum_k h_bk kappa h_ak, theta_b = phi_b h_b.s"
    thorough: ClassVar[Mapping[str, Any]] = {"runs": 1_500}
    regime: ClassVar[Literal["cross", "isolated"]]

    holdings: tuple[tuple[float, ...], ...] = Field(
        ((1.0, 0.0), (0.0, 1.0), (1.0, 1.0)), description="units of each market, one row a type"
    )
    accounts: tuple[int, ...] = Field((3000, 3000, 3000), description="of each type")
    reach: tuple[float, ...] = Field((10.0, 10.0, 20.0), description="largest buffer of each type, dollars")
    shock: tuple[float, ...] = Field((0.02, 0.0), description="drop of each price, dollars")
    radius: float = Field(0.7, gt=0.0, lt=0.95, description="spectral radius of K under cross margin")
    runs: int = Field(40, ge=20, description="independent books")
    seed: int = Field(1, ge=0, description="of the buffers")

    def run(self) -> list[Check]:
        """Return the mean liquidations of each type or position."""
        venue = TypesVenue(self.holdings, self.accounts, self.reach, shock=self.shock).at_radius(self.radius)
        return types_target(replace(venue, regime=self.regime), self.runs, self.seed)


class CrossTypes(_Types):
    """T4 with pooled collateral."""

    name: ClassVar[str] = "T4.cross"
    title: ClassVar[str] = "Cross margin cascades by type as multi-type branching"
    regime: ClassVar[Literal["cross", "isolated"]] = "cross"


class IsolatedTypes(_Types):
    """T4 with segregated collateral."""

    name: ClassVar[str] = "T4.isolated"
    title: ClassVar[str] = "Isolated margin cascades by position, market by market"
    regime: ClassVar[Literal["cross", "isolated"]] = "isolated"


class CriticalLeverage(Target):
    """T5."""

    name: ClassVar[str] = "T5"
    title: ClassVar[str] = "Critical leverage of a forced exit"
    source: ClassVar[str] = "F. Caccioli, J.-P. Bouchaud & J. D. Farmer, arXiv:1204.0922 (2012)"
    formula: ClassVar[str] = (
        "l_c = (1 + d) / I, whatever the slices; bad debt I / (1 + d) less the equity ratio; l(x) = (1 - x)(1 - I x^d) "
        "/ (1 / l0 - I x^d + I d / (1 + d) x^(1 + d)); prices move in logs, 1 - I x^d is exp(-I x^d)"
    )

    impact: float = Field(1e-3, ge=1e-4, le=0.5, description="I of the whole exit, log")
    exponent: float = Field(0.5, gt=0.0, le=1.5, description="d")
    slice_share: float = Field(0.01, ge=0.003, le=1.0, description="share of the rest that a round sells")

    def run(self) -> list[Check]:
        """Return the threshold, ruin on both sides of it, bad debt, and leverage on the way."""
        return exit_target(ExitVenue(self.impact, self.exponent, self.slice_share))


class Passage(Target):
    """T7."""

    name: ClassVar[str] = "T7"
    title: ClassVar[str] = "Probability of liquidation between discrete marks"
    source: ClassVar[str] = (
        "M. Broadie, P. Glasserman & S. Kou, Math. Finance 7 (1997) 325-349; J. Chang & Y. Peres, Ann. Prob. 25 (1997)"
    )
    formula: ClassVar[str] = (
        "N((b - nu T) / s sqrt T) + exp(2 nu b / s^2) N((b + nu T) / s sqrt T), barrier moved away by .5826 s sqrt dt"
    )
    thorough: ClassVar[Mapping[str, Any]] = {"paths": 400_000}

    leverage: float = Field(10.0, gt=1.0, le=200.0, description="of the position")
    maintenance_rate: float = Field(0.005, gt=0.0, lt=0.5, description="mm")
    volatility: float = Field(0.8, gt=0.0, le=5.0, description="s, a year")
    days: float = Field(7.0, gt=0.0, le=365.0, description="horizon T")
    steps: int = Field(168, ge=10, le=10_000, description="marks in the horizon")
    drift: float = Field(0.0, ge=-5.0, le=5.0, description="mu, a year")
    side: Literal[1, -1] = Field(1, description="1 long, -1 short")
    paths: int = Field(6_000, ge=500, description="independent positions")
    seed: int = Field(1, ge=0, description="of the paths")

    def run(self) -> list[Check]:
        """Return the probability and the mean overshoot."""
        venue = PassageVenue(
            self.leverage, self.maintenance_rate, self.volatility, self.days, self.steps, self.drift, self.side
        )
        return passage_target(venue, self.paths, self.seed)


class Ruin(Target):
    """T8."""

    name: ClassVar[str] = "T8"
    title: ClassVar[str] = "Depletion of an insurance fund is Cramer-Lundberg ruin"
    source: ClassVar[str] = "S. Asmussen & H. Albrecher, Ruin Probabilities, World Scientific (2010), V.1.3"
    formula: ClassVar[str] = "psi(u, T) = exp(-th u / ((1 + th) m)) / (1 + th) less Asmussen's integral"
    thorough: ClassVar[Mapping[str, Any]] = {"paths": 20_000}

    fund: float = Field(2.0, ge=0.0, le=50.0, description="u, in mean shortfalls")
    loading: float = Field(0.2, gt=0.0, le=5.0, description="th")
    horizon: float = Field(10.0, gt=0.0, le=100.0, description="T, in mean times between shortfalls")
    claims: int = Field(40, ge=5, le=_MOST_CLAIMS, description="shortfalls played; later ones are neglected")
    paths: int = Field(600, ge=100, description="independent funds")
    seed: int = Field(1, ge=0, description="of times and sizes")

    def run(self) -> list[Check]:
        """Return the share of funds ruined by the horizon, and their deficits."""
        fewest = math.ceil(self.horizon + 5.0 * math.sqrt(self.horizon))
        if fewest > self.claims:
            raise InputError(f"{self.name}: claims: must be at least {fewest}, for the horizon to be played out")
        return ruin_target(FundVenue(self.fund, self.loading, self.horizon, self.claims), self.paths, self.seed)


class RuinForEver(Target):
    """T8, without a horizon."""

    name: ClassVar[str] = "T8.forever"
    title: ClassVar[str] = "Depletion of an insurance fund, ever"
    source: ClassVar[str] = "H. Cramer (1930); S. Asmussen & H. Albrecher, Ruin Probabilities (2010), chapter IV"
    formula: ClassVar[str] = (
        "psi(u) = exp(-th u / ((1 + th) m)) / (1 + th), deficit at ruin exponential with mean m; other sizes by their "
        "own series; psi(0) = 1 / (1 + th) for all; psi(u) <= exp(-R u), M(R) = 1 + (1 + th) m R"
    )
    tier: ClassVar[Tier] = "slow"

    fund: float = Field(2.0, ge=0.0, le=20.0, description="u, in mean shortfalls")
    loading: float = Field(0.5, ge=0.1, le=5.0, description="th")
    sizes: Sizes = Field("exponential", description="of shortfalls: exponential, constant or two_kinds, of mean 1")
    paths: int = Field(1_000, ge=100, description="independent funds")
    seed: int = Field(1, ge=0, description="of times and sizes")

    def run(self) -> list[Check]:
        """Return the share of funds ruined within so many shortfalls that later ruins are within the tolerance."""
        fading = ShortfallLaw(self.sizes, self.loading).fading()
        claims = math.ceil(math.log(_NEGLECTED) / math.log(fading) + 5.0 * self.fund)
        if claims > _MOST_CLAIMS:
            raise InputError(
                f"{self.name}: loading: ruin would have to be followed over {claims} shortfalls, at most "
                f"{_MOST_CLAIMS}; raise loading (.5 at a fund of 2) or lower fund"
            )
        return ruin_target(FundVenue(self.fund, self.loading, None, claims, self.sizes), self.paths, self.seed)


class _Deleveraging(Target):
    """T11, under one policy."""

    source: ClassVar[str] = "T. Chitra, arXiv:2512.01112; T. Chitra, N. Thogiti et al., arXiv:2602.15182"
    policy: ClassVar[Policy]

    losers: Sides = Field(GapVenue.losers, description="(units, deposit in dollars) of each loser")
    winners: Sides = Field(GapVenue.winners, description="(units, deposit in dollars) of each winner")
    gap: float = Field(-0.2, gt=-1.0, lt=5.0, description="simple return of the price")
    price: float = Field(100.0, gt=0.0, le=1e6, description="before the gap, dollars")
    fund: float = Field(0.0, ge=0.0, description="of the insurance, dollars, less than each loser owes; B = D - fund")

    def run(self) -> list[Check]:
        """Return the identities."""
        return deleveraging_target(GapVenue(self.losers, self.winners, self.gap, self.policy, self.price, self.fund))


class ProRata(_Deleveraging):
    """T11, pro rata."""

    name: ClassVar[str] = "T11.pro_rata"
    title: ClassVar[str] = "Pro-rata deleveraging gives everybody the least haircut"
    formula: ClassVar[str] = "winners give up B = sum (-e_j)+; x_i = u_i B / U; largest haircut B / U; zero sum"
    policy: ClassVar[Policy] = "pro_rata"


class Severity(ProRata):
    """T11, where an insurance fund pays a part."""

    name: ClassVar[str] = "T11.severity"
    title: ClassVar[str] = "What an insurance fund pays comes off every haircut alike"
    formula: ClassVar[str] = "B = theta D, theta = 1 - fund / D; x_i = u_i B / U; nobody gives up more than is needed"

    fund: float = Field(35.0, ge=0.0, description="of the insurance, dollars, less than each loser owes; B = D - fund")


class MinMax(_Deleveraging):
    """T11, by equity."""

    name: ClassVar[str] = "T11.min_max"
    title: ClassVar[str] = "Shares of equity make the largest haircut of equity the least there is"
    formula: ClassVar[str] = (
        "x_i = min(held_i, c E_i), c such that they add up: min over all allocations of max x_i / E_i"
    )
    policy: ClassVar[Policy] = "min_max"


class Queue(_Deleveraging):
    """T11, by a ranked queue."""

    name: ClassVar[str] = "T11.queue"
    title: ClassVar[str] = "A deleveraging queue takes a prefix of its ranking, and regrets it"
    formula: ClassVar[str] = "greedy by score; regret of a fixed queue (T / 2) (1 - 1 / M)"
    policy: ClassVar[Policy] = "queue"

    rounds: int = Field(100, ge=2, description="T of the regret")
    ratio: float = Field(4.0, gt=1.0, description="M of the regret")

    def run(self) -> list[Check]:
        """Return the identities and the regret."""
        return [*super().run(), queue_regret(self.rounds, self.ratio)]
