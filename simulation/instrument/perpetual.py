"""A linear perpetual."""

from simulation.instrument.base import Instrument


class Perpetual(Instrument):
    """A perpetual swap settled in dollars: profit = quantity * (mark - entry); funding ties it to its index."""

    kind = "perpetual"
