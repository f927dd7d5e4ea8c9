"""Implied volatility: one surface an asset, with a joint process of its own."""
