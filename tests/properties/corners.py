"""Scenarios that lead into the corners random ones seldom reach: exact ties, exact boundaries, long cascades."""

from typing import Any

FLAT_TIER = [{"maintenance_rate": 0.0625, "initial_rate": 0.125}]


def _market(name: str = "A", price: float = 128.0, depth: float = 1e6) -> dict[str, Any]:
    return {"name": name, "price": price, "depth": depth, "lot": 0.0625, "tiers": FLAT_TIER}


def _scripted(*shocks: tuple[int, float]) -> dict[str, Any]:
    return {"kind": "scripted", "shocks": [{"step": step, "size": size} for step, size in shocks]}


def _book(name: str, units: float, deposit: Any, count: int = 1, **more: Any) -> dict[str, Any]:
    return {"kind": "book", "name": name, "count": count, "units": {"A": units}, "deposit": deposit, **more}


def _scenario(**more: Any) -> dict[str, Any]:
    fees = {"taker_rate": 0.0}
    return {"steps": 4, "markets": [_market()], "impact": {"kind": "none"}, "fees": fees, **more}


# One long whose loss exceeds everything; shorts that share it. Shorts come in equal pairs: equal ranks.
_CRASH = {
    "price": _scripted((1, -0.25)),
    "population": [_book("long", 64.0, 1100.0), _book("short", -20.0, 3000.0, 4, isolated=["A"])],
}

CORNERS: dict[str, dict[str, Any]] = {
    "equity is exactly maintenance": _scenario(
        price={"kind": "flat"}, population=[_book("edge", 16.0, 128.0), _book("below", 16.0, 127.9375)]
    ),
    "equal ranks": _scenario(**_CRASH),
    "equal ranks, shared by profit": _scenario(**_CRASH, deleveraging={"kind": "pro_rata"}),
    "nobody to deleverage": _scenario(
        **{**_CRASH, "population": [_book("long", 64.0, 1100.0), _book("idle", 0.0, 2000.0)]}
    ),
    "a fund that pays all": _scenario(**_CRASH, insurance_fund=1e6),
    "a fund that pays a part": _scenario(**_CRASH, insurance_fund=100.0),
    "loss shared by everybody": _scenario(**_CRASH, deleveraging={"kind": "off"}),
    "a long cascade": _scenario(
        price=_scripted((1, -0.06)),
        impact={"kind": "linear"},
        markets=[_market(depth=2e5)],
        population=[
            _book("ladder", 16.0, {"kind": "uniform", "low": 220.0, "high": 700.0}, 60),
        ],
    ),
    "a winner whose other position needs more margin": _scenario(
        price={"kind": "scripted", "shocks": [{"step": 1, "size": -0.25, "market": "A"}]},
        markets=[
            {**_market(), "tiers": [{"maintenance_rate": 0.015625, "initial_rate": 0.03125}]},
            {**_market("B", 100.0), "tiers": [{"maintenance_rate": 0.25, "initial_rate": 0.25}]},
        ],
        population=[
            _book("long", 64.0, 819.0),
            {**_book("winner", -64.0, 1352.0), "units": {"A": -64.0, "B": 100.0}},
        ],
    ),
    "partial closes": _scenario(
        price=_scripted((1, -0.06), (2, -0.05)),
        liquidation={"kind": "fraction", "share": 0.25, "minimum_notional": 10.0},
        population=[_book("long", 64.0, 900.0, 3)],
    ),
    "a queue at the venue": _scenario(
        price=_scripted((1, -0.07)),
        liquidation={"kind": "full", "capacity": 5000.0, "priority": "largest_deficit"},
        rounds_per_step=1,
        population=[_book("long", 32.0, 450.0, 6)],
    ),
}
