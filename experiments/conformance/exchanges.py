"""Published examples of exchanges, brokers and lending documents."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from experiments.conformance.case import Adapter, Case
from simulation.arrays import Array
from simulation.board import Board, Book, InstrumentKind, Listed
from simulation.deleveraging.binance import BinanceDeleveraging
from simulation.deleveraging.ranking import percentiles, ranked_fills
from simulation.instrument.future import Future
from simulation.liquidation.base import Distressed
from simulation.liquidation.lending import bonus_seizure, close_factor, incentive_factor, liquidatable
from simulation.liquidation.to_requirement import RequirementClose
from simulation.margin.deribit_portfolio import DeribitPortfolioMargin
from simulation.margin.hyperliquid import HyperliquidMargin
from simulation.margin.lending import LendingMargin
from simulation.margin.liquidation_price import (
    Backing,
    account_prices,
    bankruptcy_price,
    inverse_bankruptcy_price,
    inverse_isolated_margin,
    isolated_margin,
    liquidation_price,
    liquidation_price_on_entry,
    price_from_available,
)
from simulation.margin.revaluation import Shocks, volatility_shock
from simulation.margin.tiers import Bracket, TierSchedule
from simulation.margin.unified import UnifiedMargin

_DAYS = 365.0
_PERCENT = 100.0
Inputs = Mapping[str, Any]


def _liquidation_price(case: Case) -> Mapping[str, Any]:
    given = case.inputs
    size, bracket = _size(given), Bracket(given["mmr"], given.get("maintenance_amount", 0.0))
    if "margin_available" in given:
        price = given.get("price", given.get("entry"))
        return {"liquidation_price": price_from_available(price, size, given["margin_available"], given["mmr"])}
    if given.get("exchange") == "bybit":
        return {"liquidation_price": liquidation_price_on_entry(size, given["entry"], _backing(given), bracket)}
    fee = given.get("taker_fee", 0.0)
    return {"liquidation_price": liquidation_price(size, given["entry"], _backing(given), bracket, fee)}


def _cross_account(case: Case) -> Mapping[str, Any]:
    held = case.inputs["positions"]
    size, entry, mark = (_column(held, name) for name in ("size", "entry", "mark"))
    wallet = np.array([float(case.inputs["wallet_balance"])])
    book = Book.of(wallet, size[None, :], entry)
    bracket = Bracket(_column(held, "mmr")[None, :], _column(held, "maintenance_amount")[None, :])
    found = account_prices(book, wallet, mark, bracket)
    answer: dict[str, float] = {}
    for place, position in enumerate(held):
        name = position["symbol"].lower()
        answer[f"mm_{name}"] = float(found.maintenance[0, place])
        answer[f"upnl_{name}"] = float(found.profit[0, place])
        answer[f"liq_{name}"] = float(found.liquidation[0, place])
    return answer


def _tiered_maintenance(case: Case) -> Mapping[str, Any]:
    floors, rates = (_column(case.inputs["tiers"], name).tolist() for name in ("floor", "mmr"))
    tiers = TierSchedule([floors], [rates], [rates])
    answer: dict[str, Any] = {"maintenance_amounts": [float(line[1][0]) for line in tiers.maintenance_lines]}
    if "notional" in case.inputs:
        notional = np.array([[float(case.inputs["notional"])]])
        line = tiers.bracket(notional)
        answer |= {"mmr": np.ravel(line.rate)[0], "maintenance_amount": np.ravel(line.deduction)[0]}
        answer["maintenance_margin"] = float(tiers.maintenance(notional)[0, 0])
    return answer


def _adl_rank(case: Case) -> Mapping[str, Any]:
    rule = BinanceDeleveraging.model_validate({})
    names = ("unrealised_pnl", "wallet_balance", "margin_ratio")
    profit, wallet, ratio = (np.array([float(case.inputs[name])]) for name in names)
    return {
        "pnl_percent": rule.profit_rate(profit, wallet)[0],
        "leverage_pnl": rule.leverage_profit(profit, wallet, ratio)[0],
    }


def _adl_order(case: Case) -> Mapping[str, Any]:
    longs = "longs" in case.inputs
    queue = case.inputs["longs" if longs else "shorts"]
    needed = float(case.inputs["liquidated_short" if longs else "liquidated_long"])
    score, size = _column(queue, "rank_score"), _column(queue, "size")
    names = [str(entry["account"]) for entry in queue]
    closed = zip(names, ranked_fills(score, size, needed).tolist(), strict=True)
    return {
        "closed": {name: lots for name, lots in closed if lots},
        "percentile": dict(zip(names, percentiles(score, size).tolist(), strict=True)),
    }


def _unrealised_profit(case: Case) -> Mapping[str, Any]:
    given = case.inputs
    return {"upnl": _book(given["size"], given["entry"]).profit(_one(given["mark"]))[0, 0]}


def _loan_maintenance(case: Case) -> Mapping[str, Any]:
    loans = case.inputs["loans"]
    names = tuple(loan["asset"] for loan in loans)
    board = Board.at(Listed.plain(names, "spot"), np.ones(len(names)))
    owed = -_column(loans, "amount")
    rule = UnifiedMargin.model_validate({"loan_rate": case.inputs["maintenance_rate"]})
    needed = rule.loan_maintenance(Book.of(np.zeros(1), owed[None, :], board.price), board)[0]
    return {f"mm_{name.lower()}": amount for name, amount in zip(names, needed.tolist(), strict=True)}


def _bankruptcy_price(case: Case) -> Mapping[str, Any]:
    given = case.inputs
    face, entry = _size(given), float(given["entry"])
    if given.get("contract") == "linear" or case.convention.startswith("linear"):
        backing = Backing(isolated_margin(face, entry, given["leverage"]))
        return {"bankruptcy_price": bankruptcy_price(face, entry, backing)}
    coins = inverse_isolated_margin(face, entry, given["leverage"])
    return {"bankruptcy_price": inverse_bankruptcy_price(face, entry, Backing(coins))}


def _insurance_fund(case: Case) -> Mapping[str, Any]:
    """The fund takes the position over at the bankruptcy price; what the fill makes of it is its profit or loss."""
    given = case.inputs
    taken = _book(_size(given), given["bankruptcy_price"])
    change = taken.profit(_one(given["fill_price"]))[0, 0]
    return {"fund_change": change, "fund_change_sign": int(np.sign(change))}


def _margin(case: Case) -> Mapping[str, Any]:
    given = case.inputs
    rule = HyperliquidMargin.model_validate({})
    tiers = TierSchedule.by_leverage([[0.0]], [[float(given["max_leverage"])]], rule.maintenance_share)
    notional = np.array([[float(given["notional"])]])
    initial = rule.initial_at(notional, float(given.get("leverage", given["max_leverage"])), tiers)
    return {
        "initial_margin": initial[0, 0],
        "maintenance_margin": rule.maintenance(notional, tiers)[0, 0],
        "transfer_margin": rule.transfer_requirement(notional, initial)[0, 0],
    }


def _collateral(case: Case) -> Mapping[str, Any]:
    given = case.inputs
    rule = UnifiedMargin.model_validate({"default": {"collateral_rate": given["ltv"]}})
    book, board = _book(given["amount"], given["price"], cash=0.0), _board(given["price"], "spot")
    return {"borrowable": rule.adjusted_equity(book, board)[0]}


def _volatility_shock(case: Case) -> Mapping[str, Any]:
    given = case.inputs
    return {"relative_vol_shock": float(volatility_shock(given["days"], given["base"], given["power"]))}


def _contingency(case: Case) -> Mapping[str, Any]:
    """In the coin of the underlying: its price on the board is 1."""
    held = case.inputs["strike_positions"]
    strike = np.array([float(position.get("strike", 1.0)) for position in held])
    side = np.array([{"call": 1.0, "put": -1.0}[position["type"]] for position in held])
    names = tuple(map(str, range(len(held))))
    listed = Listed(names, ("option",) * len(held), np.zeros(len(held), np.intp), strike, side)
    board = Board.at(listed, np.ones(len(held)), years=np.ones(len(held)))
    rule = DeribitPortfolioMargin.model_validate({"option_rate": case.inputs["charge_per_net_short"]})
    book = Book.of(np.zeros(1), _column(held, "qty")[None, :], board.price)
    charge = float(rule.option_contingency(book, board)[0])
    return {name: charge for name in case.expected if name.startswith("charge")}


def _forward(case: Case) -> Mapping[str, Any]:
    given = case.inputs
    future = Future.model_validate({"underlying": "spot", "expiry_days": given["days"], "rate": given["rate"]})
    return {"forward": future.forward(_one(given["spot"]), given["days"] / _DAYS)[0]}


def _scenario_profits(case: Case) -> Mapping[str, Any]:
    given = case.inputs
    moves = np.array(given["moves_pct"], float) / _PERCENT
    book, board = _book(given["futures"], given["forward"]), _board(given["forward"], "future")
    profits = DeribitPortfolioMargin.model_validate({}).scenario_profits(
        book, board, Shocks(moves, np.zeros_like(moves))
    )
    return {"pnl": profits[0]}


def _deleveraging_target(case: Case) -> Mapping[str, Any]:
    given = case.inputs
    invested, equity = _one(given["invested"]), _one(given["equity"])
    rate = [[float(given["maintenance_ratio"])]]
    needed = TierSchedule([[0.0]], rate, rate).maintenance(invested[None, :])[0]
    pools = Distressed(equity, needed, invested, np.zeros(1))
    return {"target_invested": RequirementClose.model_validate({"penalty_rate": 0.0}).kept(pools)[0]}


def _health_factor(case: Case) -> Mapping[str, Any]:
    given = case.inputs
    listed = (
        given["collateral"]
        if "collateral" in given
        else [{"value": given["collateral_value"], "threshold": given["liquidation_threshold"]}]
    )
    names = tuple(map(str, range(len(listed))))
    terms = {
        name: {"loan_to_value": 0.0, "liquidation_threshold": asset["threshold"]}
        for name, asset in zip(names, listed, strict=True)
    }
    board = Board.at(Listed.plain(names, "spot"), np.ones(len(names)))
    book = Book.of(-_one(given["debt"]), _column(listed, "value")[None, :], board.price)
    health = LendingMargin.model_validate({"markets": terms}).health_factor(book, board)
    return {"health_factor": health[0], "liquidatable": liquidatable(health)[0]}


def _liquidation_amount(case: Case) -> Mapping[str, Any]:
    given = case.inputs
    debt = next(float(value) for name, value in given.items() if name.startswith("debt"))
    share = given["close_factor"] if "close_factor" in given else close_factor(float(given["health_factor"]))
    collateral = next((float(value) for name, value in given.items() if name.startswith("collateral")), np.inf)
    found = bonus_seizure(debt, collateral, share, given["bonus"])
    return {"repay": found.repaid, "seize": found.seized}


def _incentive(case: Case) -> Mapping[str, Any]:
    given = case.inputs
    return {"lif": incentive_factor(given["lltv"], given["beta"], given["max_lif"])}


def _size(given: Inputs) -> float:
    return float(np.copysign(given.get("size", 1.0), given.get("side", given.get("size", 1.0))))


def _backing(given: Inputs) -> Backing:
    """Return what a position has behind it; where no margin is given it is what the leverage asks."""
    wallet = given.get("wallet_balance", given.get("margin"))
    if wallet is None:
        wallet = isolated_margin(_size(given), given["entry"], given["leverage"])
    return Backing(wallet, given.get("other_maintenance_margin", 0.0), given.get("other_unrealised_pnl", 0.0))


def _book(size: float, entry: float, cash: float = 0.0) -> Book:
    return Book.of(_one(cash), np.array([[float(size)]]), _one(entry))


def _board(price: float, kind: InstrumentKind) -> Board:
    return Board.at(Listed.plain(("X",), kind), _one(price))


def _one(number: float) -> Array:
    return np.array([float(number)])


def _column(rows: Sequence[Inputs], name: str) -> Array:
    return np.array([float(row[name]) for row in rows])


_KINDS: dict[str, Callable[[Case], Mapping[str, Any]]] = {
    "liquidation_price": _liquidation_price,
    "cross_account": _cross_account,
    "tiered_maintenance": _tiered_maintenance,
    "adl_rank": _adl_rank,
    "adl_order": _adl_order,
    "unrealised_pnl": _unrealised_profit,
    "loan_maintenance": _loan_maintenance,
    "bankruptcy_price": _bankruptcy_price,
    "insurance_fund": _insurance_fund,
    "margin": _margin,
    "collateral": _collateral,
    "vol_shock": _volatility_shock,
    "contingency": _contingency,
    "forward": _forward,
    "scenario_pnl": _scenario_profits,
    "deleveraging_target": _deleveraging_target,
    "health_factor": _health_factor,
    "liquidation_amount": _liquidation_amount,
    "liquidation_incentive": _incentive,
}
ADAPTERS: dict[tuple[str, str], Adapter] = {("cex_and_doc_examples", kind): answer for kind, answer in _KINDS.items()}
