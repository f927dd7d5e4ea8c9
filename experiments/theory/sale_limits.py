"""Sales too large, or too small, for formulas in dollars to be held against an engine that moves logs."""

from simulation.errors import InputError

PRICE = 1e7  # dollars; impacts of a few dollars then move it by millionths
_DEEP = 2e-4  # of the price
_SHALLOW = 1e-9  # of the price


def refuse_deep(name: str, moved: float) -> None:
    """Raise `InputError` where a sale at once would move the price by `moved` dollars, too many for it to hardly move.

    Formulas are in dollars and impact moves logs; the two agree up to the share of the price that is moved.
    """
    if moved > _DEEP * PRICE:
        raise InputError(
            f"{name}: units: sold at once would move the price of {PRICE:g} dollars by {moved:.3g}; must be at most "
            f"{_DEEP * PRICE:g}; fewer units, or less impact of each"
        )


def refuse_shallow(name: str, field: str, moved: float) -> None:
    """Raise `InputError` where a sale at once would move the price by so few dollars that floating point shows."""
    if moved < _SHALLOW * PRICE:
        raise InputError(
            f"{name}: {field}: all units at once would move the price of {PRICE:g} dollars by only {moved:.3g}; must "
            f"be at least {_SHALLOW * PRICE:g}; more units, or more impact of each"
        )
