"""Published Derive standard margin cases."""

from collections.abc import Mapping
from typing import Any

from experiments.conformance.case import Adapter, Case
from experiments.conformance.derive_portfolio import YEAR_SECONDS, Columns
from simulation.margin.derive_scenarios import in_settlement
from simulation.margin.derive_standard import DeriveStandardMargin

_OPTIONS = {
    "max_spot_req": "initial_rate",
    "min_spot_req": "least_initial_rate",
    "mm_call_spot_req": "call_maintenance_rate",
    "mm_put_spot_req": "put_maintenance_rate",
    "mm_put_mtm_req": "put_mark_rate",
    "mm_offset_scale": "put_initial_factor",
    "unpaired_im_scale": "initial_unpaired",
    "unpaired_mm_scale": "maintenance_unpaired",
}
_DOUBTS = {
    "oc_perp_threshold": "perpetual_threshold",
    "oc_option_threshold": "option_threshold",
    "oc_base_threshold": "token_threshold",
    "oc_factor": "rate",
    "depeg_threshold": "peg_threshold",
    "depeg_factor": "peg_factor",
}
_RATES = {"perp_im": "initial_rate", "perp_mm": "maintenance_rate"}
_TOKENS = {"base_margin_factor": "weight", "base_im_scale": "initial_scale"}


def _standard(case: Case) -> Mapping[str, Any]:
    given = case.inputs
    rule, stable = _rule(given["params"]), float(given["stable_price"])
    columns, cash = Columns(), float(given["cash"])
    for asset, (name, market) in enumerate(given["markets"].items()):
        cash = cash + (market["perp"]["unsettled"] if market["perp"] else 0.0)
        _list(columns, name, {**market, "stable": stable, "asset": asset})
    board = columns.board(stable)
    book = columns.book(cash, board.price)
    return {
        "initial_margin_balance": rule.balance(book, board, "initial")[0],
        "maintenance_margin_balance": rule.balance(book, board, "maintenance")[0],
        "mark_to_market": rule.mark_to_market(book, board)[0],
    }


def _list(columns: Columns, name: str, market: Mapping[str, Any]) -> None:
    spot, sure, stable, asset = (market[key] for key in ("spot", "spot_conf", "stable", "asset"))
    price = float(in_settlement(spot, stable))
    columns.add(name, "spot", market["base"], asset=asset, price=price, spot=spot, confidence=sure)
    if perp := market["perp"]:
        known = min(sure, perp["conf"])
        columns.add(
            f"{name}-PERP",
            "perpetual",
            perp["amount"],
            asset=asset,
            price=perp["price"],
            spot=spot,
            confidence=known,
        )
    for expiry in market["expiries"]:
        facts = {
            "asset": asset,
            "spot": spot,
            "forward": float(expiry["forward"]),
            "years": expiry["sec"] / YEAR_SECONDS,
            "confidence": min(sure, expiry["fwd_conf"], expiry["vol_conf"]),
        }
        columns.add_options(expiry["options"], facts)


def _rule(stated: Mapping[str, float]) -> DeriveStandardMargin:
    def terms(fields: Mapping[str, str]) -> dict[str, float]:
        return {fields[name]: value for name, value in stated.items() if name in fields}

    sections = {"options": terms(_OPTIONS), "doubts": terms(_DOUBTS), "default": terms(_TOKENS)}
    return DeriveStandardMargin.model_validate({**terms(_RATES), **sections})


ADAPTERS: dict[tuple[str, str], Adapter] = {("derive_srm_standard_margin", "standard_margin"): _standard}
