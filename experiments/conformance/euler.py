"""Published Euler v2 cases: liquidations of vaults, ramps of the liquidation threshold."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from experiments.conformance.case import Adapter, Case
from simulation.board import Board, Book, Listed
from simulation.liquidation.lending import discount_factor, discounted_seizure, liquidatable
from simulation.margin.lending import LendingMargin, ramped_threshold

_DEBT = "debt"


def _liquidation(case: Case) -> Mapping[str, Any]:
    given = case.inputs
    names, assets = tuple(given["collateral"]), list(given["collateral"].values())
    board = Board.at(
        Listed.plain((*names, _DEBT), "spot"),
        np.array([*(float(asset["price"]) for asset in assets), float(given["debt_price"])]),
    )
    position = np.array([[*(float(asset["amount"]) for asset in assets), -float(given["debt"])]])
    terms = {name: _terms(asset["liquidation_ltv"]) for name, asset in zip(names, assets, strict=True)}
    rule, book = LendingMargin.model_validate({"markets": terms}), Book.of(np.zeros(1), position, board.price)
    health = float(rule.health_factor(book, board)[0])
    taken = names.index(given["seize"])
    seizable = rule.collateral(book, board)[0, taken]
    found = discounted_seizure(rule.debt(book, board)[0], seizable, health, float(given["max_discount"]))
    units = found.in_units(board.price[-1], board.price[taken])
    under = bool(liquidatable(health))
    return {
        "health_score": health,
        "liquidatable": under,
        "discount_factor": float(discount_factor(health, float(given["max_discount"]))) if under else None,
        "max_repay": units.repaid,
        "max_yield": units.seized,
        "value_repaid_over_value_seized": found.ratio if under else None,
        "bad_debt": units.bad_debt,
    }


def _terms(threshold: float) -> dict[str, float]:
    return {"loan_to_value": 0.0, "liquidation_threshold": float(threshold)}


def _ramp(case: Case) -> Mapping[str, Any]:
    given = case.inputs
    times = float(given["duration_s"]), float(given["elapsed_s"])
    found = ramped_threshold(float(given["initial_ltv"]), float(given["target_ltv"]), *times)
    return {"liquidation_ltv": float(found)}


ADAPTERS: dict[tuple[str, str], Adapter] = {
    ("euler_v2_liquidation", "vault_liquidation"): _liquidation,
    ("euler_v2_liquidation", "ltv_ramp"): _ramp,
}
