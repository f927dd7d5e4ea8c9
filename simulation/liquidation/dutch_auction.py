"""Dutch auctions of a share of a whole account, as Derive holds them; balances (r,) or numbers, dollars.

Maintenance balance MM and mark to market V are balances: an account with MM < 0 is auctioned, one with V < 0 or whose
discount has run out is insolvent.
"""

import numpy as np
from pydantic import Field

from simulation.arrays import Array, Mask
from simulation.board import Book
from simulation.strict import Strict

Amount = Array | float


class AuctionTerms(Strict):
    """How fast the price falls, what a bidder may buy, and what the venue takes.

    Source: Derive v2-core, `DutchAuction`.
    """

    start: float = Field(1.0, gt=0.0, le=1.0, description="share of the mark to market paid at the start")
    cutoff: float = Field(0.8, ge=0.0, le=1.0, description="share paid at the end of the fast phase")
    fast_seconds: float = Field(600.0, gt=0.0, le=1e8, description="length of the fast phase")
    slow_seconds: float = Field(7200.0, gt=0.0, le=1e8, description="length of the slow phase, down to nothing")
    insolvent_seconds: float = Field(600.0, gt=0.0, le=1e8, description="length of an insolvent auction")
    buffer: float = Field(0.1, ge=0.0, le=10.0, description="of mark to market less maintenance balance")
    fee_rate: float = Field(0.0, ge=0.0, le=1.0, description="of the share for sale at the start, to the fund")

    def discount(self, seconds: Amount) -> Array:
        """Return the share d of the mark to market that is paid after `seconds`: two straight lines down to 0."""
        times = [0.0, self.fast_seconds, self.fast_seconds + self.slow_seconds]
        return np.asarray(np.interp(seconds, times, [self.start, self.cutoff, 0.0]))

    def buffer_margin(self, value: Amount, maintenance: Amount) -> Array:
        """Return B = MM + buffer (MM - V): the balance a sale is to lift to zero."""
        return np.asarray(maintenance) + self.buffer * (np.asarray(maintenance) - value)

    def largest_share(self, value: Amount, maintenance: Amount, discount: Amount, reserved: Amount = 0.0) -> Array:
        """Return f = B / (B - V d - R (1 - d)), between 0 and 1: what may be bought; all of an insolvent account.

        R is cash that earlier bidders paid, which later ones do not share.
        """
        margin = self.buffer_margin(value, maintenance)
        room = margin - np.asarray(value) * discount - np.asarray(reserved) * (1.0 - np.asarray(discount))
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(margin < 0.0, np.clip(margin / room, 0.0, 1.0), 0.0)
        return np.where(np.asarray(value) < 0.0, 1.0, share)

    def price(self, value: Amount, discount: Amount, reserved: Amount = 0.0) -> Array:
        """Return what the whole of the account costs: (V - R) d."""
        return (np.asarray(value) - reserved) * discount

    def start_fee(self, value: Amount, maintenance: Amount) -> Array:
        """Return what the account pays to the fund at the start: fee rate * f(d = 1) * |V|."""
        return self.fee_rate * self.largest_share(value, maintenance, 1.0) * np.abs(value)

    def insolvent_payment(self, value: Amount, maintenance: Amount, seconds: Amount) -> Array:
        """Return what the fund pays for taking the whole account: from -min(V, 0) linearly to -MM."""
        lowest = np.minimum(value, 0.0)
        passed = np.clip(np.asarray(seconds) / self.insolvent_seconds, 0.0, 1.0)
        return -(lowest + (np.asarray(maintenance) - lowest) * passed)


def paid_for(share: Amount, whole: Amount) -> Array:
    """Return what `share` of an account costs, or is paid for taking it, where the `whole` costs so much."""
    return np.asarray(share) * whole


def sold(book: Book, share: Amount, paid: Amount, reserved: Amount = 0.0) -> Book:
    """Return the account after `share` of everything but the reserved cash was sold for `paid` dollars."""
    kept = 1.0 - np.asarray(share)
    cash = (book.cash - reserved) * kept + reserved + paid
    rows = np.reshape(kept, (-1, 1))
    return Book(np.asarray(cash), book.position * rows, book.cost * rows)


def withdrawals_blocked(insolvent: Amount, fund: Amount | None) -> Mask:
    """Tell whether withdrawals wait: the fund, where there is one, is less than the |MM| of insolvent accounts."""
    return np.asarray(False if fund is None else np.asarray(insolvent) > fund)
