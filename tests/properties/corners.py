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
    "a shared loss that takes a payer below maintenance": _scenario(
        price={"kind": "flat"},
        wicks=[{"market": "A", "step": 1, "factor": 0.5}],
        deleveraging={"kind": "off"},
        population=[_book("below", 16.0, 127.0), _book("short", -20.0, 3000.0), _book("thin", 16.0, 130.0)],
    ),
    "an isolated loss beside a full wallet": _scenario(
        price=_scripted((1, -0.25)), population=[_book("long", 64.0, 4000.0, isolated=["A"], posted_share=0.3)]
    ),
    "a winner in one market, a loser in the other": _scenario(
        price={
            "kind": "scripted",
            "shocks": [{"step": 1, "size": -0.25, "market": "A"}, {"step": 1, "size": 0.02, "market": "B"}],
        },
        markets=[_market(), _market("B", 64.0)],
        population=[
            {**_book("long", 0.0, 1300.0), "units": {"A": 64.0, "B": 16.0}},
            {**_book("short", 0.0, 5000.0), "units": {"A": -64.0, "B": -16.0}},
        ],
    ),
    "ranked winners": _scenario(
        price=_scripted((1, -0.25)),
        population=[
            _book("long", 32.0, 540.0),
            _book("rich", -40.0, 6000.0),
            _book("poor", -40.0, 1000.0),
            _book("thin", -8.0, 140.0),
        ],
    ),
    "funding": _scenario(
        price={"kind": "gbm"},
        funding={"kind": "premium", "interval_steps": 1, "interest_rate": 0.001},
        fees={"taker_rate": 0.001},
        population=[_book("long", 16.0, 900.0, 2), {"kind": "noise", "count": 5}, _book("idle", 0.0, 50.0)],
    ),
    "a storm": _scenario(
        steps=12,
        step_seconds=3600.0,
        price={"kind": "gbm"},
        markets=[{**_market(), "volatility": 4.0}, {**_market("B", 16.0), "volatility": 6.0}],
        impact={"kind": "linear", "scale": 0.3},
        insurance_fund=500.0,
        population=[
            {"kind": "holder", "count": 40, "long_share": 0.5, "leverage": {"kind": "uniform", "low": 2, "high": 7}},
            {"kind": "momentum", "count": 10, "lookback": 3},
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
