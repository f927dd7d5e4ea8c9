"""Valuation rules: the price at which a token counts as collateral."""
