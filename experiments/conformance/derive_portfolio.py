"""Published Derive portfolio margin cases, PMRM and PMRM_2."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from experiments.conformance.case import Adapter, Case
from simulation.board import Board, Book, InstrumentKind, Listed
from simulation.margin.derive_portfolio import DerivePortfolioMargin
from simulation.margin.derive_portfolio2 import DerivePortfolio2Margin
from simulation.margin.derive_scenarios import DeriveScenarioMargin, averaged_share, in_settlement

YEAR_SECONDS = 31_536_000.0


@dataclass
class Columns:
    """The columns of a case, one after another."""

    names: list[str] = field(default_factory=list)
    kinds: list[InstrumentKind] = field(default_factory=list)
    asset: list[int] = field(default_factory=list)
    strike: list[float] = field(default_factory=list)
    side: list[float] = field(default_factory=list)
    position: list[float] = field(default_factory=list)
    facts: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, kind: InstrumentKind, amount: float, **facts: float) -> None:
        """Add a column that is held."""
        self.names.append(name)
        self.kinds.append(kind)
        self.asset.append(int(facts.pop("asset", 0)))
        self.position.append(float(amount))
        self.strike.append(facts.pop("strike", np.nan))
        self.side.append(facts.pop("side", 0.0))
        for fact in ("price", "spot", "forward", "years", "volatility", "rate", "confidence", "average", "averaged"):
            self.facts.setdefault(fact, []).append(float(facts.get(fact, np.inf if fact == "years" else 0.0)))

    def add_options(self, options: Sequence[Mapping[str, Any]], facts: Mapping[str, float]) -> None:
        """Add the options of one expiry."""
        for option in options:
            side = 1.0 if option["is_call"] else -1.0
            own = {"strike": float(option["strike"]), "side": side, "volatility": float(option["vol"])}
            self.add(f"OPTION{len(self.names)}", "option", option["amount"], **facts, **own)

    def board(self, stable: float) -> Board:
        """Return the board of the columns."""
        parts = np.array(self.asset, np.intp), np.array(self.strike), np.array(self.side)
        listed = Listed(tuple(self.names), tuple(self.kinds), *parts)
        facts = {name: np.array(values) for name, values in self.facts.items()}
        return Board.at(listed, facts.pop("price"), **facts, quote_price=stable)

    def account(self, cash: float, stable: float) -> tuple[Board, Book]:
        """Return the board and the account with `cash`; a case that holds nothing gets a column for it."""
        if not self.names:
            self.add("NOTHING", "perpetual", 0.0)
        board = self.board(stable)
        return board, self.book(cash, board.price)

    def book(self, cash: float, price: np.ndarray) -> Book:
        """Return the account: perpetuals were opened at today's price, everything else was there before."""
        position, linear = np.array([self.position]), np.array(self.kinds) == "perpetual"
        opened = Book.opened(np.array([cash]), np.where(linear, position, 0.0), price)
        return Book(opened.cash, position, opened.cost)


def _second(case: Case) -> Mapping[str, Any]:
    given = case.inputs
    rule = _second_rule(case, given)
    spot, sure, stable = (float(given[name]) for name in ("spot", "spot_confidence", "stable_price"))
    columns, cash, every = Columns(), float(given["cash"]), sure
    if perp := given["perp"]:
        known = min(sure, perp["confidence"])
        columns.add("PERP", "perpetual", perp["amount"], price=perp["price"], spot=spot, confidence=known)
        every = known
        cash = cash + perp["unrealised_pnl"] + perp["unrealised_funding"]
    for token in given["collateral"]:
        price = float(in_settlement(token["price"], stable))
        known = min(sure, token["confidence"])
        columns.add(token["name"], "spot", token["amount"], price=price, spot=spot, confidence=known)
    for expiry in given["expiries"]:
        _add_options(columns, expiry, spot, every)
    return _answer(rule, *columns.account(cash, stable))


