"""How large opening positions are when traders spend the margin that a regime sets free."""

from dataclasses import replace

import numpy as np

from agents.view import Members
from simulation.arrays import Array


def regime_scale(model: object, members: Members, orders: Array) -> Array:
    """Return the factor (r,) on opening positions: 1 + phi * (isolated requirement / requirement of the regime - 1).

    phi is the scenario's `reuse_share`. At phi = 0 all regimes hold equal positions; at phi = 1 every account uses as
    much of its margin as it would in isolated margin (equal utilisation). Requirements are initial, at the mark.
    """
    phi, engine = model.rules.reuse_share, model.engine  # type: ignore[attr-defined]
    if phi == 0.0:
        return np.ones(len(orders))
    price = engine.market.mark_price
    held = replace(engine.holdings(members.rows), position=orders, cost=orders * price)
    alone = np.abs(engine.signed_initial(held, price)).sum(axis=1)
    needed = engine.initial(held, price).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(needed > 0.0, alone / needed, 1.0)
    return 1.0 + phi * (ratio - 1.0)


