"""Everything a run leaves behind, as one digest. Run as a module it prints the digest of a stormy scenario."""

import hashlib
from dataclasses import astuple, fields
from typing import Any

import numpy as np

from agents.cast import StandardCast
from simulation.model import MarketModel
from simulation.scenario import Scenario

STORMY: dict[str, Any] = {
    "steps": 12,
    "step_seconds": 3600.0,
    "markets": [
        {"name": "A", "price": 100.0, "volatility": 4.0, "depth": 1e5},
        {"name": "B", "price": 10.0, "volatility": 6.0, "depth": 1e5},
    ],
    "price": {"kind": "student_t", "tail_index": 4.0, "correlation": 0.5},
    "impact": {"kind": "square_root", "scale": 0.3, "permanent_share": 0.5},
    "funding": {"kind": "premium", "interval_steps": 3},
    "insurance_fund": 300.0,
    "population": [
        {"kind": "noise", "name": "noise", "count": 8, "deposit": 2000.0},
        {"kind": "holder", "name": "holders", "count": 30, "deposit": {"kind": "lognormal", "median": 800, "sigma": 1}},
        {"kind": "momentum", "name": "chasers", "count": 10, "lookback": 3, "decision_steps": 2, "cohorts": 2},
        {"kind": "holder", "name": "careful", "count": 9, "long_share": 0.3, "leverage": 9.0, "isolated": ["B"]},
    ],
    "liquidators": [{"count": 2, "capital": 4000.0}],
    "backstop": {"capital": 4000.0},
}


def played(table: dict[str, Any], journal: bool = False) -> MarketModel:
    model = MarketModel(Scenario.from_dict(table), StandardCast(), journal=journal)
    model.run()
    return model


def fingerprint(model: MarketModel) -> str:
    """Balances, prices, forced trades with their causes, losses with their payers, volumes and fees."""
    a, exchange = model.accounts, model.exchange
    columns = [a.cash, a.position, a.entry_price, a.pool, a.open_interest, a.reference, exchange.clearing.volume]
    columns += [model.market.history[name] for name in sorted(model.market.history)]
    events = exchange.desk.log.events
    columns += [getattr(events, field.name) for field in fields(events)]
    columns.append(np.array([astuple(case) for case in exchange.waterfall.bankruptcies], float))
    columns.append(np.array([exchange.clearing.fees_paid, exchange.desk.penalties, exchange.waterfall.skipped]))
    digest = hashlib.blake2b(digest_size=16)
    for column in columns:
        digest.update(np.ascontiguousarray(column).tobytes())
    return digest.hexdigest() + model.streams.digest()


def stormy_fingerprint(seed: int = 7) -> str:
    return fingerprint(played({**STORMY, "seed": seed}))


if __name__ == "__main__":
    print(stormy_fingerprint())
