"""Published Drift v2 cases of whole accounts: what they have and need, and how they are liquidated."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from experiments.conformance.case import Adapter, Case
from experiments.conformance.drift import both, level
from simulation.board import Board, Book, Listed, Resting
from simulation.liquidation.drift import Closed, DriftClose, Loan, Progress, Venue
from simulation.liquidation.drift_amounts import Exchange
from simulation.margin.drift import DriftMargin

_NAMES = ("perpetual", "token")
_DECIMALS = 1e-6  # smallest amount of the tokens in the test that cases of borrows come from
_SLOW = "quote_twap_5min"
# When liquidators come and how much each takes, in the test the case over time comes from; the case leaves it out of
# its inputs (drift-labs/protocol-v2, controller/liquidation/tests.rs, liquidation_over_multiple_slots).
_VISITS = ((1.0, 10.0), (76.0, 10.0), (76.0, 100.0), (101.0, 100.0), (136.0, 100.0))


def _stated(given: Mapping[str, Any], name: str) -> Any:
    """Return the initial number of that name, or the maintenance number where the case is about that one."""
    return given.get(f"initial_{name}", given.get(f"maintenance_{name}"))


def _rates(value: Any) -> dict[str, float]:
    return {"initial_rate": float(value), "maintenance_rate": float(value)}


def _rule(perpetual: Mapping[str, Any], token: Mapping[str, Any] | None = None, **settings: Any) -> DriftMargin:
    """Return the rule with the terms of the two columns every account here has: a perpetual and a token."""
    return DriftMargin.model_validate({"markets": {"perpetual": perpetual, "token": token or {}}, **settings})


def _board(prices: tuple[Any, Any], **known: Any) -> Board:
    listed = Listed(_NAMES, ("perpetual", "spot"), np.arange(2), np.full(2, np.nan), np.zeros(2))
    return Board.at(listed, np.array([float(price) for price in prices]), **known)


def _account(deposit: Any, size: Any, quote: Any, tokens: Any) -> Book:
    """Return an account with a deposit, a perpetual that has brought `quote` so far, and tokens."""
    position = np.array([[float(size), float(tokens)]])
    return Book(np.array([float(deposit) + float(quote)]), position, np.array([[-float(quote), 0.0]]))


def _at_price(deposit: Any, perpetual: Mapping[str, Any], tokens: Any, board: Board) -> Book:
    """Return an account whose perpetual was opened where the case says, else at the price."""
    quote = perpetual.get("quote", perpetual.get("quote_entry"))
    if quote is not None:
        return _account(deposit, perpetual["size"], quote, tokens)
    opened = Book.opened(np.array([float(deposit)]), np.array([[float(perpetual["size"]), 0.0]]), board.price)
    return replace(opened, position=np.array([[float(perpetual["size"]), float(tokens)]]))


def _orders(given: Mapping[str, Any], column: int, count: Any, suffix: str = "") -> Resting:
    """Return the resting orders of one column."""
    bids, asks = np.zeros((1, 2)), np.zeros((1, 2))
    bids[0, column] = abs(float(given.get(f"open_bids{suffix}", 0.0)))
    asks[0, column] = abs(float(given.get(f"open_asks{suffix}", 0.0)))
    return Resting(bids, asks, np.array([float(count)]))


def _spot_orders(case: Case) -> dict[str, Any]:
    given = case.inputs
    token = both("deposit_weight", _stated(given, "asset_weight"))
    rule = _rule({}, {**token, **both("debt_weight", _stated(given, "liability_weight"))})
    book = replace(
        _account(given["usdc_deposit"], 0.0, 0.0, given["sol_balance"]),
        resting=_orders(given, 1, given["n_orders"], "_sol"),
    )
    found = rule.standing(book, _board((1.0, given["sol_price"])), level(given))
    return {"margin_requirement_usd": found.required[0], "total_collateral_usd": found.collateral[0]}


def _custom(case: Case) -> dict[str, Any]:
    given = case.inputs
    perpetual, borrow = given["perp"], given["spot_borrow"]
    rule = _rule(
        _rates(_stated(perpetual, "margin_ratio")),
        both("debt_weight", _stated(borrow, "liability_weight")),
        custom_rate=given["user_max_margin_ratio"],
    )
    board = _board((perpetual["price"], borrow["price"]))
    book = _at_price(given.get("usdc_deposit", 0.0), perpetual, -float(borrow["tokens"]), board)
    found = rule.standing(book, board, level(given))
    return {"margin_requirement_usd": found.required[0], "total_collateral_usd": found.collateral[0]}


def _strict(case: Case) -> dict[str, Any]:
    given = case.inputs
    perpetual = given["perp"]
    terms = {**_rates(_stated(perpetual, "margin_ratio")), "profit_weight": perpetual["unrealized_pnl_initial_weight"]}
    rule = _rule(terms, strict=given["strict"])
    known = {"quote_price": float(given["quote_oracle"]), "quote_slow": float(given.get(_SLOW, given["quote_oracle"]))}
    board = _board((perpetual["price"], 1.0), **known)
    found = rule.standing(_at_price(given["usdc_deposit"], perpetual, 0.0, board), board, "initial")
    return {"margin_requirement_usd": found.required[0], "total_collateral_usd": found.collateral[0]}


def _loss_buffer(case: Case) -> dict[str, Any]:
    given = case.inputs
    perpetual = given["perp"]
    board = _board((perpetual.get("price", 1.0), 1.0))
    found = _rule({}).standing(_at_price(given["usdc_deposit"], perpetual, 0.0, board), board, "maintenance")
    return {
        "total_collateral_usd": found.collateral[0],
        "total_collateral_plus_buffer_usd": found.buffered(float(given["buffer"])).collateral[0],
    }


def _isolated(case: Case) -> dict[str, Any]:
    given = case.inputs
    perpetual, borrow = given["isolated_perp"], given["sol_borrow"]
    rule = _rule(
        _rates(_stated(perpetual, "margin_ratio")),
        both("debt_weight", _stated(borrow, "liability_weight")),
    )
    board = _board((perpetual["price"], borrow["price"]))
    books = {
        "cross": _account(given["usdc_deposit"], 0.0, 0.0, -float(borrow["tokens"])),
        "isolated": _account(perpetual["isolated_deposit"], perpetual["size"], perpetual["quote_entry"], 0.0),
    }
    buffer = float(given["buffer"])
    found = {name: rule.standing(book, board, "initial").buffered(buffer) for name, book in books.items()}
    answer = {f"{name}_requirement_usd": standing.required[0] for name, standing in found.items()}
    answer |= {f"{name}_collateral_usd": standing.collateral[0] for name, standing in found.items()}
    met = {f"{name}_ok": bool(standing.met[0]) for name, standing in found.items()}
    return {**answer, **met, "account_ok": all(met.values())}


def _size(case: Case) -> dict[str, Any]:
    given = case.inputs
    terms = {**_rates(_stated(given, "margin_ratio")), "size_factor": given["imf_factor"]}
    board = _board((given["oracle_price"], 1.0))
    book = replace(_at_price(0.0, given, 0.0, board), resting=_orders(given, 0, given["open_orders"]))
    return {"margin_requirement_usd": _rule(terms).standing(book, board, "maintenance").required[0]}


class _Liquidation:
    """A perpetual position of a case under liquidation, and the engine's rules for it."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        terms = {**_rates(_stated(given, "margin_ratio")), "size_factor": given["imf_factor"]}
        self._margin, self._board = _rule(terms), _board((given["oracle_price"], 1.0))
        self._rule = DriftClose.model_validate(
            {
                "liquidator_fee_rate": given["liquidator_fee"],
                "largest_fee_rate": given["liquidator_fee"],
                "penalty_rate": given["max_insurance_fee"],
                "initial_share": given["initial_fraction"],
                "duration_slots": given["duration_slots"],
                "step_size": given["step_size"],
                "buffer_rate": given["liquidation_buffer"],
            }
        )
        held = given["position"]
        book = _account(given["usdc_deposit"], held["size"], held["quote"], 0.0)
        self.book = replace(book, resting=_orders(held, 0, held.get("open_orders", 0)))

    def visited(self, progress: Progress, most: float) -> Closed:
        """Return the account after a liquidator has been there, and keep it."""
        venue = Venue(self._shortage, self._rate, float(self._board.price[0]))
        closed = self._rule.close(self.book, venue, progress, most)
        self.book = closed.book
        return closed

    @property
    def ratio(self) -> float:
        """Return collateral over what is owed."""
        return float(self._margin.standing(self.book, self._board, "maintenance").ratio[0])

    def _shortage(self, book: Book) -> float:
        standing = self._margin.standing(book, self._board, "maintenance")
        return float(standing.buffered(self._rule.buffer_rate).shortage[0])

    def _rate(self, size: float) -> float:
        return float(self._margin.rate(np.array([size, 0.0]), self._board, "maintenance")[0])


