"""What liquidators of lending markets repay and seize; values in one currency, arrays (r,) or numbers."""

from dataclasses import dataclass

import numpy as np

from simulation.arrays import Array, Mask

Amount = Array | float


@dataclass(frozen=True)
class Seizure:
    """A liquidation: what is repaid, what collateral is taken for it, and the debt that nobody will ever repay."""

    repaid: Array
    seized: Array
    bad_debt: Array

    @property
    def ratio(self) -> Array:
        """Return the value repaid per value seized, nan where nothing is."""
        some = self.seized > 0.0
        return np.where(some, self.repaid / np.where(some, self.seized, 1.0), np.nan)

    def in_units(self, debt_price: Amount, collateral_price: Amount) -> "Seizure":
        """Return the same in units of the debt and of the collateral, given the price of one unit of each."""
        return Seizure(self.repaid / debt_price, self.seized / collateral_price, self.bad_debt / debt_price)


def liquidatable(health: Amount) -> Mask:
    """Tell who may be liquidated: a health factor strictly below 1."""
    return np.asarray(health) < 1.0


def close_factor(health: Amount, share: float = 0.5, whole_below: float = 0.95) -> Array:
    """Return the share of the debt that may be repaid at once: all of it at `whole_below` or less, 0 if healthy.

    Source: Aave v3, `LiquidationLogic` (.5 while the health factor is above .95).
    """
    under = np.where(np.asarray(health) > whole_below, share, 1.0)
    return np.where(liquidatable(health), under, 0.0)


def bonus_seizure(debt: Amount, collateral: Amount, share: Amount, bonus_rate: Amount) -> Seizure:
    """Return the repayment of `share` of `debt` for collateral worth repayment * (1 + bonus), no more than there is.

    Where the collateral is too small the repayment shrinks with it, and what debt is left without collateral is bad.
    Source: Aave v3, `LiquidationLogic._calculateAvailableCollateralToLiquidate`.
    """
    debt, collateral = np.asarray(debt, float), np.asarray(collateral, float)
    wanted = debt * share
    seized = np.minimum(wanted * (1.0 + np.asarray(bonus_rate)), collateral)
    repaid = np.minimum(wanted, seized / (1.0 + np.asarray(bonus_rate)))
    return Seizure(repaid, seized, np.where(seized >= collateral, debt - repaid, 0.0))


def protocol_fee(seizure: Seizure, share: float) -> Array:
    """Return the part of the seized bonus that goes to the venue: share * (seized - repaid). Source: Aave v3."""
    return share * (seizure.seized - seizure.repaid)


def incentive_factor(threshold: Amount, slope: float = 0.3, most: float = 1.15) -> Array:
    """Return the value seized per value repaid: min(most, 1 / (slope * threshold + 1 - slope)).

    Source: Morpho Blue, liquidation incentive factor of a market with liquidation loan-to-value `threshold`.
    """
    return np.minimum(most, 1.0 / (slope * np.asarray(threshold) + 1.0 - slope))


def discount_factor(health: Amount, largest_discount: float) -> Array:
    """Return the value repaid per value seized: max(health, 1 - largest discount).

    The discount opens with the shortfall, so liquidators compete while it is small. Source: Euler v2, `Liquidation`.
    """
    return np.maximum(np.asarray(health, float), 1.0 - largest_discount)


def discounted_seizure(debt: Amount, collateral: Amount, health: Amount, largest_discount: float) -> Seizure:
    """Return the largest liquidation: the whole debt for debt / discount factor of collateral, if there is so much.

    Otherwise all of the collateral for its value times the factor. Nothing while healthy; collateral without value may
    be taken for nothing. `collateral` is the value of the seized asset; the bad debt supposes that there is no other.
    Source: Euler v2, `Liquidation.calculateMaxLiquidation`.
    """
    debt, collateral, under = np.asarray(debt, float), np.asarray(collateral, float), liquidatable(health)
    factor = discount_factor(health, largest_discount)
    with np.errstate(divide="ignore", invalid="ignore"):
        wanted = np.where(debt > 0.0, debt / factor, 0.0)
    seized = np.where(under, np.minimum(wanted, collateral), 0.0)
    repaid = np.where(wanted > collateral, collateral * factor, debt)
    repaid = np.where(under, repaid, 0.0)
    return Seizure(repaid, seized, np.where(under & (seized >= collateral), debt - repaid, 0.0))
