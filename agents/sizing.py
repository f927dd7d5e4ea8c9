"""How large opening positions are when traders spend the margin that a regime sets free."""

from dataclasses import replace

import numpy as np

from agents.view import Members
from simulation.arrays import Array
from simulation.holdings import Holdings


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
    alone = np.abs(_alone(model, held, price)).sum(axis=1)
    needed = engine.initial(held, price).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(needed > 0.0, alone / needed, 1.0)
    return 1.0 + phi * (ratio - 1.0)


def _alone(model: object, held: Holdings, price: Array) -> Array:
    """Return the isolated requirements (r, m): by the reference tiers where a venue has brought tiers of its own."""
    rules, engine = model.rules, model.engine  # type: ignore[attr-defined]
    if not any(market.reference_tiers for market in rules.markets):
        return engine.signed_initial(held, price)
    notional = np.abs(held.position * price)
    return np.maximum(rules.tiers(reference=True).initial(notional), notional / held.leverage[:, None])