def _liquidated(case: Case) -> dict[str, Any]:
    account = _Liquidation(case.inputs)
    closed = account.visited(Progress(), float(case.inputs["liquidator_max_size"]))
    return {
        "size_after": closed.book.position[0, 0],
        "quote_after": -closed.book.cost[0, 0],
        "liquidator_size": closed.units,
        "liquidator_quote": -closed.quote,
        "insurance_fee_usd": closed.insurance,
        "margin_ratio_after": account.ratio,
    }


def _over_time(case: Case) -> dict[str, Any]:
    account, steps, progress, done = _Liquidation(case.inputs), [], Progress(), False
    for slot, most in _VISITS:
        closed = account.visited(replace(progress, slots=slot - _VISITS[0][0]), most)
        progress, done = Progress(closed.freed), closed.done
        steps.append(
            {
                "slot": slot,
                "liquidator_max_size": most,
                "margin_freed_usd": closed.freed,
                "size_after": closed.book.position[0, 0],
            }
        )
    return {"steps": steps, "still_being_liquidated": not done}


def _borrow(case: Case) -> dict[str, Any]:
    given = case.inputs
    weights = float(given["asset_weight"]), float(given["maintenance_liability_weight"])
    # The deposit is a token here, so that its weight may be any; the debt stands in the other column.
    terms = {"deposit": both("deposit_weight", weights[0]), "debt": both("debt_weight", weights[1])}
    margin = DriftMargin.model_validate({"markets": terms})
    board = Board.at(Listed.plain(("deposit", "debt"), "spot"), np.array([1.0, float(given["sol_price"])]))
    rule = DriftClose.model_validate({"buffer_rate": given["buffer"]})

    def standing(deposit: float, debt: float) -> Any:
        book = Book(np.zeros(1), np.array([[deposit, -debt]]), np.zeros((1, 2)))
        return margin.standing(book, board, "maintenance")

    held = float(given["usdc_deposit"]), float(given["sol_borrow"])
    shortage = float(standing(*held).buffered(rule.buffer_rate).shortage[0])
    fees = float(given.get("asset_liquidator_fee", 0.0)), float(given["liability_liquidator_fee"])
    exchange = replace(Exchange.at(1.0, float(board.price[1]), *fees), liability_unit=_DECIMALS)
    loan = Loan(*held, shortage, weights)
    taken = rule.take_over(loan, exchange, Progress(), float(given["liability_insurance_fee"]))
    left = taken.after(loan)
    found = standing(left.balance, left.debt)
    return {
        "usdc_after": left.balance,
        "borrow_after": left.debt,
        "margin_requirement_usd": found.required[0],
        "margin_requirement_plus_buffer_usd": found.buffered(rule.buffer_rate).required[0],
        "insurance_fee_tokens": taken.insurance,
    }


_FILE = "drift_accounts_and_liquidations"

ADAPTERS: dict[tuple[str, str], Adapter] = {
    (_FILE, "spot_open_order_worst_case"): _spot_orders,
    (_FILE, "user_custom_margin_ratio"): _custom,
    (_FILE, "strict_stable_pricing"): _strict,
    (_FILE, "negative_pnl_buffer"): _loss_buffer,
    (_FILE, "isolated_position_inside_cross_account"): _isolated,
    (_FILE, "perp_size_imf"): _size,
    (_FILE, "liquidate_perp"): _liquidated,
    (_FILE, "liquidate_perp_over_time"): _over_time,
    (_FILE, "liquidate_spot_borrow"): _borrow,
}
