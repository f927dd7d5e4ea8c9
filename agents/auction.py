"""Auctions: distressed pools go to bidders at a concession instead of to the order book."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from agents.flags import Flags
from agents.recording import Scene, forced_trades
from agents.seizure import Seizure
from simulation.arrays import Array, Mask
from simulation.causes import BOOK, EventLog
from simulation.health import MarginEngine
from simulation.liquidation.base import LiquidationRule
from simulation.market import Market


class Seller(Protocol):
    """What an auction needs of the liquidation desk."""

    engine: MarginEngine
    market: Market
    rule: LiquidationRule
    flags: Flags
    log: EventLog
    round: int

    def transfer_positions(self, seizure: Seizure, price: Array) -> None:
        """Close what is to be closed at `price` (r, m)."""
        ...

    def settle(self, seizure: Seizure) -> None:
        """Book penalty, spare cash and deficits after a close."""
        ...


@dataclass(frozen=True)
class Offer:
    """What is offered of each pool (r,): signed `units` (r, m), `notional` of them in dollars, and the `rate` (r,)
    by which the price is better than the mark for whoever takes them.
    """

    units: Array
    notional: Array
    rate: Array

    def price(self, mark: Array) -> Array:
        """Return the price (r, m) of every position: mark * (1 - side * rate)."""
        return mark * (1.0 - np.sign(self.units) * self.rate[:, None])


def offer(desk: Seller, seizure: Seizure) -> Offer | None:
    """Return what the venue's rule offers of `seizure`, None where it sells to the order book."""
    pools = desk.flags.distressed(seizure, desk.market.step)
    notional = np.abs(seizure.closing * desk.market.mark_price).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        fraction = np.where(notional > 0.0, notional / seizure.notional, 0.0)
        concession = desk.rule.concession(pools, fraction)
        if concession is None:
            return None
        return Offer(seizure.closing, notional, np.where(notional > 0.0, concession / notional, 0.0))


def sell(desk: Seller, seizure: Seizure, offered: Offer) -> Mask:
    """Sell to outside bidders what pays them, and return which pools (r,) were sold.

    A bidder sells on in the order book at once, so it bids as soon as the concession is worth what that costs: the
    average fill of everything that is sold in this round. The book moves as by any forced sale; the price of the pool
    is the auction's.
    """
    market = desk.market
    sold = (seizure.equity > 0.0) & (offered.notional > 0.0)
    while sold.any():
        fill = market.quote(-offered.units[sold].sum(axis=0))
        cost = (offered.units * (market.mark_price - fill)).sum(axis=1)
        pays = sold & (offered.rate * offered.notional >= cost)
        if (pays == sold).all():
            break
        sold = pays
    if sold.any():
        part = seizure.part(sold)
        scene = Scene(desk.engine, part, desk.round)
        price = Offer(offered.units[sold], offered.notional[sold], offered.rate[sold]).price(market.mark_price)
        market.absorb(-part.closing.sum(axis=0), forced=True)
        desk.transfer_positions(part, price)
        desk.log.add(forced_trades(scene, price, BOOK))
        desk.settle(part)
    return sold
