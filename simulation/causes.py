"""The event log: every forced trade with its causes, whose shares add up to the loss to the last quantum."""

from dataclasses import dataclass, fields

import numpy as np

from simulation.accounts import to_quanta
from simulation.arrays import Array, Index
from simulation.market import Market

BOOK, KEEPER, VAULT, WINNERS = range(4)  # who took the position: the order book, a liquidator, the backstop, ADL
TAKERS = ("book", "liquidator", "backstop", "adl")


@dataclass
class Events:
    """Forced trades, one entry each (e,).

    step, round, moment: when; row, pool, market: whose and what; quantity: signed change of the position, units;
    fill, mark_before, mark_after: dollars; taker: index into `TAKERS`; push: index of the volume it was part of, -1
    where it never reached the book; equity, maintenance, pool_notional (gross): of the pool when it was seized,
    dollars; loss: of the closed position since its reference moment, dollars, = exogenous + flow + forced + mark_gap
    exactly; exposure: dollars lost per unit by which the log price rises (log-mean weight; negative for
    longs), reference: the moment the loss counts from;
    through: the same per unit by which the log displacement of the underlying rises, of derived columns;
    healthy_alone: 1 where the position would have been above maintenance with its own share of the collateral.
    """

    step: Array
    round: Array
    moment: Array
    row: Array
    pool: Array
    market: Array
    quantity: Array
    fill: Array
    mark_before: Array
    mark_after: Array
    taker: Array
    push: Array
    equity: Array
    maintenance: Array
    pool_notional: Array
    loss: Array
    exogenous: Array
    flow: Array
    forced: Array
    mark_gap: Array
    exposure: Array
    through: Array
    reference: Array
    healthy_alone: Array

    def __len__(self) -> int:
        """Return the number of forced trades."""
        return len(self.step)


class EventLog:
    """Collects forced trades round by round."""

    def __init__(self) -> None:
        """Start empty."""
        self._parts: list[Events] = []
        self._whole: Events | None = None

    def add(self, events: Events) -> None:
        """Append the forced trades of one round."""
        if len(events):
            self._parts.append(events)
            self._whole = None

    @property
    def events(self) -> Events:
        """Return all forced trades so far."""
        if self._whole is None:
            names = [f.name for f in fields(Events)]
            columns = [np.concatenate([np.empty(0), *(getattr(p, name) for p in self._parts)]) for name in names]
            self._whole = Events(*columns)
            self._parts = [self._whole] if len(self._whole) else []
        return self._whole


@dataclass(frozen=True)
class Attribution:
    """Loss of positions (e,) since their reference moments, split into causes, dollars; see `Events`."""

    loss: Array
    exogenous: Array
    flow: Array
    forced: Array
    mark_gap: Array
    exposure: Array
    through: Array
    reference: Array


def attribute(
    market: Market, reference: Index, markets: Index, closing: Array, until: Index | None = None
) -> Attribution:
    """Split the loss on `closing` (e,) units held in `markets` (e,) since the moments `reference` (e,) into causes.

    The loss counts up to the moments `until` (e,), up to now without them.

    With P = exp(index + flow + forced + gap) in logs, the log-mean weight L = (P - P0) / (ln P - ln P0) makes
    -q (P - P0) = -q L * (sum of the log changes): additive, no remainder, no order. The shares are rounded to the
    quantum, the exogenous one takes up the rounding, so they add up exactly.
    A derived column is also lifted by what displaced its underlying, by lever times that displacement; with the mean
    of the levers then and now, shares of flow and forced trades follow, and the change of the lever (the curvature of
    the value) stays with the exogenous move.
    """
    moments = market.moments
    before = moments.parts[reference, :, markets]
    change = _parts(market, until, markets) - before  # (e, 4) logs
    lifted, lift, lever = _lifts(market, reference, markets, until)
    start, total = np.exp(before.sum(axis=1) + lifted), change.sum(axis=1) + lift
    difference = start * np.expm1(total)
    with np.errstate(invalid="ignore", divide="ignore"):
        weight = np.where(np.abs(total) > 1e-12, difference / total, start)
    exposure = -closing * weight
    loss = to_quanta(-closing * difference)
    if market.moments.lifts:
        source = market.listed.asset[markets]
        own = _parts(market, until, source) - moments.parts[reference, :, source]
        change[:, 1:3] += lever[:, None] * own[:, 1:3]
    flow, forced, gap = (to_quanta(exposure * change[:, part]) for part in (1, 2, 3))
    exogenous = loss - flow - forced - gap
    since = reference.astype(float)
    return Attribution(loss, exogenous, flow, forced, gap, exposure, exposure * lever, since)


def _parts(market: Market, until: Index | None, markets: Index) -> Array:
    """Return what the marks (e, 4) were made of at the moments `until`, or are made of now."""
    moments = market.moments
    return moments.parts[moments.last][:, markets].T if until is None else moments.parts[until, :, markets]


def _lifts(market: Market, reference: Index, markets: Index, until: Index | None) -> tuple[Array, Array, Array]:
    """Return the lift (e,) of columns at the reference moment, its change since, and the mean lever; 0 for the rest."""
    lifts = market.moments.lifts
    if not lifts:
        return np.zeros(len(markets)), np.zeros(len(markets)), np.zeros(len(markets))
    if until is None:
        pairs = [[part[j] for part in lifts[at]] for at, j in zip(reference, markets, strict=True)]
        then, now = np.array(pairs).reshape(-1, 2), np.array([part[markets] for part in lifts[-1]]).T
    else:
        table = np.array(lifts)
        then, now = table[reference, :, markets], table[until, :, markets]
    return then[:, 0], now[:, 0] - then[:, 0], (then[:, 1] + now[:, 1]) / 2.0
