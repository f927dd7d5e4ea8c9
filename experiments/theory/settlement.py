"""A system of debts, settled by the engine: every party an account, every debt a claim that falls due."""

from dataclasses import dataclass

import numpy as np

from experiments.target import bare_scenario, groups_by_name, opened
from experiments.theory.clearing_vector import Claims
from simulation.arrays import Array
from simulation.claims.clearing import Solution, totals
from simulation.scenario import Scenario

_LARGEST = 1e7  # dollars that the largest amount is scaled to: the quantum of money then is 1e-12 of it


@dataclass(frozen=True)
class Settled:
    """What the engine did, in the units of the claims. paid, kept (n,): payments, and what everybody has in the end."""

    paid: Array
    kept: Array


def settled(claims: Claims, solution: Solution = "greatest") -> Settled:
    """Settle `claims` in one step of the engine, at frozen prices."""
    scale = _LARGEST / max(float(claims.debts.max()), float(claims.outside.max()), 1e-300)
    model = opened(_scenario(claims, solution, scale))
    model.run()
    house, groups, n = model.exchange.claims, groups_by_name(model), len(claims.outside)
    rows = [groups[_name(i)].first_row for i in range(n)]
    place = np.searchsorted(house.rows, rows)
    debts = house.debts
    paid = totals(debts.debtor, debts.dollars - house.unpaid, debts.parties)[place]
    return Settled(paid / scale, model.accounts.cash[rows].sum(axis=1) / scale)


def _scenario(claims: Claims, solution: Solution, scale: float) -> Scenario:
    n = len(claims.outside)
    owed = [
        {"debtor": _name(i), "creditor": _name(j), "dollars": float(claims.debts[i, j]) * scale}
        for i, j in np.argwhere(claims.debts > 0.0).tolist()
    ]
    return bare_scenario(
        markets=[{"name": "M", "price": 1.0}],
        claims={
            "kind": "given",
            "debts_owed": owed,
            "funded": False,
            "solution": solution,
            "outside_recovery_rate": claims.outside_recovery_rate,
            "claims_recovery_rate": claims.claims_recovery_rate,
        },
        population=[
            {"kind": "book", "name": _name(i), "count": 1, "deposit": float(claims.outside[i]) * scale}
            for i in range(n)
        ],
    )


def _name(party: int) -> str:
    return f"party-{party:03d}"
