"""Published dYdX v4 cases: margin, funding, liquidation orders, deleveraging."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.conformance.case import Adapter, Case
from simulation.arrays import Array
from simulation.board import Board, Book, Listed
from simulation.deleveraging.offset import Terms, deleveraged_at, offset, walk
from simulation.funding.index import settlement
from simulation.liquidation.dydx import DydxClose, Risk, riskier
from simulation.margin.dydx import DydxMargin, DydxTerms

_SIGN = {"buy": 1.0, "sell": -1.0}


@dataclass(frozen=True)
class _Venue:
    """The markets of a case: board and margin rule."""

    board: Board
    margin: DydxMargin

    def book(self, *accounts: Mapping[str, Any]) -> Book:
        """Return the books of `accounts`, one row each."""
        held = [{p["market"]: p["size"] for p in account["positions"]} for account in accounts]
        position = np.array([[sizes.get(name, 0.0) for name in self.board.listed.names] for sizes in held], float)
        return Book.of(np.array([account["quote_balance_usd"] for account in accounts], float), position, self.price)

    @property
    def price(self) -> Array:
        return self.board.price

    def needs(self, book: Book) -> Array:
        """Return the maintenance requirement of each position."""
        return self.margin.requirements(book, self.board, "maintenance")

    def delta(self, market: str, units: float) -> Array:
        """Return a trade of one account."""
        delta = np.zeros((1, len(self.board.listed.names)))
        delta[0, self.column(market)] = units
        return delta

    def column(self, market: str) -> int:
        """Return where `market` stands on the board."""
        return self.board.listed.names.index(market)

    def named(self, book: Book, row: int) -> dict[str, Any]:
        """Return one account as the cases write it."""
        sizes = zip(self.board.listed.names, book.position[row].tolist(), strict=True)
        return {"quote_balance_usd": float(book.cash[row]), "positions": {k: v for k, v in sizes if v}}


def _venue(*accounts: Mapping[str, Any]) -> _Venue:
    """Return the venue on which the positions of `accounts` stand."""
    seen = {position["market"]: position for account in accounts for position in account["positions"]}
    terms = {name: _terms(position, "initial_margin_fraction") for name, position in seen.items()}
    names = tuple(seen) or ("none",)
    price = np.array([float(position["oracle_price"]) for position in seen.values()] or [1.0])
    return _Venue(Board.at(Listed.plain(names), price), DydxMargin.model_validate({"markets": terms}))


def _terms(given: Mapping[str, Any], rate: str, **caps: float) -> DydxTerms:
    share = given["maintenance_fraction_of_initial"]
    return DydxTerms.model_validate({"initial_rate": given[rate], "maintenance_share": share, **caps})


def _close(**fields: Any) -> DydxClose:
    return DydxClose.model_validate(fields)


def _margin(case: Case) -> dict[str, Any]:
    given = case.inputs
    terms = _terms(given, "base_imf", lower_cap=given["oi_lower_cap_usd"], upper_cap=given["oi_upper_cap_usd"])
    price = np.array([float(given["oracle_price"])])
    board = Board.at(Listed.plain(("M",)), price, open_interest=np.array([float(given["open_interest_base"])]))
    book, rule = (
        Book.of(np.zeros(1), np.array([[float(given["size"])]]), price),
        DydxMargin.model_validate({"default": terms}),
    )
    return {
        "imr_usd": float(rule.requirement(book, board, "initial")[0]),
        "mmr_usd": float(rule.requirement(book, board, "maintenance")[0]),
        "effective_imf": float(rule.initial_rate(board)[0]),
    }


def _funding(case: Case) -> dict[str, Any]:
    given = case.inputs
    paid = settlement(given["size_quantums"], given["funding_index_at_entry"], given["funding_index_now"])
    return {"settlement_ppm": paid}


def _ordering(case: Case) -> dict[str, Any]:
    one, other = (Risk(case.inputs[name]["net_collateral"], case.inputs[name]["mmr"]) for name in ("a", "b"))
    return {"cmp": riskier(one, other)}


def _liquidatable(case: Case) -> dict[str, Any]:
    account = case.inputs.get("account")
    if account is None:
        net, need = (np.array([float(case.inputs[name])]) for name in ("net_collateral", "mmr"))
    else:
        venue = _venue(account)
        book = venue.book(account)
        net, need = _close().net(book, venue.board), venue.margin.requirement(book, venue.board, "maintenance")
    return {"is_liquidatable": bool(_close().liquidatable(net, need)[0])}


def _bankruptcy(case: Case) -> dict[str, Any]:
    account, close = case.inputs["account"], case.inputs["close"]
    venue = _venue(account)
    delta = venue.delta(close["market"], close["size_delta"])
    quote = _close().bankruptcy_quote(venue.book(account), venue.board, delta, venue.needs)
    price = _close().price_of(quote, delta)
    return {"quote_delta_usd": float(quote[0]), "bankruptcy_price": float(price[0])}


def _limit(case: Case) -> dict[str, Any]:
    given = case.inputs
    venue = _venue(given["account"])
    rule = _close(
        bankruptcy_adjustment=given["bankruptcy_adjustment"],
        spread_share=given["spread_to_maintenance_margin_ratio"],
    )
    price = rule.limit_price(venue.book(given["account"]), venue.board, venue.needs)
    return {"fillable_price": float(price[0, venue.column(given["market"])])}


def _fund(case: Case) -> dict[str, Any]:
    account, fill = case.inputs["account"], case.inputs["fill"]
    venue, rule = _venue(account), _close(penalty_rate=case.inputs["max_liquidation_fee_rate"])
    delta = venue.delta(fill["market"], _SIGN[fill["side"]] * fill["size"])
    bankrupt = rule.bankruptcy_quote(venue.book(account), venue.board, delta, venue.needs)
    received = rule.fill_quote(delta, np.full(delta.shape[1], float(fill["price"])))
    return {"insurance_fund_delta_usd": float(rule.fund_delta(received, bankrupt)[0])}


def _sizes(case: Case) -> dict[str, Any]:
    given, position = case.inputs, case.inputs["position"]
    rule = _close(
        smallest_notional=given["min_position_notional_liquidated_usd"],
        largest_share=given["max_position_portion_liquidated"],
    )
    size, price = (np.array([float(position[name])]) for name in ("size", "oracle_price"))
    book, board = Book.of(np.zeros(1), size[None], price), Board.at(Listed.plain(("M",)), price)
    least, most = rule.size_limits(DydxMargin.model_validate({}).notional(book, board))
    return {"min_notional_usd": float(least[0, 0]), "max_notional_usd": float(most[0, 0])}


def _offset_terms(venue: _Venue, at_oracle: bool) -> Terms:
    rule = _close()
    quote: Callable[[Book, Array], Array]
    if at_oracle:
        quote = lambda book, delta: rule.fill_quote(delta, venue.price)  # noqa: E731
    else:
        quote = lambda book, delta: rule.bankruptcy_quote(book, venue.board, delta, venue.needs)  # noqa: E731
    return Terms(venue.board, venue.margin.requirement, quote)


def _pair(case: Case) -> dict[str, Any]:
    given = case.inputs
    venue = _venue(given["liquidated"], given["offsetting"])
    terms = _offset_terms(venue, given["price_rule"].startswith("oracle"))
    books = venue.book(given["liquidated"], given["offsetting"])
    after = offset(books, venue.column(given["market"]), given["liquidated_size_delta"], terms)
    if after is None:
        return {"accepted": False}
    return {"accepted": True, "liquidated_after": venue.named(after, 0), "offsetting_after": venue.named(after, 1)}


def _sequence(case: Case) -> dict[str, Any]:
    given = case.inputs
    accounts: Sequence[Mapping[str, Any]] = [given["liquidated"], *given["candidates_in_order"]]
    venue = _venue(*accounts)
    column = venue.column(given["market"])
    terms = _offset_terms(venue, str(given.get("price_rule", "")).startswith("oracle"))
    fills, left, after = walk(venue.book(*accounts), column, given["liquidated_size_delta"], terms)
    return {
        "fills": [[accounts[row]["id"], size] for row, size in fills],
        "remaining": left,
        "accounts_after": [venue.named(after, row) for row in range(len(accounts))],
    }


def _deleverage(case: Case) -> dict[str, Any]:
    account = case.inputs["account"]
    venue = _venue(account)
    final = np.array([bool(case.inputs["market_in_final_settlement"])])
    bankrupt, oracle = deleveraged_at(_close().net(venue.book(account), venue.board), final)
    return {"at_bankruptcy_price": bool(bankrupt[0]), "at_oracle_price": bool(oracle[0])}


_ORDERING = "account_risk_ordering (who is liquidated first)"
_MARGIN = "initial_and_maintenance_margin_with_open_interest_scaling"

ADAPTERS: dict[tuple[str, str], Adapter] = {
    ("dydx_margin_funding_ordering", _MARGIN): _margin,
    ("dydx_margin_funding_ordering", "funding_settlement"): _funding,
    ("dydx_margin_funding_ordering", _ORDERING): _ordering,
    ("dydx_margin_funding_ordering", "is_liquidatable"): _liquidatable,
    ("dydx_liquidation", "is_liquidatable"): _liquidatable,
    ("dydx_liquidation", "bankruptcy_price_of_position_delta"): _bankruptcy,
    ("dydx_liquidation", "liquidation_limit_price"): _limit,
    ("dydx_liquidation", "insurance_fund_delta_of_a_liquidation_fill"): _fund,
    ("dydx_liquidation", "partial_liquidation_size_limits"): _sizes,
    ("dydx_deleveraging", "auto_deleverage_one_pair"): _pair,
    ("dydx_deleveraging", "auto_deleverage_sequence"): _sequence,
    ("dydx_deleveraging", "can_deleverage"): _deleverage,
}
