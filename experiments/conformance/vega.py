"""Published Vega cases: margin levels, isolated margin, close-out, loss socialisation, funding."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from experiments.conformance.case import Adapter, Case
from simulation.board import Board, Book, Listed
from simulation.funding.average import AverageFunding
from simulation.funding.base import accrued
from simulation.liquidation.vega import NetworkDisposal, confiscated, disposal_result, trading_fee
from simulation.loss.gains import settled
from simulation.margin.vega import Exposure, RestingOrder, VegaMargin, close_out_price_with_orders
from simulation.margin.vega_isolated import Orders, VegaIsolatedMargin

_UNIT = 1.0  # the cases count whole units of the asset
_SIGN = {"buy": 1.0, "sell": -1.0}
_LISTED = Listed.plain(("M",))
_WINNER_DEPOSIT = 10_000.0  # of the winner in the scenario the case comes from (0003-MTMK); the case leaves it out
_PER_UNIT = np.ones(1)  # Vega's payment is dollars per unit already, not a rate on the price
_NO_CLAMP = 1.0  # the widest bounds the protocol allows
_ACCRUED = ("funding_per_unit", "accrued_funding_per_unit", "funding_payment_per_unit")
_TERMS = ("risk_factor_long", "risk_factor_short", "linear_slippage", "quadratic_slippage")
_LEVELS = ("maintenance", "search", "initial", "release")


def _rule(given: Mapping[str, Any], unit: float) -> VegaMargin:
    terms = {name: float(given[name]) for name in _TERMS if name in given}
    multiples = {f"{name}_multiple": float(value) for name, value in given.get("scaling", {}).items()}
    return VegaMargin.model_validate({"default": terms, "unit": unit, **multiples})


def _board(mark: float) -> Board:
    return Board.at(_LISTED, np.array([float(mark)]))


def _one(value: Any) -> Any:
    return np.array([[float(value)]])


def _exposure(given: Mapping[str, Any]) -> Exposure:
    """Return the exposure of a case that states volumes, or lists of orders."""
    volumes = [given.get(name, 0) for name in ("buy_orders", "sell_orders")]
    buys, sells = (sum(o["size"] for o in v) if isinstance(v, list) else v for v in volumes)
    funding = np.array([float(next((given[name] for name in _ACCRUED if given.get(name)), 0.0))])
    return Exposure(_one(given["position"]), _one(buys), _one(sells), funding)


def _orders(given: Mapping[str, Any]) -> Orders:
    """Return the orders of a case: two lists, or one with sides."""
    listed = given.get("orders", [])
    sides = [
        [*given.get(f"{side}_orders", []), *(order for order in listed if order["side"] == side)]
        for side in ("buy", "sell")
    ]
    return Orders(*([RestingOrder(float(o["size"]), float(o["price"])) for o in side] for side in sides))


def _isolated(given: Mapping[str, Any]) -> VegaIsolatedMargin:
    return VegaIsolatedMargin.model_validate({"margin_share": float(given["margin_factor"]), "unit": _UNIT})


def _margin_levels(case: Case) -> dict[str, Any]:
    rule, board, held = _rule(case.inputs, _UNIT), _board(case.inputs["mark"]), _exposure(case.inputs)
    return {name: float(rule.level(held, board, name)[0, 0]) for name in _LEVELS}


def _order_margin(case: Case) -> dict[str, Any]:
    given = case.inputs
    margin = _isolated(given).order_margin(given["position"], _orders(given), given.get("auction_price") or 0.0)
    return {"order_margin": margin}


def _transfer(case: Case) -> dict[str, Any]:
    given = case.inputs
    before = float(given["position_before"])
    side = _SIGN[given["side"]] if "side" in given else -np.sign(before)
    trades = [RestingOrder(float(np.copysign(trade["size"], side)), float(trade["price"])) for trade in given["trades"]]
    mark = given.get("mark", given.get("mark_price", 0.0))
    released = _isolated(given).released(before, trades, float(given.get("margin_balance", 0.0)), float(mark))
    return {
        **dict.fromkeys(("net_release", "release", "released", "move_to_general", "move_from_margin"), released),
        **dict.fromkeys(("move_to_margin", "topup", "top_up"), -released),
    }


def _switch(case: Case) -> dict[str, Any]:
    given, rule = case.inputs, _isolated(case.inputs)
    if "trade" in given:
        return _trade(given, rule)
    funds = float(given["total_funds_before"])
    held, resting, free = rule.switch(given["position"], given.get("avg_entry", 0.0), _orders(given), funds)
    return {"position_margin": held, "order_margin": resting, "general": free}


def _trade(given: Mapping[str, Any], rule: VegaIsolatedMargin) -> dict[str, Any]:
    """Answer a case in which an account in isolated mode trades."""
    trade, balance = given["trade"], float(given["position_margin_before"])
    traded = _SIGN[trade["side"]] * trade["size"]
    before = float(given.get("position_before", 0.0))
    fills = [RestingOrder(traded, float(trade["price"]))]
    moved = rule.released(before, fills, balance, float(given.get("mark", trade["price"])))
    return {"position_margin": balance - moved, "order_margin": rule.order_margin(before + traded, _orders(given))}


def _socialised(case: Case) -> dict[str, Any]:
    given = case.inputs
    winners = given["winners_in_processing_order"]
    losses = [(int(loser["available"]), int(loser["loss"])) for loser in given["losers"]]
    gains = [int(winner["gain"]) for winner in winners]
    received, insurance = settled(losses, gains, int(given["insurance_before"]))
    names = [winner["party"] for winner in winners]
    return {
        "haircut": dict(zip(names, (np.array(gains) - np.array(received)).tolist(), strict=True)),
        "paid": dict(zip(names, received, strict=True)),
        "insurance_after": insurance,
    }


def _insurance(case: Case) -> dict[str, Any]:
    """Answer a case in which an account is closed out: marked, confiscated, taken over, and perhaps disposed of."""
    given, party = case.inputs, case.inputs["party"]
    position = float(party.get("position", party.get("buys", 0.0) - party.get("sells", 0.0)))
    entry, mark = float(party.get("entry", party.get("price", 0.0))), float(given["mark"])
    sides = {f"{side}_risk_factor": f"risk_factor_{side}" for side in ("long", "short")}
    terms = {sides.get(name, name): value for name, value in given.items()}
    rule, held = _rule(terms, _UNIT), Exposure.only(_one(position))
    profit = Book.of(np.zeros(1), held.position, np.array([entry])).profit(np.array([mark]))
    funds = _one(party.get("total_funds", party.get("funds", 0.0))) + profit
    taken = confiscated(funds, rule.maintenance_of(held, _board(mark)))
    pool, fee_rate = given["insurance_before"] + taken, float(given.get("network_trade_fee_rate", 0.0))
    price = given.get("network_buy_price", given.get("network_sell_price"))
    if price is not None:
        pool = pool + disposal_result(held.position, np.array(mark), np.array(float(price)), fee_rate, _UNIT)
    fee = trading_fee(held.position, np.array(entry), fee_rate, _UNIT)
    return {
        "party_funds_after": float((funds - taken)[0, 0]),
        "confiscated": float(taken[0, 0]),
        "insurance_after": float(pool[0, 0]),
        "network_position": position,
        "party_position": 0.0,
        "winner_long1_balance_after": float((_WINNER_DEPOSIT - fee - profit)[0, 0]),
    }


def _disposal(case: Case) -> dict[str, Any]:
    given = case.inputs
    rule = NetworkDisposal.model_validate(
        {
            "disposal_share": float(given["disposal_fraction"]),
            "full_disposal": float(given["full_disposal_size"]),
            "largest_share": float(given["max_fraction_consumed"]),
        }
    )
    size = rule.size(
        np.array(float(given["network_position"])), np.array(float(given["available_volume_in_price_range"]))
    )
    return {"order_size": float(size)}


def _funding(case: Case) -> dict[str, Any]:
    given = case.inputs
    terms = {
        "interest_rate": float(given["interest_rate"]),
        "lowest_rate": float(given.get("clamp_lower_bound", -_NO_CLAMP)),
        "highest_rate": float(given.get("clamp_upper_bound", _NO_CLAMP)),
    }
    rule = AverageFunding.model_validate(terms)
    spot = np.array([float(given["spot_twap"])])
    payment = rule.payment(np.array([float(given.get("internal_twap", spot[0]))]), spot, float(given["year_fraction"]))
    flows = {
        name: -float(accrued(payment, _PER_UNIT, np.array([size]))[0]) for name, size in given["positions"].items()
    }
    return {"payment_per_unit": float(payment[0]), "flows": flows}


def _liquidation_price(case: Case) -> dict[str, Any]:
    given = case.inputs
    rule, board, held = _rule(given, 0.0), _board(given["mark"]), _exposure(given)
    stated = given.get("collateral")
    collateral = _one(stated) if isinstance(stated, int | float) else rule.maintenance_of(held, board)
    price = float(rule.close_out_price(collateral, held, board)[0, 0])
    if np.isnan(price):
        return {"error": "undefined"}
    orders = {"buy": _signed(given, "buy"), "sell": _signed(given, "sell")}
    with_orders = {
        f"liquidation_price_with_{side}_orders": close_out_price_with_orders(
            rule, board, float(collateral[0, 0]), held, listed
        )
        for side, listed in orders.items()
        if listed
    }
    return {"liquidation_price": price, **with_orders}


def _signed(given: Mapping[str, Any], side: str) -> Sequence[RestingOrder]:
    listed = given.get(f"{side}_orders", [])
    orders = listed if isinstance(listed, list) else []
    return [RestingOrder(_SIGN[side] * order["size"], float(order["price"])) for order in orders]


_FILE = "vega_margin_closeout_socialisation"

ADAPTERS: dict[tuple[str, str], Adapter] = {
    (_FILE, "margin_levels"): _margin_levels,
    (_FILE, "isolated_order_margin"): _order_margin,
    (_FILE, "isolated_margin_transfer"): _transfer,
    (_FILE, "isolated_margin_mode_switch"): _switch,
    (_FILE, "loss_socialisation"): _socialised,
    (_FILE, "insurance_fund"): _insurance,
    (_FILE, "liquidation_disposal_size"): _disposal,
    (_FILE, "funding"): _funding,
    (_FILE, "liquidation_price"): _liquidation_price,
}
