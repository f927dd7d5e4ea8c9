"""An inverse perpetual."""

from simulation.arrays import Array
from simulation.instrument.base import Instrument


class InversePerpetual(Instrument):
    """A perpetual of a fixed face value in dollars that settles in its coin: profit = face * (1 / entry - 1 / mark).

    In dollars that is face / entry * (mark - entry), the profit of face / entry coins held long: the market counts
    positions in such coins. The face, and with it the margin, does not change with the price; realised profit is paid
    in the coin. Source: contract specifications of the coin-margined perpetuals of the large venues.
    """

    kind = "inverse_perpetual"

    @staticmethod
    def profit_in_coin(face: Array, entry: Array, mark: Array) -> Array:
        """Return face * (1 / entry - 1 / mark), coins; `face` is signed, long positive, dollars."""
        return face * (1.0 / entry - 1.0 / mark)
