"""Published Derive auction cases: discounts, shares for sale, fees, insolvent auctions, interest on cash."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from experiments.conformance.case import Adapter, Case
from experiments.conformance.derive_portfolio import YEAR_SECONDS, Columns, first_account
from simulation.interest.money_market import MoneyMarket, utilisation
from simulation.liquidation.dutch_auction import AuctionTerms, paid_for, sold, withdrawals_blocked
from simulation.margin.derive_standard import DeriveStandardMargin

_TERMS = {
    "starting_mtm_pct": "start",
    "fast_cutoff_pct": "cutoff",
    "fast_length_s": "fast_seconds",
    "slow_length_s": "slow_seconds",
    "insolvent_length_s": "insolvent_seconds",
    "buffer": "buffer",
    "buffer_margin_pct": "buffer",
    "liquidator_fee_rate": "fee_rate",
}
_MARKET = {
    "min_rate": "least_rate",
    "rate_multiplier": "slope",
    "high_rate_multiplier": "steep_slope",
    "optimal_util": "optimal_utilisation",
    "security_module_fee": "reserve_share",
}


def _renamed(given: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, float]:
    return {names[name]: float(value) for name, value in given.items() if name in names}


def _unit(case: Case) -> Mapping[str, Any]:
    given = case.inputs
    if "sum_abs_insolvent_mm" in given:
        blocked = withdrawals_blocked(given["sum_abs_insolvent_mm"], given["security_module_balance"])
        return {"withdrawals_blocked": bool(blocked)}
    if "min_rate" in given:
        return _interest(given) if "borrow" in given else _borrow_rate(given)
    if "mm_rate" in given:
        return _perpetual(given)
    terms = AuctionTerms.model_validate(_renamed(given, _TERMS))
    if "percent" in given:
        payment = terms.insolvent_payment(given["mtm"], given["mm"], given["seconds"])
        return {"cash_to_bidder": float(paid_for(given["percent"], payment))}
    if "mtm" not in given:
        return {"discount": float(terms.discount(given["seconds"]))}
    return _solvent(terms, given, float(given["mtm"]), float(given["mm"]))


def _solvent(terms: AuctionTerms, given: Mapping[str, Any], value: float, maintenance: float) -> Mapping[str, Any]:
    discount, reserved = terms.discount(given["seconds"]), float(given.get("reserved_cash", 0.0))
    largest = terms.largest_share(value, maintenance, discount, reserved)
    share = min(float(given.get("percent_wanted", 1.0)), float(largest))
    price = terms.price(value, discount, reserved)
    return {
        "discount": float(discount),
        "buffer_margin": terms.buffer_margin(value, maintenance),
        "bid_price_100pct": price,
        "f_max": largest,
        "final_percentage": share,
        "cash_from_bidder": paid_for(share, price),
    }


def _perpetual(given: Mapping[str, Any]) -> Mapping[str, Any]:
    perp, columns = given["perp"], Columns()
    columns.add("PERP", "perpetual", perp["amount"], price=perp["mark"], spot=perp["mark"], confidence=1.0)
    rates = {"maintenance_rate": given["mm_rate"], "initial_rate": given["im_rate"]}
    rule, board = DeriveStandardMargin.model_validate(rates), columns.board(1.0)
    book = columns.book(float(given["cash"]), np.array([float(perp["entry"])]))
    value, maintenance = rule.mark_to_market(book, board)[0], rule.balance(book, board, "maintenance")[0]
    terms = AuctionTerms.model_validate(_renamed(given, _TERMS))
    return {
        "mark_to_market": value,
        "maintenance_margin_balance": maintenance,
        "initial_margin_balance": rule.balance(book, board, "initial")[0],
        **_solvent(terms, given, float(value), float(maintenance)),
    }


def _borrow_rate(given: Mapping[str, Any]) -> Mapping[str, Any]:
    market = MoneyMarket.model_validate({"optimal_utilisation": 1.0, **_renamed(given, _MARKET)})
    used = utilisation(given["total_borrow"], given["total_supply"], given["net_settled_cash"])
    return {"utilization": used, "borrow_rate": market.borrow_rate(used)}


def _interest(given: Mapping[str, Any]) -> Mapping[str, Any]:
    market, borrowed = MoneyMarket.model_validate(_renamed(given, _MARKET)), float(given["borrow"])
    supply = np.array([float(given["supply_account"]), float(given["supply_security_module"])])
    interest = market.interest(borrowed, supply.sum(), given["seconds"] / YEAR_SECONDS)
    received, kept = market.shared(interest, supply)
    used = utilisation(borrowed, supply.sum())
    return {
        "borrow_rate": market.borrow_rate(used),
        "utilization": used,
        "account0_after": float(given["repayment_after"]) - borrowed - interest,
        "account1_after": supply[0] + received[0],
        "security_module_after": supply[1] + received[1] + kept,
        "total_supply_after": supply.sum() + received.sum() + kept,
    }


def _sale(case: Case) -> Mapping[str, Any]:
    """Answer a whole auction; the account before each bid is given, with the prices of that moment."""
    given = case.inputs
    terms = AuctionTerms.model_validate(_renamed(given["auction_params"], _TERMS))
    rule, board, book = first_account(given["initial_portfolio"])
    value, maintenance = rule.mark_to_market(book, board)[0], rule.balance(book, board, "maintenance")[0]
    steps, reserved = [], 0.0
    for step in given["steps"]:
        answer = _bid(terms, step, reserved)
        reserved = reserved + answer["cash_from_bidder"]
        steps.append(answer)
    return {"start_fee_to_security_module": terms.start_fee(value, maintenance), "steps": steps}


def _bid(terms: AuctionTerms, step: Mapping[str, Any], reserved: float) -> dict[str, float]:
    rule, board, book = first_account(step["portfolio_before_bid"])
    answer = {}
    offer: Mapping[str, Any] = {}
    for moment in ("pre", "post"):
        value, maintenance = rule.mark_to_market(book, board)[0], rule.balance(book, board, "maintenance")[0]
        asked = {**step, "seconds": step["seconds_since_start"], "reserved_cash": reserved}
        found = _solvent(terms, asked, float(value), float(maintenance))
        names = zip(
            ("mtm", "mm", "bm", "fmax"), (value, maintenance, found["buffer_margin"], found["f_max"]), strict=True
        )
        answer |= {f"{moment}_{name}": float(number) for name, number in names}
        if moment == "pre":
            offer = found
            book = sold(book, offer["final_percentage"], offer["cash_from_bidder"], reserved)
            reserved = reserved + float(offer["cash_from_bidder"])
    cash = float(offer["cash_from_bidder"])
    return {**answer, "cash_from_bidder": cash, "fraction_of_current": float(offer["final_percentage"])}


_FILE = "derive_dutch_auction_and_interest"
ADAPTERS: dict[tuple[str, str], Adapter] = {
    (_FILE, "dutch_auction_unit"): _unit,
    (_FILE, "dutch_auction_partial_liquidation"): _sale,
}
