"""Published Mango v4 cases: the three healths of accounts, and liquidations of tokens and perpetuals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.conformance.case import Adapter, Case
from simulation.arrays import Array
from simulation.board import Board, Book, InstrumentKind, Listed, Resting
from simulation.liquidation.mango import Limits, MangoClose
from simulation.margin.mango import MangoMargin, SpotOrders, in_units

_ONE = 1.0
_SLACK = 0.5  # the cases count in the smallest units of the settlement token
_LEVELS = {"init": "initial", "liq_end": "liquidation_end", "maint": "maintenance"}
_TOKEN_TERMS = {"asset_weight": "deposit_weight", "liab_weight": "debt_weight"}
_PERP_TERMS = {
    "base_asset_weight": "long_weight",
    "base_liab_weight": "short_weight",
    "overall_asset_weight": "profit_weight",
}
_STARTS = {"deposit_weight_scale_start_quote": "deposit_start", "borrow_weight_scale_start_quote": "borrow_start"}


@dataclass(frozen=True)
class _Account:
    """One account as the engine knows it: its tokens, then its perpetuals; the settlement currency is not used."""

    margin: MangoMargin
    board: Board
    book: Book
    orders: tuple[SpotOrders, ...] = ()

    def health(self, level: Any) -> float:
        return float(self.margin.health(self.book, self.board, level, self.orders)[0])

    def column(self, name: str) -> int:
        return self.board.listed.names.index(name)


def _weights(given: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, float]:
    """Return the weights of a case under the names of the rule; both levels are the stated one if only one is."""
    found = {}
    for theirs, ours in names.items():
        for name, levels in ((ours, ("init", "maint")), (f"maintenance_{ours}", ("maint", "init"))):
            stated = [given[f"{level}_{theirs}"] for level in levels if f"{level}_{theirs}" in given]
            found |= {name: float(stated[0])} if stated else {}
    return found


def _account(given: Mapping[str, Any]) -> _Account:
    tokens: Mapping[str, Any] = given["tokens"]
    perps: Sequence[Mapping[str, Any]] = given.get("perps") or []
    rows = [*tokens.values(), *perps]
    names = (*tokens, *(f"perpetual {k}" for k in range(len(perps))))
    terms = {name: _weights(row, _TOKEN_TERMS) | _starts(row) for name, row in tokens.items()}
    terms |= {
        name: {**_weights(perp, _PERP_TERMS), "settle": perp["settle_token"]}
        for name, perp in zip(names[len(tokens) :], perps, strict=True)
    }
    # The cases state the deposits and debts of everybody in units to be valued at the oracle price.
    margin = MangoMargin.model_validate({"markets": terms, "pool_price": "mark"})
    orders = tuple(_orders(order, list(tokens)) for order in given.get("spot_orders") or [])
    return _Account(margin, _board(names, rows), _book(list(tokens.values()), perps), orders)


def _starts(token: Mapping[str, Any]) -> dict[str, float]:
    return {ours: float(token[theirs]) for theirs, ours in _STARTS.items() if token.get(theirs) is not None}


def _board(names: tuple[str, ...], rows: Sequence[Mapping[str, Any]]) -> Board:
    kinds: tuple[InstrumentKind, ...] = tuple("perpetual" if "lot_size" in row else "spot" for row in rows)
    listed = Listed(names, kinds, np.arange(len(names)), np.full(len(names), np.nan), np.zeros(len(names)))
    price = _column(rows, "oracle_price")
    slow = np.array([float(row.get("stable_price", row["oracle_price"])) for row in rows])
    deposits, borrows, *waiting = (
        _column(rows, name)
        for name in (
            "bank_total_deposits",
            "bank_total_borrows",
            "bank_potential_serum_tokens",
            "potential_serum_tokens",
        )
    )
    # Tokens that resting orders may bring count among the deposits of everybody.
    return Board.at(listed, price, slow=slow, deposits=sum(waiting, deposits), borrows=borrows)


def _column(rows: Sequence[Mapping[str, Any]], name: str) -> Array:
    return np.array([float(row.get(name) or 0.0) for row in rows])


def _lots(perp: Mapping[str, Any], name: str) -> float:
    return in_units(float(perp.get(name) or 0.0), float(perp["lot_size"]))


def _book(tokens: Sequence[Mapping[str, Any]], perps: Sequence[Mapping[str, Any]]) -> Book:
    """Return the book of one account; what its perpetuals have brought or cost is in the cash, as always."""
    none = [0.0] * len(tokens)
    held = [float(token["balance"]) for token in tokens]
    base, bids, asks = ([_lots(perp, name) for perp in perps] for name in ("base_lots", "bids", "asks"))
    quote = [float(perp["quote"]) for perp in perps]
    resting = Resting(np.array([none + bids]), np.array([none + asks]))
    return Book(np.array([sum(quote)]), np.array([held + base]), -np.array([none + quote]), resting)


def _orders(given: Mapping[str, Any], tokens: list[str]) -> SpotOrders:
    base, quote = (np.array([float(given.get(f"reserved_{side}") or 0.0)]) for side in ("base", "quote"))
    inverse = float(given.get("highest_placed_bid_inv") or given.get("highest_bid_inv") or 0.0)
    bid = float(given.get("highest_placed_bid") or given.get("highest_bid") or (_ONE / inverse if inverse else 0.0))
    ask = float(given.get("lowest_placed_ask") or given.get("lowest_ask") or 0.0)
    return SpotOrders(tokens.index(given["base"]), tokens.index(given["quote"]), base, quote, ask, bid)


def _initial(case: Case) -> dict[str, Any]:
    account = _account(case.inputs)
    named = {f"{name}_health": account.health(level) for name, level in _LEVELS.items()}
    return {**named, "health": named["init_health"]}


def _three(case: Case) -> dict[str, Any]:
    account = _account(case.inputs)
    return {name: account.health(level) for name, level in _LEVELS.items()}


def _swap(case: Case) -> dict[str, Any]:
    given = case.inputs
    account, fee = _account(given["account"]), float(given.get("liquidation_fees") or 0.0)
    tokens = (account.column(given["asset"]), account.column(given["liability"]))
    rule = MangoClose.model_validate({"token_fee_rate": fee})
    most = float(given.get("max_liab_transfer", np.inf))
    swap = rule.swap(account.margin, account.book, account.board, tokens, most)
    if swap is None:
        return {"accepted": False}
    asset, liability = (float(swap.book.position[0, token]) for token in tokens)
    return {"accepted": True, "asset_after": asset, "liab_after": liability}


def _take_over(case: Case) -> dict[str, Any]:
    given, perp = case.inputs, case.inputs["perp"]
    account = _account({"tokens": _tokens(given), "perps": [_one_perp(perp)]})
    rule = MangoClose.model_validate(
        {
            "base_fee_rate": float(perp.get("base_liquidation_fee") or 0.0),
            "profit_fee_rate": float(perp.get("positive_pnl_liquidation_fee") or 0.0),
            "lot": float(perp.get("lot_size", 1.0)),
            "slack": _SLACK,
        }
    )
    limits = Limits(abs(float(given["max_base_transfer"])), float(given["max_pnl_transfer"]))
    column = account.column("perpetual 0")
    after = rule.take_over(account.margin, account.book, account.board, column, limits).book
    return {
        "settle_token_after": float(after.position[0, 0]),
        "base_after": float(after.position[0, column]),
        "quote_after": -float(after.cost[0, column]),
    }


def _tokens(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the two tokens of a case, which have one weight and are worth a dollar each."""
    weights = dict.fromkeys(("init_asset_weight", "init_liab_weight"), given.get("token_weights", 1.0))
    balances = {"SETTLE": given["settle_token_balance"], "OTHER": given.get("other_token_balance") or 0.0}
    return {name: {"balance": balance, "oracle_price": 1.0, **weights} for name, balance in balances.items()}


def _one_perp(given: Mapping[str, Any]) -> dict[str, Any]:
    return {"settle_token": "SETTLE", "lot_size": 1.0, **given, "base_lots": given["base"]}


ADAPTERS: dict[tuple[str, str], Adapter] = {
    ("mango_health", "init_health"): _initial,
    ("mango_health", "three_health_types"): _three,
    ("mango_liquidation", "collateral_for_borrow_liquidation"): _swap,
    ("mango_liquidation", "perp_liquidation_base_and_positive_pnl"): _take_over,
}