def _add_options(columns: Columns, expiry: Mapping[str, Any], spot: float, sure: float) -> None:
    seconds, forward = float(expiry["seconds_to_expiry"]), float(expiry["forward"])
    facts = {
        "spot": spot,
        "forward": forward,
        "average": forward,
        "averaged": averaged_share(seconds),
        "years": seconds / YEAR_SECONDS,
        "rate": float(expiry["rate"]),
        "confidence": min(sure, *(float(expiry[f"confidence_{name}"]) for name in ("forward", "rate", "vol"))),
    }
    columns.add_options(expiry["options"], facts)


def _answer(rule: DeriveScenarioMargin, board: Board, book: Book) -> Mapping[str, Any]:
    return {
        "maintenance_margin_balance": rule.balance(book, board, "maintenance")[0],
        "initial_margin_balance": rule.balance(book, board, "initial")[0],
        "mark_to_market": rule.mark_to_market(book, board)[0],
        "scenario_pnl": rule.scenario_profits(book, board)[0],
        "basis_contingency_pnl": rule.basis_contingency(book, board)[0],
    }


_FIELDS = {
    "VolShock": (
        "volatility",
        {
            "VOLRANGEUP": "up",
            "VOLRANGEDOWN": "down",
            "MIN_VOL_EVAL_SHOCKED": "floor",
            "SHORTTERMPOWER": "short_power",
            "LONGTERMPOWER": "long_power",
            "DTE_FLOOR": "least_days",
        },
    ),
    "SkewShock": (
        "skew",
        {
            "LINEAR_SCALE_CAP": "linear_cap",
            "LINEAR_CBASE": "linear_base",
            "ABS_SCALE_CAP": "abs_cap",
            "ABS_CBASE": "abs_base",
            "MIN_K_STAR": "least_width",
            "MIN_WIDTH_SCALE": "width_scale",
            "VOL_PARAM_STATIC": "level",
            "VOL_PARAM_SCALE": "slope",
        },
    ),
    "Margin": (
        "discounts",
        {
            "SHORT_RATE_MULTSCALE": "short_rate",
            "LONG_RATE_MULTSCALE": "long_rate",
            "SHORT_RATE_ADDSCALE": "short_add",
            "LONG_RATE_ADDSCALE": "long_add",
            "BASE_STATIC_DISCOUNT": "long",
            "BASE_STATIC_DISCOUNT_NEG": "short",
        },
    ),
    "BasisContingency": (
        "basis",
        {
            "SCENARIO_SPOT_UP": "up",
            "SCENARIO_SPOT_DOWN": "down",
            "BASIS_CONT_ADD_FACTOR": "share",
            "BASIS_CONT_MULT_FACTOR": "share_per_year",
        },
    ),
    "OtherContingency": (
        "charges",
        {
            "PEG_LOSS_THRESHOLD": "peg_threshold",
            "PEG_LOSS_FACTOR": "peg_factor",
            "CONF_THRESHOLD": "confidence_threshold",
            "CONF_MARGIN": "confidence_rate",
            "MM_PERP_PERCENT": "maintenance_perpetual_rate",
            "IM_PERP_PERCENT": "initial_perpetual_rate",
            "MM_OPTION_PERCENT": "maintenance_option_rate",
            "IM_OPTION_PERCENT": "initial_option_rate",
        },
    ),
}
_FACTORS = {"MM_LOSS_FACTOR": "maintenance_factor", "IM_LOSS_FACTOR": "initial_factor"}


