"""A token."""

from simulation.instrument.base import Instrument


class Spot(Instrument):
    """A token that is bought, held as collateral, sold, or owed: value = price, no expiry, no funding."""

    kind = "spot"
