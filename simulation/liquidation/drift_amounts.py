"""Amounts in liquidations of Drift v2: what covers a shortage, what goes to the insurance fund, worst prices."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from simulation.arrays import Array, Mask, ceil_to, floor_to

Amount: TypeAlias = Array | float

# What the programs count in (programs/drift/src/math/constants.rs).
_MONEY = 1e-6  # dollars, prices, fee rates
_SIZE = 1e-9  # units of perpetuals
_FINE_WEIGHT = 1e-5  # weights of tokens, ten times finer than their terms
_SAFE_SHARE = 0.95  # of what an account can afford, so that the fee itself makes nobody bankrupt


@dataclass(frozen=True)
class Fees:
    """Fee rates of a liquidation, fractions of the value closed."""

    liquidator: Amount
    insurance: Amount


@dataclass(frozen=True)
class Perpetual:
    """A perpetual to be closed: units, at least 0; margin rate, buffer included; dollars a unit; quote's price."""

    size: Amount
    rate: Amount
    price: Amount
    quote_price: Amount = 1.0

    @property
    def dollars(self) -> Array:
        """Return the price with the settlement currency at its own, dollars."""
        return floor_to(np.asarray(self.price * self.quote_price, float), _MONEY)

    def cover(self, shortage: Amount, fees: Fees) -> Array:
        """Return the units that free `shortage` dollars: shortage / (p quote (rate - liquidator) - p insurance).

        Infinity where closing frees nothing: everything has to go. Source: Drift v2,
        `calculate_base_asset_amount_to_cover_margin_shortage`.
        """
        freed = floor_to(self.dollars * (self.rate - fees.liquidator), _MONEY)
        freed = freed - floor_to(np.asarray(self.price * fees.insurance, float), _MONEY)
        return _bounded(shortage, np.where(np.asarray(self.rate) > fees.liquidator, freed, 0.0), _SIZE)

    def insurance_fee(self, shortage: Amount, liquidator_fee: Amount, most: float) -> Array:
        """Return the rate for the insurance fund: min(most, .95 max(0, rate - liquidator fee - shortage / value)).

        Zero without position or price. Source: Drift v2, `calculate_perp_if_fee`.
        """
        some = (np.asarray(self.size) > 0.0) & (self.dollars > 0.0) & (np.asarray(self.rate) > liquidator_fee)
        missing = floor_to(shortage / np.where(some, self.size, 1.0), _MONEY)
        missing = floor_to(missing / np.where(some, self.dollars, 1.0), _MONEY)
        left = np.maximum(self.rate - liquidator_fee - missing, 0.0)
        return np.where(some, np.minimum(most, floor_to(_SAFE_SHARE * left, _MONEY)), 0.0)


@dataclass(frozen=True)
class Exchange:
    """A token held for a token owed: dollars a unit, and multipliers that favour the liquidator (1 + fee, 1 - fee).

    asset_unit, liability_unit: smallest amounts of the two tokens.
    """

    asset_price: Amount
    liability_price: Amount
    asset_multiplier: float = 1.0
    liability_multiplier: float = 1.0
    asset_unit: float = 1e-6
    liability_unit: float = 1e-9

    @classmethod
    def at(cls, asset_price: float, liability_price: float, asset_fee: float, liability_fee: float) -> "Exchange":
        """Return the exchange with a liquidator who gets a fee rate on each side."""
        return cls(asset_price, liability_price, 1.0 + asset_fee, 1.0 - liability_fee)

    def cover(self, shortage: Amount, weights: tuple[Amount, Amount], insurance_fee: Amount) -> Array:
        """Return the debt to take over so that `shortage` dollars are freed; infinity where no amount is enough.

        shortage / (p (u - w m_asset / m_liability) - p insurance u) with the `weights` w of the asset and u of the
        liability. Source: Drift v2, `calculate_liability_transfer_to_cover_margin_shortage`.
        """
        asset, liability = np.asarray(weights[0], float), np.asarray(weights[1], float)
        given = floor_to(asset * self.asset_multiplier / self.liability_multiplier, _FINE_WEIGHT)
        fee = floor_to(np.asarray(self.liability_price * insurance_fee, float), _MONEY) * liability
        possible = (asset < liability) & (given < liability)
        freed = np.where(possible, self.liability_price * (liability - given) - fee, 0.0)
        return _bounded(shortage, freed, self.liability_unit)

    def insurance_fee(self, shortage: Amount, tokens: Amount, weights: tuple[Amount, Amount], most: float) -> Array:
        """Return the rate for the insurance fund of taking over a debt of `tokens`.

        min(most, max(0, u - w m_asset / m_liability - shortage / (tokens p)) / u), zero where an input is. Source:
        Drift v2, `calculate_spot_if_fee`.
        """
        asset, liability = np.asarray(weights[0], float), np.asarray(weights[1], float)
        some = (asset < liability) & (np.asarray(self.liability_price) > 0.0) & (np.asarray(tokens) > 0.0)
        some = some & (self.liability_multiplier > 0.0)
        given = floor_to(asset * self.asset_multiplier / (self.liability_multiplier or 1.0), _MONEY)
        missing = floor_to(shortage / np.where(some, tokens, 1.0) / np.where(some, self.liability_price, 1.0), _MONEY)
        left = np.maximum(np.maximum(liability - given, 0.0) - missing, 0.0)
        return np.where(some, np.minimum(most, floor_to(left / np.where(some, liability, 1.0), _MONEY)), 0.0)

    def liability_for(self, asset: Amount) -> Array:
        """Return the debt that `asset` tokens pay for, rounded up.

        asset p_asset m_liability / (p_liability m_asset). Source: Drift v2,
        `calculate_liability_transfer_implied_by_asset_amount`.
        """
        paid = asset * self.asset_price * self.liability_multiplier
        return ceil_to(np.asarray(paid / (self.liability_price * self.asset_multiplier)), self.liability_unit)

    def asset_for(self, liability: Amount, balance: Amount) -> Array:
        """Return the tokens given for taking over `liability`, rounded down.

        liability p_liability m_asset / (p_asset m_liability); all of `balance` where that differs by less than a
        dollar. Source: Drift v2, `calculate_asset_transfer_for_liability_transfer`.
        """
        owed = liability * self.liability_price * self.asset_multiplier
        given = floor_to(np.asarray(owed / (self.asset_price * self.liability_multiplier)), self.asset_unit)
        dust = floor_to(np.abs(given - balance) * self.asset_price, _MONEY) < 1.0
        return np.where(dust, balance, given)

    def accepts(self, asset: Amount, liability: Amount) -> Mask:
        """Tell whether a swap of `asset` sold for `liability` tokens is at least as good as the worst price allowed.

        liability / asset >= p_asset m_liability / (p_liability m_asset). Source: Drift v2,
        `validate_swap_within_liquidation_boundaries`.
        """
        got = floor_to(floor_to(np.asarray(liability, float), _MONEY) / asset, _MONEY)
        least = floor_to(np.asarray(self.asset_price * self.liability_multiplier / self.liability_price), _MONEY)
        return got >= floor_to(least / self.asset_multiplier, _MONEY)


def _bounded(shortage: Amount, freed: Array, unit: float) -> Array:
    """Return shortage over what a unit frees, rounded down; infinity where it frees nothing."""
    size = floor_to(shortage / np.where(freed > 0.0, freed, 1.0), unit)
    return np.where(freed > 0.0, size, np.inf)
