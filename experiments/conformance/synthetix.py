"""Published Synthetix v3 cases: margin and fills by skew, capacity windows, keeper rewards, funding velocity."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from experiments.conformance.case import Adapter, Case
from simulation.arrays import Array
from simulation.board import Board, Book, Listed
from simulation.funding.base import FundingMarket, accrued
from simulation.funding.velocity import VelocityFunding
from simulation.impact.skew import skew_fill_price
from simulation.liquidation.window import CapacityWindow, Closed, Request
from simulation.margin.skew import KeeperTerms, SkewMargin

_STATED_IN = {"dollar": 1.0, "1e-18": 1e18}  # the second: the case counts in integers, but states this in dollars
_POOL_CASH = 10_000.0  # dollars among the seized collateral in the scenario of the case; the case leaves it out
_TERMS = {
    "skew_scale": "skew_scale",
    "initial_margin_fraction": "size_rate",
    "min_initial_margin_ratio": "smallest_rate",
    "maintenance_scalar": "maintenance_share",
    "liquidation_reward_ratio": "reward_rate",
    "minimum_position_margin": "smallest_margin",
}
_KEEPER = {
    "min_reward": "least_reward",
    "min_profit_ratio": "least_profit_rate",
    "max_reward": "most_reward",
    "max_scaling_ratio": "most_share",
}
_WINDOW = {
    "maker_fee": "maker_fee_rate",
    "taker_fee": "taker_fee_rate",
    "skew_scale": "skew_scale",
    "multiplier": "multiplier",
    "window_s": "window_seconds",
    "max_premium_discount": "largest_premium",
}


def _renamed(given: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, float]:
    return {ours: float(given[name]) for name, ours in names.items() if name in given}


def _keeper(given: Mapping[str, Any]) -> KeeperTerms:
    return KeeperTerms.model_validate(_renamed(given, _KEEPER))


def _margin(case: Case) -> dict[str, Any]:
    given, positions = case.inputs, case.inputs["positions"]
    names = tuple(position["market"] for position in positions)
    markets = {position["market"]: _renamed(position, _TERMS) for position in positions}
    rule = SkewMargin.model_validate({"markets": markets, "keeper": _keeper(given)})
    board = Board.at(Listed.plain(names), np.array([float(given["oracle_prices"][name]) for name in names]))
    size, skew, scale, opened = (
        np.array([float(position[name]) for position in positions])
        for name in ("size", "skew_before", "skew_scale", "oracle_price_at_open")
    )
    book = Book.opened(
        np.array([float(given["collateral_usd"])]), size[None], skew_fill_price(opened, skew, size, scale)
    )
    return {
        "pnl": dict(zip(names, book.profit(board.price)[0].tolist(), strict=True)),
        "available_margin": float(book.equity(board.price)[0]),
        "liquidatable": bool(rule.liquidatable(book, board)[0]),
        "initial_margin": float(rule.margins(book, board, "initial").sum()),
        "maintenance_margin": float(rule.margins(book, board, "maintenance").sum()),
        "flag_reward": float(rule.flag_reward(book, board)[0]),
    }


def _fill(case: Case) -> dict[str, Any]:
    names = ("oracle_price", "skew_before", "size_delta", "skew_scale")
    price = skew_fill_price(*(np.array(float(case.inputs[name])) for name in names))
    return {"fill_price": float(price)}


def _open_interest(case: Case) -> dict[str, Any]:
    sizes, prices = case.inputs["positions"], case.inputs["prices"]
    size, price = (np.array([float(table[name]) for name in sizes]) for table in (sizes, prices))
    book = Book.of(np.zeros(1), size[None], price)
    return {"total_notional": float(book.notional(price)[0])}


def _capacity(case: Case) -> dict[str, Any]:
    given = case.inputs
    window = CapacityWindow.model_validate(_renamed(given, _WINDOW))
    answer: dict[str, Any] = {"capacity": window.capacity}
    if "calls" not in given:
        return answer
    held = {str(name): float(size) for name, size in given["positions"].items()}
    closed: Closed = ()
    after = []
    for call in given["calls"]:
        name = str(call["account"])
        skew = float(call.get("skew", sum(held.values())))
        request = Request(abs(held[name]), float(call["t"]), skew, bool(call.get("endorsed", False)))
        units, closed = window.close(request, closed)
        held[name] -= float(np.copysign(units, held[name]))
        after.append(float(held[name]))
    return {**answer, "position_after_call": after}


def _reward(case: Case) -> dict[str, Any]:
    given = case.inputs
    unit = "1e-18" if "1e-18" in str(given.get("unit", "")) else "dollar"
    flagged = np.array([float(given["flag_reward"])]) if "flag_reward" in given else _flagged(given) * _STATED_IN[unit]
    stated = given.get("total_collateral_usd")
    collateral = float(stated) * _STATED_IN[unit] if stated is not None else float(given.get("total_collateral", 0.0))
    reward = _keeper(given).reward(flagged, float(given.get("cost", 0.0)), np.array([collateral]))
    return {"reward": float(reward[0]), "lp_pool_gain_usd": _POOL_CASH - float(reward[0])}


def _flagged(given: Mapping[str, Any]) -> Array:
    """Return the reward for flagging the positions of a case, dollars."""
    positions = given.get("positions") or [
        {
            "size": given["position_size"],
            "price": given["price"],
            "reward_ratio": given["liquidation_reward_ratio"],
        }
    ]
    names = tuple(f"M{place}" for place in range(len(positions)))
    markets = {
        name: {"reward_rate": float(position["reward_ratio"])} for name, position in zip(names, positions, strict=True)
    }
    size, price = (np.array([float(position[name]) for position in positions]) for name in ("size", "price"))
    rule, board = SkewMargin.model_validate({"markets": markets}), Board.at(Listed.plain(names), price)
    return rule.flag_reward(Book.of(np.zeros(1), size[None], price), board)


def _funding(case: Case) -> dict[str, Any]:
    given = case.inputs
    velocity = float(given["max_funding_velocity_per_day"])
    rule = VelocityFunding.model_validate({"skew_scale": float(given["skew_scale"]), "largest_velocity": velocity})
    price, size = np.array([float(given["price"])]), np.array([float(given["size"])])
    rate, paid, skew = np.zeros(1), np.zeros(1), np.array([float(given["initial_skew"])])
    rates, totals = [], []
    for step in given["steps"]:
        funding = rule.due(FundingMarket(("M",), price, price, skew, rate, float(step["days"])))
        rate, paid = funding.rate, paid + accrued(funding.payment, price, size)
        rates.append(float(rate[0]))
        totals.append(float(paid[0]))
        skew = skew + float(step["skew_change_after"])
    return {"accrued_paid_by_trader": totals, "funding_rate": rates}


_FILE = "synthetix_v3_perps"

ADAPTERS: dict[tuple[str, str], Adapter] = {
    (_FILE, "skew_margin"): _margin,
    (_FILE, "skew_fill_price"): _fill,
    (_FILE, "open_interest"): _open_interest,
    (_FILE, "liquidation_capacity"): _capacity,
    (_FILE, "liquidation_reward"): _reward,
    (_FILE, "funding"): _funding,
}
