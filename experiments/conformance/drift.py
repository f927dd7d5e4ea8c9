"""Published Drift v2 cases: weights, accounts, liquidations, shared losses."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from experiments.conformance.case import Adapter, Case
from simulation.board import Board, Book, Listed
from simulation.liquidation.drift import DriftClose
from simulation.liquidation.drift_amounts import Exchange, Fees, Perpetual
from simulation.loss.both_sides import charge_per_unit
from simulation.loss.depositors import index_cut
from simulation.margin.drift import DriftLevel, DriftMargin

_LEVELS: dict[str, DriftLevel] = {"Initial": "initial", "Fill": "fill", "Maintenance": "maintenance"}


def _one(value: Any) -> Any:
    return np.array([[float(value)]])


def _answer(value: Any) -> float | None:
    """Return a number, or nothing where there is none."""
    number = float(np.ravel(value)[0])
    return number if np.isfinite(number) else None


def _rule(terms: Mapping[str, Any], **settings: Any) -> DriftMargin:
    return DriftMargin.model_validate({"default": terms, **settings})


def level(given: Mapping[str, Any]) -> DriftLevel:
    """Return the level of margin that a case asks for, initial if it does not say."""
    return _LEVELS[given.get("margin_type", "Initial")]


def _board(price: Any, **known: Any) -> Board:
    return Board.at(Listed.plain(("M",)), np.array([float(price)]), **known)


def both(name: str, value: Any) -> dict[str, float]:
    """Return terms whose initial and maintenance number is the one stated."""
    return {name: float(value), f"maintenance_{name}": float(value)}


def _discount(case: Case) -> dict[str, Any]:
    given = case.inputs
    rule = _rule({**both("deposit_weight", given["base_asset_weight"]), "size_factor": given["imf_factor"]})
    return {"weight": _answer(rule.deposit_weight(_one(given["token_amount"]), _board(1.0), level(given)))}


def _premium(case: Case) -> dict[str, Any]:
    given = case.inputs
    rule = _rule({**both("debt_weight", given["base_liability_weight"]), "size_factor": given["imf_factor"]})
    return {"weight": _answer(rule.debt_weight(_one(given["token_amount"]), _board(1.0), level(given)))}


def _scaled(case: Case) -> dict[str, Any]:
    given = case.inputs
    weight = float(given["initial_asset_weight"])
    rule = _rule({**both("deposit_weight", weight), "deposit_start": float(given["scale_start_usd"])})
    board = _board(given["price"], deposits=np.array([float(given["total_deposits_tokens"])]))
    return {"weight": _answer(rule.deposit_weight(_one(0.0), board, "initial"))}


def _profit(case: Case) -> dict[str, Any]:
    given = case.inputs
    rule = _rule({"profit_weight": given["base_weight"], "profit_size_factor": given["unrealized_pnl_imf_factor"]})
    return {"weight": _answer(rule.profit_weight(_one(given["unrealized_pnl_usd"]), _board(1.0), "initial"))}


def _capped(case: Case) -> dict[str, Any]:
    given = case.inputs
    terms = {
        "initial_rate": given["initial_margin_ratio"],
        "maintenance_rate": 0.0,
        "size_factor": given["imf_factor"],
        "profit_size_factor": given["unrealized_pnl_imf_factor"],
    }
    rule, board = _rule(terms, profit_cap=given["max_positive_upnl_for_initial_margin"]), _board(given["oracle_price"])
    book = _perpetual(0.0, given["size"], given["quote_entry"])
    return {
        "margin_requirement_usd": _answer(rule.standing(book, board, "initial").required),
        "weighted_unrealized_pnl_usd": _answer(rule.weighted_profit(book, board, "initial")),
    }


def _perpetual(deposit: Any, size: Any, quote: Any) -> Book:
    """Return the book of one deposit and one perpetual, whose quote balance is what its position has brought."""
    return Book(np.array([float(deposit) + float(quote)]), _one(size), -_one(quote))


def _to_close(given: Mapping[str, Any], quote: str) -> Perpetual:
    size = float(given.get("size", 0.0))
    return Perpetual(size, float(given["margin_ratio"]), float(given["oracle_price"]), float(given[quote]))


def _cover(case: Case) -> dict[str, Any]:
    given = case.inputs
    fees = Fees(float(given["liquidator_fee"]), float(given["insurance_fee"]))
    perpetual = _to_close(given, "quote_oracle_price")
    return {"size": _answer(perpetual.cover(float(given["margin_shortage_usd"]), fees))}


def _insurance_fee(case: Case) -> dict[str, Any]:
    given = case.inputs
    fee, most = float(given["liquidator_fee"]), float(given["max_insurance_fee"])
    perpetual = _to_close(given, "quote_price")
    return {"fee": _answer(perpetual.insurance_fee(float(given["margin_shortage_usd"]), fee, most))}


def _exchange(given: Mapping[str, Any]) -> Exchange:
    multipliers = [
        float(given.get(f"{side}_liquidation_multiplier", given.get(f"{side}_multiplier", 1.0)))
        for side in ("asset", "liability")
    ]
    liability = float(given.get("liability_price", given.get("price", 1.0)))
    return Exchange(float(given.get("asset_price", 1.0)), liability, *multipliers)


def _weights(given: Mapping[str, Any]) -> tuple[float, float]:
    return float(given["asset_weight"]), float(given["liability_weight"])


def _borrow_cover(case: Case) -> dict[str, Any]:
    given = case.inputs
    shortage, fee = float(given["margin_shortage_usd"]), float(given["insurance_fee"])
    return {"liability_tokens": _answer(_exchange(given).cover(shortage, _weights(given), fee))}


def _borrow_fee(case: Case) -> dict[str, Any]:
    given = case.inputs
    shortage, tokens = float(given["margin_shortage_usd"]), float(given["tokens"])
    most = float(given["max_insurance_fee"])
    return {"fee": _answer(_exchange(given).insurance_fee(shortage, tokens, _weights(given), most))}


def _implied(case: Case) -> dict[str, Any]:
    return {"liability_tokens": _answer(_exchange(case.inputs).liability_for(float(case.inputs["asset_usd"])))}


def _given(case: Case) -> dict[str, Any]:
    liability, balance = float(case.inputs["liability_tokens"]), float(case.inputs["asset_balance"])
    return {"asset_tokens": _answer(_exchange(case.inputs).asset_for(liability, balance))}


def _swap(case: Case) -> dict[str, Any]:
    asset, liability = float(case.inputs["asset_tokens"]), float(case.inputs["liability_tokens"])
    return {"accepted": bool(_exchange(case.inputs).accepts(asset, liability))}


def _growing_fee(case: Case) -> dict[str, Any]:
    given = case.inputs
    rule = DriftClose.model_validate(
        {
            "liquidator_fee_rate": given["base_fee"],
            "largest_fee_rate": given["max_fee"],
            "grace_slots": given["grace_slots"],
            "fee_increase_rate": given["increase_per_slot"],
        }
    )
    return {"fee": _answer(rule.fee(float(given["slots_since_last_active"])))}


def _fraction(case: Case) -> dict[str, Any]:
    given = case.inputs
    rule = DriftClose.model_validate(
        {
            "initial_share": given["initial_fraction"],
            "duration_slots": given["duration_slots"],
            "tiny_shortage": given["tiny_shortage_usd"],
        }
    )
    shortage, freed = float(given["margin_shortage_usd"]), float(given["margin_already_freed_usd"])
    return {"fraction": _answer(rule.share(shortage, freed, float(given["slots_elapsed"])))}


def _both_sides(case: Case) -> dict[str, Any]:
    given = case.inputs
    sides = float(given["open_long"]), float(given["open_short"])
    return {"funding_index_delta_per_unit": _answer(charge_per_unit(float(given["loss_usd"]), *sides))}


def _depositors(case: Case) -> dict[str, Any]:
    given = case.inputs
    index = float(given["cumulative_deposit_interest"])
    return {"index_delta": _answer(index_cut(float(given["borrow_loss"]), float(given["total_deposits"]), index))}


_MATH = "drift_weights_and_liquidation_math"

ADAPTERS: dict[tuple[str, str], Adapter] = {
    (_MATH, "collateral_weight_size_discount"): _discount,
    (_MATH, "liability_weight_size_premium"): _premium,
    (_MATH, "collateral_weight_scaled_by_total_deposits"): _scaled,
    (_MATH, "unrealized_pnl_weight"): _profit,
    (_MATH, "perp_margin_and_capped_upnl"): _capped,
    (_MATH, "perp_size_to_cover_margin_shortage"): _cover,
    (_MATH, "perp_insurance_fee"): _insurance_fee,
    (_MATH, "borrow_transfer_to_cover_margin_shortage"): _borrow_cover,
    (_MATH, "spot_insurance_fee"): _borrow_fee,
    (_MATH, "liability_implied_by_asset"): _implied,
    (_MATH, "asset_given_for_liability"): _given,
    (_MATH, "liquidation_swap_price_bound"): _swap,
    (_MATH, "time_growing_liquidation_fee"): _growing_fee,
    (_MATH, "max_fraction_liquidatable"): _fraction,
    (_MATH, "socialised_loss_via_funding"): _both_sides,
    (_MATH, "socialised_loss_via_deposits"): _depositors,
}