def _second_rule(case: Case, given: Mapping[str, Any]) -> DerivePortfolio2Margin:
    """Return the rule with the file's parameters and those the case changes."""
    changed, default = given["params_overriding_default"], case.file["default_params"]
    stated = {name: {**default.get(name, {}), **changed.get(name, {})} for name in _FIELDS}
    terms: dict[str, Any] = {
        section: {fields[name]: value for name, value in stated[title].items() if name in fields}
        for title, (section, fields) in _FIELDS.items()
    }
    terms |= {_FACTORS[name]: value for name, value in stated["Margin"].items() if name in _FACTORS}
    scenarios = changed.get("Scenarios", default["Scenarios"])
    terms["scenarios"] = [
        {"spot": spot, "volatility": move.lower(), "weight": weight} for spot, move, weight in scenarios
    ]
    terms["markets"] = {
        token["name"]: {
            "shocked": token["in_spot_shock"],
            "initial_haircut": token["im_haircut"],
            "maintenance_haircut": token["mm_haircut"],
        }
        for token in given["collateral"]
    }
    return DerivePortfolio2Margin.model_validate(terms)


_FIRST = {
    "volatility": {
        "volRangeUp": "up",
        "volRangeDown": "down",
        "shortTermPower": "short_power",
        "longTermPower": "long_power",
        "dteFloorDays": "least_days",
    },
    "basis": {
        "scenarioSpotUp": "up",
        "scenarioSpotDown": "down",
        "basisContAddFactor": "share",
        "basisContMultFactor": "share_per_year",
    },
    "static": {
        "basePercent": "token_rate",
        "perpPercent": "perpetual_rate",
        "optionPercent": "option_rate",
        "confThreshold": "confidence_threshold",
        "confMargin": "confidence_rate",
    },
    "discounts": {"baseStaticDiscount": "factor", "rateMultScale": "multiple", "rateAddScale": "add"},
}
_FIRST_FACTORS = {"imFactor": "initial_factor", "pegLossThreshold": "peg_threshold", "pegLossFactor": "peg_factor"}
_HALF = 0.5  # of the settlement average counts as known, so that forward and average state the two parts of a forward


def _first(case: Case) -> Mapping[str, Any]:
    return _answer(*first_account(case.inputs, case.file["scenarios"]))


def first_account(given: Mapping[str, Any], scenarios: Sequence[Any] = ()) -> tuple[DerivePortfolioMargin, Board, Book]:
    """Return the rule, the board and the account of a case of the first portfolio margin."""
    stated = given["params"]
    terms: dict[str, Any] = {
        section: {fields[name]: value for name, value in stated.items() if name in fields}
        for section, fields in _FIRST.items()
    }
    terms["volatility"]["floor"] = 0.0
    terms |= {_FIRST_FACTORS[name]: value for name, value in stated.items() if name in _FIRST_FACTORS}
    if scenarios:
        terms["scenarios"] = [{"spot": spot, "volatility": move.lower()} for spot, move in scenarios]
    spot, sure, stable = (float(given[name]) for name in ("spot", "spot_conf", "stable_price"))
    columns, cash, known = Columns(), float(given["cash"]), sure
    if perp := given["perp"]:
        known = min(sure, perp["conf"])
        columns.add("PERP", "perpetual", perp["amount"], price=perp["price"], spot=spot, confidence=known)
        cash = cash + perp["unsettled"]
    if given["base"]:
        price = float(in_settlement(spot, stable))
        columns.add("BASE", "spot", given["base"], price=price, spot=spot, confidence=known)
    for expiry in given["expiries"]:
        facts = {
            "spot": spot,
            "forward": expiry["fwd_var"] / _HALF,
            "average": expiry["fwd_fixed"] / _HALF,
            "averaged": _HALF,
            "years": expiry["sec"] / YEAR_SECONDS,
            "rate": float(expiry["rate"]),
            "confidence": min(sure, expiry["conf"]),
        }
        columns.add_options(expiry["options"], facts)
    return DerivePortfolioMargin.model_validate(terms), *columns.account(cash, stable)


ADAPTERS: dict[tuple[str, str], Adapter] = {
    ("derive_pmrm1_portfolio_margin", "portfolio_margin"): _first,
    ("derive_pmrm2_portfolio_margin", "portfolio_margin"): _second,
}
